//! A reload on a real API server: namespaces come and go.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::time::Duration;

use istio_cloud_map_tests::bed::ApiServer;
use istio_cloud_map_tests::operator::{Operator, command, eventually};
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_source_with_another_namespace_is_watched_there_and_its_watch_goes_with_it() {
    let kubernetes = ApiServer::start().await;
    kubernetes.kubectl(&["create", "namespace", "other"]).await;
    let directory = tempfile::TempDir::new().unwrap();
    let snapshot = directory.path().join("a.json");
    let attributes = json!({"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"});
    let service = json!({
        "namespace": {"Name": "shop"}, "service": {"Name": "web"},
        "instances": [{"InstanceId": "i-1", "Attributes": attributes}],
    });
    fs::write(&snapshot, json!({"services": [service]}).to_string()).unwrap();
    let config = directory.path().join("config.yaml");
    let configure = |targets: &[&str]| {
        let source = |target: &&str| json!({"name": format!("in-{target}"), "file": snapshot, "targetNamespace": target});
        let sources: Vec<_> = targets.iter().map(source).collect();
        fs::write(&config, json!({"interval": "1s", "sources": sources}).to_string()).unwrap();
    };
    configure(&["default"]);
    let mut command = command(&["serve", "--config"]);
    command.arg(&config).arg("--kube-config").arg(kubernetes.kubeconfig());
    let operator = Operator::spawn(command);
    operator.ready().await;
    let entries = async |namespace: &str| {
        let arguments = ["get", "serviceentries", "--namespace", namespace, "--output", "name"];
        kubernetes.kubectl(&arguments).await.lines().count()
    };
    let watches = async || operator.metric("istio_cloud_map_watch_connected{", &[]).await;

    configure(&["default", "other"]);
    eventually("an entry in the other namespace", SOON, async || entries("other").await == 1).await;
    eventually("two watches", SOON, async || (watches().await - 2.0).abs() < 0.1).await;
    // What is undone there is repaired, so it is watched.
    kubernetes.kubectl(&["delete", "serviceentries", "--all", "--namespace", "other"]).await;
    eventually("it is repaired", SOON, async || entries("other").await == 1).await;

    configure(&["default"]);
    eventually("one watch", SOON, async || {
        let page = operator.page("/metrics").await.unwrap_or_default();
        !page.contains("watch_connected{namespace=\"other\"}")
    })
    .await;
    assert_eq!((entries("default").await, entries("other").await), (1, 1), "nothing is deleted");
}
