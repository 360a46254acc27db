//! The settings of one service, from their sources in this order of precedence: overrides, the
//! service's own hints (service attributes, then tags, under `istio-cloud-map/`), the options.

use super::entry_values::{EntryValue, EntryValues};
use super::metadata::{HostError, entry_name, host_and_name};
use super::options::{Addresses, EmptyService, ExportTo, HealthMode, IpFamily, Mesh, Options};
use super::overrides::{Matching, Override};
use super::ports::{InvalidPorts, PortList, PortSpec};
use super::report::Report;
use crate::cloud_map::{Namespace, Record, Service};
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::{Host, Location, Protocol, UnknownProtocol};

/// ECS Service Connect registers a service with this prefix for each client; it receives no
/// traffic.
const BOOKKEEPING: &str = "aws-ecs-sc.client.";

/// The settings of one service.
#[derive(Debug)]
pub(super) struct Settings<'o> {
    pub(super) options: &'o Options,
    matching: Matching<'o>,
    hints: Hints,
}

impl<'o> Settings<'o> {
    pub(super) fn new(record: &Record, options: &'o Options, report: &mut Report) -> Self {
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
            Some(true) => Some("its hint istio-cloud-map/exclude is true"),
            Some(false) => None,
            None => record
                .service
                .name
                .starts_with(BOOKKEEPING)
                .then_some("it is internal to ECS Service Connect and receives no traffic"),
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

    /// Why the host is this one.
    pub(super) fn why_host(&self, host: &str) -> String {
        let by = self.source(|o| o.host.is_some(), self.hints.host.is_some());
        format!("`{host}`: {}", by.unwrap_or("SERVICE.NAMESPACE in lower case"))
    }

    /// Which of the two sets a setting, if one does.
    fn source(&self, by_override: impl Fn(&Override) -> bool, hint: bool) -> Option<&'static str> {
        let is_overridden = self.matching.first(|o| by_override(o).then_some(())).is_some();
        if is_overridden {
            return Some("an override sets it");
        }
        hint.then_some("a hint of the service sets it")
    }

    /// Who lists the ports, if anybody does.
    pub(super) fn why_ports(&self) -> Option<&'static str> {
        self.source(|o| o.ports.is_some(), self.hints.ports.is_some())
    }

    /// Who sets the protocol, if anybody does.
    pub(super) fn why_protocol(&self) -> Option<&'static str> {
        self.source(|o| o.protocol.is_some(), self.hints.protocol.is_some())
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

    /// What `auto` is in an ambient mesh is decided here.
    pub(super) fn addresses(&self) -> Addresses {
        match self.matching.first(|o| o.addresses).unwrap_or(self.options.addresses) {
            Addresses::Auto if self.options.mesh == Mesh::Ambient => Addresses::None,
            addresses => addresses,
        }
    }

    pub(super) fn dynamic_port(&self) -> &'o PortSpec {
        self.matching.first(|o| o.dynamic_port.as_ref()).unwrap_or(&self.options.dynamic_port)
    }

    pub(super) fn export_to(&self) -> &'o ExportTo {
        self.matching.first(|o| o.export_to.as_ref()).unwrap_or(&self.options.export_to)
    }

    /// The labels, or annotations, of the entry: each of the first override that sets it, else of
    /// the options.
    pub(super) fn entry_values(
        &self,
        of_override: fn(&'o Override) -> &'o EntryValues,
        of_options: &'o EntryValues,
    ) -> Vec<(&'o str, &'o EntryValue)> {
        let mut values: Vec<(&str, &EntryValue)> = Vec::new();
        for (key, value) in
            self.matching.iter().map(of_override).chain([of_options]).flat_map(EntryValues::iter)
        {
            if !values.iter().any(|(known, _)| *known == key.as_str()) {
                values.push((key.as_str(), value));
            }
        }
        values
    }
}

