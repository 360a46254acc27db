//! AWS Cloud Map itself.
//!
//! One call at a time, each with a time limit and none tried twice: when to try again is decided in
//! the core. An answer that lacks what AWS always sends is a failure, never an empty list.

use aws_sdk_servicediscovery::Client;
use futures::future::BoxFuture;
use istio_cloud_map_core::cloud_map::{Namespace, Service, Tag};
use istio_cloud_map_core::operator::{InstancesRead, NamespaceOwner, Page, ReadError};
use istio_cloud_map_core::sorted::SortedMap;

use super::Source;

mod calls;
mod connect;
mod convert;
mod credentials;
mod failure;
mod identity;
mod prefix;
mod role;
#[cfg(test)]
mod tests;

pub use connect::{AwsOptions, ConnectError};
pub use identity::{http_date, identity};

/// One account and region of Cloud Map.
pub struct AwsSource {
    /// Namespaces, services and their hints.
    control: Client,
    /// Instances and revisions. Another client only where its endpoint is another one.
    data: Client,
    region: String,
}

impl AwsSource {
    /// The region that it reads.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// Without the client, which holds the credentials.
impl std::fmt::Debug for AwsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsSource").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Source for AwsSource {
    fn namespaces(
        &self,
        owner: NamespaceOwner,
        token: Option<String>,
    ) -> BoxFuture<'_, Result<Page<Namespace>, ReadError>> {
        Box::pin(calls::namespaces(&self.control, owner, token))
    }

    fn services<'a>(
        &'a self,
        namespace: &'a Namespace,
        token: Option<String>,
    ) -> BoxFuture<'a, Result<Page<Service>, ReadError>> {
        Box::pin(calls::services(&self.control, namespace, token))
    }

    fn revision<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<i64, ReadError>> {
        Box::pin(calls::revision(&self.data, namespace, service))
    }

    fn instances<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<InstancesRead, ReadError>> {
        Box::pin(calls::discover(&self.data, namespace, service))
    }

    fn service_attributes<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<SortedMap<String, String>, ReadError>> {
        Box::pin(calls::service_attributes(&self.control, namespace, service))
    }

    fn tags<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ReadError>> {
        Box::pin(calls::tags(&self.control, namespace, service))
    }
}
