//! The virtual addresses of an entry, and what they cost.
//!
//! Istio multiplies addresses by endpoints, and each change of them is a full push; but an IP that is not listed has no listener, and a
//! TCP port without an address takes all of `0.0.0.0:port`.

use super::endpoints::Endpoints;
use super::options::Addresses;
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::{Resolution, ServicePort};

/// The most that `auto` lists.
const MOST_FOR_TCP: usize = 16;
/// The most that `endpoints` lists.
const MOST: usize = 64;

/// The addresses, sorted.
pub(super) fn addresses(
    record: &Record,
    mode: Addresses,
    ports: &[ServicePort],
    endpoints: &Endpoints,
    report: &mut Report,
) -> Vec<String> {
    let needs_address = ports.iter().find(|port| !port.protocol.is_routed_by_name());
    if mode == Addresses::None || endpoints.list.is_empty() {
        return Vec::new();
    }
    let without = |why: &str, report: &mut Report| {
        if let Some(port) = needs_address {
            let message = format!(
                "{} port {} has no address of its own, since {why}; it takes all of 0.0.0.0:{1}, and a second such service is \
                 unreachable: use DNS capture",
                port.protocol, port.number
            );
            report.service(record, Severity::Warning, Code::TcpWithoutAddress, message);
        }
        Vec::new()
    };
    if endpoints.resolution == Resolution::Dns {
        return without("an endpoint is a host name", report);
    }
    let mut ips: Vec<&str> = endpoints.list.iter().map(|endpoint| endpoint.address.as_str()).collect();
    ips.dedup();
    let count = ips.len();
    match mode {
        Addresses::Auto if endpoints.list.len() > 1 && needs_address.is_none() => Vec::new(),
        Addresses::Auto if count > MOST_FOR_TCP => without(&format!("{count} addresses are more than {MOST_FOR_TCP}"), report),
        Addresses::Endpoints if count > MOST => {
            let message = format!("{count} addresses are more than {MOST}; none is listed");
            report.service(record, Severity::Warning, Code::TooManyAddresses, message);
            Vec::new()
        }
        _ => ips.into_iter().map(str::to_owned).collect(),
    }
}
