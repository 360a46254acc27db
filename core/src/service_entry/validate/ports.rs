//! `ports`

use serde_json::Value;

use super::dns::is_label;
use super::finding::{Findings, Quoted};
use super::metadata::Metadata;
use super::path::Path;
use super::protocols::Protocol;
use super::read::{self, Object};
use super::repeats::repeats;
use super::resolution::Resolution;
use super::rule::Rule;
use super::spec::Spec;

const FIELDS: [&str; 4] = ["name", "number", "protocol", "targetPort"];

/// What could be read of a service port.
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
    // What has the wrong type is not missing.
    if items.is_empty() && spec.field("ports").is_none_or(Value::is_array) {
        findings.say(Rule::NoPorts, &at, "there is none, so the entry produces nothing");
    }
    let read = |(index, item)| read_one(item, index, &at.index(index), findings);
    items.iter().enumerate().filter_map(read).collect()
}

fn read_one<'a>(
    value: &'a Value,
    index: usize,
    at: &Path<'_>,
    findings: &mut Findings,
) -> Option<Port<'a>> {
    let port = Object::of(value, at, &FIELDS, findings)?;
    let number = port
        .required("number", findings)
        .and_then(|number| read::port(number, &at.key("number"), findings));
    if let Some(target) = port.field("targetPort") {
        read::port(target, &at.key("targetPort"), findings);
    }
    // 256 characters to the schema, but 63 to Istio.
    let name = port
        .required("name", findings)
        .and_then(|name| read::text(name, &at.key("name"), usize::MAX, findings));
    if let Some(name) = name.filter(|name| !is_label(name)) {
        let expected = "expected a DNS label: at most 63 letters, digits and inner hyphens";
        findings.say(
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
    let protocol = Protocol::of(text.unwrap_or_default());
    match protocol {
        Protocol::Unknown => {
            let known = "TCP, UDP, HTTP, HTTP2, HTTPS, GRPC, GRPC-WEB, HTTP_PROXY, TLS, MONGO, MYSQL, REDIS";
            findings.say(
                Rule::UnknownProtocol,
                &at,
                format!("it is {}, expected one of {known}", Quoted(text.unwrap_or_default())),
            );
        }
        Protocol::Absent if text.is_some() || port.field("protocol").is_none() => {
            findings.say(
                Rule::NoProtocol,
                &at,
                "none is said, so Istio sniffs it, and takes all TCP of this port",
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
            findings.say(
                Rule::DuplicatePortName,
                &at.key("name"),
                format!("{} is spec.ports[{first}]'s name, too", Quoted(name)),
            );
        }
        if let Some(number) = port.number
            && let Some(first) = numbers.get(&port.index)
        {
            findings.say(
                Rule::DuplicatePort,
                &at.key("number"),
                format!("{number} is spec.ports[{first}]'s number, too"),
            );
        }
        if spec.addresses.is_empty() && matches!(port.protocol, Protocol::Tcp | Protocol::Absent) {
            findings.say(Rule::TcpWithoutAddress, &at, without_address(spec, metadata));
        }
    }
}

/// What becomes of plain TCP when the entry has no addresses.
fn without_address(spec: &Spec<'_>, metadata: &Metadata<'_>) -> &'static str {
    let is_allocated =
        spec.resolution != Some(Resolution::None) && !metadata.refuses_auto_allocation;
    if is_allocated {
        "plain TCP without `addresses` is told from other connections by an address that Istio allocates, which needs DNS capture"
    } else {
        "plain TCP without `addresses`, where none is allocated, takes every connection to this port"
    }
}
