//! Istio routes what is translated to where the Cloud Map instances listen. Judged by what a
//! sidecar gets from Istio's own code.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod case;
mod found;

use std::time::Instant;

use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::service_entry::{Protocol, Resolution};
use istio_cloud_map_core::translate::Options;
use istio_cloud_map_tests::bed::{Judge, Routes};
use istio_cloud_map_tests::generated::services::{instance, registered};
use serde_json::{Value, json};

use case::Case;

/// How many services are generated.
const GENERATED: u64 = 1_400;
/// How many wrong entries are printed in full.
const PRINTED: usize = 3;

#[tokio::test]
async fn every_golden_case_is_routed_to_its_instances() {
    let cases = Case::golden();
    assert!(cases.len() > 50, "the golden cases can't be read");
    assert_routed("golden", &cases).await;
}

/// `FIRST_SEED=10000` tries others.
#[tokio::test]
async fn generated_services_are_routed_to_their_instances() {
    let first: u64 = std::env::var("FIRST_SEED").map_or(0, |seed| seed.parse().unwrap());
    let cases: Vec<Case> = (first..first + GENERATED).map(Case::generated).collect();
    assert_broad(&cases);
    assert_routed("generated", &cases).await;
    assert_rejects_hosts_without_entry(&cases).await;
}

/// The generated services cover what is special.
fn assert_broad(cases: &[Case]) {
    let codes = [
        Code::InvalidHost,
        Code::InvalidAddress,
        Code::ForbiddenAddress,
        Code::InvalidPort,
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
        let count = cases.iter().filter(|case| case.has(code)).count();
        assert!(count > 0, "no generated service has {code}");
    }
    let entries = || cases.iter().flat_map(|case| &case.entries);
    assert!(entries().count() > cases.len() * 2 / 3, "too few have an entry");
    for protocol in [Protocol::Http, Protocol::Tls, Protocol::Tcp, Protocol::MySql, Protocol::Udp] {
        let has_it = entries()
            .filter(|entry| entry.spec.ports.iter().any(|port| port.protocol == protocol))
            .count();
        assert!(has_it > 0, "no generated service has a port of {protocol}");
    }
    let empty = entries().filter(|entry| entry.spec.endpoints.is_empty()).count();
    let large = entries().filter(|entry| entry.spec.endpoints.len() > 50).count();
    let by_name = entries().filter(|entry| entry.spec.resolution == Resolution::Dns).count();
    assert!(empty > 0 && large > 0 && by_name > 0, "{empty}, {large}, {by_name}");
}

/// Istio accepts each entry and routes it to its instances. Each is in a world of its own, so that
/// what is wrong with it is its own fault.
async fn assert_routed(what: &str, cases: &[Case]) {
    let started = Instant::now();
    let entries: Vec<Value> = cases.iter().flat_map(Case::entries_json).collect();
    Judge::start().await.assert_accepts(&entries).await;
    let worlds: Vec<Vec<Value>> = entries.into_iter().map(|entry| vec![entry]).collect();
    let routed = Routes::start().await.worlds(&worlds).await;
    assert_eq!(routed.len(), worlds.len(), "one answer a world");
    let mut routed = routed.into_iter();
    let mut wrong = Vec::new();
    for case in cases {
        for (entry, routed) in case.entries.iter().zip(routed.by_ref()) {
            let [service] = routed.as_slice() else { unreachable!("each entry has one host") };
            let problems = case.problems(entry, service);
            if !problems.is_empty() {
                let (records, entry) = (json!(case.records), json!(entry));
                let name = &case.name;
                wrong.push(format!(
                    "{name}: {problems:#?}\nrecords: {records}\nentry: {entry}\nIstio: {service:?}\n"
                ));
            }
        }
    }
    println!(
        "{what}: {} cases, {} entries, {} wrong ({:.1?})",
        cases.len(),
        worlds.len(),
        wrong.len(),
        started.elapsed()
    );
    let count = wrong.len();
    wrong.truncate(PRINTED);
    assert!(wrong.is_empty(), "{count} entries are routed wrongly:\n{}", wrong.join("\n"));
}

/// A host that has no entry since Istio would reject it is one that Istio rejects.
async fn assert_rejects_hosts_without_entry(cases: &[Case]) {
    let services = cases.iter().flat_map(|case| &case.diagnostics);
    let services = services.filter(|diagnostic| diagnostic.code == Code::InvalidHost);
    let hosts: Vec<String> =
        services.map(|of| format!("{}.{}", of.service, of.namespace).to_lowercase()).collect();
    assert!(hosts.len() > 2, "too few hosts are invalid");
    let probe = |host: &String| {
        json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "ServiceEntry",
            "metadata": {"name": "probe"},
            "spec": {"hosts": [host], "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}], "resolution": "STATIC"},
        })
    };
    let probes: Vec<Value> = hosts.iter().map(probe).collect();
    for (verdict, host) in Judge::start().await.verdicts(&probes).await.iter().zip(hosts) {
        assert!(!verdict.errors.is_empty(), "{host} has no entry, though Istio accepts it");
    }
}

/// Services of these names, numbers of instances, ports and health checks, in one world: what is
/// wrong with their routes, and the diagnostics.
async fn routed_together(services: Vec<(String, usize, Vec<u16>, &str)>) -> (Vec<String>, Case) {
    let record =
        |(network, (name, hosts, ports, check)): (usize, (String, usize, Vec<u16>, &str))| {
            let address =
                |host: usize| format!("10.{}.{}.{}", network / 250, network % 250, host + 1);
            let instances = (0..hosts).flat_map(|host| {
                let at_port =
                    |port: &u16| instance(&format!("i-{host}-{port}"), &address(host), *port);
                ports.iter().map(at_port).collect::<Vec<_>>()
            });
            registered(&name, Some(check), instances.collect())
        };
    let records: Vec<_> = services.into_iter().enumerate().map(record).collect();
    let case = Case::new("shared".to_owned(), records, Options::default());
    let routed = Routes::start().await.worlds(&[case.entries_json()]).await.remove(0);
    assert_eq!(routed.len(), case.entries.len());
    let pairs = case.entries.iter().zip(&routed);
    let found = pairs.flat_map(|(entry, service)| {
        let problems = case.problems(entry, service);
        problems.into_iter().map(|text| format!("{}: {text}", service.host))
    });
    (found.collect(), case)
}

#[tokio::test]
async fn a_thousand_services_that_share_ports_are_all_reached() {
    let service = |number: usize| {
        let (hosts, ports, check) = match number % 5 {
            0 => (1, vec![80], "HTTP"),
            1 => (3, vec![80, 443], "HTTP"),
            2 => (2, vec![443], "TCP"),
            3 => (4, vec![8080], "HTTP"),
            _ => (number % 3 + 1, vec![5432], "TCP"),
        };
        (format!("svc-{number}"), hosts, ports, check)
    };
    let (found, case) = routed_together((0..1000).map(service).collect()).await;
    assert_eq!(case.entries.len(), 1000);
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn the_second_of_two_tcp_services_without_addresses_on_one_port_is_unreachable() {
    let services = ["a", "b"].map(|name| (name.to_owned(), 17, vec![5432], "TCP"));
    let (found, case) = routed_together(services.to_vec()).await;
    let warnings =
        case.diagnostics.iter().filter(|diagnostic| diagnostic.code == Code::TcpWithoutAddress);
    assert_eq!(warnings.count(), 2);
    assert!(
        !found.is_empty()
            && found
                .iter()
                .all(|text| text.starts_with("b.prod: port 5432: calls do not get here")),
        "{found:#?}"
    );
}
