//! What is wrong with a translation is found.

use istio_cloud_map_core::cloud_map::{Instance, Namespace, Record, Service};
use istio_cloud_map_core::service_entry::ServiceEntry;
use istio_cloud_map_core::sorted::SortedMap;
use istio_cloud_map_core::translate::Options;
use istio_cloud_map_tests::bed::Routes;
use serde_json::{Value, json};

use crate::case::Case;
use crate::compare::differences;

/// Three addresses on HTTP and on TCP, one of them on another TCP port.
fn service() -> Record {
    let instance = |host: u8, port: u16| Instance {
        id: format!("i-{host}-{port}"),
        attributes: SortedMap::from([
            ("AWS_INSTANCE_IPV4".to_owned(), format!("10.0.0.{host}")),
            ("AWS_INSTANCE_PORT".to_owned(), port.to_string()),
        ]),
        ..Instance::default()
    };
    Record {
        namespace: Namespace { name: "prod".to_owned(), ..Namespace::default() },
        service: Service { name: "web".to_owned(), ..Service::default() },
        instances: [1, 2, 3]
            .into_iter()
            .flat_map(|host| {
                [instance(host, 80), instance(host, if host == 1 { 9001 } else { 9000 })]
            })
            .collect(),
        ..Record::default()
    }
}

#[tokio::test]
async fn a_wrong_translation_is_found_for_what_is_wrong_with_it() {
    let case = Case::new("web".to_owned(), vec![service()], &Options::default());
    let right = case.entries_json().remove(0);
    let wrong = |pointer: &str, value: Value| {
        let mut entry = right.clone();
        *entry.pointer_mut(pointer).unwrap() = value;
        entry
    };
    let mutants = [
        (
            "an endpoint is gone",
            wrong("/spec/endpoints", json!([right["spec"]["endpoints"][0]])),
            "port 80: endpoints: missing",
        ),
        (
            "an endpoint is another",
            wrong("/spec/endpoints/0/address", json!("10.0.0.9")),
            "port 80: endpoints: missing",
        ),
        (
            "a closed port is called",
            wrong("/spec/endpoints/1/ports/http", json!(81)),
            "on which nobody listens",
        ),
        (
            "a port is mapped to that of another protocol",
            wrong("/spec/endpoints/1/ports/http", json!(9000)),
            "port 80: endpoints: missing",
        ),
        ("a map is gone", wrong("/spec/endpoints/0/ports", json!({})), "port 9000: endpoints"),
        (
            "an address is not listed",
            wrong("/spec/addresses", json!(["10.0.0.1"])),
            "port 9000: not reached",
        ),
        (
            "a service port is gone",
            wrong("/spec/ports", json!([right["spec"]["ports"][0]])),
            "service ports: meant",
        ),
        (
            "a protocol is another",
            wrong("/spec/ports/0/protocol", json!("TCP")),
            "service ports: meant",
        ),
        (
            "a host is in upper case",
            wrong("/spec/hosts/0", json!("Web.prod")),
            "port 80: not reached",
        ),
        (
            "addresses are resolved",
            wrong("/spec/resolution", json!("DNS")),
            "a cluster of type STRICT_DNS",
        ),
    ];
    let worlds: Vec<Vec<Value>> = mutants
        .iter()
        .map(|(_, entry, _)| vec![entry.clone()])
        .chain([vec![right.clone()]])
        .collect();
    let mut routed =
        Routes::start().await.worlds(&worlds).await.into_iter().map(|mut world| world.remove(0));
    let meaning = &case.meanings["web.prod"];
    for ((name, entry, expected), routed) in mutants.into_iter().zip(routed.by_ref()) {
        let entry: ServiceEntry = serde_json::from_value(entry).unwrap();
        let found = differences(meaning, &entry, &routed);
        assert!(found.iter().any(|text| text.contains(expected)), "{name}: {found:#?}");
    }
    assert_eq!(
        differences(meaning, &case.entries[0], &routed.next().unwrap()),
        Vec::<String>::new()
    );
}
