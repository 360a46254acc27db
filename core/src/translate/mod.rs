//! Translation: one Cloud Map service becomes one `ServiceEntry`.
//!
//! The steps, in order, are in [`Translator`]'s private `Claim`:
//!
//! 1. `settings`: overrides (`overrides`), the service's own hints and the options (`options`)
//!    decide whether the service is translated, and `metadata` under which host and name.
//! 2. `candidates`: the instances whose address (`address`, `cidr`) and port can be used, and which
//!    of them are used by their health.
//! 3. `ports`: the service ports, and how each endpoint maps them to its own ports.
//! 4. `endpoints` with their labels, weights and localities; `virtual_addresses` of the entry.
//! 5. `metadata` of the entry, with the labels and annotations of `entry_values`.
//! 6. `transform`: the user's transformation of the entry, if there is one.
//! 7. `limits` of the API server; what an `ambient` mesh would make of the entry.
//!
//! `conflicts` handles several services that claim one host. Everything that is left out or
//! degraded on the way goes to the `report`.

mod address;
mod ambient;
mod candidates;
mod cidr;
mod conflicts;
mod endpoints;
mod entry_values;
mod explain;
mod limits;
mod metadata;
mod options;
mod overrides;
mod ports;
mod report;
mod settings;
#[cfg(test)]
mod tests;
mod transform;
mod virtual_addresses;

pub use cidr::{Cidr, InvalidCidr};
pub use conflicts::Translated;
pub use entry_values::{EntryValue, EntryValues};
pub use explain::{Reason, Rule};
pub use metadata::{
    HostError, InvalidNamespace, NAME_PREFIX, entry_name, host_and_name, target_namespace,
};
pub use options::{
    Addresses, Conflicts, EmptyService, ExportTo, HealthMode, InvalidExportTo, InvalidLabelKey,
    IpFamily, LabelKey, Mesh, Options,
};
pub use overrides::{Glob, Override};
pub use ports::{InvalidPort, InvalidPorts, PortList, PortSpec};
pub use settings::expected_host_and_name;
pub use transform::Transform;

use serde::de::DeserializeOwned;
use serde_json::Value;

use address::AddressRules;
use candidates::{ByHealth, Candidates};
use explain::About;
use ports::Instances;
use report::Report;
use settings::Settings;
use transform::{Step, Unchanged};

use crate::cloud_map::Record;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::service_entry::{Kind, ServiceEntry, ServicePort, Spec};

/// The result of a translation.
#[derive(Debug, Clone, PartialEq)]
pub struct Translation {
    /// The entry, or the reason for its absence.
    pub outcome: Outcome,
    /// What was dropped or degraded, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a service is translated to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its entry.
    Entry(Box<ServiceEntry>),
    /// No entry is desired: the service is ECS's bookkeeping, is excluded by an override or a hint,
    /// or the transformation drops it.
    Excluded,
    /// No entry is desired while the service has no endpoint (`emptyService: omit`).
    Empty,
    /// No entry can be made; the diagnostics have the error. The last applied entry is kept.
    Failed,
}

/// The last known ports and addresses of a service, for the time in which none of its instances has
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastKnown {
    /// Its ports, sorted by number; empty, if they are not known.
    pub ports: Vec<ServicePort>,
    /// Its virtual addresses, sorted.
    pub addresses: Vec<String>,
}

impl LastKnown {
    /// The ports and addresses of an entry.
    #[must_use]
    pub fn from_entry(entry: &ServiceEntry) -> Self {
        Self { ports: entry.spec.ports.clone(), addresses: entry.spec.addresses.clone() }
    }

    /// The ports and addresses of an entry's spec as JSON. Lenient: an item that can't be read is
    /// left out.
    #[must_use]
    pub fn from_json(spec: &Value) -> Self {
        fn list<T: DeserializeOwned>(spec: &Value, field: &str) -> Vec<T> {
            let items = spec.get(field).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(|item| T::deserialize(item).ok()).collect()
        }
        Self { ports: list(spec, "ports"), addresses: list(spec, "addresses") }
    }
}

/// Translates services.
///
/// ```
/// use istio_cloud_map_core::cloud_map::Record;
/// use istio_cloud_map_core::translate::{Options, Outcome, Translator};
///
/// let mut record = Record::default();
/// record.namespace.name = "shop".to_owned();
/// record.service.name = "web".to_owned();
/// let options = Options::default();
/// let translation = Translator::new(&options).translate(&[&record], None);
/// let Outcome::Entry(entry) = translation.outcome else { panic!("no entry") };
/// assert_eq!(entry.spec.hosts, ["web.shop"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Translator<'a, S = Unchanged> {
    options: &'a Options,
    step: S,
}

impl<'a> Translator<'a> {
    /// A translator without a transformation.
    #[must_use]
    pub const fn new(options: &'a Options) -> Self {
        Self { options, step: Unchanged }
    }

    /// Passes each entry to `transform`, if there is one.
    #[must_use]
    pub const fn with_transform(
        self,
        transform: Option<&'a dyn Transform>,
    ) -> Translator<'a, Option<&'a dyn Transform>> {
        Translator { options: self.options, step: transform }
    }
}

