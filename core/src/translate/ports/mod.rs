//! The service ports, and the own port of each endpoint for each of them.
//!
//! The instances of a service are interchangeable: whatever service port a client uses, it must
//! reach a port on which the endpoint listens. An endpoint in Istio cannot opt out of a service
//! port, so each endpoint maps every service port to one of its own ports.
//!
//! [`plan`] applies the rules in their order: 1. listed ports (`list`), 2. the MCS controller
//! (`mcs`),
//! 3. no ports at all, 4. dynamic ports, 5. every distinct port. `names` gives each service port
//!    its protocol and name; `mapping` makes the maps of the endpoints.

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
use super::report::Report;
use super::settings::Settings;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::ServicePort;

/// The first host port that ECS assigns dynamically (the ephemeral port range of Linux).
const FIRST_DYNAMIC: u16 = 32_768;
/// The most distinct ports of instances that become service ports; with more, ports are dynamic.
const MOST_DISTINCT: usize = 8;
/// The fewest distinct ports that count as assigned by a scheduler. Two ports are a roll-out from
/// one to the other.
const FEWEST_SCHEDULER_PORTS: usize = 3;

/// The service ports, and how endpoints map them.
#[derive(Debug)]
pub(super) struct PortPlan<'a> {
    /// Sorted by number.
    pub(super) ports: Vec<ServicePort>,
    mapping: Mapping,
    protocols: ProtocolPrecedence<'a>,
}

/// How an endpoint finds its own port for a service port.
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
    /// its ports: its callers get a 503, while a removed port would let them bypass the mesh.
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

/// Decides the ports by the rules, in their order.
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
    let (ports, mapping) = if let Some(list) = settings.ports() {
        listed(list)
    } else if sources.is_empty() {
        let last = last.filter(|last| !last.ports.is_empty()).map(|last| last.ports.clone());
        (last.unwrap_or_else(|| unknown(record, well_known(), report)), Mapping::Same)
    } else if sources.iter().any(|data| data.service_port.is_some()) {
        (assign_names(&mcs::ports(record, &sources, &protocols, report)), Mapping::Own)
    } else if sources.iter().all(|data| data.port.is_none()) {
        (well_known(), Mapping::Same)
    } else if sources.iter().all(|data| is_host_mapped(data))
        || are_scheduler_ports(record, settings, instances, &sources, report)
    {
        dynamic(settings, &protocols)
    } else {
        (distinct(record, &sources, &protocols, report), Mapping::Own)
    };
    PortPlan { ports, mapping, protocols }
}

/// No instance has ports, now or before.
fn unknown(record: &Record, ports: Vec<ServicePort>, report: &mut Report) -> Vec<ServicePort> {
    let message = "no instance says the service's ports, so they are 80 and 443 (say others with istio-cloud-map/ports or an override)";
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

/// Rule 4: one service port for whatever each task got.
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

/// Whether ports are such as a scheduler gives, another with each deployment: then rule 4 is for
/// them too, whatever their numbers.
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
    let (code, what) = if numbers.len() > MOST_DISTINCT {
        (
            Code::TooManyPorts,
            format!(
                "the instances have {} distinct ports, more than {MOST_DISTINCT}",
                numbers.len()
            ),
        )
    } else if numbers.len() >= FEWEST_SCHEDULER_PORTS && are_all_different(&numbers, instances) {
        (Code::DynamicPorts, "each instance has a port that no other has".to_owned())
    } else {
        return false;
    };
    let spec = settings.dynamic_port();
    let message = format!(
        "{what}; the service port `{spec}` stands for all of them (say others with istio-cloud-map/ports or an override)"
    );
    report.service(record, Severity::Warning, code, message);
    true
}

/// Whether no two instances have the same of these ports. One address alone has all its ports, and
/// is no proof of anything.
fn are_all_different(numbers: &[u16], instances: &Instances<'_, '_>) -> bool {
    let mut holders: Vec<Option<&Address<'_>>> = vec![None; numbers.len()];
    for (address, port) in instances.with_address() {
        let Some(holder) =
            numbers.binary_search(&port).ok().and_then(|index| holders.get_mut(index))
        else {
            continue;
        };
        if holder.is_some_and(|other| other != address) {
            return false;
        }
        *holder = Some(address);
    }
    holders.array_windows().any(|[a, b]| a != b)
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
        if let Some((taken, check)) = protocols.contradiction(*number) {
            let message = format!(
                "port {number} is taken for {taken}, but the service's health check is {check}; say which it is with \
                 istio-cloud-map/protocol or an override"
            );
            report.service(record, Severity::Warning, Code::InvalidHint, message);
        }
    }
    let wanted: Vec<UnnamedPort<'_>> = numbers
        .into_iter()
        .map(|number| UnnamedPort::new(number, protocols.of_port(number)))
        .collect();
    assign_names(&wanted)
}
