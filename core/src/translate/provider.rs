//! Instances that provide a service: those whose address and port can be used.

use super::address::{Address, AddressRules};
use super::known::Known;
use super::ports::port_number;
use super::report::Report;
use crate::cloud_map::{Instance, Record};
use crate::diagnostic::Code;
use crate::service_entry::Protocol;

/// What an instance says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Says<'a> {
    pub(super) known: Known<'a>,
    /// The port that it listens on, if it says one.
    pub(super) port: Option<u16>,
    /// The port that clients dial, where the MCS controller says one.
    pub(super) service_port: Option<u16>,
}

impl Says<'_> {
    /// What clients dial to reach it, as far as it says.
    pub(super) fn dialled(&self) -> Option<u16> {
        self.service_port.or(self.port)
    }

    /// Whether its port is one of UDP, where the MCS controller says so.
    pub(super) fn is_udp(&self) -> Option<bool> {
        self.service_port?;
        self.known.mcs.transport.map(|transport| transport.eq_ignore_ascii_case("udp"))
    }

    /// Whether its port can serve that protocol: never TCP for UDP, nor the reverse.
    pub(super) fn fits(&self, protocol: Protocol) -> bool {
        self.is_udp().is_none_or(|udp| udp == (protocol == Protocol::Udp))
    }
}

/// An instance that something can be sent to.
#[derive(Debug, Clone)]
pub(super) struct Provider<'a> {
    pub(super) record: &'a Record,
    pub(super) instance: &'a Instance,
    pub(super) says: Says<'a>,
    pub(super) address: Address<'a>,
    /// The other family's, with `ipFamily: dual`.
    pub(super) second: Option<Address<'a>>,
}

impl<'a> Provider<'a> {
    /// One or two.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &Address<'a>> {
        std::iter::once(&self.address).chain(&self.second)
    }
}

/// A service's instances.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    /// Those that something can be sent to, in their order.
    pub(super) providers: Vec<Provider<'a>>,
    /// Those that name a port, but have no address that can be used.
    pub(super) unplaced: Vec<Says<'a>>,
}

/// Gathers the records' instances. What is no provider is reported.
pub(super) fn gather<'a>(
    records: &[&'a Record],
    rules: &AddressRules<'_>,
    report: &mut Report,
) -> Gathered<'a> {
    let count = records.iter().map(|record| record.instances.len()).sum();
    let mut gathered = Gathered { providers: Vec::with_capacity(count), unplaced: Vec::new() };
    for record in records {
        for instance in &record.instances {
            gathered.take(record, instance, rules, report);
        }
    }
    gathered
}

impl<'a> Gathered<'a> {
    fn take(
        &mut self,
        record: &'a Record,
        instance: &'a Instance,
        rules: &AddressRules<'_>,
        report: &mut Report,
    ) {
        let known = Known::of(&instance.attributes);
        let (port, service_port) = match ports(&known) {
            Ok(ports) => ports,
            Err(message) => return report.instance(record, instance, Code::InvalidPort, message),
        };
        let says = Says { known, port, service_port };
        let mut usable = rules.choose(&known).into_iter().flatten().filter_map(|address| {
            address
                .map_err(|refused| report.instance(record, instance, refused.code, refused.message))
                .ok()
        });
        if let Some(address) = usable.next() {
            let second = usable.next();
            self.providers.push(Provider { record, instance, says, address, second });
        } else if says.dialled().is_some() {
            self.unplaced.push(says);
        }
    }
}

/// The port that an instance listens on, and the one that clients dial.
fn ports(known: &Known<'_>) -> Result<(Option<u16>, Option<u16>), String> {
    let read = |key: &str, text: Option<&str>| {
        let Some(text) = text else { return Ok(None) };
        let number = port_number(text).map(Some);
        number.ok_or_else(|| {
            format!("{key} `{text}` is no number in 1..=65535; the instance is dropped")
        })
    };
    let port = read("AWS_INSTANCE_PORT", known.port)?;
    let service_port = read("SERVICE_PORT", known.mcs.service_port)?;
    // A target port may be a name there, which says nothing to us.
    let target = known.mcs.target_port.filter(|_| service_port.is_some()).and_then(port_number);
    Ok((port.or(target), service_port))
}
