//! The chart on a real API server, and the operator with the rights that it gives.

use std::fs;
use std::time::Duration;

use istio_cloud_map_tests::bed::ApiServer;
use istio_cloud_map_tests::fixture::Fixture;
use istio_cloud_map_tests::operator::{Operator, eventually, with_aws};
use istio_cloud_map_tests::pod::Pod;
use serde_json::{Value, json};

use super::{TOOLS, helm, only, printed, read, rendered, rendered_text, set, sets_of_values};

/// Kubewarden's, as far as the API server has to know it.
const POLICY_CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: clusteradmissionpolicies.policies.kubewarden.io
spec:
  group: policies.kubewarden.io
  scope: Cluster
  names: {kind: ClusterAdmissionPolicy, plural: clusteradmissionpolicies}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

/// `helm` as the cluster's admin.
async fn install(server: &ApiServer, namespace: &str, arguments: &[&str]) -> String {
    let mut command = helm(&["upgrade", "--install", "istio-cloud-map", "chart"]);
    command.args(["--namespace", namespace, "--kubeconfig"]).arg(server.kubeconfig());
    // Helm caches what the API server serves.
    command.env("HOME", server.directory()).args(arguments);
    tokio::task::spawn_blocking(move || printed(&mut command)).await.unwrap()
}

async fn make_namespaces(server: &ApiServer, names: &[&str]) {
    for name in names {
        server.kubectl(&["create", "namespace", name]).await;
    }
}

#[tokio::test]
async fn the_api_server_takes_every_set_of_values_strictly() {
    let server = ApiServer::start().await;
    make_namespaces(&server, &["mesh", "mesh-leases", "shop", "payments"]).await;
    let crds = server.directory().join("policy-crd.yaml");
    fs::write(&crds, POLICY_CRD).unwrap();
    let crds = [crds.as_path(), TOOLS.monitoring_crds()].map(|path| path.to_str().unwrap());
    for file in crds {
        server.kubectl(&["create", "-f", file]).await;
    }
    server.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).await;
    for values in sets_of_values() {
        let text = rendered_text(&values, &[]);
        let file = server.directory().join("rendered.yaml");
        fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        // An unknown field is an error.
        server.kubectl(&["apply", "--dry-run=server", "--validate=strict", "-f", file]).await;
        let values = values.to_str().unwrap();
        let notes = install(&server, "mesh", &["--values", values]).await;
        assert!(notes.contains("istio-cloud-map doctor"), "{notes}");
    }
}

#[tokio::test]
async fn its_pod_is_within_the_restricted_security_standard() {
    let server = ApiServer::start().await;
    make_namespaces(&server, &["mesh"]).await;
    let label = "pod-security.kubernetes.io/enforce=restricted";
    server.kubectl(&["label", "namespace", "mesh", label]).await;
    let objects = rendered(&set("default"), &[]);
    let template = &only(&objects, "Deployment")["spec"]["template"];
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]});
    pod["metadata"] =
        json!({"name": "pod", "namespace": "mesh", "labels": template["metadata"]["labels"]});
    let file = server.directory().join("pod.json");
    fs::write(&file, pod.to_string()).unwrap();
    server.kubectl(&["create", "--dry-run=server", "-f", file.to_str().unwrap()]).await;
}

/// The operator as the installed pod would be.
async fn installed_operator(fixture: &Fixture, values: &Value) -> Operator {
    let file = fixture.kubernetes.directory().join("values.json");
    fs::write(&file, values.to_string()).unwrap();
    install(&fixture.kubernetes, "mesh", &["--values", file.to_str().unwrap()]).await;
    let mut command = Pod::new(&fixture.kubernetes, "mesh").await.serve();
    with_aws(&mut command, fixture.cloud_map.url());
    Operator::spawn(command)
}

async fn entries(fixture: &Fixture, namespace: &str) -> Vec<String> {
    let get = ["get", "serviceentries", "--output", "name", "--namespace", namespace];
    let names = fixture.kubernetes.kubectl(&get).await;
    names.lines().filter_map(|name| Some(name.split_once('/')?.1.to_owned())).collect()
}

