//! Instances that provide a service: those whose address and port can be used.

use super::address::{Address, AddressRules};
use super::known::Known;
use super::ports::port_number;
use super::report::Report;
use crate::cloud_map::{Instance, Record};
use crate::diagnostic::Code;

/// An instance that something can be sent to.
#[derive(Debug, Clone)]
pub(super) struct Provider<'a> {
    pub(super) record: &'a Record,
    pub(super) instance: &'a Instance,
    pub(super) known: Known<'a>,
    pub(super) address: Address<'a>,
    /// The other family's, with `ipFamily: dual`.
    pub(super) second: Option<Address<'a>>,
    /// The port that it listens on, if it says one.
    pub(super) port: Option<u16>,
    /// The port that clients dial, where the MCS controller says one.
    pub(super) service_port: Option<u16>,
}

/// The providers among the records' instances, in their order. What is no provider is reported.
pub(super) fn gather<'a>(records: &[&'a Record], rules: &AddressRules<'_>, report: &mut Report) -> Vec<Provider<'a>> {
    let count = records.iter().map(|record| record.instances.len()).sum();
    let mut providers = Vec::with_capacity(count);
    for record in records {
        providers.extend(record.instances.iter().filter_map(|instance| provider(record, instance, rules, report)));
    }
    providers
}

fn provider<'a>(record: &'a Record, instance: &'a Instance, rules: &AddressRules<'_>, report: &mut Report) -> Option<Provider<'a>> {
    let known = Known::of(&instance.attributes);
    let (port, service_port) = ports(&known).map_err(|message| report.instance(record, instance, Code::InvalidPort, message)).ok()?;
    let mut usable = rules
        .choose(&known)
        .into_iter()
        .flatten()
        .filter_map(|address| address.map_err(|refused| report.instance(record, instance, refused.code, refused.message)).ok());
    let address = usable.next()?;
    let second = usable.next();
    Some(Provider { record, instance, known, address, second, port, service_port })
}

/// The port that an instance listens on, and the one that clients dial.
fn ports(known: &Known<'_>) -> Result<(Option<u16>, Option<u16>), String> {
    let read = |key: &str, text: Option<&str>| {
        let Some(text) = text else { return Ok(None) };
        let number = port_number(text).map(Some);
        number.ok_or_else(|| format!("{key} `{text}` is no number in 1..=65535; the instance is dropped"))
    };
    let port = read("AWS_INSTANCE_PORT", known.port)?;
    let service_port = read("SERVICE_PORT", known.mcs.service_port)?;
    // A target port may be a name there, which says nothing to us.
    let target = known.mcs.target_port.filter(|_| service_port.is_some()).and_then(port_number);
    Ok((port.or(target), service_port))
}
