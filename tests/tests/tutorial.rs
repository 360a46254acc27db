//! The tutorial, word for word, on real parts.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use std::time::Duration;

use istio_cloud_map_tests::cloud_map::Namespace;
use istio_cloud_map_tests::fixture::Fixture;
use istio_cloud_map_tests::operator::{ACCESS_KEY, SECRET_KEY};
use serde_json::{Value, json};

const MANIFESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests");

async fn tutorial() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.cloud_map.world(|world| {
        // What DiscoverInstances takes is the namespace's HttpName.
        let namespace =
            world.add_namespace(Namespace::http("my-namespace").with_http_name("my-http-name"));
        let service = world.service(namespace, "getistio-external-service");
        world.register(service, "i-1", [("AWS_INSTANCE_IPV4", "52.192.72.89")]);
    });
    fixture
}

#[tokio::test]
async fn the_entry_has_exactly_the_spec_of_the_tutorial() {
    let fixture = tutorial().await;
    let operator = fixture.operator(&[]).await;
    let get = [
        "get",
        "serviceentries.networking.istio.io",
        "cloudmap-getistio-external-service.my-namespace",
        "-o",
        "json",
    ];
    let entry: Value = serde_json::from_str(&fixture.kubernetes.kubectl(&get).await).unwrap();
    let spec = json!({
        "addresses": ["52.192.72.89"],
        "endpoints": [{"address": "52.192.72.89", "ports": {"http": 80, "https": 443}}],
        "hosts": ["getistio-external-service.my-namespace"],
        "ports": [
            {"name": "http", "number": 80, "protocol": "HTTP"},
            {"name": "https", "number": 443, "protocol": "HTTPS"},
        ],
        "resolution": "STATIC",
    });
    assert_eq!(entry["spec"], spec);
    assert_eq!(fixture.cloud_map.access_keys(), [ACCESS_KEY]);
    assert!(!operator.log().contains(ACCESS_KEY) && !operator.log().contains(SECRET_KEY));
    fixture.finish().await;
}

#[tokio::test]
async fn the_manifests_are_accepted_and_their_role_is_enough_to_run() {
    let fixture = tutorial().await;
    fixture.kubernetes.kubectl(&["apply", "-k", MANIFESTS, "--validate=false"]).await;
    let account =
        fixture.kubernetes.kubeconfig_for_service_account("default", "istio-cloud-map").await;
    let operator = istio_cloud_map_tests::operator::Operator::start(
        fixture.cloud_map.url(),
        &account,
        &["--interval", "1s", "--catalogue-interval", "1s"],
    );
    operator.ready().await;
    assert!(!operator.log().contains("not permitted"), "{}", operator.log());
    let service = fixture.add("web", 2);
    fixture.has_endpoints("web", 2, Duration::from_secs(10)).await;
    fixture.register(service, "i-9", "10.9.9.9");
    fixture.has_endpoints("web", 3, Duration::from_secs(10)).await;
    fixture.cloud_map.world(|world| world.delete_service(service));
    assert!(
        istio_cloud_map_tests::operator::until(Duration::from_secs(20), async || fixture
            .entry("web")
            .await
            .is_none())
        .await
    );
    fixture.finish().await;
}

#[tokio::test]
async fn without_the_role_the_operator_names_the_missing_rule() {
    let fixture = tutorial().await;
    fixture.kubernetes.kubectl(&["create", "serviceaccount", "nobody"]).await;
    let account = fixture.kubernetes.kubeconfig_for_service_account("default", "nobody").await;
    let mut command =
        istio_cloud_map_tests::operator::command(&["serve", "--once", "--kube-config"]);
    istio_cloud_map_tests::operator::with_aws(&mut command, fixture.cloud_map.url());
    let output = command.arg(account).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("serviceentries") && said.contains("list"), "{said}");
}

#[tokio::test]
async fn on_a_cluster_without_istio_the_operator_names_what_to_install() {
    let kubernetes = istio_cloud_map_tests::bed::ApiServer::start_without_crd().await;
    let cloud_map = istio_cloud_map_tests::cloud_map::FakeCloudMap::start().unwrap();
    let mut command =
        istio_cloud_map_tests::operator::command(&["serve", "--once", "--kube-config"]);
    istio_cloud_map_tests::operator::with_aws(&mut command, cloud_map.url());
    let output = command.arg(kubernetes.kubeconfig()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<_> = said.lines().filter(|line| !line.contains(" INFO ")).collect();
    assert_eq!((output.status.code(), errors.len()), (Some(1), 1), "{said}");
    assert!(
        errors
            .iter()
            .all(|line| line.starts_with("error: ") && line.contains("install Istio's CRDs")),
        "{said}"
    );
}
