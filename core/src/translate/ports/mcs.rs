//! Rule 2: ports of aws-cloud-map-mcs-controller-for-k8s, which registers one instance for each
//! port of a pod, with the attributes `SERVICE_PORT`, `SERVICE_PORT_NAME` and `SERVICE_PROTOCOL`.

use super::names::{ProtocolPrecedence, UnnamedPort};
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::Protocol;
use crate::translate::candidates::InstanceData;
use crate::translate::report::Report;

/// One service port of the instances, for TCP or for UDP.
#[derive(Debug)]
struct McsPort<'a> {
    number: u16,
    udp: bool,
    /// Whether an instance has the transport TCP.
    tcp: bool,
    name: Option<&'a str>,
}

impl<'a> McsPort<'a> {
    fn new(data: &InstanceData<'a>) -> Option<Self> {
        let mcs = &data.attributes.mcs;
        let udp = data.is_udp();
        Some(Self {
            number: data.service_port?,
            udp: udp == Some(true),
            tcp: udp == Some(false),
            name: mcs.name.or(mcs.endpoint_name),
        })
    }

    fn merge(&mut self, more: &Self) {
        // The lowest name, which does not depend on the order of the instances.
        self.name = self.name.into_iter().chain(more.name).min();
        self.tcp |= more.tcp;
    }

    /// The protocol. The transport `TCP` does not rule out HTTP.
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

/// The service ports of the instances, sorted by number.
pub(super) fn ports<'a>(
    record: &Record,
    sources: &[&InstanceData<'a>],
    protocols: &ProtocolPrecedence<'_>,
    report: &mut Report,
) -> Vec<UnnamedPort<'a>> {
    let mut ports: Vec<McsPort<'a>> =
        sources.iter().filter_map(|data| McsPort::new(data)).collect();
    // TCP sorts first, and is therefore kept if both have the same number.
    order::sort_by(&mut ports, |a, b| (a.number, a.udp).cmp(&(b.number, b.udp)));
    ports.dedup_by(|more, first| {
        let same = (more.number, more.udp) == (first.number, first.udp);
        if same {
            first.merge(more);
        }
        same
    });
    ports.dedup_by(|udp, first| {
        let same = udp.number == first.number;
        if same {
            let left_out = if protocols.forced == Some(Protocol::Udp) { "TCP" } else { "UDP" };
            let number = first.number;
            let message = format!("service port {number} is both TCP and UDP, but Istio supports one protocol for each port; {left_out} is left out");
            report.service(record, Severity::Warning, Code::InvalidHint, message);
        }
        same
    });
    ports
        .iter()
        .map(|port| UnnamedPort {
            number: port.number,
            protocol: port.protocol(protocols),
            name: port.name,
        })
        .collect()
}
