//! What holds for one service: overrides first, then its own hints, then the options.

use super::hints::Hints;
use super::host::{HostError, entry_name, host_and_name};
use super::options::{Addresses, EmptyService, ExportTo, HealthMode, IpFamily, Options};
use super::overrides::Matching;
use super::ports::{PortList, PortSpec};
use super::report::Report;
use crate::cloud_map::{Namespace, Record, Service};
use crate::service_entry::{Location, Protocol};

/// ECS Service Connect keeps such a service for each client; nobody calls it.
const BOOKKEEPING: &str = "aws-ecs-sc.client.";

#[derive(Debug)]
pub(super) struct Settings<'o> {
    pub(super) options: &'o Options,
    matching: Matching<'o>,
    hints: Hints,
}

impl<'o> Settings<'o> {
    pub(super) fn of(record: &Record, options: &'o Options, report: &mut Report) -> Self {
        Self {
            options,
            matching: Matching::new(record, options),
            hints: Hints::read(record, report),
        }
    }

    /// Why the service is left out, if it is.
    pub(super) fn exclusion(&self, record: &Record) -> Option<&'static str> {
        match self.matching.first(|o| o.exclude) {
            Some(false) => return None,
            Some(true) => return Some("an override excludes it"),
            None => {}
        }
        match self.hints.exclude {
            Some(true) => Some("it says istio-cloud-map/exclude"),
            Some(false) => None,
            None => record
                .service
                .name
                .starts_with(BOOKKEEPING)
                .then_some("it is bookkeeping of ECS Service Connect, which nobody calls"),
        }
    }

    /// The host and the entry's name.
    pub(super) fn host_and_name(&self, record: &Record) -> Result<(String, String), HostError> {
        let host = self.matching.first(|o| o.host.as_ref()).or(self.hints.host.as_ref());
        match host {
            Some(host) => Ok((host.as_str().to_owned(), entry_name(host.as_str()))),
            None => host_and_name(&record.namespace.name, &record.service.name),
        }
    }

    pub(super) fn ports(&self) -> Option<&PortList> {
        self.matching.first(|o| o.ports.as_ref()).or(self.hints.ports.as_ref())
    }

    pub(super) fn protocol(&self) -> Option<Protocol> {
        self.matching.first(|o| o.protocol).or(self.hints.protocol)
    }

    pub(super) fn location(&self) -> Option<Location> {
        self.matching.first(|o| o.location).or(self.hints.location).or(self.options.location)
    }

    pub(super) fn health(&self) -> HealthMode {
        self.matching.first(|o| o.health).unwrap_or(self.options.health)
    }

    pub(super) fn ip_family(&self) -> IpFamily {
        self.matching.first(|o| o.ip_family).unwrap_or(self.options.ip_family)
    }

    pub(super) fn empty_service(&self) -> EmptyService {
        self.matching.first(|o| o.empty_service).unwrap_or(self.options.empty_service)
    }

    pub(super) fn addresses(&self) -> Addresses {
        self.matching.first(|o| o.addresses).unwrap_or(self.options.addresses)
    }

    pub(super) fn dynamic_port(&self) -> &'o PortSpec {
        self.matching.first(|o| o.dynamic_port.as_ref()).unwrap_or(&self.options.dynamic_port)
    }

    pub(super) fn export_to(&self) -> &'o ExportTo {
        self.matching.first(|o| o.export_to.as_ref()).unwrap_or(&self.options.export_to)
    }
}

/// The host and the entry's name as far as they are known before anything of a service but its name
/// is read: with the options' overrides, but without the service's own attributes and tags. None,
/// if an override excludes it or it is ECS's bookkeeping.
///
/// # Errors
/// Where Istio would reject the host.
pub fn expected_host_and_name(
    source: &str,
    namespace: &Namespace,
    service: &Service,
    options: &Options,
) -> Result<Option<(String, String)>, HostError> {
    let matching = Matching::by_name(source, &namespace.name, &service.name, options);
    if matching.first(|o| o.exclude).unwrap_or_else(|| service.name.starts_with(BOOKKEEPING)) {
        return Ok(None);
    }
    match matching.first(|o| o.host.as_ref()) {
        Some(host) => Ok(Some((host.as_str().to_owned(), entry_name(host.as_str())))),
        None => host_and_name(&namespace.name, &service.name).map(Some),
    }
}
