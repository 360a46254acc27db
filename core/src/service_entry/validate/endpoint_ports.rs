//! An endpoint's own ports.

use super::dns::{LONGEST_LABEL, is_label};
use super::finding::{Findings, Quoted};
use super::path::Path;
use super::read::{self, Object};
use super::resolution::Resolution;
use super::rule::Rule;
use super::spec::Spec;

/// Name and number; nothing, if the endpoint has none of its own. Numbers that are none are left
/// out.
pub(super) fn read<'a>(
    endpoint: Object<'a, '_>,
    findings: &mut Findings,
) -> Option<Vec<(&'a str, Option<u16>)>> {
    let at = endpoint.at.key("ports");
    let ports = endpoint.map("ports", 128, findings)?;
    let mut read = Vec::with_capacity(ports.len());
    for (name, number) in ports {
        let at = at.key(name);
        // Istio allows 63, the CRD's rule is `size(key) < 63`.
        if !is_label(name) || name.len() == LONGEST_LABEL {
            let expected = "expected a DNS label: at most 62 letters, digits and inner hyphens";
            findings.say(
                Rule::InvalidEndpointPortName,
                &at,
                format!("the name is {}, {expected}", Quoted(name)),
            );
        }
        read.push((name, read::port(number, &at, findings)));
    }
    Some(read)
}

/// Each must be one of the service ports, by name.
pub(super) fn check(
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
            "no service port has the name {}; there are: {}",
            Quoted(name),
            known.join(", ")
        );
        findings.say(Rule::UnknownEndpointPort, &at.key(name), message);
    }
}
