//! Where entries are written to, and how those that exist are observed.
//!
//! To add a sink, write one file here that implements [`Sink`], and a variant of `SinkKind` in
//! `config/`. What to write, when, and what to leave alone is decided in the core.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
pub use istio_cloud_map_core::operator::Version;
use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::operator::{Observation, WriteError};

mod dedup;
pub mod dir;
pub mod dry_run;
pub mod kube;
pub mod rehearsal;
pub mod stdout;

/// An entry to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Apply {
    /// Which object it is.
    pub key: EntryKey,
    /// The whole `ServiceEntry` as JSON, without a `resourceVersion`.
    pub json: String,
    /// What is there now, as it was last observed; none, if the entry is to be made. If that is no
    /// longer so, the write fails with [`istio_cloud_map_core::operator::WriteFailure::Conflict`]
    /// and changes nothing.
    pub replaces: Option<Version>,
}

/// A store of entries.
pub trait Sink: Send + Sync {
    /// What exists, and then what changes: first [`Observation::Listed`], then one item a change,
    /// and [`Observation::Listed`] again whenever changes may have been missed. An error is passed
    /// on for a person to read; the stream goes on, having waited a moment, and ends only when the
    /// sink can't be used at all.
    fn observe(&self) -> BoxStream<'_, Result<Observation, WriteError>>;

    /// Creates or changes an entry, and returns it as it is then.
    fn apply(&self, entry: Apply) -> BoxFuture<'_, Result<Observed, WriteError>>;

    /// Deletes an entry, if it still is as it was observed.
    fn delete<'a>(
        &'a self,
        key: &'a EntryKey,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<(), WriteError>>;

    /// Called once, when a single pass (`--once`) is over.
    fn finish(&self) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async { Ok(()) })
    }
}
