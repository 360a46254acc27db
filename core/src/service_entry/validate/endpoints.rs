//! `endpoints`, and the ports of each.

use serde_json::Value;

use super::Spec;
use super::finding::{Findings, Path, Quoted};
use super::hosts_and_addresses::check_ipv6;
use super::read::{Object, integer, port_number, repeats, text};
use super::resolution::Resolution;
use super::rule::Rule;
use crate::service_entry::host::fqdn_problem;
use crate::service_entry::ip::is_address;
use crate::service_entry::names::{
    LONGEST_LABEL, is_istio_label, is_istio_label_key, is_qualified,
};

const FIELDS: [&str; 7] =
    ["address", "labels", "locality", "network", "ports", "serviceAccount", "weight"];
const UNIX: &str = "unix://";

/// The readable parts of an endpoint.
#[derive(Debug)]
pub(super) struct Endpoint<'a> {
    index: usize,
    address: Option<&'a str>,
    network: Option<&'a str>,
    /// Its own ports; present even if the field is empty.
    ports: Option<Vec<(&'a str, Option<u16>)>>,
    /// Whether the address or the network is present but has the wrong type.
    is_unreadable: bool,
}

pub(super) fn read<'a>(spec: Object<'a, '_>, findings: &mut Findings) -> Option<Vec<Endpoint<'a>>> {
    let at = spec.at.key("endpoints");
    let items = spec.list("endpoints", 4096, findings)?;
    let read = |(index, item)| read_endpoint(item, index, &at.index(index), findings);
    Some(items.iter().enumerate().filter_map(read).collect())
}

fn read_endpoint<'a>(
    value: &'a Value,
    index: usize,
    at: &Path<'_>,
    findings: &mut Findings,
) -> Option<Endpoint<'a>> {
    let endpoint = Object::new(value, at, &FIELDS, findings)?;
    let address = endpoint.text("address", 256, findings);
    let ports = read_ports(endpoint, findings);
    labels(endpoint, findings);
    locality(endpoint, findings);
    let network = endpoint.text("network", 2048, findings);
    endpoint.text("serviceAccount", 253, findings);
    weight(endpoint, findings);
    let is_unreadable = [("address", address), ("network", network)]
        .iter()
        .any(|(key, text)| text.is_none() && endpoint.field(key).is_some());
    Some(Endpoint { index, address, network, ports, is_unreadable })
}

/// Istio's `labels.Instance.Validate`: it limits the length of neither values nor the parts of a
/// prefix.
fn labels(endpoint: Object<'_, '_>, findings: &mut Findings) {
    let at = endpoint.at.key("labels");
    for (key, value) in endpoint.map("labels", 256, findings).unwrap_or_default() {
        let at = at.key(key);
        if !is_istio_label_key(key) {
            let expected = "expected [PREFIX/]NAME, a DNS name and at most 63 letters, digits, `-`, `_` and `.`";
            findings.report(
                Rule::InvalidEndpointLabel,
                &at,
                format!("the key is {}, {expected}", Quoted(key)),
            );
        }
        let value = text(value, &at, usize::MAX, findings).unwrap_or_default();
        if !value.is_empty() && !is_qualified(value) {
            let expected =
                "expected letters, digits, `-`, `_` and `.`, a letter or digit at both ends";
            findings.report(
                Rule::InvalidEndpointLabel,
                &at,
                format!("it is {}, {expected}", Quoted(value)),
            );
        }
    }
}

fn locality(endpoint: Object<'_, '_>, findings: &mut Findings) {
    let Some(locality) =
        endpoint.text("locality", 2048, findings).filter(|locality| !locality.is_empty())
    else {
        return;
    };
    if locality.split('/').count() > 3 || locality.split('/').any(str::is_empty) {
        let message = format!(
            "it is {}, expected `region`, `region/zone` or `region/zone/subzone`",
            Quoted(locality)
        );
        findings.report(Rule::InvalidLocality, &endpoint.at.key("locality"), message);
    }
}

fn weight(endpoint: Object<'_, '_>, findings: &mut Findings) {
    let at = endpoint.at.key("weight");
    let Some(weight) = endpoint.field("weight").and_then(|weight| integer(weight, &at, findings))
    else {
        return;
    };
    if weight.as_u64() == Some(0) {
        findings.report(
            Rule::ZeroWeight,
            &at,
            "it is 0, which Istio treats as 1; remove the endpoint to drain it",
        );
    } else if weight.as_u64().is_none_or(|weight| weight > u32::MAX.into()) {
        findings.report(
            Rule::OutOfRange,
            &at,
            format!("it is {weight}, expected 0..={}", u32::MAX),
        );
    }
}

