//! The virtual addresses of an entry (`spec.addresses`), by the option `addresses`.
//!
//! Addresses are expensive: Istio multiplies them by the endpoints, and each change of them is a
//! full push. But an IP that is not listed has no listener, and a TCP port without an address
//! captures all of `0.0.0.0:port`.

use super::LastKnown;
use super::address::Address;
use super::candidates::Candidate;
use super::endpoints::Endpoints;
use super::explain::{About, Rule};
use super::options::Addresses;
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::{Resolution, ServicePort};

/// The maximum number of addresses with `auto`.
const MAX_FOR_TCP: usize = 16;
/// The maximum number of addresses with `endpoints`.
const MAX: usize = 64;

/// The addresses of a service that has endpoints, sorted.
pub(super) fn of_endpoints(
    record: &Record,
    mode: Addresses,
    ports: &[ServicePort],
    endpoints: &Endpoints,
    report: &mut Report,
) -> Vec<String> {
    let needing = needs_address(ports);
    report.because(Rule::VirtualAddresses, About::Service, || why(mode, needing, endpoints));
    if mode == Addresses::None {
        return Vec::new();
    }
    let without = |why: &str, report: &mut Report| {
        report_without(record, needing, why, report);
        Vec::new()
    };
    if endpoints.resolution == Resolution::Dns {
        return without("an endpoint is a host name", report);
    }
    let mut ips: Vec<&str> =
        endpoints.list.iter().map(|endpoint| endpoint.address.as_str()).collect();
    ips.dedup();
    let count = ips.len();
    match mode {
        Addresses::Auto if endpoints.list.len() > 1 && needing.is_none() => Vec::new(),
        Addresses::Auto if count > MAX_FOR_TCP => {
            without(&format!("there are {count} addresses, more than {MAX_FOR_TCP}"), report)
        }
        Addresses::Endpoints if count > MAX => {
            let message = format!("there are {count} addresses, more than {MAX}; none is listed");
            report.service(record, Severity::Warning, Code::TooManyAddresses, message);
            Vec::new()
        }
        _ => ips.into_iter().map(str::to_owned).collect(),
    }
}

/// Why a service with endpoints has the addresses that it has.
fn why(mode: Addresses, needing: Option<&ServicePort>, endpoints: &Endpoints) -> String {
    match needing {
        _ if mode == Addresses::None => "none, by the options `addresses` and `mesh`".to_owned(),
        _ if endpoints.resolution == Resolution::Dns => {
            "none, since an endpoint is a host name".to_owned()
        }
        _ if mode == Addresses::Endpoints => {
            format!("the endpoints' IPs, up to {MAX}, by the option `addresses`")
        }
        _ if endpoints.list.len() == 1 => "the IP of the only endpoint".to_owned(),
        None => {
            "none: proxies route all ports by name, and changes of endpoints stay cheap".to_owned()
        }
        Some(ServicePort { number, .. }) => format!(
            "the endpoints' IPs, up to {MAX_FOR_TCP}: without any, port {number} captures all of 0.0.0.0:{number}"
        ),
    }
}

/// The addresses of a service without endpoints, sorted: none, unless a port would capture all of
/// `0.0.0.0:port`. Then they are those of the instances that are left out, else the last known
/// ones.
pub(super) fn of_empty_service(
    record: &Record,
    mode: Addresses,
    ports: &[ServicePort],
    left_out: &[Candidate<'_>],
    last: Option<&LastKnown>,
    report: &mut Report,
) -> Vec<String> {
    let needing = needs_address(ports);
    if mode == Addresses::None || needing.is_none() {
        return Vec::new();
    }
    let mut addresses: Vec<&Address<'_>> = left_out.iter().flat_map(Candidate::addresses).collect();
    order::sort(&mut addresses);
    addresses.dedup();
    let max = if mode == Addresses::Auto { MAX_FOR_TCP } else { MAX };
    if addresses.is_empty()
        || addresses.len() > max
        || !addresses.iter().all(|address| address.is_ip())
    {
        let last = last.map(|last| last.addresses.clone()).unwrap_or_default();
        if last.is_empty() {
            report_without(
                record,
                needing,
                "there is no endpoint, and no earlier address is known",
                report,
            );
        }
        return last;
    }
    addresses.into_iter().map(|address| address.as_str().to_owned()).collect()
}

/// The first port that captures all of `0.0.0.0:port` without an address.
fn needs_address(ports: &[ServicePort]) -> Option<&ServicePort> {
    ports.iter().find(|port| !port.protocol.is_routed_by_name())
}

fn report_without(record: &Record, needing: Option<&ServicePort>, why: &str, report: &mut Report) {
    let Some(port) = needing else { return };
    let message = format!(
        "{} port {} has no address of its own, since {why}; it captures all of 0.0.0.0:{1}, and a second such service is unreachable: \
         enable DNS capture",
        port.protocol, port.number
    );
    report.service(record, Severity::Warning, Code::TcpWithoutAddress, message);
}
