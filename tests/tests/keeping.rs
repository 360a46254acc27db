//! What is kept: ownership, drift, idleness, restarts.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::time::Duration;

use istio_cloud_map_tests::cloud_map::{Health, Operation, Service};
use istio_cloud_map_tests::fixture::{Fixture, INTERVAL};
use istio_cloud_map_tests::operator::{eventually, until};
use kube::api::{Patch, PatchParams};
use serde_json::json;

const SOON: Duration = Duration::from_secs(15);

#[tokio::test]
async fn two_hundred_and_fifty_services_and_as_many_instances_in_one_are_all_written() {
    let fixture = Fixture::with_services(250).await;
    fixture.add("many", 250);
    let _operator = fixture.operator(&[]).await;
    assert_eq!(fixture.entries().await.len(), 251);
    assert_eq!(fixture.endpoints("many").await, Some(250));
    fixture.finish().await;
}

#[tokio::test]
async fn an_idle_minute_writes_nothing_whatever_the_order_of_the_answers() {
    let fixture = Fixture::with_services(20).await;
    fixture.cloud_map.world(|world| {
        // Discovered every interval, in another order every time.
        let service = world
            .add_service(fixture.namespace, Service::named("checked").with_custom_health_check());
        for n in 1..50 {
            world.register(
                service,
                &format!("i-{n}"),
                [("AWS_INSTANCE_IPV4", format!("10.7.0.{n}"))],
            );
        }
    });
    let operator = fixture.operator(&[]).await;
    let (before, lines) = (fixture.versions().await, operator.log().lines().count());
    fixture.cloud_map.reset_calls();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(fixture.versions().await, before);
    assert_eq!(operator.log().lines().count(), lines, "{}", operator.log());
    let discovered = fixture.cloud_map.calls(Operation::DiscoverInstances);
    assert_eq!(
        discovered,
        fixture.cloud_map.calls_about(Operation::DiscoverInstances, "ns", "checked")
    );
    assert!(discovered >= 25, "{discovered}");
    fixture.finish().await;
}

#[tokio::test]
async fn after_a_kill_the_next_process_owns_the_entries() {
    let fixture = Fixture::with_services(12).await;
    let mut operator = fixture.operator(&[]).await;
    operator.kill();
    fixture.register(fixture.service("s001"), "i-9", "10.9.9.9");
    fixture.cloud_map.world(|world| {
        let gone = world.service_named(fixture.namespace, "s002").unwrap();
        world.delete_service(gone);
    });
    let before = fixture.versions().await;
    let _operator = fixture.operator(&[]).await;
    // It waits for the lease of the one before.
    fixture.has_endpoints("s001", 2, SOON * 2).await;
    eventually("the entry of the deleted service goes", SOON * 2, async || {
        fixture.entry("s002").await.is_none()
    })
    .await;
    let after = fixture.versions().await;
    assert_eq!(
        after.iter().filter(|version| before.contains(version)).count(),
        10,
        "the others were not written again"
    );
    fixture.finish().await;
}

#[tokio::test]
async fn an_edit_or_a_deletion_by_a_user_is_reverted_within_two_seconds() {
    let fixture = Fixture::with_services(3).await;
    let _operator = fixture.operator(&["--interval", "1m"]).await;
    let spec = async |service| fixture.entry(service).await.map(|entry| entry["spec"].clone());
    let (first, second) = (spec("s000").await, spec("s001").await);
    fixture
        .edit("cloudmap-s000.ns", json!({"spec": {"endpoints": [{"address": "10.66.6.6"}]}}))
        .await;
    fixture.delete("cloudmap-s001.ns").await;
    let undone = until(Duration::from_secs(2), async || {
        spec("s000").await == first && spec("s001").await == second
    })
    .await;
    assert!(undone, "{:?}", fixture.entries().await);
    // A port that a person adds is an item of its own in a server-side apply, and goes all the
    // same.
    let port = json!([{"number": 8080, "name": "tcp-8080", "protocol": "TCP"}, {"number": 9, "name": "extra", "protocol": "TCP"}]);
    fixture.edit("cloudmap-s000.ns", json!({"spec": {"ports": port}})).await;
    let undone = until(Duration::from_secs(2), async || spec("s000").await == first).await;
    assert!(undone, "{:?}", fixture.entry("s000").await);
    fixture.finish().await;
}