/// Whether the installed service account may do something.
async fn may(fixture: &Fixture, what: &str, namespace: &str) -> bool {
    let (verb, resource) = what.split_once(' ').unwrap();
    let account = "--as=system:serviceaccount:mesh:istio-cloud-map";
    let can = ["auth", "can-i", verb, resource, "--namespace", namespace, account];
    fixture.kubernetes.kubectl_output(&can).await.status.success()
}

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_roles_of_the_named_namespaces_are_enough_and_are_all() {
    let fixture = Fixture::new().await;
    make_namespaces(&fixture.kubernetes, &["mesh", "shop", "payments"]).await;
    fixture.add("shop-web", 2);
    let pay = fixture.add("pay-api", 1);
    let source = |name: &str, services: &str| {
        let filter = json!({"include": [services]});
        json!({"name": name, "targetNamespace": name, "services": filter})
    };
    let config = json!({
        "interval": "1s",
        "catalogueInterval": "1s",
        "emptyGrace": "1s",
        "sources": [source("shop", "shop-*"), source("payments", "pay-*")],
    });
    let operator = installed_operator(&fixture, &json!({"config": config})).await;
    operator.ready().await;
    eventually("each has its entry", SOON, async || {
        entries(&fixture, "shop").await == ["cloudmap-shop-web.ns"]
            && entries(&fixture, "payments").await == ["cloudmap-pay-api.ns"]
    })
    .await;
    fixture.cloud_map.world(|world| world.delete_service(pay));
    eventually("a deleted service has none", SOON, async || {
        entries(&fixture, "payments").await.is_empty()
    })
    .await;
    assert!(operator.metric("istio_cloud_map_leader", &[]).await > 1.5, "{}", operator.log());
    assert!(!operator.log().contains("forbidden"), "{}", operator.log());

    assert!(may(&fixture, "delete serviceentries.networking.istio.io", "shop").await);
    assert!(may(&fixture, "list leases.coordination.k8s.io", "mesh").await);
    for (what, namespace) in [
        ("create serviceentries.networking.istio.io", "default"),
        ("create serviceentries.networking.istio.io", "mesh"),
        ("list serviceentries.networking.istio.io", "default"),
        ("list leases.coordination.k8s.io", "shop"),
        ("get secrets", "mesh"),
        ("get configmaps", "mesh"),
    ] {
        assert!(!may(&fixture, what, namespace).await, "{what} in {namespace}");
    }
}

#[tokio::test]
async fn doctor_in_the_pod_checks_the_sources_of_the_configuration() {
    let fixture = Fixture::new().await;
    make_namespaces(&fixture.kubernetes, &["mesh", "shop"]).await;
    let config = json!({"sources": [{"name": "shop", "targetNamespace": "shop"}]});
    let _operator = installed_operator(&fixture, &json!({"config": config})).await;
    let mut doctor = Pod::new(&fixture.kubernetes, "mesh").await.exec(["doctor"]);
    with_aws(&mut doctor, fixture.cloud_map.url());
    doctor.env("AWS_ENDPOINT_URL_STS", fixture.cloud_map.url());
    let text = tokio::task::spawn_blocking(move || printed(&mut doctor)).await.unwrap();
    assert!(text.contains("ok      RBAC serviceentries in shop"), "{text}");
}

#[tokio::test]
async fn with_a_template_the_role_of_the_cluster_is_enough() {
    let fixture = Fixture::new().await;
    make_namespaces(&fixture.kubernetes, &["mesh", "team-ns"]).await;
    fixture.add("web", 1);
    let config = json!({
        "interval": "1s",
        "sources": [{"name": "shop", "targetNamespace": "team-{namespace}"}],
    });
    let operator = installed_operator(&fixture, &json!({"config": config})).await;
    operator.ready().await;
    eventually("an entry", SOON, async || {
        entries(&fixture, "team-ns").await == ["cloudmap-web.ns"]
    })
    .await;
    assert!(!operator.log().contains("forbidden"), "{}", operator.log());
    assert!(!may(&fixture, "get secrets", "mesh").await);
}

#[tokio::test]
async fn with_mesh_auto_the_roles_are_enough_to_ask_istiod() {
    let fixture = Fixture::new().await;
    make_namespaces(&fixture.kubernetes, &["mesh"]).await;
    fixture.kubernetes.add_istiod("PILOT_ENABLE_AMBIENT", "true").await;
    fixture.add("web", 1);
    let config = json!({"interval": "1s", "namespace": "mesh", "translation": {"mesh": "auto"}});
    let operator = installed_operator(&fixture, &json!({"config": config})).await;
    operator.ready().await;
    let addresses = ["get", "serviceentries", "cloudmap-web.ns", "--namespace", "mesh"];
    let output = ["--output", "jsonpath={.spec.endpoints[*].address} {.spec.addresses}"];
    let printed = fixture.kubernetes.kubectl(&[addresses.as_slice(), &output].concat()).await;
    assert_eq!(printed.split_whitespace().count(), 1, "an endpoint and no address: {printed}");
}

#[tokio::test]
async fn the_plain_manifests_move_to_another_namespace_and_region_by_their_kustomization() {
    let fixture = Fixture::new().await;
    make_namespaces(&fixture.kubernetes, &["mesh"]).await;
    let directory = fixture.kubernetes.directory().join("plain");
    fs::create_dir(&directory).unwrap();
    let edited = read("manifests/kustomization.yaml")
        .replace("namespace: default", "namespace: mesh")
        .replace("us-west-2", "eu-west-1");
    fs::write(directory.join("kustomization.yaml"), edited).unwrap();
    let manifests = read("manifests/istio-cloud-map.yaml");
    fs::write(directory.join("istio-cloud-map.yaml"), manifests).unwrap();
    let apply = ["apply", "--validate=strict", "-k", directory.to_str().unwrap()];
    fixture.kubernetes.kubectl(&apply).await;
    for what in ["create serviceentries.networking.istio.io", "list leases.coordination.k8s.io"] {
        assert!(may(&fixture, what, "mesh").await, "{what}");
        assert!(!may(&fixture, what, "default").await, "{what}");
    }
    let get = ["get", "deployment", "istio-cloud-map", "--namespace", "mesh", "--output"];
    let region = r#"jsonpath={..env[?(@.name=="AWS_REGION")].value}"#;
    let region = fixture.kubernetes.kubectl(&[get.as_slice(), &[region]].concat()).await;
    assert_eq!(region, "eu-west-1");
}
