//! Endpoints: one for each address (and port, if an address has several instances that differ),
//! in canonical order, with labels, weight and locality.

use super::address::Address;
use super::candidates::Candidate;
use super::explain::{About, Rule};
use super::options::Options;
use super::ports::{Maps, PortPlan, Unserved};
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::{Endpoint, PortMap, Resolution, is_label_value};
use crate::sorted::SortedMap;

/// The endpoints, sorted by address and ports, and their resolution.
pub(super) struct Endpoints {
    pub(super) list: Vec<Endpoint>,
    pub(super) resolution: Resolution,
}

/// A candidate at one of its addresses.
pub(super) struct Slot<'p, 'a> {
    pub(super) candidate: &'p Candidate<'a>,
    address: &'p Address<'a>,
    /// Its port, if it is an endpoint separate from others of its address.
    pub(super) separate_port: Option<u16>,
}

/// Makes the endpoints. `with_region` adds a region to the locality of each.
pub(super) fn build(
    record: &Record,
    candidates: &[Candidate<'_>],
    plan: &PortPlan<'_>,
    options: &Options,
    with_region: bool,
    report: &mut Report,
) -> Endpoints {
    let mut slots = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let separate_port = plan.separate_port(&candidate.data);
        slots.extend(candidate.addresses().map(|address| Slot {
            candidate,
            address,
            separate_port,
        }));
    }
    // Sorted by content, so that the order of Cloud Map's response does not decide which instance
    // of an endpoint comes first.
    order::sort_by(&mut slots, |a, b| {
        (a.address, a.separate_port, a.candidate.instance).cmp(&(
            b.address,
            b.separate_port,
            b.candidate.instance,
        ))
    });
    let mut maps = Maps::new(plan);
    let mut list = Vec::with_capacity(slots.len());
    let mut push = |slots: &[Slot<'_, '_>], ports: PortMap, list: &mut Vec<Endpoint>| {
        let Some(first) = slots.first() else { return };
        if report.is_explaining() {
            explain_ports(first, slots, &ports, plan, report);
        }
        let locality = slots.iter().find_map(|slot| locality(slot.candidate, with_region, report));
        report.because(
            Rule::Locality,
            About::Endpoint(first.address.as_str()),
            || match &locality {
                Some(locality) if locality.contains('/') => {
                    format!("{locality}: the zone and region of its instance")
                }
                Some(region) => {
                    format!("{region}: the region of its instance, whose zone is not known here")
                }
                None => "none: its instance has no AVAILABILITY_ZONE".to_owned(),
            },
        );
        list.push(Endpoint {
            address: first.address.as_str().to_owned(),
            ports,
            labels: labels(slots, options, report),
            locality,
            weight: weight(slots, options, report),
        });
    };
    for at_address in slots.chunk_by(|a, b| a.address == b.address) {
        let is_split = maps.start_address(at_address);
        if !is_split && let Some(Slot { candidate: first, .. }) = at_address.first() {
            push(at_address, maps.whole(first), &mut list);
            continue;
        }
        let start = list.len();
        let mut has_whole = false;
        for part in at_address.chunk_by(|a, b| a.separate_port == b.separate_port) {
            let Some(Slot { candidate: first, separate_port: Some(port), .. }) = part.first()
            else {
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
    let name = slots.iter().find(|slot| !slot.address.is_ip());
    report.because(Rule::Resolution, About::Service, || match name {
        Some(slot) => format!("DNS, since {} is a host name", slot.address),
        None => "STATIC, since no endpoint is a host name".to_owned(),
    });
    Endpoints {
        list,
        resolution: if name.is_none() { Resolution::Static } else { Resolution::Dns },
    }
}

/// Why an endpoint has the ports that it has.
fn explain_ports(
    first: &Slot<'_, '_>,
    slots: &[Slot<'_, '_>],
    ports: &PortMap,
    plan: &PortPlan<'_>,
    report: &mut Report,
) {
    let address = first.address.as_str();
    for (index, port) in plan.ports.iter().enumerate() {
        report.because(Rule::PortMap, About::PortOf(address, port.number), || {
            plan.why(index, ports.port(&port.name), slots)
        });
    }
}

fn report_unserved(record: &Record, total: usize, unserved: &Unserved, report: &mut Report) {
    for (number, count, address) in unserved.iter() {
        let message = format!(
            "{count} of {total} endpoints (the first is {address}) have no port with the protocol of service port {number}; a connection \
             to it may reach a closed port"
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

/// The labels that the options list, from the candidates of one endpoint. If two differ, the first
/// candidate's is used.
pub(super) fn labels(
    slots: &[Slot<'_, '_>],
    options: &Options,
    report: &mut Report,
) -> SortedMap<String, String> {
    let mut labels: SortedMap<String, String> = SortedMap::new();
    for (key, attribute) in options.endpoint_labels.iter() {
        for Slot { candidate, .. } in slots {
            let Some(value) = candidate.instance.attributes.get(attribute) else { continue };
            if let Some(problem) = label_problem(labels.get(key.as_str()), value) {
                let message = format!(
                    "the label `{}` from `{attribute}` is left out: {problem}",
                    key.as_str()
                );
                report.instance(candidate.record, candidate.instance, Code::InvalidLabel, message);
                continue;
            }
            if !labels.contains_key(key.as_str()) {
                labels.insert(key.as_str().to_owned(), value.clone());
            }
        }
    }
    labels
}

/// Why Kubernetes and Istio would reject the value of a label.
pub(super) fn label_value_problem(value: &str) -> Option<String> {
    let expected = "expected at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
    (!is_label_value(value)).then(|| format!("`{value}` is not a valid label value, {expected}"))
}

fn label_problem(present: Option<&String>, value: &str) -> Option<String> {
    if let Some(problem) = label_value_problem(value) {
        return Some(problem);
    }
    let present = present.filter(|present| *present != value)?;
    Some(format!("another instance at this address has `{present}`, this one has `{value}`"))
}

/// The weight in the attribute that the options name: the highest of the candidates of one
/// endpoint.
pub(super) fn weight(
    slots: &[Slot<'_, '_>],
    options: &Options,
    report: &mut Report,
) -> Option<u32> {
    let attribute = options.weight_attribute.as_ref()?;
    let mut highest = None;
    for Slot { candidate, .. } in slots {
        let Some(text) =
            candidate.instance.attributes.get(attribute).filter(|text| !text.is_empty())
        else {
            continue;
        };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let weight = text.parse::<u32>().ok().filter(|weight| digits && *weight > 0);
        highest = highest.max(weight);
        if weight.is_none() {
            let message = format!(
                "the weight `{attribute}` is `{text}`, expected a number in 1..=4294967295; it is ignored"
            );
            report.instance(candidate.record, candidate.instance, Code::InvalidWeight, message);
        }
    }
    highest
}

/// The locality of a candidate, if it is known. `with_region` adds the region even without a zone,
/// so that Istio can fail over between regions. A zone that has no name in the mesh is left out: the
/// name that it has in its own account is that of another zone here.
pub(super) fn locality(
    candidate: &Candidate<'_>,
    with_region: bool,
    report: &mut Report,
) -> Option<String> {
    let attributes = &candidate.data.attributes;
    let zone = attributes.zone;
    if zone.is_none() && !with_region {
        return None;
    }
    let region = attributes.region.or_else(|| region_of(zone?));
    let region = region.or(candidate.record.region.as_deref()).unwrap_or_default();
    let zone_in_mesh = zone.and_then(|zone| candidate.record.zone_in_mesh(zone));
    if is_locality_part(region) && zone_in_mesh.is_none_or(is_locality_part) {
        return Some(match zone_in_mesh {
            Some(zone) => [region, "/", zone].concat(),
            None => region.to_owned(),
        });
    }
    if let Some(zone) = zone {
        let message =
            format!("zone `{zone}` and region `{region}` are not a valid locality; it is left out");
        report.instance(candidate.record, candidate.instance, Code::InvalidHint, message);
    }
    None
}

/// The region in a zone's name: the part up to its first number. `us-gov-west-1b` is in
/// `us-gov-west-1`, the local zone `us-west-2-lax-1a` in `us-west-2`.
fn region_of(zone: &str) -> Option<&str> {
    let mut end = 0;
    for part in zone.split('-') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            return zone.get(..end + digits).filter(|_| end > 0);
        }
        end += part.len() + 1;
    }
    None
}

/// Whether the text can be part of a locality: a slash would shift the parts, and the schema allows
/// 2,048 characters in total.
fn is_locality_part(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zones_name_contains_its_region() {
        for (zone, region) in [
            ("us-east-1a", Some("us-east-1")),
            ("us-gov-west-1b", Some("us-gov-west-1")),
            ("us-west-2-lax-1a", Some("us-west-2")),
            ("us-east-1-wl1-bos-wlz-1", Some("us-east-1")),
            ("ap-southeast-12c", Some("ap-southeast-12")),
            ("use1-az1", None),
            ("1a", None),
            ("", None),
            ("-1", Some("-1")),
        ] {
            assert_eq!(region_of(zone), region, "{zone}");
        }
    }
}