impl<S: Step> Translator<'_, S> {
    /// Translates a service, or several that share one host as `conflicts: merge` asks: the first
    /// one decides the name, the settings and the annotations, and each endpoint has its own region
    /// in its locality, so that Istio fails over between regions. `Empty` without any service.
    ///
    /// The ports, or for TCP the addresses, are the `last` known ones where no instance has any.
    #[must_use]
    pub fn translate(&self, records: &[&Record], last: Option<&LastKnown>) -> Translation {
        self.run(records, last, Report::default()).0
    }

    /// The same, and why: which rule made each part of the entry.
    #[must_use]
    pub fn explain(
        &self,
        records: &[&Record],
        last: Option<&LastKnown>,
    ) -> (Translation, Vec<Reason>) {
        self.run(records, last, Report::explaining())
    }

    fn run(
        &self,
        records: &[&Record],
        last: Option<&LastKnown>,
        mut report: Report,
    ) -> (Translation, Vec<Reason>) {
        let outcome = records.first().map_or(Ok(Outcome::Empty), |first| {
            Claim::new(first, self.options, &mut report)
                .map(|claim| claim.entry(records, last, &self.step, &mut report))
        });
        let (diagnostics, reasons) = report.finish();
        (Translation { outcome: outcome.unwrap_or_else(|none| none), diagnostics }, reasons)
    }
}

/// A service's claim to a host: the first step of its translation.
struct Claim<'a> {
    record: &'a Record,
    settings: Settings<'a>,
    host: String,
    name: String,
    namespace: Option<String>,
}

impl<'a> Claim<'a> {
    /// The claim, or the outcome of a service that claims no host.
    fn new(record: &'a Record, options: &'a Options, report: &mut Report) -> Result<Self, Outcome> {
        let settings = Settings::new(record, options, report);
        if let Some(why) = settings.exclusion(record) {
            report.service(
                record,
                Severity::Info,
                Code::Excluded,
                format!("the service is left out: {why}"),
            );
            report.because(Rule::Entry, About::Service, || format!("there is no entry: {why}"));
            return Err(Outcome::Excluded);
        }
        let (host, name) = settings.host_and_name(record).map_err(|error| {
            report.service(record, Severity::Error, Code::InvalidHost, error.to_string());
            Outcome::Failed
        })?;
        let target = options.target_namespace.as_deref().map(|template| {
            target_namespace(template, &record.namespace.name, &record.service.name)
        });
        let namespace = target.transpose().map_err(|error| {
            report.service(record, Severity::Error, Code::InvalidNamespace, error.to_string());
            Outcome::Failed
        })?;
        report.because(Rule::Host, About::Service, || settings.why_host(&host));
        Ok(Self { record, settings, host, name, namespace })
    }

    /// Runs the other steps: the entry of all of `records`.
    fn entry(
        &self,
        records: &[&Record],
        last: Option<&LastKnown>,
        step: &impl Step,
        report: &mut Report,
    ) -> Outcome {
        let Self { record, settings, host, name, namespace } = self;
        let options = settings.options;
        let rules = AddressRules::new(settings.ip_family(), options, host);
        let Candidates { list, without_address } = candidates::collect(records, &rules, report);
        let ByHealth { used, left_out } =
            candidates::split_by_health(list, settings.health(), record, report);
        if used.is_empty() && settings.empty_service() == EmptyService::Omit {
            report.because(Rule::Entry, About::Service, || {
                "there is no entry while no instance can be used, by the option emptyService: omit"
                    .to_owned()
            });
            return Outcome::Empty;
        }
        let plan = ports::plan(
            record,
            settings,
            &Instances { used: &used, left_out: &left_out, without_address: &without_address },
            last,
            report,
        );
        let endpoints = endpoints::build(record, &used, &plan, options, records.len() > 1, report);
        let mode = settings.addresses();
        let addresses = if endpoints.list.is_empty() {
            virtual_addresses::of_empty_service(record, mode, &plan.ports, &left_out, last, report)
        } else {
            virtual_addresses::of_endpoints(record, mode, &plan.ports, &endpoints, report)
        };
        let spec = Spec {
            hosts: vec![host.clone()],
            addresses,
            location: settings.location(),
            resolution: endpoints.resolution,
            endpoints: endpoints.list,
            export_to: settings.export_to().as_slice().to_vec(),
            ports: plan.ports,
        };
        let mut metadata = metadata::metadata(record, name.clone(), namespace.clone(), options);
        entry_values::add(&mut metadata, record, settings, report);
        let entry = ServiceEntry {
            api_version: options.api_version,
            kind: Kind::ServiceEntry,
            metadata,
            spec,
        };
        let outcome = step.apply(entry, records, &rules, report);
        if let Outcome::Entry(entry) = &outcome
            && let Some(limit) = limits::exceeded(entry)
        {
            let message = format!("the entry would have {limit}; the last applied entry is kept");
            report.service(record, Severity::Error, Code::LimitExceeded, message);
            return Outcome::Failed;
        }
        if let Outcome::Entry(entry) = &outcome {
            ambient::check(record, entry, options.mesh, report);
        }
        outcome
    }
}
