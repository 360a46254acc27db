//! The service ports, and the own port of each endpoint for each of them.
//!
//! The instances of a service are interchangeable: whatever service port a client uses, it must
//! reach a port on which the endpoint listens. An endpoint in Istio cannot opt out of a service
//! port, so each endpoint maps every service port to one of its own ports.
//!
//! [`plan`] applies the first rule that matches:
//!
//! 1. listed ports (`list`),
//! 2. ports of the MCS controller (`mcs`),
//! 3. no instance has a port: 80 and 443,
//! 4. dynamic ports,
//! 5. every distinct port.
//!
//! `names` gives each service port its protocol and name; `mapping` makes the port maps of the
//! endpoints.

mod list;
mod mapping;
mod mcs;
mod names;

pub use list::{InvalidPort, InvalidPorts, PortList, PortSpec};

pub(super) use list::port_number;
pub(super) use mapping::{Maps, Unserved};

use names::{ProtocolPrecedence, UnnamedPort, assign_names};

use super::LastKnown;
use super::address::Address;
use super::candidates::{Candidate, InstanceData};
use super::explain::{About, Rule};
use super::report::Report;
use super::settings::Settings;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::ServicePort;

/// The first host port that ECS assigns dynamically (the ephemeral port range of Linux).
const FIRST_DYNAMIC: u16 = 32_768;
/// The maximum number of distinct ports that become service ports; with more, ports are dynamic.
const MAX_DISTINCT: usize = 8;
/// The minimum number of distinct ports that count as assigned by a scheduler. Two ports are a
/// rollout from one to the other.
const MIN_SCHEDULER_PORTS: usize = 3;

/// The service ports, and how endpoints map them.
#[derive(Debug)]
pub(super) struct PortPlan<'a> {
    /// Sorted by number.
    pub(super) ports: Vec<ServicePort>,
    mapping: Mapping,
    protocols: ProtocolPrecedence<'a>,
}

/// How an endpoint's own port for a service port is chosen.
#[derive(Debug)]
enum Mapping {
    /// As listed: the target port of each service port, if it has one.
    Listed(Vec<Option<u16>>),
    /// The service port's own number.
    Same,
    /// The one port of the endpoint; each port of an address is an endpoint.
    Dynamic,
    /// The port that an instance has for it, else the lowest of the same protocol.
    Own,
}

/// The instances of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instances<'i, 'a> {
    pub(super) used: &'i [Candidate<'a>],
    /// Unhealthy or not ready.
    pub(super) left_out: &'i [Candidate<'a>],
    /// Without an address that can be used.
    pub(super) without_address: &'i [InstanceData<'a>],
}

impl<'i, 'a> Instances<'i, 'a> {
    /// The instances that determine the service ports. A service without healthy instances keeps
    /// its ports: its clients get a 503, while a removed port would let them bypass the mesh.
    fn sources(&self) -> Vec<&'i InstanceData<'a>> {
        let with_address = if self.used.is_empty() { self.left_out } else { self.used };
        let without_address = if with_address.is_empty() { self.without_address } else { &[] };
        with_address.iter().map(|candidate| &candidate.data).chain(without_address).collect()
    }

    /// Address and port of each instance that has both, whatever its health: a failing check does
    /// not change the service ports.
    fn with_address(&self) -> impl Iterator<Item = (&'i Address<'a>, u16)> {
        self.used
            .iter()
            .chain(self.left_out)
            .filter_map(|candidate| Some((&candidate.address, candidate.data.port?)))
    }
}

/// Decides the ports by the first rule that matches.
pub(super) fn plan<'a>(
    record: &Record,
    settings: &Settings<'a>,
    instances: &Instances<'_, '_>,
    last: Option<&LastKnown>,
    report: &mut Report,
) -> PortPlan<'a> {
    let sources = instances.sources();
    let protocols = ProtocolPrecedence::new(record, settings, &sources, report);
    let well_known = || {
        assign_names(&[80, 443].map(|number| UnnamedPort::new(number, protocols.of_port(number))))
    };
    let (origin, (ports, mapping)) = if let Some(list) = settings.ports() {
        (Origin::Listed, listed(list))
    } else if sources.is_empty() {
        match last.filter(|last| !last.ports.is_empty()) {
            Some(last) => (Origin::LastKnown, (last.ports.clone(), Mapping::Same)),
            None => (Origin::WellKnown, (unknown(record, well_known(), report), Mapping::Same)),
        }
    } else if sources.iter().any(|data| data.service_port.is_some()) {
        let ports = assign_names(&mcs::ports(record, &sources, &protocols, report));
        (Origin::Mcs, (ports, Mapping::Own))
    } else if sources.iter().all(|data| data.port.is_none()) {
        (Origin::WellKnown, (well_known(), Mapping::Same))
    } else if sources.iter().all(|data| is_host_mapped(data))
        || are_scheduler_ports(record, settings, instances, &sources, report)
    {
        (Origin::Dynamic, dynamic(settings, &protocols))
    } else {
        (Origin::Instances, (distinct(record, &sources, &protocols, report), Mapping::Own))
    };
    for port in &ports {
        let about = About::Port(port.number);
        report.because(Rule::Port, about, || format!("{}: {}", port.name, origin.why(settings)));
        report.because(Rule::Protocol, about, || {
            format!("{}: {}", port.protocol, origin.why_protocol(port, settings, &protocols))
        });
    }
    PortPlan { ports, mapping, protocols }
}

/// Where the service ports come from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Listed,
    LastKnown,
    WellKnown,
    Mcs,
    Dynamic,
    Instances,
}