#[tokio::test]
async fn fields_that_a_user_adds_are_kept() {
    let fixture = Fixture::with_services(1).await;
    let _operator = fixture.operator(&[]).await;
    fixture
        .edit(
            "cloudmap-s000.ns",
            json!({"metadata": {"labels": {"team": "a"}}, "spec": {"exportTo": ["."]}}),
        )
        .await;
    fixture.register(fixture.service("s000"), "i-9", "10.9.9.9");
    fixture.has_endpoints("s000", 2, SOON).await;
    let entry = fixture.entry("s000").await.unwrap();
    assert_eq!(
        (&entry["metadata"]["labels"]["team"], &entry["spec"]["exportTo"]),
        (&json!("a"), &json!(["."]))
    );
    fixture.finish().await;
}

#[tokio::test]
async fn another_owners_entry_with_the_same_name_or_host_is_not_changed_and_is_reported() {
    let fixture = Fixture::with_services(3).await;
    let theirs = |name: &str, host: &str| {
        json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": name, "namespace": "default"},
            "spec": {"hosts": [host], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}], "resolution": "DNS"},
        })
    };
    fixture.create(theirs("cloudmap-s000.ns", "somewhere.example.com")).await;
    fixture.create(theirs("by-hand", "s001.ns")).await;
    let before = fixture.versions().await;
    let operator = fixture.operator(&[]).await;
    tokio::time::sleep(INTERVAL * 3).await;
    let entries = fixture.entries().await;
    assert_eq!(entries.len(), 3, "only s002 was made");
    assert_eq!(
        fixture.versions().await.iter().filter(|version| before.contains(version)).count(),
        2
    );
    assert_eq!(operator.log_lines_with("error[Conflict]"), 2, "{}", operator.log());
    assert!(
        (operator.metric("istio_cloud_map_diagnostics", &["Conflict"]).await - 2.0).abs()
            < f64::EPSILON
    );
    // The conflict ends, and the entry is made at once.
    fixture.delete("by-hand").await;
    fixture.has_endpoints("s001", 1, Duration::from_secs(2)).await;
    fixture.finish().await;
}

#[tokio::test]
async fn an_entry_as_istio_registry_sync_leaves_it_is_adopted_in_place() {
    let fixture = Fixture::with_services(2).await;
    // A reference to a kind that no API server has, by a process that is gone.
    let reference = json!({
        "apiVersion": "cloudmap.istio.io", "kind": "ServiceController", "name": "istio-cloud-map-operator",
        "controller": true, "uid": "6f1e7a4e-3c02-4a6a-9f52-5a0f6d3f1c11",
    });
    fixture
        .create(json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
            "metadata": {"name": "cloudmap-s000.ns", "namespace": "default", "ownerReferences": [reference]},
            "spec": {
                "hosts": ["s000.ns"], "addresses": ["10.99.0.1"], "location": "MESH_EXTERNAL", "resolution": "STATIC",
                "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}, {"number": 443, "name": "https", "protocol": "HTTPS"}],
                "endpoints": [{"address": "10.99.0.1", "ports": {"http": 80, "https": 443}}],
            },
        }))
        .await;
    let before = fixture.entry("s000").await.unwrap();
    let _operator = fixture.operator(&["--adopt"]).await;
    let adopted = |entry: &serde_json::Value| {
        entry["metadata"]["labels"]["istio-cloud-map/owner"] == "istio-cloud-map"
    };
    let is_adopted = until(SOON, async || fixture.entry("s000").await.is_some_and(|e| adopted(&e)));
    assert!(is_adopted.await, "{:?}", fixture.entry("s000").await);
    let (after, new) = (fixture.entry("s000").await.unwrap(), fixture.entry("s001").await.unwrap());
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"], "the same object");
    for field in ["ports", "addresses", "endpoints", "resolution"] {
        let (ours, like) = (after["spec"][field].to_string(), new["spec"][field].to_string());
        assert!(!ours.contains("10.99.0.1"), "{field}: {ours}");
        assert_eq!(ours.len(), like.len(), "{field} as of an entry of its own: {ours}, {like}");
    }
    // What it does not set is left alone.
    assert_eq!(after["metadata"]["ownerReferences"], json!([reference]));
    assert_eq!(after["spec"]["location"], "MESH_EXTERNAL");
    fixture.finish().await;
}

