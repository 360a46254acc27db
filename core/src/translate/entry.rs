//! A service, or several that are merged, to an entry.

use super::address::AddressRules;
use super::addresses::addresses;
use super::options::{EmptyService, Options};
use super::report::Report;
use super::settings::Settings;
use super::transform::{Step, Transform, Unchanged};
use super::{Outcome, Translation, endpoints, health, limits, metadata, ports, provider};
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
    /// Translates a service, or several of one host as `conflicts: merge` asks: the first one decides the name, the settings and the
    /// annotations, and each endpoint has its own region in its locality. Empty without any service.
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
pub fn translate_through(record: &Record, options: &Options, transform: Option<&dyn Transform>) -> Translation {
    Translator { options, transform }.translate(&[record], None)
}

/// Translates several services that have one host into one entry, as `conflicts: merge` asks. The first one decides the name, the
/// settings and the annotations; each endpoint has its own region in its locality, so that Istio fails over between regions. Empty without
/// any service.
#[must_use]
pub fn translate_merged(records: &[&Record], options: &Options) -> Translation {
    stepwise(records, None, options, &Unchanged)
}

fn stepwise(records: &[&Record], last: Option<&LastKnown>, options: &Options, step: &impl Step) -> Translation {
    let mut report = Report::default();
    let Some(first) = records.first() else { return Translation { outcome: Outcome::Empty, diagnostics: Vec::new() } };
    let outcome = Claim::of(first, options, &mut report).map(|claim| claim.entry(records, last, step, &mut report));
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
    pub(super) fn of(record: &'a Record, options: &'a Options, report: &mut Report) -> Result<Self, Outcome> {
        let settings = Settings::of(record, options, report);
        if let Some(why) = settings.exclusion(record) {
            report.service(record, Severity::Info, Code::Excluded, format!("the service is left out: {why}"));
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
    pub(super) fn entry(&self, records: &[&Record], last: Option<&LastKnown>, step: &impl Step, report: &mut Report) -> Outcome {
        let Self { record, settings, host, name } = self;
        let options = settings.options;
        let rules = AddressRules::new(settings.ip_family(), options, host);
        let providers = provider::gather(records, &rules, report);
        let health::Sorted { used, left_out } = health::sort(providers, settings.health(), record, report);
        if used.is_empty() && settings.empty_service() == EmptyService::Omit {
            return Outcome::Empty;
        }
        // A service that is drained keeps its ports: its callers get a 503, where a port that is gone would let them through the mesh.
        let speaking = if used.is_empty() { &left_out } else { &used };
        let mut plan = ports::plan(record, settings, speaking, report);
        if let Some(last) = last.filter(|last| speaking.is_empty() && settings.ports().is_none() && !last.ports.is_empty()) {
            plan.ports.clone_from(&last.ports);
        }
        let endpoints = endpoints::build(record, &used, &plan, options, records.len() > 1, report);
        let addresses = addresses(record, settings.addresses(), &plan.ports, &endpoints, report);
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
        let entry = ServiceEntry { api_version: options.api_version, kind: Kind::ServiceEntry, metadata, spec };
        let outcome = step.apply(entry, records, &rules, report);
        if let Outcome::Entry(entry) = &outcome
            && let Some(limit) = limits::exceeded(entry)
        {
            let message = format!("the entry would have {limit}; it is not made, and what was last applied stays");
            report.service(record, Severity::Error, Code::LimitExceeded, message);
            return Outcome::Failed;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use super::*;
    use crate::cloud_map::{Namespace, Service};
    use crate::service_entry::Protocol;

    #[test]
    fn without_any_instance_the_ports_are_the_last_known_ones() {
        let record = Record {
            namespace: Namespace { name: "n".to_owned(), ..Namespace::default() },
            service: Service { name: "s".to_owned(), ..Service::default() },
            ..Record::default()
        };
        let port = ServicePort { number: 8080, name: "http-8080".to_owned(), protocol: Protocol::Http, target_port: None };
        let last = LastKnown { ports: vec![port.clone()], addresses: Vec::new() };
        let options = Options::default();
        let translated = Translator { options: &options, transform: None }.translate(&[&record], Some(&last));
        let Outcome::Entry(entry) = translated.outcome else { panic!("no entry") };
        assert_eq!(entry.spec.ports, [port]);
    }
}
