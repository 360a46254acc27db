//! Rule 2: ports of the MCS controller for Kubernetes, which registers one instance for each port
//! of a pod.

use super::names::{ProtocolPrecedence, UnnamedPort};
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::Protocol;
use crate::translate::candidates::InstanceData;
use crate::translate::report::Report;

/// What the instances say of one service port, for TCP or for UDP.
#[derive(Debug)]
struct McsPort<'a> {
    number: u16,
    udp: bool,
    /// Somebody says so, where it is not UDP.
    tcp: bool,
    name: Option<&'a str>,
}

impl<'a> McsPort<'a> {
    fn new(data: &InstanceData<'a>) -> Option<Self> {
        let (mcs, udp) = (&data.attributes.mcs, data.is_udp());
        Some(Self {
            number: data.service_port?,
            udp: udp == Some(true),
            tcp: udp == Some(false),
            name: mcs.name.or(mcs.endpoint_name),
        })
    }

    fn add(&mut self, more: &Self) {
        // Any one does, as long as it is the same whatever the order.
        self.name = self.name.into_iter().chain(more.name).min();
        self.tcp |= more.tcp;
    }

    /// `TCP` is the transport there, and no reason to take HTTP for anything less.
    fn protocol(&self, protocols: &ProtocolPrecedence<'_>) -> Protocol {
        let by_name =
            || if self.udp { Some(Protocol::Udp) } else { Protocol::of_port_name(self.name?) };
        let found =
            protocols.forced.or_else(by_name).unwrap_or_else(|| protocols.of_port(self.number));
        if found == Protocol::Udp && self.tcp && protocols.forced.is_none() {
            Protocol::Tcp
        } else {
            found
        }
    }
}

/// The service ports that the instances say, sorted by number.
pub(super) fn ports<'a>(
    record: &Record,
    sources: &[&InstanceData<'a>],
    protocols: &ProtocolPrecedence<'_>,
    report: &mut Report,
) -> Vec<UnnamedPort<'a>> {
    let mut ports: Vec<McsPort<'a>> =
        sources.iter().filter_map(|data| McsPort::new(data)).collect();
    // TCP comes first, and so stays where both have one number.
    order::sort_by(&mut ports, |a, b| (a.number, a.udp).cmp(&(b.number, b.udp)));
    ports.dedup_by(|more, first| {
        let same = (more.number, more.udp) == (first.number, first.udp);
        if same {
            first.add(more);
        }
        same
    });
    ports.dedup_by(|udp, first| {
        let same = udp.number == first.number;
        if same {
            let left_out = if protocols.forced == Some(Protocol::Udp) { "TCP" } else { "UDP" };
            let number = first.number;
            let message = format!("service port {number} is both TCP and UDP, and Istio has one protocol a port; {left_out} is left out");
            report.service(record, Severity::Warning, Code::InvalidHint, message);
        }
        same
    });
    ports
        .iter()
        .map(|ports| UnnamedPort {
            number: ports.number,
            protocol: ports.protocol(protocols),
            name: ports.name,
        })
        .collect()
}
