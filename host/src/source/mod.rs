//! Where Cloud Map's content comes from.
//!
//! To add a source, write one file here that implements [`Source`], and a line in `cli/` that makes it. When to ask what, and how often, is decided
//! in the core; a source answers one question at a time, puts a time limit on it, and never tries twice by itself.

use futures::future::BoxFuture;
use istio_cloud_map_core::cloud_map::{Namespace, Service};
use istio_cloud_map_core::sync::{InstancesRead, ReadError};

pub mod aws;
pub mod file;

/// A list that was read to its last page.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// How many calls that took.
    pub calls: u32,
}

/// A registry to read from.
pub trait Source: Send + Sync {
    /// All namespaces, those of other accounts that are shared with this one among them.
    fn namespaces(&self) -> BoxFuture<'_, Result<Listed<Namespace>, ReadError>>;

    /// All services of a namespace.
    fn services<'a>(&'a self, namespace: &'a Namespace) -> BoxFuture<'a, Result<Listed<Service>, ReadError>>;

    /// A number that moves when instances are registered or deregistered, and equals the `marker` of what was read as long as it has not. A
    /// change of health need not move it.
    fn revision<'a>(&'a self, namespace: &'a Namespace, service: &'a Service) -> BoxFuture<'a, Result<i64, ReadError>>;

    /// All instances of a service with their health.
    fn instances<'a>(&'a self, namespace: &'a Namespace, service: &'a Service) -> BoxFuture<'a, Result<InstancesRead, ReadError>>;

    /// Ends when everything should be read again at once, long before it is due. A source that can't tell never ends it.
    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(futures::future::pending())
    }
}
