//! `doctor` on a real API server: what is missing is named, and its remedies mend it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

use istio_cloud_map_tests::bed::ApiServer;
use istio_cloud_map_tests::cloud_map::FakeCloudMap;
use istio_cloud_map_tests::operator::{command, with_aws};
use istio_cloud_map_tests::pages::assert_listed;
use serde_json::{Value, json};

/// The exit code and the checks.
async fn doctor(kubeconfig: &Path, arguments: &[&str]) -> (i32, Vec<Value>) {
    let mut command = command(&["doctor", "-o", "json", "--from", "file:/dev/stdin"]);
    command.arg("--kube-config").arg(kubeconfig).args(arguments);
    let snapshot = kubeconfig.with_file_name("snapshot.json");
    fs::write(&snapshot, r#"{"services": []}"#).unwrap();
    command.stdin(fs::File::open(snapshot).unwrap());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let checks = serde_json::from_slice(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), checks.unwrap_or_else(|error| panic!("{error}: {stderr}")))
}

fn found<'a>(checks: &'a [Value], check: &str) -> &'a Value {
    let is_it = |found: &&Value| found["check"].as_str().is_some_and(|name| name == check);
    checks.iter().find(is_it).unwrap_or_else(|| panic!("no {check} in {checks:#?}"))
}

fn assert_check(checks: &[Value], check: &str, result: &str, parts: &[&str]) {
    let found = found(checks, check);
    let text = found.to_string();
    assert_eq!(found["result"], result, "{found:#}");
    for part in parts {
        assert!(text.contains(part), "no `{part}` in {found:#}");
    }
}

async fn service_account(server: &ApiServer, name: &str) -> std::path::PathBuf {
    server.kubectl(&["create", "serviceaccount", name]).await;
    server.kubeconfig_for_service_account("default", name).await
}

