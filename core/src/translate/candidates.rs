//! Candidates: the instances of a service whose address and port can be used, read from their
//! attributes, and the choice among them by health.
//!
//! The attributes that start with `AWS_` are those of Cloud Map's `RegisterInstance`; `SERVICE_`
//! and `ENDPOINT_` are those of aws-cloud-map-mcs-controller-for-k8s.

use std::net::IpAddr;

use super::address::{Address, AddressRules};
use super::explain::{About, Rule};
use super::options::HealthMode;
use super::ports::port_number;
use super::report::Report;
use crate::cloud_map::{Health, Instance, Record};
use crate::diagnostic::{Code, Severity};
use crate::service_entry::Protocol;
use crate::sorted::SortedMap;

/// The attributes of an instance that are used, found in one pass. An empty value counts as absent:
/// the MCS controller writes such values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct InstanceAttributes<'a> {
    pub(super) ipv4: Option<&'a str>,
    pub(super) ipv6: Option<&'a str>,
    pub(super) cname: Option<&'a str>,
    pub(super) alias: Option<&'a str>,
    pub(super) port: Option<&'a str>,
    pub(super) zone: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    /// `istio-cloud-map/protocol`
    pub(super) protocol: Option<&'a str>,
    /// `READY: false`, as the MCS controller writes it.
    pub(super) not_ready: bool,
    /// Whether it runs on an EC2 host, and ECS registered it.
    pub(super) is_on_ecs_host: bool,
    /// The attributes that the MCS controller writes.
    pub(super) mcs: Mcs<'a>,
}

/// The attributes that the MCS controller writes about a service port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mcs<'a> {
    pub(super) service_port: Option<&'a str>,
    pub(super) target_port: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) endpoint_name: Option<&'a str>,
    /// The transport protocol: `TCP`, `UDP`.
    pub(super) transport: Option<&'a str>,
}

impl<'a> InstanceAttributes<'a> {
    /// The attribute that an address comes from.
    fn origin(&self, address: &str) -> &'static str {
        let is_ip = address.parse::<IpAddr>();
        match is_ip {
            Ok(IpAddr::V4(_)) if self.ipv4.is_some() => "AWS_INSTANCE_IPV4",
            Ok(_) if self.ipv6.is_some() => "AWS_INSTANCE_IPV6",
            _ if self.cname.is_some() => "AWS_INSTANCE_CNAME",
            _ => "AWS_ALIAS_DNS_NAME",
        }
    }

    pub(super) fn new(attributes: &'a SortedMap<String, String>) -> Self {
        let mut found = Self::default();
        let (mut ec2, mut ecs) = (false, false);
        for (key, value) in attributes.iter() {
            let value = value.as_str();
            if value.is_empty() {
                continue;
            }
            match key.as_str() {
                "AWS_INSTANCE_IPV4" => found.ipv4 = Some(value),
                "AWS_INSTANCE_IPV6" => found.ipv6 = Some(value),
                "AWS_INSTANCE_CNAME" => found.cname = Some(value),
                "AWS_ALIAS_DNS_NAME" => found.alias = Some(value),
                "AWS_INSTANCE_PORT" => found.port = Some(value),
                // ECS and App Mesh write the first, Service Connect the second; keys come sorted,
                // so the first wins.
                "AVAILABILITY_ZONE" | "AvailabilityZone" => found.zone = found.zone.or(Some(value)),
                "REGION" => found.region = Some(value),
                "READY" => found.not_ready = value.eq_ignore_ascii_case("false"),
                "EC2_INSTANCE_ID" => ec2 = true,
                "SERVICE_PORT" => found.mcs.service_port = Some(value),
                "SERVICE_TARGET_PORT" => found.mcs.target_port = Some(value),
                "SERVICE_PORT_NAME" => found.mcs.name = Some(value),
                "ENDPOINT_PORT_NAME" => found.mcs.endpoint_name = Some(value),
                // ENDPOINT_PROTOCOL sorts first, so SERVICE_PROTOCOL overwrites it.
                "SERVICE_PROTOCOL" | "ENDPOINT_PROTOCOL" => found.mcs.transport = Some(value),
                "istio-cloud-map/protocol" => found.protocol = Some(value),
                key => ecs |= key.starts_with("ECS_"),
            }
        }
        found.is_on_ecs_host = ec2 && ecs;
        found
    }
}

/// The attributes of an instance, with its ports parsed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InstanceData<'a> {
    pub(super) attributes: InstanceAttributes<'a>,
    /// The port that it listens on.
    pub(super) port: Option<u16>,
    /// The port that clients use, which the MCS controller registers.
    pub(super) service_port: Option<u16>,
}

impl InstanceData<'_> {
    /// The port that clients use to reach it.
    pub(super) fn client_port(&self) -> Option<u16> {
        self.service_port.or(self.port)
    }

    /// Whether its port is UDP, if the MCS controller registered the transport.
    pub(super) fn is_udp(&self) -> Option<bool> {
        self.service_port?;
        self.attributes.mcs.transport.map(|transport| transport.eq_ignore_ascii_case("udp"))
    }

    /// Whether its port can serve that protocol: never TCP for UDP, nor the reverse.
    pub(super) fn can_serve(&self, protocol: Protocol) -> bool {
        self.is_udp().is_none_or(|udp| udp == (protocol == Protocol::Udp))
    }
}

/// An instance with an address that can be used.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub(super) record: &'a Record,
    pub(super) instance: &'a Instance,
    pub(super) data: InstanceData<'a>,
    pub(super) address: Address<'a>,
    /// The address of the other family, with `ipFamily: dual`.
    pub(super) second: Option<Address<'a>>,
}

