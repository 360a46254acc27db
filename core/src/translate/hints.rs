//! What Cloud Map's own side says about a service: service attributes and tags under
//! `istio-cloud-map/`.

use super::ports::PortList;
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::{Host, Location, Protocol};

const PREFIX: &str = "istio-cloud-map/";

/// The hints that can be read; service attributes outweigh tags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    pub(super) ports: Option<PortList>,
    pub(super) host: Option<Host>,
    pub(super) protocol: Option<Protocol>,
    pub(super) location: Option<Location>,
    pub(super) exclude: Option<bool>,
}

impl Hints {
    /// Reads the hints of a service. One that can't be read is reported and ignored.
    pub(super) fn read(record: &Record, report: &mut Report) -> Self {
        let mut hints = Self::default();
        let attributes =
            record.service_attributes.iter().map(|(key, value)| ("service attribute", key, value));
        let mut tags: Vec<_> =
            record.tags.iter().map(|tag| ("tag", &tag.key, &tag.value)).collect();
        order::sort(&mut tags);
        for (kind, key, value) in attributes.chain(tags) {
            let Some(name) = key.strip_prefix(PREFIX) else { continue };
            if let Err(problem) = hints.take(name, value) {
                let message = format!("the {kind} `{key}` is ignored: {problem}");
                report.service(record, Severity::Warning, Code::InvalidHint, message);
            }
        }
        hints
    }

    /// Takes one hint, unless there is one already.
    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "ports" => keep(
                &mut self.ports,
                value.parse().map_err(|e: super::ports::InvalidPorts| e.to_string()),
            ),
            "host" => keep(&mut self.host, Host::parse(value).map_err(|e| e.to_string())),
            "protocol" => keep(
                &mut self.protocol,
                value.parse().map_err(|e: crate::service_entry::UnknownProtocol| e.to_string()),
            ),
            "location" => keep(&mut self.location, location(value)),
            "exclude" => keep(&mut self.exclude, truth(value)),
            _ => {
                Err("no such hint; known are ports, host, protocol, location and exclude"
                    .to_owned())
            }
        }
    }
}

fn keep<T>(slot: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    let value = value?;
    slot.get_or_insert(value);
    Ok(())
}

fn location(value: &str) -> Result<Location, String> {
    match value.to_ascii_uppercase().as_str() {
        "MESH_EXTERNAL" => Ok(Location::MeshExternal),
        "MESH_INTERNAL" => Ok(Location::MeshInternal),
        _ => Err(format!("`{value}` is no location; expected MESH_EXTERNAL or MESH_INTERNAL")),
    }
}

fn truth(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{value}` is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::cloud_map::Tag;

    #[test]
    fn a_service_attribute_outweighs_a_tag_and_a_bad_one_gives_way_to_it() {
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
        let said = report.sorted();
        assert_eq!(said.len(), 2);
        assert!(
            said[0].message.starts_with("the service attribute `istio-cloud-map/ports` is ignored"),
            "{said:?}"
        );
        assert!(said[1].message.contains("no such hint"), "{said:?}");
    }
}
