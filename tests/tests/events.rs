//! Kubernetes Events about what a person must act on.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use istio_cloud_map_tests::fixture::Fixture;
use istio_cloud_map_tests::operator::eventually;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

/// The reasons and the objects of all events in `default`, with what they say.
async fn events(fixture: &Fixture) -> Vec<(String, String, String)> {
    let api: Api<Event> = Api::namespaced(fixture.client.clone(), "default");
    let listed = api.list(&ListParams::default()).await.unwrap();
    let parts = |event: Event| {
        let about = event.regarding.unwrap_or_default();
        let about =
            format!("{}/{}", about.kind.unwrap_or_default(), about.name.unwrap_or_default());
        (event.reason.unwrap_or_default(), about, event.note.unwrap_or_default())
    };
    listed.items.into_iter().map(parts).collect()
}

/// Somebody else's entry has the host of a service.
async fn take_host(fixture: &Fixture) {
    fixture
        .create(json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
            "metadata": {"name": "theirs", "namespace": "default"},
            "spec": {"hosts": ["s001.ns"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}], "resolution": "DNS"},
        }))
        .await;
}

#[tokio::test]
async fn a_conflict_and_a_rejected_write_are_events_of_their_entries() {
    let fixture = Fixture::with_services(3).await;
    take_host(&fixture).await;
    let operator = fixture.operator(&[]).await;
    eventually("the conflict is an event", SOON, async || {
        events(&fixture).await.iter().any(|(reason, about, note)| {
            reason == "Conflict"
                && about == "ServiceEntry/cloudmap-s001.ns"
                && note.contains("default/theirs")
        })
    })
    .await;
    assert_eq!(operator.log_lines_with("events:"), 0, "{}", operator.log());
    fixture.finish().await;
}

#[tokio::test]
async fn without_permission_for_events_all_else_works_and_the_rule_is_named_once() {
    let fixture = Fixture::with_services(2).await;
    take_host(&fixture).await;
    let kubectl = async |arguments: &[&str]| fixture.kubernetes.kubectl(arguments).await;
    kubectl(&["create", "serviceaccount", "silent"]).await;
    kubectl(&[
        "create",
        "role",
        "silent",
        "--verb=list,watch,create,patch,delete",
        "--resource=serviceentries.networking.istio.io",
    ])
    .await;
    kubectl(&[
        "create",
        "rolebinding",
        "silent",
        "--role=silent",
        "--serviceaccount=default:silent",
    ])
    .await;
    let account = fixture.kubernetes.kubeconfig_for_service_account("default", "silent").await;
    let operator = fixture.operator_at(&account, &[]);
    operator.ready().await;
    fixture.has_endpoints("s000", 1, SOON).await;
    eventually("the rule is named", SOON, async || {
        operator.log().contains("not permitted to create events.events.k8s.io in namespace default")
    })
    .await;
    // Nor may it use leases.
    assert_eq!(operator.log_lines_with("no leader election, so run one replica only"), 1);
    assert_eq!(operator.log_lines_with("events:"), 1, "{}", operator.log());
    fixture.finish().await;
}
