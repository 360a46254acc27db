//! The judgement finds what is wrong with a translation.

use istio_cloud_map_core::cloud_map::{Health, Record};
use istio_cloud_map_core::service_entry::ServiceEntry;
use istio_cloud_map_core::translate::Options;
use istio_cloud_map_tests::bed::Routes;
use istio_cloud_map_tests::generated::services::{instance, registered};
use serde_json::{Value, json};

use crate::case::Case;

/// Three addresses on HTTP and on TCP, one of them on another TCP port and with DNS over UDP; and
/// one that is unhealthy.
fn service() -> Record {
    let hosts = [1, 2, 3].into_iter();
    let mut instances: Vec<_> = hosts
        .flat_map(|host| {
            let address = format!("10.0.0.{host}");
            let tcp = if host == 1 { 9001 } else { 9000 };
            [
                instance(&format!("a-{host}"), &address, 80),
                instance(&format!("b-{host}"), &address, tcp),
            ]
        })
        .collect();
    let mut unhealthy = instance("c", "10.0.0.4", 80);
    unhealthy.health_status = Health::Unhealthy;
    instances.push(unhealthy);
    registered("web", None, instances)
}

#[tokio::test]
async fn a_wrong_translation_is_found_for_what_is_wrong_with_it() {
    let case = Case::new("web".to_owned(), vec![service()], Options::default());
    let right = case.entries_json().remove(0);
    let wrong = |pointer: &str, value: Value| {
        let mut entry = right.clone();
        *entry.pointer_mut(pointer).unwrap() = value;
        entry
    };
    let mut one_too_many = right.clone();
    let unhealthy = json!({"address": "10.0.0.4", "ports": right["spec"]["endpoints"][1]["ports"]});
    one_too_many["spec"]["endpoints"].as_array_mut().unwrap().push(unhealthy);
    let mutants = [
        (
            "an endpoint is missing",
            wrong("/spec/endpoints", json!([right["spec"]["endpoints"][0]])),
            "instances that no port reaches",
        ),
        (
            "an endpoint is another",
            wrong("/spec/endpoints/0/address", json!("10.0.0.9")),
            "10.0.0.9:80 is not an address of a usable instance",
        ),
        (
            "an unhealthy instance is called",
            one_too_many,
            "10.0.0.4:80 is not an address of a usable instance",
        ),
        (
            "a closed port is called",
            wrong("/spec/endpoints/1/ports/http", json!(81)),
            "port 80: 10.0.0.2:81 is closed",
        ),
        (
            "a port is mapped to that of another protocol",
            wrong("/spec/endpoints/1/ports/http", json!(9000)),
            "instances that no port reaches",
        ),
        (
            "a map is missing",
            wrong("/spec/endpoints/0/ports", json!({})),
            "10.0.0.1:9000 is closed",
        ),
        (
            "an address is not listed",
            wrong("/spec/addresses", json!(["10.0.0.1"])),
            "port 9000: calls do not get here",
        ),
        (
            "a service port is missing",
            wrong("/spec/ports", json!([right["spec"]["ports"][0]])),
            "instances that no port reaches",
        ),
        (
            "a host is in upper case",
            wrong("/spec/hosts/0", json!("Web.prod")),
            "port 80: calls do not get here",
        ),
        (
            "addresses are resolved",
            wrong("/spec/resolution", json!("DNS")),
            "a cluster of type STRICT_DNS",
        ),
    ];
    let entries = mutants.iter().map(|(_, entry, _)| entry).chain([&right]);
    let worlds: Vec<Vec<Value>> = entries.map(|entry| vec![entry.clone()]).collect();
    let routed = Routes::start().await.worlds(&worlds).await;
    let mut routed = routed.into_iter().map(|mut world| world.remove(0));
    for ((name, entry, expected), mut routed) in mutants.into_iter().zip(routed.by_ref()) {
        let entry: ServiceEntry = serde_json::from_value(entry).unwrap();
        // Whose entry it is does not depend on the mutant.
        routed.host.make_ascii_lowercase();
        let found = case.problems(&entry, &routed);
        assert!(found.iter().any(|text| text.contains(expected)), "{name}: {found:#?}");
    }
    let found = case.problems(&case.entries[0], &routed.next().unwrap());
    assert_eq!(found, Vec::<String>::new());
}

/// A client that speaks TCP must not get to a port that listens for UDP.
#[tokio::test]
async fn a_udp_port_that_tcp_reaches_is_found() {
    let on_service_port = |port: u16, service_port: &str, protocol: &str| {
        let mut instance = instance(protocol, "10.0.0.1", port);
        for (key, value) in [("SERVICE_PORT", service_port), ("SERVICE_PROTOCOL", protocol)] {
            instance.attributes.insert(key.to_owned(), value.to_owned());
        }
        instance
    };
    let instances = vec![on_service_port(5353, "53", "UDP"), on_service_port(8080, "80", "TCP")];
    let records = vec![registered("web", None, instances)];
    let case = Case::new("dns".to_owned(), records, Options::default());
    let right = case.entries_json().remove(0);
    let mut wrong = right.clone();
    for port in wrong["spec"]["ports"].as_array_mut().unwrap() {
        port["protocol"] = json!("TCP");
    }
    let mut routed = Routes::start().await.worlds(&[vec![right], vec![wrong.clone()]]).await;
    let (of_wrong, of_right) = (routed.pop().unwrap(), routed.pop().unwrap());
    assert_eq!(case.problems(&case.entries[0], &of_right[0]), Vec::<String>::new());
    let wrong: ServiceEntry = serde_json::from_value(wrong).unwrap();
    let found = case.problems(&wrong, &of_wrong[0]);
    assert!(found.iter().any(|text| text.contains("10.0.0.1:5353 is closed")), "{found:#?}");
}
