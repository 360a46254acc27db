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

/// Translates one service.
#[must_use]
pub fn translate(record: &Record, options: &Options) -> Translation {
    translate_merged(&[record], options)
}

/// Translates one service, and hands its entry to `transform`, if there is one.
#[must_use]
pub fn translate_through(record: &Record, options: &Options, transform: Option<&dyn Transform>) -> Translation {
    stepwise(&[record], options, &transform, None)
}

/// Translates several services that have one host into one entry, as `conflicts: merge` asks. The first one decides the name, the
/// settings and the annotations; each endpoint has its own region in its locality, so that Istio fails over between regions. Empty without
/// any service.
#[must_use]
pub fn translate_merged(records: &[&Record], options: &Options) -> Translation {
    stepwise(records, options, &Unchanged, None)
}

/// What an entry had before, for a service that answers without any instance: it keeps that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastKnown {
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// Its addresses. A TCP service without any takes `0.0.0.0:port` from all others.
    pub addresses: Vec<String>,
}

/// Translates services, with a user's own transformation at the end where there is one.
#[derive(Debug, Clone, Copy)]
pub struct Translator<'a> {
    /// How.
    pub options: &'a Options,
    /// Changes each entry.
    pub transform: Option<&'a dyn Transform>,
}

impl Translator<'_> {
    /// Translates one service, or several that have one host and are merged, as [`translate_merged`] does. `last` is what their entry had
    /// before.
    #[must_use]
    pub fn translate(&self, records: &[&Record], last: Option<&LastKnown>) -> Translation {
        stepwise(records, self.options, &self.transform, last)
    }
}

fn stepwise(records: &[&Record], options: &Options, step: &impl Step, last: Option<&LastKnown>) -> Translation {
    let mut report = Report::default();
    let Some(first) = records.first() else { return Translation { outcome: Outcome::Empty, diagnostics: Vec::new() } };
    let outcome = Claim::of(first, options, &mut report).map(|claim| claim.entry(records, step, last, &mut report));
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
    pub(super) fn entry(&self, records: &[&Record], step: &impl Step, last: Option<&LastKnown>, report: &mut Report) -> Outcome {
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
        let last = last.filter(|last| speaking.is_empty() && settings.ports().is_none() && !last.ports.is_empty());
        if let Some(last) = last {
            plan.ports.clone_from(&last.ports);
        }
        let endpoints = endpoints::build(record, &used, &plan, options, records.len() > 1, report);
        let mut addresses = addresses(record, settings.addresses(), &plan.ports, &endpoints, report);
        if let Some(last) = last {
            addresses.clone_from(&last.addresses);
        }
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