/// The expected host and entry name of a service of which only the name has been read: with the
/// overrides of the options, but without the service's attributes and tags. None if an override
/// excludes it or it is internal to ECS.
///
/// # Errors
/// If Istio would reject the host.
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

const PREFIX: &str = "istio-cloud-map/";

/// The hints of a service: attributes and tags under `istio-cloud-map/` in Cloud Map. Service
/// attributes take precedence over tags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    pub(super) ports: Option<PortList>,
    pub(super) host: Option<Host>,
    pub(super) protocol: Option<Protocol>,
    pub(super) location: Option<Location>,
    pub(super) exclude: Option<bool>,
}

impl Hints {
    /// Reads the hints of a service. An invalid one is reported and ignored.
    pub(super) fn read(record: &Record, report: &mut Report) -> Self {
        let mut hints = Self::default();
        let attributes =
            record.service_attributes.iter().map(|(key, value)| ("service attribute", key, value));
        let mut tags: Vec<_> =
            record.tags.iter().map(|tag| ("tag", &tag.key, &tag.value)).collect();
        order::sort(&mut tags);
        for (kind, key, value) in attributes.chain(tags) {
            let Some(name) = key.strip_prefix(PREFIX) else { continue };
            if let Err(problem) = hints.set(name, value) {
                let message = format!("the {kind} `{key}` is ignored: {problem}");
                report.service(record, Severity::Warning, Code::InvalidHint, message);
            }
        }
        hints
    }

    /// Sets a hint, unless it is already set.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "ports" => {
                set_once(&mut self.ports, value.parse().map_err(|e: InvalidPorts| e.to_string()))
            }
            "host" => set_once(&mut self.host, Host::parse(value).map_err(|e| e.to_string())),
            "protocol" => set_once(
                &mut self.protocol,
                value.parse().map_err(|e: UnknownProtocol| e.to_string()),
            ),
            "location" => set_once(&mut self.location, parse_location(value)),
            "exclude" => set_once(&mut self.exclude, parse_bool(value)),
            _ => Err("there is no such hint; expected ports, host, protocol, location or exclude"
                .to_owned()),
        }
    }
}

fn set_once<T>(slot: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    let value = value?;
    slot.get_or_insert(value);
    Ok(())
}

fn parse_location(value: &str) -> Result<Location, String> {
    match value.to_ascii_uppercase().as_str() {
        "MESH_EXTERNAL" => Ok(Location::MeshExternal),
        "MESH_INTERNAL" => Ok(Location::MeshInternal),
        _ => Err(format!(
            "`{value}` is not a valid location; expected MESH_EXTERNAL or MESH_INTERNAL"
        )),
    }
}

fn parse_bool(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{value}` is not a boolean; expected true or false")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::cloud_map::Tag;

    #[test]
    fn a_service_attribute_takes_precedence_over_a_tag_unless_it_is_invalid() {
        let tag = |key: &str, value: &str| Tag {
            key: format!("istio-cloud-map/{key}"),
            value: value.to_owned(),
        };
        let record = Record {
            service_attributes: [
                ("istio-cloud-map/protocol", "grpc"),
                ("istio-cloud-map/ports", "nonsense"),
                ("Port", "80"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
            tags: vec![
                tag("protocol", "tcp"),
                tag("ports", "http:80"),
                tag("exclude", "False"),
                tag("prots", "http:80"),
            ],
            ..Record::default()
        };
        let mut report = Report::default();
        let hints = Hints::read(&record, &mut report);
        assert_eq!(hints.protocol, Some(Protocol::Grpc));
        assert_eq!(hints.ports.map(|p| p.to_string()).as_deref(), Some("http:80"));
        assert_eq!(hints.exclude, Some(false));
        let reported = report.finish().0;
        assert_eq!(reported.len(), 2);
        assert!(
            reported[0]
                .message
                .starts_with("the service attribute `istio-cloud-map/ports` is ignored"),
            "{reported:?}"
        );
        assert!(reported[1].message.contains("there is no such hint"), "{reported:?}");
    }
}
