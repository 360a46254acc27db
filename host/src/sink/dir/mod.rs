//! `--to dir:PATH`: one YAML file an entry.
//!
//! A file is ours if it is named after the one entry that it holds and that entry bears our label.
//! Every other file is left alone, and the `ServiceEntries` in it are observed as unowned.

mod file;
mod scan;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::operator::{Observation, WriteError, WriteFailure};
use serde_json::Value;
use thiserror::Error;

use super::dedup::Dedup;
use super::{Apply, Sink, Version};
use scan::Scan;

/// The time between two scans, within which a change by another process is observed.
const POLL: Duration = Duration::from_millis(500);

/// A directory that can't be used.
#[derive(Debug, Error)]
#[error("can't write to the directory {path}: {source}; choose another with --to dir:PATH")]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

/// A directory of entries.
#[derive(Debug, Clone)]
pub struct DirSink {
    directory: Directory,
    /// What was written or deleted since the last look. It is looked at as if for the first time:
    /// if another process has undone it meanwhile, the file may be as it was at the last look, or
    /// deleted before it was ever observed.
    touched: Touched,
}

type Touched = Arc<Mutex<BTreeSet<EntryKey>>>;

/// Which directory, and the namespace of an entry without one.
#[derive(Debug, Clone)]
struct Directory {
    path: PathBuf,
    default_namespace: String,
}

impl DirSink {
    /// A directory to write to. It is made if there is none, and what a crash of ours has left half
    /// written is removed.
    pub fn open(path: &Path, default_namespace: &str) -> Result<Self, OpenError> {
        write::prepare(path).map_err(|source| OpenError { path: path.to_owned(), source })?;
        Ok(Self::look(path, default_namespace))
    }

    /// A directory that is only looked at, and may not be there.
    pub fn look(path: &Path, default_namespace: &str) -> Self {
        let directory =
            Directory { path: path.to_owned(), default_namespace: default_namespace.to_owned() };
        Self { directory, touched: Touched::default() }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directory) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let directory = self.directory.clone();
        tokio::task::spawn_blocking(move || work(&directory))
            .await
            .unwrap_or_else(|error| Err(other(error)))
    }
}

impl Sink for DirSink {
    fn observe(&self) -> BoxStream<'_, Result<Observation, WriteError>> {
        stream::unfold(Observer::new(self), |mut observer| async move {
            let items = observer.next().await;
            Some((stream::iter(items), observer))
        })
        .flatten()
        .boxed()
    }

    fn stored<'a>(&'a self, key: &'a EntryKey) -> BoxFuture<'a, Result<Option<Value>, WriteError>> {
        let key = key.clone();
        Box::pin(self.blocking(move |directory| Ok(file::stored(directory, &key))))
    }

    fn apply(&self, entry: Apply) -> BoxFuture<'_, Result<Observed, WriteError>> {
        let touched = self.touched.clone();
        Box::pin(self.blocking(move |directory| {
            let written = write::apply(directory, &entry)?;
            touched.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.key);
            Ok(written)
        }))
    }

    fn delete<'a>(
        &'a self,
        key: &'a EntryKey,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        let (key, version, touched) = (key.clone(), version.clone(), self.touched.clone());
        Box::pin(self.blocking(move |directory| {
            write::delete(directory, &key, &version)?;
            touched.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
            Ok(())
        }))
    }
}

fn other(error: impl Display) -> WriteError {
    WriteError::new(WriteFailure::Other, error.to_string())
}

/// Looks, waits, looks again.
struct Observer<'a> {
    sink: &'a DirSink,
    scan: Scan,
    looked: bool,
    errors: Dedup,
}

impl<'a> Observer<'a> {
    fn new(sink: &'a DirSink) -> Self {
        Self { sink, scan: Scan::default(), looked: false, errors: Dedup::default() }
    }

    async fn next(&mut self) -> Vec<Result<Observation, WriteError>> {
        loop {
            if self.looked {
                tokio::time::sleep(POLL).await;
            }
            self.looked = true;
            let (directory, mut scan) =
                (self.sink.directory.clone(), std::mem::take(&mut self.scan));
            // Taken before the look: what is touched during it is looked at the next time.
            let touched = std::mem::take(
                &mut *self.sink.touched.lock().unwrap_or_else(PoisonError::into_inner),
            );
            let looked = tokio::task::spawn_blocking(move || {
                let observations = scan.look(&directory, touched);
                (scan, observations)
            });
            // With a scan lost, the next one lists everything again.
            let (scan, observations) = looked
                .await
                .unwrap_or_else(|error| (Scan::default(), Err(io::Error::other(error))));
            self.scan = scan;
            match observations {
                Ok(observations) => {
                    self.errors.over();
                    if !observations.is_empty() {
                        return observations.into_iter().map(Ok).collect();
                    }
                }
                Err(error) => {
                    let error = WriteError {
                        message: format!(
                            "can't read {}: {error}",
                            self.sink.directory.path.display()
                        ),
                        ..other("")
                    };
                    if self.errors.is_new(&error) {
                        return vec![Err(error)];
                    }
                }
            }
        }
    }
}