/// What one pass of `serve` with a service in Cloud Map logs, which fails.
async fn log_of_serve(kubeconfig: &Path) -> String {
    let cloud_map = FakeCloudMap::start().unwrap();
    cloud_map.world(|world| {
        let namespace = world.http_namespace("ns");
        let service = world.service(namespace, "web");
        world.register(service, "i-1", [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
    });
    let mut command = command(&["serve", "--once", "--kube-config"]);
    with_aws(&mut command, cloud_map.url());
    command.arg(kubeconfig);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    log
}

/// Runs the commands of a remedy.
async fn mend(server: &ApiServer, check: &Value) {
    for command in check["remedy"].as_str().unwrap().lines() {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (program, arguments) = words.split_first().unwrap();
        assert_eq!(*program, "kubectl", "{command}");
        server.kubectl(arguments).await;
    }
}

const ENTRIES: &str = "RBAC serviceentries in default";
const LEASES: &str = "RBAC leases in default";

#[tokio::test]
async fn a_missing_crd_namespace_or_token_is_named() {
    let server = ApiServer::start_without_crd().await;
    let admin = server.kubeconfig();
    let (code, checks) = doctor(admin, &[]).await;
    assert_eq!(code, 1);
    assert_check(&checks, "CRD", "failed", &["serviceentries", "helm install istio-base"]);
    assert_check(&checks, ENTRIES, "ok", &["list, watch, create, patch, delete"]);
    assert_listed(&log_of_serve(admin).await, "install Istio's CRDs");
    server.install_crd().await;
    let (code, checks) = doctor(admin, &[]).await;
    assert_eq!(code, 0, "{checks:#?}");
    assert_check(&checks, "CRD", "ok", &["v1"]);
    assert_check(&checks, "clock", "ok", &[]);
    assert_check(&checks, "Istio", "warning", &["no istiod", "--istio-version"]);
    let (code, checks) = doctor(admin, &["--namespace", "nowhere"]).await;
    assert_eq!(code, 1);
    mend(&server, found(&checks, "namespace")).await;
    let (code, _) = doctor(admin, &["--namespace", "nowhere"]).await;
    assert_eq!(code, 0);

    let account = service_account(&server, "operator").await;
    let text = fs::read_to_string(&account).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&text).unwrap();
    *kubeconfig.pointer_mut("/users/0/user/token").unwrap() = json!("expired");
    let expired = account.with_file_name("kubeconfig-expired");
    fs::write(&expired, kubeconfig.to_string()).unwrap();
    let (code, checks) = doctor(&expired, &[]).await;
    assert_eq!(code, 1);
    assert_check(&checks, "API server", "failed", &["401", "renew the token"]);
    assert_listed(&log_of_serve(&expired).await, "does not accept the credentials (401)");
    assert_check(&checks, "snapshot", "ok", &[]);
}

#[tokio::test]
async fn missing_verbs_are_named_with_commands_that_add_them() {
    let server = ApiServer::start().await;
    let account = service_account(&server, "operator").await;
    let (code, checks) = doctor(&account, &[]).await;
    assert_eq!(code, 1);
    assert_check(&checks, "user", "ok", &["system:serviceaccount:default:operator"]);
    let all = "not permitted to list, watch, create, patch, delete";
    assert_check(&checks, ENTRIES, "failed", &[all]);
    assert_check(&checks, LEASES, "failed", &["list, create, patch, delete"]);
    assert_check(&checks, "Istio", "warning", &["not permitted", "--istio-version"]);

    let missing = "not permitted to list serviceentries.networking.istio.io";
    assert_listed(&log_of_serve(&account).await, missing);

    // A namespace that may only be read.
    let role = ["create", "role", "reader", "--verb=list,watch"];
    let resource = "--resource=serviceentries.networking.istio.io";
    server.kubectl(&[&role[..], &[resource]].concat()).await;
    let binding = ["create", "rolebinding", "reader", "--role=reader"];
    server.kubectl(&[&binding[..], &["--serviceaccount=default:operator"]].concat()).await;
    let log = log_of_serve(&account).await;
    assert_listed(&log, "not permitted to patch serviceentries.networking.istio.io");
    assert!(log.contains("add to its Role {apiGroups: [networking.istio.io]"), "{log}");
    let (_, checks) = doctor(&account, &[]).await;
    let message = found(&checks, ENTRIES)["message"].to_string();
    assert_listed(&message, "not permitted to create, patch, delete");
    let (_, checks) = doctor(&account, &["--policy", "upsert-only"]).await;
    assert_check(&checks, ENTRIES, "failed", &["not permitted to create, patch\""]);
    let (code, checks) = doctor(&account, &["--dry-run"]).await;
    assert_eq!(code, 0, "{checks:#?}");
    assert_check(&checks, ENTRIES, "ok", &["list, watch\""]);
    assert_check(&checks, "leases", "ok", &["not used"]);

    let (_, checks) = doctor(&account, &[]).await;
    mend(&server, found(&checks, ENTRIES)).await;
    let (_, checks) = doctor(&account, &[]).await;
    assert_check(&checks, ENTRIES, "ok", &[]);
    mend(&server, found(&checks, LEASES)).await;
    let (code, checks) = doctor(&account, &["--istio-version", "1.31.0"]).await;
    assert_eq!(code, 0, "{checks:#?}");
    assert!(checks.iter().all(|check| check["result"] == "ok"), "{checks:#?}");

    // The API server's own roles for the whole cluster.
    let config = account.with_file_name("config.yaml");
    fs::write(&config, "sources:\n- {name: a, file: /dev/stdin, targetNamespace: '{namespace}'}\n")
        .unwrap();
    let mut everywhere = command(&["doctor", "-o", "json", "--config"]);
    everywhere.arg(&config).arg("--kube-config").arg(&account);
    let output = everywhere.output().unwrap();
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_check(&checks, "RBAC serviceentries in all namespaces", "failed", &["clusterrole"]);
    mend(&server, found(&checks, "RBAC serviceentries in all namespaces")).await;
    let output = everywhere.output().unwrap();
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_check(&checks, "RBAC serviceentries in all namespaces", "ok", &[]);
}

#[tokio::test]
async fn the_version_and_settings_of_istio_are_read_in_the_cluster() {
    let server = ApiServer::start().await;
    server.add_istiod("PILOT_ENABLE_IP_AUTOALLOCATE", "false").await;
    let mesh = "serviceEntryVisibility: NONE\ndefaultConfig: {proxyMetadata: {}}\n";
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "istio-canary", "namespace": "istio-system"},
        "data": {"mesh": mesh},
    });
    let file = server.directory().join("istio.json");
    fs::write(&file, settings.to_string()).unwrap();
    server.kubectl(&["apply", "-f", file.to_str().unwrap()]).await;
    let (code, checks) = doctor(server.kubeconfig(), &[]).await;
    assert_eq!(code, 0, "{checks:#?}");
    assert_check(&checks, "Istio", "ok", &["1.29.1"]);
    assert_check(&checks, "duplicate hosts", "ok", &["alphabet"]);
    assert_check(&checks, "auto-allocation", "warning", &["PILOT_ENABLE_IP_AUTOALLOCATE"]);
    assert_check(&checks, "visibility", "warning", &["NONE"]);
    assert_check(&checks, "DNS capture", "warning", &["ISTIO_META_DNS_CAPTURE"]);
}

#[tokio::test]
async fn mesh_auto_needs_an_istiod_that_may_be_asked() {
    let server = ApiServer::start().await;
    let auto = ["--set", "mesh=auto"];
    let (code, checks) = doctor(server.kubeconfig(), &auto).await;
    assert_eq!(code, 1);
    assert_check(&checks, "mesh", "failed", &["no istiod", "sidecar or ambient"]);
    server.add_istiod("PILOT_ENABLE_AMBIENT", "true").await;
    let (code, checks) = doctor(server.kubeconfig(), &auto).await;
    assert_eq!(code, 0, "{checks:#?}");
    assert_check(&checks, "mesh", "ok", &["auto: ambient"]);

    let account = service_account(&server, "operator").await;
    let (_, checks) = doctor(&account, &auto).await;
    assert_check(&checks, "mesh", "failed", &["not permitted to list deployments"]);
    mend(&server, found(&checks, "RBAC deployments in istio-system")).await;
    let (_, checks) = doctor(&account, &auto).await;
    assert_check(&checks, "mesh", "ok", &["auto: ambient"]);
}
