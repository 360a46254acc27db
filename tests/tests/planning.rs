//! `plan` against a real API server: by the permission to read alone, and what `serve` then does.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use istio_cloud_map_tests::fixture::Fixture;
use istio_cloud_map_tests::operator::{command, with_aws};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

fn plan(fixture: &Fixture, kubeconfig: &Path) -> Output {
    let mut command = command(&["plan", "-o", "json", "--empty-grace", "1s", "--kube-config"]);
    with_aws(&mut command, fixture.cloud_map.url());
    command.arg(kubeconfig).output().unwrap()
}

/// What a person or controller sees of an entry.
fn visible(mut entry: Value) -> Value {
    let metadata = entry["metadata"].as_object_mut().unwrap();
    metadata
        .retain(|key, _| ["name", "namespace", "labels", "annotations"].contains(&key.as_str()));
    entry
}

#[tokio::test]
async fn a_plan_takes_the_permission_to_read_and_is_what_serve_then_does() {
    let fixture = Fixture::with_services(12).await;
    let mut operator = fixture.operator(&[]).await;
    operator.terminate();
    fixture.register(fixture.service("s001"), "i-9", "10.9.9.9");
    fixture.cloud_map.world(|world| {
        let gone = world.service_named(fixture.namespace, "s002").unwrap();
        world.delete_service(gone);
    });
    fixture.add("new", 1);
    fixture.edit("cloudmap-s003.ns", json!({"spec": {"resolution": "DNS_ROUND_ROBIN"}, "metadata": {"labels": {"team": "theirs"}}})).await;

    let kubectl = async |arguments: &[&str]| fixture.kubernetes.kubectl(arguments).await;
    kubectl(&["create", "serviceaccount", "reader"]).await;
    kubectl(&[
        "create",
        "role",
        "reader",
        "--verb=list,watch",
        "--resource=serviceentries.networking.istio.io",
    ])
    .await;
    kubectl(&[
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        "--serviceaccount=default:reader",
    ])
    .await;
    let reader = fixture.kubernetes.kubeconfig_for_service_account("default", "reader").await;
    let before = fixture.versions().await;
    let output = plan(&fixture, &reader);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(fixture.versions().await, before, "nothing is written");
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let changes = plan["changes"].as_array().unwrap();
    let actions: Vec<_> = changes
        .iter()
        .map(|c| (c["name"].as_str().unwrap(), c["action"].as_str().unwrap()))
        .collect();
    assert_eq!(
        actions,
        [
            ("cloudmap-new.ns", "create"),
            ("cloudmap-s001.ns", "update"),
            ("cloudmap-s002.ns", "delete"),
            ("cloudmap-s003.ns", "update"),
        ]
    );

    let _operator = fixture.operator(&["--empty-grace", "1s"]).await;
    fixture.has_endpoints("s001", 2, SOON).await;
    fixture.has_endpoints("new", 1, SOON).await;
    let deleted = async || fixture.entry("s002").await.is_none();
    assert!(istio_cloud_map_tests::operator::until(SOON, deleted).await);
    for change in changes {
        let service = change["name"]
            .as_str()
            .unwrap()
            .trim_start_matches("cloudmap-")
            .trim_end_matches(".ns");
        let after = change.get("after").cloned();
        assert_eq!(
            fixture.entry(service).await.map(visible).map(without_version),
            after.map(visible).map(without_version),
            "{service}"
        );
    }
    fixture.finish().await;
}

/// The test reads in one version, and `plan` in another.
fn without_version(mut entry: Value) -> Value {
    entry.as_object_mut().unwrap().remove("apiVersion");
    entry
}
