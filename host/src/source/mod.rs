//! Where Cloud Map's content comes from.
//!
//! To add a source, write one file here that implements [`Source`], and a line in `cli/` that makes
//! it. When to ask what, and how often, is decided in the core; a source makes one call at a time,
//! puts a time limit on it, and never tries twice by itself.

use futures::future::BoxFuture;
use istio_cloud_map_core::cloud_map::{Namespace, Service, Tag};
use istio_cloud_map_core::operator::{InstancesRead, NamespaceOwner, Page, ReadError};
use istio_cloud_map_core::sorted::SortedMap;

pub mod aws;
pub mod file;
pub mod lazy;
pub mod recording;

/// A registry to read from.
pub trait Source: Send + Sync {
    /// One page of the namespaces of the account, or of those that other accounts share with it.
    fn namespaces(
        &self,
        owner: NamespaceOwner,
        token: Option<String>,
    ) -> BoxFuture<'_, Result<Page<Namespace>, ReadError>>;

    /// One page of a namespace's services.
    fn services<'a>(
        &'a self,
        namespace: &'a Namespace,
        token: Option<String>,
    ) -> BoxFuture<'a, Result<Page<Service>, ReadError>>;

    /// A number that moves when instances are registered or deregistered, and equals the
    /// `change_token` of what was read as long as it has not. A change of health need not move it.
    fn revision<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<i64, ReadError>>;

    /// All instances of a service with their health.
    fn instances<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<InstancesRead, ReadError>>;

    /// The service's own attributes, for hints.
    fn service_attributes<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<SortedMap<String, String>, ReadError>>;

    /// The service's tags.
    fn tags<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ReadError>>;

    /// Ends when everything should be read again at once, long before it is due. A source that
    /// can't tell never ends it.
    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(futures::future::pending())
    }
}
