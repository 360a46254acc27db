//! `resolution`, and what it requires of the other fields.

use super::Spec;
use super::finding::{Findings, Path, Quoted};
use super::metadata::Metadata;
use super::ports::Protocol;
use super::rule::Rule;
use crate::service_entry::host::fqdn_problem;

/// How endpoints are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    None,
    Static,
    Dns,
    DnsRoundRobin,
    DynamicDns,
}

impl Resolution {
    const ALL: [Self; 5] =
        [Self::None, Self::Static, Self::Dns, Self::DnsRoundRobin, Self::DynamicDns];
    pub(super) const NAMES: [&str; 5] = ["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Static => "STATIC",
            Self::Dns => "DNS",
            Self::DnsRoundRobin => "DNS_ROUND_ROBIN",
            Self::DynamicDns => "DYNAMIC_DNS",
        }
    }
}

pub(super) fn check(
    spec: &Spec<'_>,
    metadata: &Metadata<'_>,
    at: &Path<'_>,
    findings: &mut Findings,
) {
    let Some(resolution) = spec.resolution else { return };
    match resolution {
        // The CRD's rule tests presence.
        Resolution::None if spec.endpoints.is_some() => no_endpoints(resolution, at, findings),
        Resolution::None | Resolution::Static => {}
        Resolution::Dns | Resolution::DnsRoundRobin => dns(spec, resolution, at, findings),
        Resolution::DynamicDns => dynamic(spec, metadata, at, findings),
    }
    if resolution != Resolution::None && spec.hosts.len() > 1 {
        several_hosts(spec, at, findings);
    }
}

fn no_endpoints(resolution: Resolution, at: &Path<'_>, findings: &mut Findings) {
    let message = format!(
        "resolution {} does not accept endpoints; expected resolution STATIC or DNS, or no `endpoints`",
        resolution.name()
    );
    findings.report(Rule::EndpointsNotAllowed, &at.key("endpoints"), message);
}

fn dns(spec: &Spec<'_>, resolution: Resolution, at: &Path<'_>, findings: &mut Findings) {
    let endpoints = spec.endpoints.as_deref().unwrap_or_default();
    if resolution == Resolution::DnsRoundRobin && endpoints.len() > 1 {
        let message = format!(
            "there are {}, but resolution DNS_ROUND_ROBIN accepts at most one",
            endpoints.len()
        );
        findings.report(Rule::RoundRobinEndpoints, &at.key("endpoints"), message);
    }
    let hosts = at.key("hosts");
    for (index, host) in spec.hosts.iter().filter(|_| endpoints.is_empty()) {
        if let Some(problem) = fqdn_problem(host) {
            let message = format!(
                "without endpoints, resolution {} resolves {}, but {problem}",
                resolution.name(),
                Quoted(host)
            );
            findings.report(Rule::UnresolvableHost, &hosts.index(*index), message);
        }
    }
    if spec.hosts.len() > 1
        && !spec.addresses.is_empty()
        && spec.ports.iter().any(|port| port.protocol.is_tcp())
    {
        let message = "several hosts share these addresses, so connections to a TCP or TLS port all go to the first host; write one entry for each host";
        findings.report(Rule::HostsShareAddress, &at.key("addresses"), message);
    }
}

fn dynamic(spec: &Spec<'_>, metadata: &Metadata<'_>, at: &Path<'_>, findings: &mut Findings) {
    let hosts = at.key("hosts");
    for (index, host) in spec.hosts.iter().filter(|(_, host)| !host.starts_with('*')) {
        let message = format!(
            "{} is not a wildcard; resolution DYNAMIC_DNS accepts only wildcards",
            Quoted(host)
        );
        findings.report(Rule::DynamicDnsHost, &hosts.index(*index), message);
    }
    if !spec.addresses.is_empty() {
        findings.report(
            Rule::DynamicDnsAddresses,
            &at.key("addresses"),
            "resolution DYNAMIC_DNS does not accept addresses",
        );
    }
    if spec.endpoints.as_ref().is_some_and(|endpoints| !endpoints.is_empty()) {
        no_endpoints(Resolution::DynamicDns, at, findings);
    }
    let ports = at.key("ports");
    for port in spec
        .ports
        .iter()
        .filter(|port| !port.protocol.is_dynamic() && port.protocol != Protocol::Unknown)
    {
        let message = "resolution DYNAMIC_DNS accepts only HTTP, HTTP2, GRPC and TLS";
        findings.report(
            Rule::DynamicDnsProtocol,
            &ports.index(port.index).key("protocol"),
            message,
        );
    }
    if spec.is_internal && metadata.uses_waypoint {
        let message = "resolution DYNAMIC_DNS with a waypoint (label istio.io/use-waypoint) accepts only MESH_EXTERNAL";
        findings.report(Rule::DynamicDnsWaypoint, &at.key("location"), message);
    }
}

/// With several hosts on a port, each connection must name its host.
fn several_hosts(spec: &Spec<'_>, at: &Path<'_>, findings: &mut Findings) {
    let ports = at.key("ports");
    for port in spec
        .ports
        .iter()
        .filter(|port| !port.protocol.identifies_host() && port.protocol != Protocol::Unknown)
    {
        let message = "there are several hosts, and only HTTP, HTTP2, GRPC, HTTPS and TLS connections name their host; write one entry for each host";
        findings.report(Rule::HostsNotTold, &ports.index(port.index).key("protocol"), message);
    }
}