impl Origin {
    fn why(self, settings: &Settings<'_>) -> &'static str {
        match self {
            Self::Listed => settings.why_ports().unwrap_or("it is listed"),
            Self::LastKnown => "the last known port, since no instance is registered",
            Self::WellKnown => "the default, since no instance has a port",
            Self::Mcs => "SERVICE_PORT of an instance",
            Self::Dynamic => {
                "the option `dynamicPort`, since a scheduler assigned the ports of the instances"
            }
            Self::Instances => "AWS_INSTANCE_PORT of an instance",
        }
    }

    fn why_protocol(
        self,
        port: &ServicePort,
        settings: &Settings<'_>,
        protocols: &ProtocolPrecedence<'_>,
    ) -> &'static str {
        match self {
            Self::LastKnown => "the last known one",
            Self::Listed => "the name of the port begins with it",
            Self::Dynamic if protocols.forced.is_none() => "the name of the port begins with it",
            Self::Mcs if port.protocol != protocols.of_port(port.number) => {
                "SERVICE_PORT_NAME or SERVICE_PROTOCOL of an instance"
            }
            _ => settings.why_protocol().unwrap_or_else(|| protocols.why(port.number)),
        }
    }
}

/// The ports are unknown: no instance has one, now or before.
fn unknown(record: &Record, ports: Vec<ServicePort>, report: &mut Report) -> Vec<ServicePort> {
    let message = "no instance of the service has a port, so its ports are 80 and 443; set others with istio-cloud-map/ports or an override";
    report.service(record, Severity::Warning, Code::PortsUnknown, message.to_owned());
    ports
}

/// Rule 1: an override or a hint lists them.
fn listed(list: &PortList) -> (Vec<ServicePort>, Mapping) {
    let port = |spec: &PortSpec| ServicePort {
        number: spec.number(),
        name: spec.name().to_owned(),
        protocol: spec.protocol(),
        target_port: None,
    };
    (
        list.ports().iter().map(port).collect(),
        Mapping::Listed(list.ports().iter().map(PortSpec::target).collect()),
    )
}

/// Rule 4: one service port for the port of each task.
fn dynamic(
    settings: &Settings<'_>,
    protocols: &ProtocolPrecedence<'_>,
) -> (Vec<ServicePort>, Mapping) {
    let spec = settings.dynamic_port();
    let protocol = protocols.forced.unwrap_or_else(|| spec.protocol());
    (
        vec![ServicePort {
            number: spec.number(),
            name: spec.name().to_owned(),
            protocol,
            target_port: None,
        }],
        Mapping::Dynamic,
    )
}

fn is_host_mapped(data: &InstanceData<'_>) -> bool {
    data.attributes.is_on_ecs_host && data.port.is_some_and(|port| port >= FIRST_DYNAMIC)
}

/// Whether a scheduler seems to have assigned the ports, new ones with each deployment: then rule 4
/// applies to them too, whatever their numbers.
fn are_scheduler_ports(
    record: &Record,
    settings: &Settings<'_>,
    instances: &Instances<'_, '_>,
    sources: &[&InstanceData<'_>],
    report: &mut Report,
) -> bool {
    let mut numbers: Vec<u16> = sources
        .iter()
        .filter_map(|data| data.port)
        .chain(instances.with_address().map(|(_, port)| port))
        .collect();
    order::sort(&mut numbers);
    numbers.dedup();
    let (code, what) = if numbers.len() > MAX_DISTINCT {
        (
            Code::TooManyPorts,
            format!(
                "the instances have {} distinct ports, more than {MAX_DISTINCT}",
                numbers.len()
            ),
        )
    } else if numbers.len() >= MIN_SCHEDULER_PORTS && are_all_different(&numbers, instances) {
        (Code::DynamicPorts, "each instance has a different port".to_owned())
    } else {
        return false;
    };
    let spec = settings.dynamic_port();
    let message = format!(
        "{what}; the service port `{spec}` is mapped to all of them; set others with istio-cloud-map/ports or an override"
    );
    report.service(record, Severity::Warning, code, message);
    true
}

/// Whether each of these ports belongs to one address only. The ports of a single address prove
/// nothing.
fn are_all_different(numbers: &[u16], instances: &Instances<'_, '_>) -> bool {
    let mut owners: Vec<Option<&Address<'_>>> = vec![None; numbers.len()];
    for (address, port) in instances.with_address() {
        let Some(owner) = numbers.binary_search(&port).ok().and_then(|index| owners.get_mut(index))
        else {
            continue;
        };
        if owner.is_some_and(|other| other != address) {
            return false;
        }
        *owner = Some(address);
    }
    owners.array_windows().any(|[a, b]| a != b)
}

/// Rule 5: every distinct port is a service port.
fn distinct(
    record: &Record,
    sources: &[&InstanceData<'_>],
    protocols: &ProtocolPrecedence<'_>,
    report: &mut Report,
) -> Vec<ServicePort> {
    let mut numbers: Vec<u16> = sources.iter().filter_map(|data| data.port).collect();
    order::sort(&mut numbers);
    numbers.dedup();
    for number in &numbers {
        if let Some((by_number, check)) = protocols.contradiction(*number) {
            let message = format!(
                "port {number} is treated as {by_number}, but the service's health check is {check}; set the protocol with \
                 istio-cloud-map/protocol or an override"
            );
            report.service(record, Severity::Warning, Code::InvalidHint, message);
        }
    }
    let ports: Vec<UnnamedPort<'_>> = numbers
        .into_iter()
        .map(|number| UnnamedPort::new(number, protocols.of_port(number)))
        .collect();
    assign_names(&ports)
}
