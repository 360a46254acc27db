//! Providers to endpoints: one for each address, in canonical order.

use super::address::Address;
use super::labels;
use super::locality::locality;
use super::options::Options;
use super::ports::{Maps, PortPlan, Unserved};
use super::provider::Provider;
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::{Endpoint, Resolution};

/// The endpoints, sorted by address and ports, and how Istio finds them.
pub(super) struct Endpoints {
    pub(super) list: Vec<Endpoint>,
    pub(super) resolution: Resolution,
}

/// A provider at one of its addresses; with dynamic ports, at its port there.
struct Slot<'p, 'a> {
    address: &'p Address<'a>,
    port: Option<u16>,
    provider: &'p Provider<'a>,
}

/// Makes the endpoints. `with_region` asks for a region in each one's locality.
pub(super) fn build(
    record: &Record,
    providers: &[Provider<'_>],
    plan: &PortPlan<'_>,
    options: &Options,
    with_region: bool,
    report: &mut Report,
) -> Endpoints {
    let mut slots = Vec::with_capacity(providers.len());
    for provider in providers {
        let port = provider.port.filter(|_| plan.is_dynamic());
        slots.push(Slot { address: &provider.address, port, provider });
        slots.extend(provider.second.iter().map(|address| Slot { address, port, provider }));
    }
    // Of an endpoint's instances the first by its content decides, whatever the order in which Cloud Map answers.
    order::sort_by(&mut slots, |a, b| (a.address, a.port, a.provider.instance).cmp(&(b.address, b.port, b.provider.instance)));
    // With dynamic ports, an instance without one adds nothing to an address at which another has one.
    let with_port: Vec<&Address<'_>> = slots.iter().filter(|slot| slot.port.is_some()).map(|slot| slot.address).collect();
    slots.retain(|slot| slot.port.is_some() || with_port.binary_search(&slot.address).is_err());
    let mut maps = Maps::new(plan);
    let mut list = Vec::with_capacity(slots.len());
    let mut group: Vec<&Provider<'_>> = Vec::new();
    for slots in slots.chunk_by(|a, b| (a.address, a.port) == (b.address, b.port)) {
        let Some(first) = slots.first() else { continue };
        group.clear();
        group.extend(slots.iter().map(|slot| slot.provider));
        list.push(Endpoint {
            address: first.address.as_str().to_owned(),
            ports: maps.map(&group),
            labels: labels::labels(&group, options, report),
            locality: group.iter().find_map(|provider| locality(provider, with_region, report)),
            weight: labels::weight(&group, options, report),
        });
    }
    report_unserved(record, list.len(), &maps.unserved, report);
    drop_weights_over_limit(record, &mut list, report);
    let all_ips = slots.iter().all(|slot| slot.address.is_ip());
    Endpoints { list, resolution: if all_ips { Resolution::Static } else { Resolution::Dns } }
}

fn report_unserved(record: &Record, total: usize, unserved: &Unserved, report: &mut Report) {
    for (number, count, address) in unserved.iter() {
        let message = format!(
            "{count} of {total} endpoints ({address} first) have no port of the protocol of service port {number}, and calls to it may \
             reach them on a closed port"
        );
        report.service(record, Severity::Warning, Code::PortNotServed, message);
    }
}

/// Envoy rejects a cluster whose weights add up to more than a `u32`.
fn drop_weights_over_limit(record: &Record, endpoints: &mut [Endpoint], report: &mut Report) {
    if endpoints.iter().all(|endpoint| endpoint.weight.is_none()) {
        return;
    }
    let sum: u64 = endpoints.iter().map(|endpoint| u64::from(endpoint.weight.unwrap_or(1))).sum();
    if u32::try_from(sum).is_ok() {
        return;
    }
    for endpoint in endpoints {
        endpoint.weight = None;
    }
    let message = format!("the weights add up to {sum}, more than 4294967295; all are ignored");
    report.service(record, Severity::Warning, Code::InvalidWeight, message);
}
