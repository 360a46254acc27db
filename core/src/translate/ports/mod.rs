//! Which ports a service has, and which of its own an endpoint serves each of them on.
//!
//! An instance is one interchangeable provider of its service: whatever service port a client uses, it must reach a port on which that
//! endpoint listens. An endpoint of Istio's can't opt out of a service port, and so maps each of them to one of its own.

mod list;
mod mapping;
mod mcs;
mod names;

pub use list::{InvalidPort, InvalidPorts, PortList, PortSpec};

pub(super) use list::port_number;
pub(super) use mapping::{Maps, Unserved};

use names::Wanted;

use super::protocol::Ladder;
use super::provider::Provider;
use super::report::Report;
use super::settings::Settings;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::ServicePort;

/// ECS maps containers to host ports from here on (Linux' ephemeral range).
const FIRST_DYNAMIC: u16 = 32_768;
/// More service ports than this make no sense of instances that each know one.
const MOST_DISTINCT: usize = 8;

/// The service ports, and how endpoints map them.
#[derive(Debug)]
pub(super) struct PortPlan<'a> {
    /// Sorted by number.
    pub(super) ports: Vec<ServicePort>,
    mapping: Mapping,
    ladder: Ladder<'a>,
}

/// How an endpoint finds its own port for a service port.
#[derive(Debug)]
enum Mapping {
    /// As listed: the target port of each service port, where one is said.
    Listed(Vec<Option<u16>>),
    /// The service port's own number.
    Same,
    /// Whatever port the endpoint has; each of its ports is an endpoint.
    Dynamic,
    /// The one that an instance has for it, else the lowest of the same protocol.
    Own,
}

/// Decides the ports by the rules, in their order.
pub(super) fn plan<'a>(record: &Record, settings: &Settings<'a>, providers: &[Provider<'_>], report: &mut Report) -> PortPlan<'a> {
    let ladder = Ladder::new(record, settings, providers, report);
    let (ports, mapping) = if let Some(list) = settings.ports() {
        listed(list)
    } else if providers.iter().any(|provider| provider.service_port.is_some()) {
        (names::assign(&mcs::ports(record, providers, &ladder, report)), Mapping::Own)
    } else if providers.iter().all(|provider| provider.port.is_none()) {
        (names::assign(&[80, 443].map(|number| Wanted::new(number, ladder.of(number)))), Mapping::Same)
    } else if providers.iter().all(is_host_mapped) {
        dynamic(settings, &ladder)
    } else {
        distinct(record, settings, providers, &ladder, report)
    };
    PortPlan { ports, mapping, ladder }
}

/// Rule 1: an override or a hint lists them.
fn listed(list: &PortList) -> (Vec<ServicePort>, Mapping) {
    let port =
        |spec: &PortSpec| ServicePort { number: spec.number(), name: spec.name().to_owned(), protocol: spec.protocol(), target_port: None };
    (list.ports().iter().map(port).collect(), Mapping::Listed(list.ports().iter().map(PortSpec::target).collect()))
}

/// Rule 4: one service port for whatever each task got.
fn dynamic(settings: &Settings<'_>, ladder: &Ladder<'_>) -> (Vec<ServicePort>, Mapping) {
    let spec = settings.dynamic_port();
    let protocol = ladder.forced.unwrap_or_else(|| spec.protocol());
    (vec![ServicePort { number: spec.number(), name: spec.name().to_owned(), protocol, target_port: None }], Mapping::Dynamic)
}

fn is_host_mapped(provider: &Provider<'_>) -> bool {
    provider.known.is_on_ecs_host && provider.port.is_some_and(|port| port >= FIRST_DYNAMIC)
}

/// Rule 5: every distinct port is a service port.
fn distinct(
    record: &Record,
    settings: &Settings<'_>,
    providers: &[Provider<'_>],
    ladder: &Ladder<'_>,
    report: &mut Report,
) -> (Vec<ServicePort>, Mapping) {
    let mut numbers: Vec<u16> = providers.iter().filter_map(|provider| provider.port).collect();
    order::sort(&mut numbers);
    numbers.dedup();
    if numbers.len() > MOST_DISTINCT {
        let spec = settings.dynamic_port();
        let message = format!(
            "the instances have {} distinct ports, more than {MOST_DISTINCT}; the service port `{spec}` stands for all of them \
             (say others with istio-cloud-map/ports or an override)",
            numbers.len()
        );
        report.service(record, Severity::Warning, Code::TooManyPorts, message);
        return dynamic(settings, ladder);
    }
    for number in &numbers {
        if let Some((taken, check)) = ladder.contradiction(*number) {
            let message = format!(
                "port {number} is taken for {taken}, but the service's health check is {check}; say which it is with \
                 istio-cloud-map/protocol or an override"
            );
            report.service(record, Severity::Warning, Code::InvalidHint, message);
        }
    }
    let wanted: Vec<Wanted<'_>> = numbers.into_iter().map(|number| Wanted::new(number, ladder.of(number))).collect();
    (names::assign(&wanted), Mapping::Own)
}
