//! The API server does what tests rely on, and leaves nothing behind.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use istio_cloud_map_tests::bed::ApiServer;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use kube::{Api, Client};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::tutorial;

fn entries(client: Client, version: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("networking.istio.io", version, "ServiceEntry");
    Api::namespaced_with(
        client,
        "default",
        &ApiResource::from_gvk_with_plural(&kind, "serviceentries"),
    )
}

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a Kubernetes object")
}

async fn create<T>(objects: Api<T>, value: Value)
where
    T: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let created = objects.create(&PostParams::default(), &object(value)).await;
    created.expect("the API server takes the object");
}

#[tokio::test]
async fn the_crds_rules_are_enforced() {
    let server = ApiServer::start().await;
    let mut entry = tutorial();
    if let Some(spec) = entry.get_mut("spec") {
        spec["addresses"] = json!(["10.0.0.0/8"]);
        spec["resolution"] = json!("DNS");
    }
    let refused = entries(server.client().await, "v1beta1")
        .create(&PostParams::default(), &object(entry))
        .await
        .expect_err("a CIDR under DNS breaks a CEL rule");
    assert!(refused.to_string().contains("CIDR"), "{refused}");
}

#[tokio::test]
async fn a_service_account_may_do_what_rbac_grants_and_nothing_else() {
    let server = ApiServer::start().await;
    let admin = server.client().await;
    let account = json!({"metadata": {"name": "reader", "namespace": "default"}});
    create::<ServiceAccount>(Api::namespaced(admin.clone(), "default"), account).await;

    let kubeconfig = server.kubeconfig_for_service_account("default", "reader").await;
    let reader = entries(server.client_for(&kubeconfig).await, "v1");
    let refused = reader.list(&ListParams::default()).await.expect_err("no role grants this yet");
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");

    let role = json!({
        "metadata": {"name": "reader"},
        "rules": [{
            "apiGroups": ["networking.istio.io"],
            "resources": ["serviceentries"],
            "verbs": ["list"],
        }],
    });
    create::<ClusterRole>(Api::all(admin.clone()), role).await;
    let binding = json!({
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "default"}],
    });
    create::<ClusterRoleBinding>(Api::all(admin), binding).await;

    // The authorizer learns of the binding by a watch.
    let granted = timeout(Duration::from_secs(10), async {
        while reader.list(&ListParams::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    granted.await.expect("the role grants the list");
    let create = reader.create(&PostParams::default(), &object(tutorial_in("v1"))).await;
    let refused = create.expect_err("the role grants no create");
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");
}

#[tokio::test]
async fn a_server_stopped_and_restarted_has_its_address_and_its_data() {
    let mut server = ApiServer::start().await;
    let client = server.client().await;
    create(entries(client.clone(), "v1"), tutorial_in("v1")).await;

    server.stop();
    let refused = entries(client.clone(), "v1").list(&ListParams::default()).await;
    assert!(refused.is_err(), "no connection while the server is stopped");

    server.restart().await;
    let found = entries(client, "v1").list(&ListParams::default()).await.expect("a list");
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn a_paused_server_is_silent_until_it_is_resumed() {
    let server = ApiServer::start_without_crd().await;
    let client = server.client().await;

    server.pause();
    let answer = timeout(Duration::from_millis(500), client.apiserver_version()).await;
    assert!(answer.is_err(), "a paused server neither answers nor refuses");

    server.resume();
    let version = timeout(Duration::from_secs(10), client.apiserver_version()).await;
    let version = version.expect("an answer in time").expect("the version");
    assert_eq!(version.minor, "34");
}

fn tutorial_in(version: &str) -> Value {
    let mut entry = tutorial();
    entry["apiVersion"] = json!(format!("networking.istio.io/{version}"));
    entry
}

/// Processes whose working directory is that of the server. The kernel marks a removed directory
/// after its name.
fn processes_in(directory: &Path) -> Vec<PathBuf> {
    let name = directory.file_name().and_then(OsStr::to_str).expect("a directory's name");
    let processes = std::fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| entry.ok()?.path().join("cwd").read_link().ok())
        .filter(|cwd| cwd.to_string_lossy().contains(name))
        .collect()
}

#[tokio::test]
async fn a_server_dropped_while_paused_leaves_no_process_and_no_file() {
    let server = ApiServer::start_without_crd().await;
    let directory = server.directory().to_owned();
    assert_eq!(processes_in(&directory).len(), 2, "etcd and the API server");

    server.pause();
    drop(server);
    assert_eq!(processes_in(&directory), Vec::<PathBuf>::new());
    assert!(!directory.exists());
}

#[test]
fn a_test_killed_leaves_no_process_and_no_file() {
    let mut test = Command::new(env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "api_server::holds_a_server_until_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program again");
    let stdout = test.stdout.take().expect("its stdout");
    let directory = BufReader::new(stdout)
        .lines()
        .find_map(|line| line.ok()?.strip_prefix("directory ").map(PathBuf::from))
        .expect("a server that started");
    assert_eq!(processes_in(&directory).len(), 2, "etcd and the API server");

    test.kill().expect("SIGKILL");
    test.wait().expect("its end");
    let deadline = Instant::now() + Duration::from_secs(10);
    while (directory.exists() || !processes_in(&directory).is_empty()) && Instant::now() < deadline
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(processes_in(&directory), Vec::<PathBuf>::new());
    assert!(!directory.exists());
}

#[tokio::test]
#[ignore = "the other half of a_test_killed_leaves_no_process_and_no_file"]
async fn holds_a_server_until_killed() {
    let server = ApiServer::start_without_crd().await;
    println!("\ndirectory {}", server.directory().display());
    tokio::time::sleep(Duration::from_mins(1)).await;
}
