//! What ztunnel finds for the addresses of entries, by Istio's own index for ambient.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::translate::{Options, Translator};
use istio_cloud_map_tests::bed::{Ambient, BoundService, FoundAddress};
use istio_cloud_map_tests::generated::services;
use serde_json::{Value, json};

/// The address that Istio would allocate.
const ALLOCATED: &str = "240.240.0.1";

/// The entry of `web.prod` with these instances, as (last part of the address, port), with an
/// allocated address if it has none of its own; and the codes of the diagnostics.
fn web(instances: &[(u8, u16)], options: &Value) -> (Value, Vec<Code>) {
    let instances = instances.iter().enumerate().map(|(index, (host, port))| {
        services::instance(&format!("i-{index}"), &format!("10.0.0.{host}"), *port)
    });
    let record = services::registered("web", Some("TCP"), instances.collect());
    let options: Options = serde_json::from_value(options.clone()).unwrap();
    let mut translated = Translator::new(&options).translate_all(&[record]);
    let mut entry = serde_json::to_value(translated.entries.pop().unwrap()).unwrap();
    if entry["spec"].get("addresses").is_none() {
        entry["status"] = json!({"addresses": [{"value": ALLOCATED, "host": "web.prod"}]});
    }
    (entry, translated.diagnostics.into_iter().map(|diagnostic| diagnostic.code).collect())
}

fn with_waypoint(name: &str, mut options: Value) -> Value {
    options["entryLabels"] = json!({"istio.io/use-waypoint": name});
    options
}

async fn found(ambient: &Ambient, entry: Value) -> (Vec<FoundAddress>, Option<bool>) {
    let world = ambient.world(&[entry]).await;
    let [BoundService { bound, .. }] = world.services.as_deref().unwrap() else { unreachable!() };
    (world.addresses.unwrap(), *bound)
}

fn workload(address: &str) -> FoundAddress {
    FoundAddress {
        address: address.to_owned(),
        workloads: 1,
        service: String::new(),
        waypoint: false,
    }
}

fn service(waypoint: bool) -> FoundAddress {
    FoundAddress {
        address: ALLOCATED.to_owned(),
        workloads: 0,
        service: "web.prod".to_owned(),
        waypoint,
    }
}

#[tokio::test]
async fn an_endpoints_ip_as_the_entrys_address_bypasses_the_waypoint_and_is_reported() {
    let ambient = Ambient::start().await;
    let (entry, codes) = web(&[(1, 5432), (2, 5432)], &with_waypoint("waypoint", json!({})));
    assert_eq!(entry["spec"]["addresses"], json!(["10.0.0.1", "10.0.0.2"]));
    assert_eq!(codes, [Code::WaypointBypassed]);
    // Istio reports the waypoint as bound all the same.
    let workloads = vec![workload("10.0.0.1"), workload("10.0.0.2")];
    assert_eq!(found(&ambient, entry).await, (workloads, Some(true)));
}

#[tokio::test]
async fn with_mesh_ambient_the_allocated_address_leads_through_the_waypoint() {
    let ambient = Ambient::start().await;
    let options = with_waypoint("waypoint", json!({"mesh": "ambient"}));
    for instances in [&[(1, 5432)][..], &[(1, 5432), (2, 5432)]] {
        let (entry, codes) = web(instances, &options);
        assert_eq!((entry["spec"].get("addresses"), codes.as_slice()), (None, &[][..]));
        let (addresses, bound) = found(&ambient, entry).await;
        assert_eq!((addresses.last(), bound), (Some(&service(true)), Some(true)));
    }
}

#[tokio::test]
async fn a_waypoint_that_does_not_exist_is_a_condition_and_one_that_is_not_named_is_none() {
    let ambient = Ambient::start().await;
    let options = json!({"mesh": "ambient"});
    let (missing, _) = web(&[(1, 5432)], &with_waypoint("missing", options.clone()));
    let expected = vec![workload("10.0.0.1"), service(false)];
    assert_eq!(found(&ambient, missing).await, (expected.clone(), Some(false)));
    let (none, _) = web(&[(1, 5432)], &options);
    assert_eq!(found(&ambient, none).await, (expected, None));
}

/// ECS in bridge mode: tasks on one host, each with its own port.
#[tokio::test]
async fn of_endpoints_that_share_an_address_ztunnel_knows_one_and_that_is_reported() {
    let ambient = Ambient::start().await;
    let options = json!({"mesh": "ambient", "overrides": [{"ports": "tcp:5432"}]});
    let (entry, codes) = web(&[(1, 32768), (1, 32769), (2, 32768)], &options);
    assert_eq!(entry["spec"]["endpoints"].as_array().map(Vec::len), Some(3));
    assert_eq!(codes, [Code::SharedAddress]);
    let expected = vec![workload("10.0.0.1"), workload("10.0.0.2"), service(false)];
    assert_eq!(found(&ambient, entry).await, (expected, None));
}