pub(super) fn check(spec: &Spec<'_>, at: &Path<'_>, findings: &mut Findings) {
    if spec.has_selector && spec.endpoints.is_some() {
        let message = "both `workloadSelector` and `endpoints` are present, if only as empty fields; expected one of them";
        findings.report(Rule::SelectorAndEndpoints, &at.key("workloadSelector"), message);
    }
    let at = at.key("endpoints");
    let endpoints = || spec.endpoints.iter().flatten();
    let seen =
        repeats(endpoints().map(|endpoint| {
            ((endpoint.address, endpoint.network, &endpoint.ports), endpoint.index)
        }));
    for endpoint in endpoints() {
        let at = at.index(endpoint.index);
        check_address(endpoint, spec, &at, findings);
        check_ports(endpoint.ports.as_deref().unwrap_or_default(), spec, &at, findings);
        if let Some(first) = seen.get(&endpoint.index) {
            findings.report(
                Rule::DuplicateEndpoint,
                &at,
                format!("it has the same address and ports as spec.endpoints[{first}]"),
            );
        }
    }
}

fn check_address(endpoint: &Endpoint<'_>, spec: &Spec<'_>, at: &Path<'_>, findings: &mut Findings) {
    let by_name = matches!(spec.resolution, Some(Resolution::Dns | Resolution::DnsRoundRobin));
    let network = endpoint.network.filter(|network| !network.is_empty());
    let at_address = at.key("address");
    let Some(address) = endpoint.address.filter(|address| !address.is_empty()) else {
        match network {
            _ if endpoint.is_unreadable => {}
            Some(network) if !by_name => {
                let message = format!(
                    "it is missing, so the endpoint is reached through the gateway of network {}",
                    Quoted(network)
                );
                findings.report(Rule::EndpointOfNetwork, &at_address, message);
            }
            _ => findings.report(
                Rule::EndpointAddressMissing,
                &at_address,
                "it is missing, expected an IP address or a name",
            ),
        }
        return;
    };
    check_ipv6(address, &at_address, findings);
    if let Some(path) = address.strip_prefix(UNIX) {
        check_unix(path, endpoint, spec, at, findings);
    }
    let problem = match spec.resolution {
        Some(Resolution::Static) => (!is_address(address) && !address.starts_with(UNIX))
            .then(|| "expected an IP address or `unix://`".to_owned()),
        _ if by_name && !is_address(address) => fqdn_problem(address),
        _ => None,
    };
    if let Some(problem) = problem {
        let name = spec.resolution.map_or("", Resolution::name);
        let message = format!("resolution {name} does not accept {}: {problem}", Quoted(address));
        findings.report(Rule::InvalidEndpointAddress, &at_address, message);
    }
}

fn check_unix(
    path: &str,
    endpoint: &Endpoint<'_>,
    spec: &Spec<'_>,
    at: &Path<'_>,
    findings: &mut Findings,
) {
    if !path.starts_with(['/', '@']) || path.ends_with('/') {
        let expected = "expected `unix:///PATH/TO/SOCKET` or `unix://@NAME`";
        findings.report(
            Rule::InvalidUnixAddress,
            &at.key("address"),
            format!("the path is {}, {expected}", Quoted(path)),
        );
    }
    if endpoint.ports.is_some() {
        findings.report(
            Rule::UnixPorts,
            &at.key("ports"),
            "a `unix://` endpoint must not have this field, not even empty",
        );
    }
    if spec.resolution == Some(Resolution::Static) && spec.ports.len() != 1 {
        let message = format!(
            "a `unix://` endpoint needs exactly one service port, but there are {}",
            spec.ports.len()
        );
        findings.report(Rule::UnixNeedsOnePort, &at.key("address"), message);
    }
}

/// The name and the number of each port; none if the endpoint has no ports of its own. An invalid
/// number is left out.
fn read_ports<'a>(
    endpoint: Object<'a, '_>,
    findings: &mut Findings,
) -> Option<Vec<(&'a str, Option<u16>)>> {
    let at = endpoint.at.key("ports");
    let ports = endpoint.map("ports", 128, findings)?;
    let mut read = Vec::with_capacity(ports.len());
    for (name, number) in ports {
        let at = at.key(name);
        // Istio allows 63 characters; the CRD's rule is `size(key) < 63`.
        if !is_istio_label(name) || name.len() == LONGEST_LABEL {
            let expected = "expected a DNS label: at most 62 letters, digits and inner hyphens";
            findings.report(
                Rule::InvalidEndpointPortName,
                &at,
                format!("the name is {}, {expected}", Quoted(name)),
            );
        }
        read.push((name, port_number(number, &at, findings)));
    }
    Some(read)
}

/// Checks that each name is that of a service port.
fn check_ports(
    names: &[(&str, Option<u16>)],
    spec: &Spec<'_>,
    at: &Path<'_>,
    findings: &mut Findings,
) {
    if !matches!(
        spec.resolution,
        Some(Resolution::Static | Resolution::Dns | Resolution::DnsRoundRobin)
    ) {
        return;
    }
    let at = at.key("ports");
    for (name, _) in
        names.iter().filter(|(name, _)| !spec.ports.iter().any(|port| port.name == Some(name)))
    {
        let known: Vec<&str> = spec.ports.iter().filter_map(|port| port.name).take(8).collect();
        let message = format!(
            "no service port is named {}; expected one of: {}",
            Quoted(name),
            known.join(", ")
        );
        findings.report(Rule::UnknownEndpointPort, &at.key(name), message);
    }
}
