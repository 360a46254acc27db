//! `ports`, and their protocols as Istio reads them.

use serde_json::Value;

use super::Spec;
use super::finding::{Findings, Path, Quoted};
use super::metadata::Metadata;
use super::read::{Object, port_number, repeats, text};
use super::resolution::Resolution;
use super::rule::Rule;
use crate::service_entry::names::is_istio_label;

const FIELDS: [&str; 4] = ["name", "number", "protocol", "targetPort"];

/// The readable parts of a service port.
#[derive(Debug)]
pub(super) struct Port<'a> {
    pub(super) index: usize,
    pub(super) name: Option<&'a str>,
    /// Valid ones only.
    number: Option<u16>,
    pub(super) protocol: Protocol,
}

pub(super) fn read<'a>(spec: Object<'a, '_>, findings: &mut Findings) -> Vec<Port<'a>> {
    let at = spec.at.key("ports");
    let items = spec.list("ports", 256, findings).unwrap_or_default();
    // A value of the wrong type is not missing.
    if items.is_empty() && spec.field("ports").is_none_or(Value::is_array) {
        findings.report(Rule::NoPorts, &at, "it has no port, so the entry configures nothing");
    }
    let read = |(index, item)| read_port(item, index, &at.index(index), findings);
    items.iter().enumerate().filter_map(read).collect()
}

fn read_port<'a>(
    value: &'a Value,
    index: usize,
    at: &Path<'_>,
    findings: &mut Findings,
) -> Option<Port<'a>> {
    let port = Object::new(value, at, &FIELDS, findings)?;
    let number = port
        .required("number", findings)
        .and_then(|number| port_number(number, &at.key("number"), findings));
    if let Some(target) = port.field("targetPort") {
        port_number(target, &at.key("targetPort"), findings);
    }
    // The schema allows 256 characters, but Istio 63.
    let name = port
        .required("name", findings)
        .and_then(|name| text(name, &at.key("name"), usize::MAX, findings));
    if let Some(name) = name.filter(|name| !is_istio_label(name)) {
        let expected = "expected a DNS label: at most 63 letters, digits and inner hyphens";
        findings.report(
            Rule::InvalidPortName,
            &at.key("name"),
            format!("it is {}, {expected}", Quoted(name)),
        );
    }
    Some(Port { index, name, number, protocol: protocol(port, findings) })
}

fn protocol(port: Object<'_, '_>, findings: &mut Findings) -> Protocol {
    let at = port.at.key("protocol");
    let text = port.text("protocol", 256, findings);
    let protocol = Protocol::parse(text.unwrap_or_default());
    match protocol {
        Protocol::Unknown => {
            let known = "TCP, UDP, HTTP, HTTP2, HTTPS, GRPC, GRPC-WEB, HTTP_PROXY, TLS, MONGO, MYSQL, REDIS";
            findings.report(
                Rule::UnknownProtocol,
                &at,
                format!("it is {}, expected one of {known}", Quoted(text.unwrap_or_default())),
            );
        }
        Protocol::Absent if text.is_some() || port.field("protocol").is_none() => {
            findings.report(
                Rule::NoProtocol,
                &at,
                "it is missing, so Istio detects the protocol, and captures all TCP connections to this port",
            );
        }
        _ => {}
    }
    protocol
}

pub(super) fn check(
    spec: &Spec<'_>,
    metadata: &Metadata<'_>,
    at: &Path<'_>,
    findings: &mut Findings,
) {
    let at = at.key("ports");
    let names = repeats(spec.ports.iter().filter_map(|port| Some((port.name?, port.index))));
    let numbers = repeats(spec.ports.iter().filter_map(|port| Some((port.number?, port.index))));
    for port in &spec.ports {
        let at = at.index(port.index);
        if let Some(name) = port.name
            && let Some(first) = names.get(&port.index)
        {
            findings.report(
                Rule::DuplicatePortName,
                &at.key("name"),
                format!("{} is also the name of spec.ports[{first}]", Quoted(name)),
            );
        }
        if let Some(number) = port.number
            && let Some(first) = numbers.get(&port.index)
        {
            findings.report(
                Rule::DuplicatePort,
                &at.key("number"),
                format!("{number} is also the number of spec.ports[{first}]"),
            );
        }
        if spec.addresses.is_empty() && matches!(port.protocol, Protocol::Tcp | Protocol::Absent) {
            findings.report(Rule::TcpWithoutAddress, &at, without_address(spec, metadata));
        }
    }
}

/// How Istio handles plain TCP if the entry has no addresses.
fn without_address(spec: &Spec<'_>, metadata: &Metadata<'_>) -> &'static str {
    let is_allocated =
        spec.resolution != Some(Resolution::None) && !metadata.refuses_auto_allocation;
    if is_allocated {
        "plain TCP without `addresses` is routed by an address that Istio allocates, which needs DNS capture"
    } else {
        "plain TCP without `addresses` captures every connection to this port, since Istio allocates no address"
    }
}

/// A port's protocol as Istio's `pkg/config/protocol` parses it. Entries are written with the
/// narrower [`Protocol`](crate::service_entry::Protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP, HTTP2 or GRPC.
    Http,
    /// gRPC-Web or `HTTP_PROXY`: HTTP, but not for `DYNAMIC_DNS`.
    OtherHttp,
    /// TLS
    Tls,
    /// HTTPS
    Https,
    /// TCP, or a protocol on top of it.
    Tcp,
    /// UDP
    Udp,
    /// The field is absent, so Istio detects the protocol (sniffing).
    Absent,
    /// Istio does not know it.
    Unknown,
}

impl Protocol {
    pub(super) fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "" => Self::Absent,
            "http" | "http2" | "grpc" => Self::Http,
            "grpc-web" | "http_proxy" => Self::OtherHttp,
            "tls" => Self::Tls,
            "https" => Self::Https,
            "tcp" | "mongo" | "redis" | "mysql" => Self::Tcp,
            "udp" => Self::Udp,
            _ => Self::Unknown,
        }
    }

    /// Whether a connection names its host, in a header or by SNI.
    pub(super) const fn identifies_host(self) -> bool {
        matches!(self, Self::Http | Self::OtherHttp | Self::Tls | Self::Https)
    }

    /// Istio's `IsTCP`, which includes TLS.
    pub(super) const fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls | Self::Https)
    }

    pub(super) const fn is_dynamic(self) -> bool {
        matches!(self, Self::Http | Self::Tls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn istio_knows_every_protocol_that_is_written() {
        for protocol in [
            "HTTP", "HTTP2", "HTTPS", "GRPC", "GRPC-WEB", "TLS", "TCP", "MONGO", "MySQL", "REDIS",
            "UDP",
        ] {
            let written: crate::service_entry::Protocol =
                protocol.parse().unwrap_or(crate::service_entry::Protocol::Udp);
            assert_eq!(written.as_str(), protocol);
            assert_ne!(Protocol::parse(protocol), Protocol::Unknown, "{protocol}");
            assert_eq!(
                Protocol::parse(protocol).identifies_host(),
                written.is_routed_by_name(),
                "{protocol}"
            );
        }
        for protocol in ["h2", "hbone", "DoubleHBONE", "UnsupportedProtocol", " TCP", "sctp"] {
            assert_eq!(Protocol::parse(protocol), Protocol::Unknown, "{protocol}");
        }
    }
}
