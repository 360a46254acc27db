//! Where what Istio made of an entry differs from what its record means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::IpAddr;

use istio_cloud_map_core::service_entry::{Protocol, ServiceEntry};
use istio_cloud_map_tests::bed::{RoutedCluster, RoutedPort, RoutedService};

use crate::meant::{Meaning, Port};

/// The differences, in words.
pub fn differences(meaning: &Meaning, entry: &ServiceEntry, routed: &RoutedService) -> Vec<String> {
    let mut differences = Vec::new();
    let meant: Vec<(u16, Protocol)> =
        meaning.ports.iter().map(|(number, port)| (*number, port.protocol)).collect();
    let written: Vec<(u16, Protocol)> =
        entry.spec.ports.iter().map(|port| (port.number, port.protocol)).collect();
    if meant != written {
        differences.push(format!("service ports: meant {meant:?}, written {written:?}"));
    }
    for (port, meant) in
        routed.ports.iter().filter_map(|port| Some((port, meaning.ports.get(&port.number)?)))
    {
        // A sidecar does not see UDP, and Istio makes nothing of such a port.
        if meant.protocol == Protocol::Udp {
            continue;
        }
        let number = port.number;
        differences.extend(
            port_differences(meaning, meant, entry, port)
                .into_iter()
                .map(|text| format!("port {number}: {text}")),
        );
    }
    differences
}

fn port_differences(
    meaning: &Meaning,
    meant: &Port,
    entry: &ServiceEntry,
    port: &RoutedPort,
) -> Vec<String> {
    let Some(cluster) = &port.cluster else { return vec!["no cluster".to_owned()] };
    let mut differences = Vec::new();
    let by_ip = meaning.listening.keys().all(|address| address.parse::<IpAddr>().is_ok());
    let kind = if by_ip { "EDS" } else { "STRICT_DNS" };
    if cluster.kind != kind {
        differences.push(format!("a cluster of type {}, expected {kind}", cluster.kind));
    }
    let routed: BTreeSet<(String, u16)> =
        cluster.endpoints.iter().map(|e| (e.address.clone(), e.port)).collect();
    let missing = some(meant.endpoints.difference(&routed));
    let unmeant = some(routed.difference(&meant.endpoints));
    differences.extend(missing.map(|endpoints| format!("endpoints: missing {endpoints}")));
    differences.extend(unmeant.map(|endpoints| format!("endpoints: not meant {endpoints}")));
    let listens = |(address, own): &(String, u16)| {
        meaning.listening.get(address).is_some_and(|own_ports| own_ports.contains(own))
    };
    let says_none = |address: &str| meaning.listening.get(address).is_some_and(BTreeSet::is_empty);
    let closed = routed.iter().filter(|e| {
        !listens(e) && !says_none(&e.0) && !meaning.listed && !meant.unserved.contains(*e)
    });
    differences.extend(
        some(closed)
            .map(|endpoints| format!("called on a port on which nobody listens: {endpoints}")),
    );
    differences.extend(attribute_differences(meaning, entry, cluster));
    differences.extend(
        port.calls.iter().filter(|call| !call.reached).map(|call| format!("not reached: {call:?}")),
    );
    if port.calls.is_empty() {
        differences.push("no call was made".to_owned());
    }
    differences
}

/// How often, with which weight and in which locality each endpoint is in the cluster.
fn attribute_differences(
    meaning: &Meaning,
    entry: &ServiceEntry,
    cluster: &RoutedCluster,
) -> Vec<String> {
    let mut written: BTreeMap<&str, BTreeSet<(u32, &str)>> = BTreeMap::new();
    for endpoint in &entry.spec.endpoints {
        let attributes =
            (endpoint.weight.unwrap_or(1), endpoint.locality.as_deref().unwrap_or_default());
        written.entry(&endpoint.address).or_default().insert(attributes);
    }
    let mut times: BTreeMap<(&str, u16), usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for endpoint in &cluster.endpoints {
        let count = times.entry((&endpoint.address, endpoint.port)).or_default();
        *count += 1;
        let has = (endpoint.weight, endpoint.locality.as_str());
        if written.get(endpoint.address.as_str()).is_some_and(|written| !written.contains(&has)) {
            differences.push(format!(
                "weight and locality of {}: {has:?}, written {written:?}",
                endpoint.address
            ));
        }
    }
    // Istio has the endpoints once for each address of the entry, which changes no share of the
    // load.
    let expected = entry.spec.addresses.len().max(1);
    // Of endpoints that a list keeps apart at one address, those may share a port that the list
    // accounts for.
    let uneven = times.into_iter().filter(|(_, times)| *times != expected && !meaning.listed);
    differences.extend(
        some(uneven).map(|endpoints| format!("expected {expected} times, is there {endpoints}")),
    );
    differences
}

/// The first few in words, if there is one.
fn some<T: Debug>(all: impl Iterator<Item = T>) -> Option<String> {
    let all: Vec<T> = all.collect();
    let few = all.get(..all.len().min(5)).filter(|few| !few.is_empty())?;
    Some(format!("{few:?} ({} in all)", all.len()))
}
