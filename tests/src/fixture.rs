//! The fixture of a test: an API server, a fake Cloud Map, an operator between them, and Istio,
//! which validates what the operator writes.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test whose fixture breaks can only fail, with the reason; services are often added for their entries alone"
)]

use std::path::Path;
use std::time::Duration;

use kube::api::{
    ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::Value;

use crate::bed::{ApiServer, Judge};
use crate::cloud_map::{FakeCloudMap, NamespaceKey, ServiceKey};
use crate::operator::{Operator, until};

/// The interval of the operators.
pub const INTERVAL: Duration = Duration::from_secs(2);
/// How long what takes something away must have been true: the default of `--empty-grace`.
pub const EMPTY_GRACE: Duration = Duration::from_secs(10);

/// An API server and a fake Cloud Map.
pub struct Fixture {
    /// Kubernetes.
    pub kubernetes: ApiServer,
    /// Cloud Map.
    pub cloud_map: FakeCloudMap,
    /// Cloud Map's namespace `ns`.
    pub namespace: NamespaceKey,
    /// All rights.
    pub client: Client,
}

impl Fixture {
    /// An API server and a Cloud Map with one namespace, `ns`.
    pub async fn new() -> Self {
        let kubernetes = ApiServer::start().await;
        let cloud_map = FakeCloudMap::start().expect("a fake Cloud Map");
        let namespace = cloud_map.world(|world| world.http_namespace("ns"));
        let client = kubernetes.client().await;
        Self { kubernetes, cloud_map, namespace, client }
    }

    /// As [`Self::new`], with `count` services `s000`, `s001`, ... of one instance each.
    pub async fn with_services(count: usize) -> Self {
        let fixture = Self::new().await;
        for number in 0..count {
            fixture.add(&format!("s{number:03}"), 1);
        }
        fixture
    }

    /// Adds a service with so many instances, on port 8080.
    pub fn add(&self, name: &str, instances: usize) -> ServiceKey {
        self.cloud_map.world(|world| {
            let service = world.service(self.namespace, name);
            for number in 0..instances {
                let address = format!(
                    "10.{}.{}.{}",
                    1 + number / 62_500,
                    number / 250 % 250,
                    number % 250 + 1
                );
                world.register(
                    service,
                    &format!("i-{number}"),
                    [("AWS_INSTANCE_IPV4", address.as_str()), ("AWS_INSTANCE_PORT", "8080")],
                );
            }
            service
        })
    }

    /// Registers one more instance.
    pub fn register(&self, service: ServiceKey, id: &str, address: &str) {
        self.cloud_map.world(|world| {
            world.register(
                service,
                id,
                [("AWS_INSTANCE_IPV4", address), ("AWS_INSTANCE_PORT", "8080")],
            );
        });
    }

    /// A service by its name.
    pub fn service(&self, name: &str) -> ServiceKey {
        self.cloud_map
            .world(|world| world.service_named(self.namespace, name))
            .expect("a service of that name")
    }

    /// Starts an operator with all rights, and waits until it is ready.
    pub async fn operator(&self, arguments: &[&str]) -> Operator {
        let operator = self.operator_as(arguments);
        operator.ready().await;
        operator
    }

    /// Starts an operator with all rights.
    pub fn operator_as(&self, arguments: &[&str]) -> Operator {
        self.operator_at(self.kubernetes.kubeconfig(), arguments)
    }

    /// Starts an operator with the rights of a kubeconfig.
    pub fn operator_at(&self, kubeconfig: &Path, arguments: &[&str]) -> Operator {
        let interval = format!("{}s", INTERVAL.as_secs());
        let mut all = vec![
            "--interval",
            &interval,
            "--catalogue-interval",
            &interval,
            "--call-timeout",
            "1s",
        ];
        all.extend(arguments);
        Operator::start(self.cloud_map.url(), kubeconfig, &all)
    }

    /// The entries of namespace `default`.
    pub fn api(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), "default", &resource())
    }

    /// All entries of namespace `default`, sorted by name, as JSON.
    pub async fn entries(&self) -> Vec<Value> {
        let listed = self.api().list(&ListParams::default()).await.expect("a list of entries");
        listed.items.iter().map(|item| serde_json::to_value(item).expect("JSON")).collect()
    }

    /// The entry of a service of namespace `ns`, if there is one.
    pub async fn entry(&self, service: &str) -> Option<Value> {
        let found = self.api().get_opt(&format!("cloudmap-{service}.ns")).await.ok().flatten();
        found.map(|entry| serde_json::to_value(entry).expect("JSON"))
    }

    /// The number of endpoints of a service's entry; none if there is no entry.
    pub async fn endpoints(&self, service: &str) -> Option<usize> {
        let entry = self.entry(service).await?;
        Some(entry.pointer("/spec/endpoints").and_then(Value::as_array).map_or(0, Vec::len))
    }

    /// Waits until the entry of a service has so many endpoints.
    pub async fn has_endpoints(&self, service: &str, endpoints: usize, longest: Duration) {
        let as_expected =
            until(longest, async || self.endpoints(service).await == Some(endpoints)).await;
        assert!(
            as_expected,
            "{service} has {:?} endpoints and not {endpoints} after {longest:?}",
            self.endpoints(service).await
        );
    }

    /// Creates an entry as another field manager.
    pub async fn create(&self, entry: Value) {
        let entry: DynamicObject = serde_json::from_value(entry).expect("an object");
        self.api()
            .create(
                &PostParams { field_manager: Some("somebody".to_owned()), ..PostParams::default() },
                &entry,
            )
            .await
            .expect("created");
    }

    /// Changes an entry as `kubectl edit` does.
    pub async fn edit(&self, name: &str, patch: Value) {
        let parameters = PatchParams {
            field_manager: Some("kubectl-edit".to_owned()),
            ..PatchParams::default()
        };
        self.api().patch(name, &parameters, &Patch::Merge(patch)).await.expect("edited");
    }

    /// Deletes an entry as `kubectl delete` does.
    pub async fn delete(&self, name: &str) {
        self.api().delete(name, &DeleteParams::default()).await.expect("deleted");
    }

    /// The resource versions of all entries: equal twice, if nothing was written in between.
    pub async fn versions(&self) -> Vec<String> {
        let version = |entry: &Value| {
            entry
                .pointer("/metadata/resourceVersion")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        self.entries().await.iter().map(version).collect()
    }

    /// Asks Istio about every entry that there is.
    pub async fn finish(self) {
        let entries = self.entries().await;
        Judge::start().await.assert_accepts(&entries).await;
    }
}

/// The resource, in the version that Istio stores.
pub fn resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("networking.istio.io", "v1", "ServiceEntry"),
        "serviceentries",
    )
}
