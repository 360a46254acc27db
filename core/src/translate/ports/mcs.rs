//! Rule 2: ports of the MCS controller for Kubernetes, which registers one instance for each port of a pod.

use std::collections::BTreeMap;

use super::names::Wanted;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::Protocol;
use crate::translate::protocol::Ladder;
use crate::translate::provider::Provider;
use crate::translate::report::Report;

/// What the instances say of one service port.
#[derive(Debug, Default)]
struct Said<'a> {
    name: Option<&'a str>,
    udp: bool,
    other: bool,
}

/// The service ports that the instances say, sorted by number.
pub(super) fn ports<'a>(record: &Record, providers: &[Provider<'a>], ladder: &Ladder<'_>, report: &mut Report) -> Vec<Wanted<'a>> {
    let mut said: BTreeMap<u16, Said<'a>> = BTreeMap::new();
    for provider in providers {
        let Some(number) = provider.service_port else { continue };
        let port = said.entry(number).or_default();
        let mcs = &provider.known.mcs;
        // Any one does, as long as it is the same whatever the order.
        port.name = port.name.into_iter().chain(mcs.name.or(mcs.endpoint_name)).min();
        let udp = mcs.transport.is_some_and(|transport| transport.eq_ignore_ascii_case("udp"));
        port.udp |= udp;
        port.other |= !udp;
    }
    for (number, _) in said.iter().filter(|(_, port)| port.udp && port.other) {
        let message = format!("service port {number} is both TCP and UDP, and Istio has one protocol a port; UDP is left out");
        report.service(record, Severity::Warning, Code::InvalidHint, message);
    }
    let ports = said.into_iter();
    ports.map(|(number, said)| Wanted { number, protocol: protocol(number, &said, ladder), name: said.name }).collect()
}

/// `TCP` is the transport there, and no reason to take HTTP for anything less.
fn protocol(number: u16, said: &Said<'_>, ladder: &Ladder<'_>) -> Protocol {
    let by_name = || if said.udp && !said.other { Some(Protocol::Udp) } else { Protocol::of_port_name(said.name?) };
    ladder.forced.or_else(by_name).unwrap_or_else(|| ladder.of(number))
}
