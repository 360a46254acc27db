//! What is translated is routed by Istio as the Cloud Map record means: whatever service port a
//! client uses, it reaches a port on which an instance of that service listens, and it reaches all
//! of them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod case;
mod compare;
mod found;
mod meant;
mod provider;
mod shared;
mod wishes;

use std::time::Instant;

use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::service_entry::{Protocol, Resolution};
use istio_cloud_map_tests::bed::{Judge, Routes};
use serde_json::{Value, json};

use case::Case;
use compare::differences;

/// How many services are generated: about a fifth has a host that Istio rejects, is excluded or
/// left out.
const GENERATED: u64 = 2_800;
/// All that can be written.
const PROTOCOLS: [Protocol; 11] = [
    Protocol::Http,
    Protocol::Http2,
    Protocol::Https,
    Protocol::Grpc,
    Protocol::GrpcWeb,
    Protocol::Tls,
    Protocol::Tcp,
    Protocol::Mongo,
    Protocol::MySql,
    Protocol::Redis,
    Protocol::Udp,
];
/// How many differences are printed in full.
const PRINTED: usize = 3;

#[tokio::test]
async fn every_golden_case_is_routed_as_meant() {
    let cases = case::golden();
    assert!(cases.len() > 50, "the golden cases are gone");
    assert_routed_as_meant("golden", &cases).await;
}

/// `FIRST_SEED=10000` tries others.
#[tokio::test]
async fn generated_services_are_routed_as_meant() {
    let first: u64 = std::env::var("FIRST_SEED").map_or(0, |seed| seed.parse().unwrap());
    let cases: Vec<Case> = (first..first + GENERATED).map(Case::generated).collect();
    assert_broad(&cases);
    assert_routed_as_meant("generated", &cases).await;
}

/// The generated services come by what is special.
fn assert_broad(cases: &[Case]) {
    let codes = [
        Code::InvalidHost,
        Code::InvalidAddress,
        Code::ForbiddenAddress,
        Code::InvalidPort,
        Code::InvalidHint,
        Code::InvalidLabel,
        Code::InvalidWeight,
        Code::PortNotServed,
        Code::TooManyPorts,
        Code::DynamicPorts,
        Code::PortsUnknown,
        Code::TcpWithoutAddress,
        Code::Unhealthy,
        Code::NoneHealthy,
        Code::Excluded,
    ];
    for code in codes {
        let count = cases
            .iter()
            .filter(|case| case.diagnostics.iter().any(|diagnostic| diagnostic.code == code))
            .count();
        assert!(count >= 2, "only {count} generated services come by {code}");
    }
    let entries = || cases.iter().flat_map(|case| &case.entries);
    assert!(entries().count() > 2_000, "too few have an entry");
    for protocol in PROTOCOLS {
        let count = entries()
            .filter(|entry| entry.spec.ports.iter().any(|port| port.protocol == protocol))
            .count();
        assert!(count >= 2, "only {count} generated services speak {protocol}");
    }
    let kinds = [
        entries().filter(|entry| entry.spec.endpoints.is_empty()).count(),
        entries().filter(|entry| entry.spec.endpoints.len() > 500).count(),
        entries().filter(|entry| entry.spec.resolution == Resolution::Dns).count(),
        entries()
            .filter(|entry| {
                entry.spec.endpoints.iter().any(|endpoint| endpoint.address.contains(':'))
            })
            .count(),
    ];
    assert!(kinds.iter().all(|count| *count >= 2), "empty, large, by name, IPv6: {kinds:?}");
}

/// Each entry is in a world of its own, so that what is wrong with it is its own fault.
async fn assert_routed_as_meant(what: &str, cases: &[Case]) {
    let started = Instant::now();
    assert_accepted(cases).await;
    let accepted = started.elapsed();
    let worlds: Vec<Vec<Value>> =
        cases.iter().flat_map(Case::entries_json).map(|entry| vec![entry]).collect();
    let routed = Routes::start().await.worlds(&worlds).await;
    assert_eq!(routed.len(), worlds.len(), "one answer a world");
    let mut routed = routed.into_iter();
    let (mut differing, mut ports, mut endpoints, mut calls) = (Vec::new(), 0, 0, 0);
    for case in cases {
        for (entry, routed) in case.entries.iter().zip(routed.by_ref()) {
            let [service] = routed.as_slice() else {
                unreachable!("an entry of ours has one host")
            };
            let found = match case.meanings.get(&service.host) {
                Some(meaning) => differences(meaning, entry, service),
                None => vec!["an entry that nobody means".to_owned()],
            };
            if !found.is_empty() {
                let (records, entry) = (json!(case.records), json!(entry));
                differing.push(format!(
                    "{}: {found:#?}\nrecords: {records}\nentry: {entry}\nIstio: {service:?}\n",
                    case.name
                ));
            }
            ports += service.ports.len();
            calls += service.ports.iter().map(|port| port.calls.len()).sum::<usize>();
            endpoints += service
                .ports
                .iter()
                .filter_map(|port| Some(port.cluster.as_ref()?.endpoints.len()))
                .sum::<usize>();
        }
    }
    println!(
        "{what}: {} cases, {} entries, {ports} service ports, {endpoints} endpoints in clusters, {calls} calls; {} differ ({:.1?}, of it {accepted:.1?} for verdicts)",
        cases.len(),
        worlds.len(),
        differing.len(),
        started.elapsed(),
    );
    let count = differing.len();
    differing.truncate(PRINTED);
    assert!(
        differing.is_empty(),
        "{count} entries differ from what is meant, {PRINTED} of them at most here:\n{}",
        differing.join("\n")
    );
}

/// Istio accepts every entry, and rejects every host that has none. What no endpoint serves is
/// said.
async fn assert_accepted(cases: &[Case]) {
    let judge = Judge::start().await;
    let entries: Vec<Value> = cases.iter().flat_map(Case::entries_json).collect();
    judge.assert_accepts(&entries).await;
    let hosts: Vec<&str> = cases.iter().flat_map(Case::hosts_without_entry).collect();
    let probes: Vec<Value> = hosts.iter().map(|host| probe(host)).collect();
    for (verdict, host) in judge.verdicts(&probes).await.iter().zip(hosts) {
        assert!(!verdict.errors.is_empty(), "{host} has no entry, though Istio accepts it");
    }
    for case in cases {
        let unserved = case
            .meanings
            .values()
            .flat_map(|m| m.ports.values())
            .any(|port| !port.unserved.is_empty());
        let warned =
            case.diagnostics.iter().any(|diagnostic| diagnostic.code == Code::PortNotServed);
        assert!(
            warned || !unserved || case.entries.is_empty(),
            "{}: ports without a provider, and no warning",
            case.name
        );
    }
}

/// An entry of which only the host can be wrong.
fn probe(host: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "probe"},
        "spec": {"hosts": [host], "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}], "resolution": "STATIC"},
    })
}
