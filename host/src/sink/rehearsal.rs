//! A sink that only pretends to write, and remembers what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _};
use istio_cloud_map_core::operator::{EntryKey, Observation, Observed, Version, WriteError};

use super::dry_run::written;
use super::{Apply, Sink};

/// What would have been written.
#[derive(Debug, Default)]
pub struct Rehearsed {
    /// Whether the existing entries were observed.
    pub observed: bool,
    /// The last write of each entry: the entry as JSON, or that it is deleted, and whether it exists.
    pub writes: BTreeMap<EntryKey, Rehearsal>,
}

/// A write that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// The whole entry as JSON; none: it would be deleted.
    pub json: Option<String>,
    /// Whether there is such an entry already.
    pub exists: bool,
}

/// Observes another sink, and writes nothing.
pub struct RehearsalSink {
    sink: Arc<dyn Sink>,
    rehearsed: Mutex<Rehearsed>,
}

impl RehearsalSink {
    /// What exists is observed through `sink`.
    pub fn new(sink: Arc<dyn Sink>) -> Self {
        Self { sink, rehearsed: Mutex::default() }
    }

    /// Takes what was rehearsed.
    pub fn take(&self) -> Rehearsed {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Rehearsed> {
        // Nothing that may panic runs while it is held.
        self.rehearsed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, key: &EntryKey, json: Option<String>, exists: bool) {
        let mut rehearsed = self.lock();
        let earlier = rehearsed.writes.get(key).map(|write| write.exists);
        let write = Rehearsal { json, exists: earlier.unwrap_or(exists) };
        rehearsed.writes.insert(key.clone(), write);
    }
}

impl Sink for RehearsalSink {
    fn observe(&self) -> BoxStream<'_, Result<Observation, WriteError>> {
        let observations = self.sink.observe().inspect(|observation| {
            if let Ok(Observation::Listed { .. }) = observation {
                self.lock().observed = true;
            }
        });
        observations.boxed()
    }

    fn apply(&self, entry: Apply) -> BoxFuture<'_, Result<Observed, WriteError>> {
        Box::pin(async move {
            let stored = written(&entry)?;
            self.record(&entry.key, Some(entry.json), entry.replaces.is_some());
            Ok(stored)
        })
    }

    fn delete<'a>(
        &'a self,
        key: &'a EntryKey,
        _: &'a Version,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(async move {
            self.record(key, None, true);
            Ok(())
        })
    }
}