#[tokio::test]
async fn an_unhealthy_instance_is_drained_without_a_new_revision() {
    let fixture = Fixture::new().await;
    let service = fixture.cloud_map.world(|world| {
        let service =
            world.add_service(fixture.namespace, Service::named("web").with_custom_health_check());
        for n in 1..4 {
            world.register(
                service,
                &format!("i-{n}"),
                [("AWS_INSTANCE_IPV4", format!("10.0.0.{n}"))],
            );
        }
        service
    });
    let _operator = fixture.operator(&[]).await;
    fixture.cloud_map.world(|world| world.set_health(service, "i-2", Health::Unhealthy));
    fixture.has_endpoints("web", 2, SOON).await;
    fixture.finish().await;
}

#[tokio::test]
async fn sigterm_ends_it_with_zero_within_five_seconds() {
    let fixture = Fixture::with_services(30).await;
    let mut operator = fixture.operator(&[]).await;
    let (status, took) = operator.terminate();
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
    // And in the middle of its first writes, against an API server that does not answer.
    let mut operator = fixture.operator_as(&["--id", "another"]);
    eventually("it has started", SOON, async || operator.page("/livez").await.is_some()).await;
    fixture.kubernetes.pause();
    fixture.add("late", 1);
    tokio::time::sleep(INTERVAL).await;
    let (status, took) = operator.terminate();
    fixture.kubernetes.resume();
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
    fixture.finish().await;
}

#[tokio::test]
async fn a_dry_run_reports_what_it_would_do_and_writes_nothing() {
    let fixture = Fixture::with_services(3).await;
    let operator = fixture.operator(&["--dry-run"]).await;
    assert_eq!(fixture.entries().await.len(), 0);
    assert_eq!(operator.log_lines_with("would create"), 3, "{}", operator.log());
    tokio::time::sleep(INTERVAL * 2).await;
    assert_eq!(operator.log_lines_with("would create"), 3, "{}", operator.log());
}

#[tokio::test]
async fn what_istio_reports_in_a_status_is_reported_and_causes_no_write() {
    let fixture = Fixture::with_services(2).await;
    let operator = fixture.operator(&[]).await;
    let report = async |status: &str| {
        let condition = json!({
            "type": "istio.io/WaypointBound", "status": status, "reason": "WaypointIsNotReady", "message": "waypoint \"default/w\" is not ready",
        });
        let patch = Patch::Merge(json!({"status": {"conditions": [condition]}}));
        let api = fixture.api();
        api.patch_status("cloudmap-s000.ns", &PatchParams::default(), &patch).await.unwrap();
        fixture.versions().await
    };
    let held = async || operator.metric("istio_cloud_map_diagnostics", &["WaypointNotBound"]).await;
    let patched = report("False").await;
    eventually("it is reported", SOON, async || held().await > 0.5).await;
    assert_eq!(
        operator.log_lines_with("warning[WaypointNotBound] ns/s000"),
        1,
        "{}",
        operator.log()
    );
    tokio::time::sleep(INTERVAL * 3).await;
    assert_eq!(fixture.versions().await, patched);
    let patched = report("True").await;
    eventually("it is over", SOON, async || held().await < 0.5).await;
    assert_eq!(fixture.versions().await, patched);
    fixture.finish().await;
}
