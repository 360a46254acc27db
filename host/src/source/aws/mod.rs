//! AWS Cloud Map itself.
//!
//! One call at a time, each with a time limit and none tried twice: when to try again is decided in the core. A list is read to its last
//! page or not at all, and an answer that lacks what AWS always sends is a failure, never an empty list.

use aws_sdk_servicediscovery::Client;
use futures::future::BoxFuture;
use istio_cloud_map_core::cloud_map::{Namespace, Service};
use istio_cloud_map_core::sync::{InstancesRead, ReadError};

use super::{Listed, Source};

mod call;
mod connect;
mod convert;
mod credentials;
mod failure;
mod instances;
mod lists;
mod prefix;
#[cfg(test)]
mod tests;

pub use connect::AwsOptions;

/// One account and region of Cloud Map.
pub struct AwsSource {
    client: Client,
    region: String,
    read_service_attributes: bool,
    read_tags: bool,
}

impl AwsSource {
    /// The region that it reads.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// Says nothing of the client, which holds the credentials.
impl std::fmt::Debug for AwsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsSource").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Source for AwsSource {
    fn namespaces(&self) -> BoxFuture<'_, Result<Listed<Namespace>, ReadError>> {
        Box::pin(lists::namespaces(&self.client))
    }

    fn services<'a>(&'a self, namespace: &'a Namespace) -> BoxFuture<'a, Result<Listed<Service>, ReadError>> {
        Box::pin(lists::services(&self.client, namespace))
    }

    fn revision<'a>(&'a self, namespace: &'a Namespace, service: &'a Service) -> BoxFuture<'a, Result<i64, ReadError>> {
        Box::pin(instances::revision(&self.client, namespace, service))
    }

    fn instances<'a>(&'a self, namespace: &'a Namespace, service: &'a Service) -> BoxFuture<'a, Result<InstancesRead, ReadError>> {
        Box::pin(async move {
            let mut read = instances::discover(&self.client, namespace, service).await?;
            // What they say decides the translation, so a service whose hints can't be read is not read.
            if self.read_service_attributes {
                read.service_attributes = instances::service_attributes(&self.client, namespace, service).await?;
            }
            if self.read_tags {
                read.tags = instances::tags(&self.client, namespace, service).await?;
            }
            Ok(read)
        })
    }
}
