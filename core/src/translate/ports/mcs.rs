//! Rule 2: ports of the MCS controller for Kubernetes, which registers one instance for each port of a pod.

use super::names::Wanted;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::Protocol;
use crate::translate::protocol::Ladder;
use crate::translate::provider::Provider;
use crate::translate::report::Report;

/// What the instances say of one service port.
#[derive(Debug)]
struct Said<'a> {
    number: u16,
    name: Option<&'a str>,
    udp: bool,
    other: bool,
}

impl<'a> Said<'a> {
    fn by(provider: &Provider<'a>) -> Option<Self> {
        let mcs = &provider.known.mcs;
        let udp = mcs.transport.is_some_and(|transport| transport.eq_ignore_ascii_case("udp"));
        Some(Self { number: provider.service_port?, name: mcs.name.or(mcs.endpoint_name), udp, other: !udp })
    }

    fn add(&mut self, more: &Self) {
        // Any one does, as long as it is the same whatever the order.
        self.name = self.name.into_iter().chain(more.name).min();
        self.udp |= more.udp;
        self.other |= more.other;
    }
}

/// The service ports that the instances say, sorted by number.
pub(super) fn ports<'a>(record: &Record, providers: &[Provider<'a>], ladder: &Ladder<'_>, report: &mut Report) -> Vec<Wanted<'a>> {
    let mut said: Vec<Said<'a>> = providers.iter().filter_map(Said::by).collect();
    order::sort_by(&mut said, |a, b| a.number.cmp(&b.number));
    said.dedup_by(|more, first| {
        let same = more.number == first.number;
        if same {
            first.add(more);
        }
        same
    });
    for Said { number, .. } in said.iter().filter(|port| port.udp && port.other) {
        let message = format!("service port {number} is both TCP and UDP, and Istio has one protocol a port; UDP is left out");
        report.service(record, Severity::Warning, Code::InvalidHint, message);
    }
    said.iter().map(|said| Wanted { number: said.number, protocol: protocol(said, ladder), name: said.name }).collect()
}

/// `TCP` is the transport there, and no reason to take HTTP for anything less.
fn protocol(said: &Said<'_>, ladder: &Ladder<'_>) -> Protocol {
    let by_name = || if said.udp && !said.other { Some(Protocol::Udp) } else { Protocol::of_port_name(said.name?) };
    ladder.forced.or_else(by_name).unwrap_or_else(|| ladder.of(said.number))
}
