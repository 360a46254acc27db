//! A service, or several that are merged, to an entry.

use super::address::AddressRules;
use super::options::{EmptyService, Options};
use super::ports::Instances;
use super::report::Report;
use super::settings::Settings;
use super::transform::{Step, Transform, Unchanged};
use super::{
    Outcome, Translation, addresses, endpoints, health, limits, metadata, ports, provider,
};
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::{Kind, ServiceEntry, ServicePort, Spec};

/// What was last known of a service, for the time in which none of its instances says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastKnown {
    /// Its ports, sorted by number; empty, if they are not known.
    pub ports: Vec<ServicePort>,
    /// Its virtual addresses, sorted.
    pub addresses: Vec<String>,
}

impl LastKnown {
    /// What an entry says.
    #[must_use]
    pub fn of(entry: &ServiceEntry) -> Self {
        Self { ports: entry.spec.ports.clone(), addresses: entry.spec.addresses.clone() }
    }
}

/// Translates services, and hands their entries to a transformation, if there is one.
#[derive(Debug, Clone, Copy)]
pub struct Translator<'a> {
    /// How services are translated.
    pub options: &'a Options,
    /// The user's own change of each entry.
    pub transform: Option<&'a dyn Transform>,
}

impl Translator<'_> {
    /// Translates a service, or several of one host as `conflicts: merge` asks: the first one
    /// decides the name, the settings and the annotations, and each endpoint has its own region in
    /// its locality. Empty without any service.
    ///
    /// What was `last` known stands in where no instance says the ports or, for TCP, the addresses.
    #[must_use]
    pub fn translate(&self, records: &[&Record], last: Option<&LastKnown>) -> Translation {
        stepwise(records, last, self.options, &self.transform)
    }
}

/// Translates one service.
#[must_use]
pub fn translate(record: &Record, options: &Options) -> Translation {
    translate_merged(&[record], options)
}

/// Translates one service, and hands its entry to `transform`, if there is one.
#[must_use]
pub fn translate_through(
    record: &Record,
    options: &Options,
    transform: Option<&dyn Transform>,
) -> Translation {
    Translator { options, transform }.translate(&[record], None)
}

/// Translates several services that have one host into one entry, as `conflicts: merge` asks. The
/// first one decides the name, the settings and the annotations; each endpoint has its own region
/// in its locality, so that Istio fails over between regions. Empty without any service.
#[must_use]
pub fn translate_merged(records: &[&Record], options: &Options) -> Translation {
    stepwise(records, None, options, &Unchanged)
}

fn stepwise(
    records: &[&Record],
    last: Option<&LastKnown>,
    options: &Options,
    step: &impl Step,
) -> Translation {
    let mut report = Report::default();
    let Some(first) = records.first() else {
        return Translation { outcome: Outcome::Empty, diagnostics: Vec::new() };
    };
    let outcome = Claim::of(first, options, &mut report)
        .map(|claim| claim.entry(records, last, step, &mut report));
    Translation { outcome: outcome.unwrap_or_else(|none| none), diagnostics: report.sorted() }
}

/// A service's claim to a host.
pub(super) struct Claim<'a> {
    pub(super) record: &'a Record,
    settings: Settings<'a>,
    pub(super) host: String,
    pub(super) name: String,
}

impl<'a> Claim<'a> {
    /// The claim, or why there is none.
    pub(super) fn of(
        record: &'a Record,
        options: &'a Options,
        report: &mut Report,
    ) -> Result<Self, Outcome> {
        let settings = Settings::of(record, options, report);
        if let Some(why) = settings.exclusion(record) {
            report.service(
                record,
                Severity::Info,
                Code::Excluded,
                format!("the service is left out: {why}"),
            );
            return Err(Outcome::Excluded);
        }
        match settings.host_and_name(record) {
            Ok((host, name)) => Ok(Self { record, settings, host, name }),
            Err(error) => {
                report.service(record, Severity::Error, Code::InvalidHost, error.to_string());
                Err(Outcome::Failed)
            }
        }
    }

    /// The entry of all of `records`.
    pub(super) fn entry(
        &self,
        records: &[&Record],
        last: Option<&LastKnown>,
        step: &impl Step,
        report: &mut Report,
    ) -> Outcome {
        let Self { record, settings, host, name } = self;
        let options = settings.options;
        let rules = AddressRules::new(settings.ip_family(), options, host);
        let provider::Gathered { providers, unplaced } = provider::gather(records, &rules, report);
        let health::Sorted { used, left_out } =
            health::sort(providers, settings.health(), record, report);
        if used.is_empty() && settings.empty_service() == EmptyService::Omit {
            return Outcome::Empty;
        }
        let plan = ports::plan(
            record,
            settings,
            &Instances { used: &used, left_out: &left_out, unplaced: &unplaced },
            last,
            report,
        );
        let endpoints = endpoints::build(record, &used, &plan, options, records.len() > 1, report);
        let mode = settings.addresses();
        let addresses = if endpoints.list.is_empty() {
            addresses::of_drained(record, mode, &plan.ports, &left_out, last, report)
        } else {
            addresses::of_endpoints(record, mode, &plan.ports, &endpoints, report)
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
        let metadata = metadata::metadata(record, name.clone(), options);
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
            let message = format!(
                "the entry would have {limit}; it is not made, and what was last applied stays"
            );
            report.service(record, Severity::Error, Code::LimitExceeded, message);
            return Outcome::Failed;
        }
        outcome
    }
}
