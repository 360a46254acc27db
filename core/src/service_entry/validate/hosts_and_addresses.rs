//! `hosts` and `addresses`.

use super::Spec;
use super::finding::{Findings, Path, Quoted};
use super::read::{Object, repeats};
use super::resolution::Resolution;
use super::rule::Rule;
use crate::service_entry::host::wildcard_problem;
use crate::service_entry::ip::{canonical_ipv6, is_address_or_prefix};

pub(super) fn read_hosts<'a>(
    spec: Object<'a, '_>,
    resolution: Option<Resolution>,
    findings: &mut Findings,
) -> Vec<(usize, &'a str)> {
    let at = spec.at.key("hosts");
    let Some(value) = spec.required("hosts", findings) else { return Vec::new() };
    let hosts = spec.texts("hosts", 256, usize::MAX, findings);
    if value.as_array().is_some_and(Vec::is_empty) {
        findings.report(Rule::NoHosts, &at, "it is empty, expected at least one host");
    }
    let seen = repeats(hosts.iter().map(|(index, host)| (host.to_ascii_lowercase(), *index)));
    for (index, host) in &hosts {
        let at = at.index(*index);
        check_host(host, resolution, &at, findings);
        if let Some(first) = seen.get(index) {
            findings.report(
                Rule::DuplicateHost,
                &at,
                format!("{} is already listed as spec.hosts[{first}]", Quoted(host)),
            );
        }
    }
    hosts
}

fn check_host(host: &str, resolution: Option<Resolution>, at: &Path<'_>, findings: &mut Findings) {
    if host == "*" {
        findings.report(Rule::WildcardHost, at, "it is `*`, which matches every host; expected a name, or a wildcard such as `*.example.com`");
        return;
    }
    if let Some(problem) = wildcard_problem(host) {
        findings.report(Rule::InvalidHost, at, problem);
    }
    if host.contains('*') && !host.starts_with("*.") && resolution != Some(Resolution::DynamicDns) {
        findings.report(
            Rule::PartialWildcard,
            at,
            format!("the wildcard of {} is not a whole label; expected `*.`", Quoted(host)),
        );
    }
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        let lower = host.to_ascii_lowercase();
        findings.report(
            Rule::UpperCaseHost,
            at,
            format!(
                "{} is accepted, but its routes have no cluster; write {}",
                Quoted(host),
                Quoted(&lower)
            ),
        );
    }
}

pub(super) fn read_addresses<'a>(
    spec: Object<'a, '_>,
    findings: &mut Findings,
) -> Vec<(usize, &'a str)> {
    let at = spec.at.key("addresses");
    let addresses = spec.texts("addresses", 256, 64, findings);
    for (index, address) in &addresses {
        if !is_address_or_prefix(address) {
            let expected =
                "expected an IP address such as `10.0.0.1`, or a CIDR block such as `10.0.0.0/8`";
            findings.report(
                Rule::InvalidAddress,
                &at.index(*index),
                format!("it is {}, {expected}", Quoted(address)),
            );
        }
        check_ipv6(address, &at.index(*index), findings);
    }
    addresses
}

pub(super) fn check_ipv6(address: &str, at: &Path<'_>, findings: &mut Findings) {
    if let Some(canonical) = canonical_ipv6(address) {
        let message = format!(
            "{} is compared as text and does not equal other forms of the address; write {}",
            Quoted(address),
            Quoted(&canonical)
        );
        findings.report(Rule::Ipv6NotCanonical, at, message);
    }
}

pub(super) fn check_addresses(spec: &Spec<'_>, at: &Path<'_>, findings: &mut Findings) {
    let Some(resolution) = spec.resolution else { return };
    let at = at.key("addresses");
    if matches!(resolution, Resolution::None | Resolution::Static) {
        return;
    }
    for (index, address) in spec.addresses.iter().filter(|(_, address)| address.contains('/')) {
        let name = resolution.name();
        let message = format!(
            "{} is a CIDR block, which resolution {name} does not accept; expected resolution NONE or STATIC",
            Quoted(address)
        );
        findings.report(Rule::CidrNotAllowed, &at.index(*index), message);
    }
}