impl<'a> Candidate<'a> {
    /// One or two addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &Address<'a>> {
        std::iter::once(&self.address).chain(&self.second)
    }
}

/// The instances of a service.
#[derive(Default)]
pub(super) struct Candidates<'a> {
    /// Those that can be used, in their order.
    pub(super) list: Vec<Candidate<'a>>,
    /// Those with a port, but without an address that can be used.
    pub(super) without_address: Vec<InstanceData<'a>>,
}

/// Collects the candidates among the records' instances. Any other instance is reported.
pub(super) fn collect<'a>(
    records: &[&'a Record],
    rules: &AddressRules<'_>,
    report: &mut Report,
) -> Candidates<'a> {
    let count = records.iter().map(|record| record.instances.len()).sum();
    let mut found = Candidates { list: Vec::with_capacity(count), without_address: Vec::new() };
    for record in records {
        for instance in &record.instances {
            found.add(record, instance, rules, report);
        }
    }
    found
}

impl<'a> Candidates<'a> {
    fn add(
        &mut self,
        record: &'a Record,
        instance: &'a Instance,
        rules: &AddressRules<'_>,
        report: &mut Report,
    ) {
        let attributes = InstanceAttributes::new(&instance.attributes);
        let (port, service_port) = match parse_ports(&attributes) {
            Ok(ports) => ports,
            Err(message) => return report.instance(record, instance, Code::InvalidPort, message),
        };
        let data = InstanceData { attributes, port, service_port };
        let mut usable = rules.choose(&attributes).into_iter().flatten().filter_map(|address| {
            address
                .map_err(|refused| report.instance(record, instance, refused.code, refused.message))
                .ok()
        });
        if let Some(address) = usable.next() {
            let second = usable.next();
            report.because(Rule::Address, About::Instance(&instance.id), || {
                let both: Vec<&str> =
                    std::iter::once(&address).chain(&second).map(Address::as_str).collect();
                let named: Vec<String> = both
                    .iter()
                    .map(|text| format!("{text} is its {}", attributes.origin(text)))
                    .collect();
                named.join("; ")
            });
            self.list.push(Candidate { record, instance, data, address, second });
        } else if data.client_port().is_some() {
            self.without_address.push(data);
        }
    }
}

/// The port that an instance listens on, and the one that clients use.
fn parse_ports(attributes: &InstanceAttributes<'_>) -> Result<(Option<u16>, Option<u16>), String> {
    let read = |key: &str, text: Option<&str>| {
        let Some(text) = text else { return Ok(None) };
        let number = port_number(text).map(Some);
        number.ok_or_else(|| {
            format!("{key} `{text}` is not a number in 1..=65535; the instance is dropped")
        })
    };
    let port = read("AWS_INSTANCE_PORT", attributes.port)?;
    let service_port = read("SERVICE_PORT", attributes.mcs.service_port)?;
    // A target port may be a name, which is ignored.
    let target =
        attributes.mcs.target_port.filter(|_| service_port.is_some()).and_then(port_number);
    Ok((port.or(target), service_port))
}

/// The candidates that are used, and those that are not.
pub(super) struct ByHealth<'a> {
    pub(super) used: Vec<Candidate<'a>>,
    pub(super) left_out: Vec<Candidate<'a>>,
}

/// Splits candidates by health and readiness. Those left out are reported in one line.
pub(super) fn split_by_health<'a>(
    candidates: Vec<Candidate<'a>>,
    mode: HealthMode,
    record: &Record,
    report: &mut Report,
) -> ByHealth<'a> {
    let healthy = |p: &Candidate<'_>| p.instance.health_status != Health::Unhealthy;
    let ready = candidates.iter().filter(|p| !p.data.attributes.not_ready);
    let total = candidates.len();
    let healthy_count = ready.clone().filter(|p| healthy(p)).count();
    let ready = ready.count();
    let all =
        mode == HealthMode::All || (mode == HealthMode::HealthyOrElseAll && healthy_count == 0);
    let unhealthy = if all { 0 } else { ready - healthy_count };
    let not_ready = total - ready;
    if all && mode != HealthMode::All && ready > 0 {
        let message = format!("none of the {ready} instances is healthy, so all are used");
        report.service(record, Severity::Warning, Code::NoneHealthy, message);
    }
    if report.is_explaining() {
        for candidate in &candidates {
            let is_ready = !candidate.data.attributes.not_ready;
            let message = match (is_ready, healthy(candidate)) {
                (false, _) => "left out: its attribute READY is false",
                (true, true) => "used: its health check does not fail",
                (true, false) if all => "used although its health check fails: `health` allows it",
                (true, false) => "left out: its health check fails",
            };
            let about = About::Instance(&candidate.instance.id);
            report.because(Rule::Health, about, || message.to_owned());
        }
    }
    let reason = match (unhealthy, not_ready) {
        (0, 0) => return ByHealth { used: candidates, left_out: Vec::new() },
        (_, 0) => "unhealthy".to_owned(),
        (0, _) => "not ready".to_owned(),
        (unhealthy, not_ready) => format!("{unhealthy} unhealthy, {not_ready} not ready"),
    };
    let message = format!("{} of {total} instances are left out: {reason}", unhealthy + not_ready);
    report.service(record, Severity::Info, Code::Unhealthy, message);
    let (used, left_out) =
        candidates.into_iter().partition(|p| !p.data.attributes.not_ready && (all || healthy(p)));
    ByHealth { used, left_out }
}
