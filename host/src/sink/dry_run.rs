//! `--dry-run`: sees what there is, and only pretends to write.

use futures::future::{self, BoxFuture};
use futures::stream::BoxStream;
use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::operator::{Observation, WriteError, WriteFailure};
use serde_json::Value;

use super::{Apply, Sink, Version};

/// A sink whose writes succeed and do nothing.
pub struct DryRun<S>(pub S);

impl<S: Sink> Sink for DryRun<S> {
    fn observe(&self) -> BoxStream<'_, Result<Observation, WriteError>> {
        self.0.observe()
    }

    fn stored<'a>(&'a self, key: &'a EntryKey) -> BoxFuture<'a, Result<Option<Value>, WriteError>> {
        self.0.stored(key)
    }

    fn apply(&self, entry: Apply) -> BoxFuture<'_, Result<Observed, WriteError>> {
        Box::pin(future::ready(written(&entry)))
    }

    fn delete<'a>(
        &'a self,
        _: &'a EntryKey,
        _: &'a Version,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(future::ready(Ok(())))
    }
}

/// An entry as it is after a successful write, in a store that has no versions of its own.
pub(super) fn written(entry: &Apply) -> Result<Observed, WriteError> {
    let object: Value =
        serde_json::from_str(&entry.json).map_err(|error| not_json(&entry.key, &error))?;
    let version = entry.replaces.clone().unwrap_or_default();
    Ok(Observed { version, ..Observed::from_json(&object, None, &entry.key.namespace) })
}

pub(super) fn not_json(key: &EntryKey, error: &serde_json::Error) -> WriteError {
    WriteError::new(
        WriteFailure::Other,
        format!("{key}: the entry to write is not valid JSON: {error}"),
    )
}
