//! `--to kube`: a Kubernetes API server.
//!
//! Entries are written by server-side apply, so that the API server itself knows which fields are
//! ours; every write carries the version that it is based on, so that a concurrent change is never
//! overwritten. What exists is listed once and then watched; an object is reduced to what decides
//! about it while it is read, and never held.

mod apply;
mod backoff;
mod connect;
mod entry;
mod events;
mod failure;
pub mod istiod;
mod leases;
mod merge;
mod observe;
mod proxy;
mod retry_after;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::kube::core::ApiResource;
use ::kube::{Api, Client};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::operator::{Observation, WriteError};
use istio_cloud_map_core::service_entry::ApiVersion;

pub use connect::{ConnectError, client, served_version};
use entry::Entry;
pub use events::Events;
pub use leases::Leases;
use serde_json::Value;

use super::{Apply, Sink, Version};
use crate::metrics::Metrics;

/// The name under which the API server records which fields are ours.
pub const FIELD_MANAGER: &str = "istio-cloud-map";
const GROUP: &str = "networking.istio.io";
const KIND: &str = "ServiceEntry";
const PLURAL: &str = "serviceentries";

/// How to reach a cluster, and what of it.
#[derive(Debug, Clone)]
pub struct KubeOptions {
    /// A kubeconfig; none: that of `KUBECONFIG`, else the pod's own service account, else the one
    /// that kubectl would use.
    pub kube_config: Option<PathBuf>,
    /// The namespaces that are watched, all that may be written to; every one, if empty.
    pub namespaces: Vec<String>,
    /// Used if the cluster serves it, else the newest that it serves.
    pub api_version: ApiVersion,
    /// Entries a page of a list; what is held at once of a large cluster.
    pub page_size: u32,
    /// For TCP and TLS.
    pub connect_timeout: Duration,
    /// For every call, its answer included; a watch is only held to begin within it.
    pub call_timeout: Duration,
    /// How long a watch lasts before it is resumed, and so after what time a dead connection is
    /// noticed.
    pub watch_timeout: Duration,
    /// Reports whether entries are watched.
    pub metrics: Arc<Metrics>,
}

impl Default for KubeOptions {
    fn default() -> Self {
        Self {
            kube_config: None,
            namespaces: vec!["default".to_owned()],
            api_version: ApiVersion::default(),
            page_size: 100,
            connect_timeout: Duration::from_secs(4),
            call_timeout: Duration::from_secs(15),
            watch_timeout: Duration::from_mins(1),
            metrics: Arc::default(),
        }
    }
}

/// Entries as custom resources of a cluster.
pub struct KubeSink {
    client: Client,
    resource: ApiResource,
    options: KubeOptions,
}

impl KubeSink {
    /// Finds the cluster and the API version that it serves, and sees whether entries may be
    /// listed.
    pub async fn connect(options: KubeOptions) -> Result<Self, ConnectError> {
        let (client, url) = connect::client(&options).await?;
        Self::with_client(client, &url, options).await
    }

    async fn with_client(
        client: Client,
        url: &str,
        options: KubeOptions,
    ) -> Result<Self, ConnectError> {
        let version = connect::served_version(&client, url, &options).await?.version();
        let sink = Self {
            client,
            resource: ApiResource {
                group: GROUP.to_owned(),
                version: version.to_owned(),
                api_version: format!("{GROUP}/{version}"),
                kind: KIND.to_owned(),
                plural: PLURAL.to_owned(),
            },
            options,
        };
        for namespace in sink.watched() {
            connect::may_list(&sink.api(namespace), namespace, url, sink.options.call_timeout)
                .await?;
        }
        Ok(sink)
    }

    /// Publishes events; `pod` is the namespace and the name of the pod of this process.
    pub fn events(&self, pod: Option<(String, String)>) -> Events {
        Events::new(self, pod)
    }

    /// The leases in a namespace of the replicas with this `--id`.
    pub fn leases(&self, namespace: &str, owner: &str) -> Leases {
        Leases::new(self, namespace.to_owned(), owner.to_owned())
    }

    /// The namespaces that are watched; an empty name for all of them, as the API server has it.
    fn watched(&self) -> impl Iterator<Item = &str> {
        let all = self.options.namespaces.is_empty().then_some("");
        self.options.namespaces.iter().map(String::as_str).chain(all)
    }

    fn api(&self, namespace: &str) -> Api<Entry> {
        if namespace.is_empty() {
            return Api::all_with(self.client.clone(), &self.resource);
        }
        Api::namespaced_with(self.client.clone(), namespace, &self.resource)
    }
}

impl Sink for KubeSink {
    fn observe(&self) -> BoxStream<'_, Result<Observation, WriteError>> {
        observe::watch_all(self)
    }

    fn stored<'a>(&'a self, key: &'a EntryKey) -> BoxFuture<'a, Result<Option<Value>, WriteError>> {
        Box::pin(apply::stored(self, key))
    }

    fn apply(&self, entry: Apply) -> BoxFuture<'_, Result<Observed, WriteError>> {
        Box::pin(apply::apply(self, entry))
    }

    fn delete<'a>(
        &'a self,
        key: &'a EntryKey,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(apply::delete(self, key, version))
    }
}
