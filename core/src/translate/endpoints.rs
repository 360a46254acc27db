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
use crate::service_entry::{Endpoint, PortMap, Resolution};

/// The endpoints, sorted by address and ports, and how Istio finds them.
pub(super) struct Endpoints {
    pub(super) list: Vec<Endpoint>,
    pub(super) resolution: Resolution,
}

/// A provider at one of its addresses.
pub(super) struct Slot<'p, 'a> {
    pub(super) provider: &'p Provider<'a>,
    address: &'p Address<'a>,
    /// Its port, if that makes it an endpoint beside others of its address.
    pub(super) apart: Option<u16>,
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
        let apart = plan.apart(&provider.says);
        slots.extend(provider.addresses().map(|address| Slot { provider, address, apart }));
    }
    // Of an endpoint's instances the first by its content decides, whatever the order in which
    // Cloud Map answers.
    order::sort_by(&mut slots, |a, b| {
        (a.address, a.apart, a.provider.instance).cmp(&(b.address, b.apart, b.provider.instance))
    });
    let mut maps = Maps::new(plan);
    let mut list = Vec::with_capacity(slots.len());
    let mut push = |slots: &[Slot<'_, '_>], ports: PortMap, list: &mut Vec<Endpoint>| {
        let Some(first) = slots.first() else { return };
        list.push(Endpoint {
            address: first.address.as_str().to_owned(),
            ports,
            labels: labels::labels(slots, options, report),
            locality: slots.iter().find_map(|slot| locality(slot.provider, with_region, report)),
            weight: labels::weight(slots, options, report),
        });
    };
    for here in slots.chunk_by(|a, b| a.address == b.address) {
        let is_apart = maps.turn_to(here);
        if !is_apart && let Some(Slot { provider: first, .. }) = here.first() {
            push(here, maps.whole(first), &mut list);
            continue;
        }
        let (start, mut has_whole) = (list.len(), false);
        for part in here.chunk_by(|a, b| a.apart == b.apart) {
            let Some(Slot { provider: first, apart: Some(port), .. }) = part.first() else {
                continue;
            };
            let map = maps.part(*port, first);
            if map.is_some() || !has_whole {
                has_whole |= map.is_none();
                push(part, map.unwrap_or_else(|| maps.whole(first)), &mut list);
            }
        }
        order::sort(list.get_mut(start..).unwrap_or_default());
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
