//! `--to -`: entries as text on standard output.
//!
//! A single pass ends in one sorted stream that `kubectl apply -f -` takes. Otherwise each change
//! is a document of its own, as it happens.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream};
use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::operator::{Observation, WriteError, WriteFailure};
use serde_json::json;
use tokio::io::{Interest, Ready};
use tokio::net::unix::pipe::Sender;
use tokio::sync::watch;

use super::dry_run::{not_json, written};
use super::{Apply, Sink, Version};
use crate::yaml::{self, Document};

/// How entries are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Documents, with `---` between them.
    #[default]
    Yaml,
    /// `kind: List`; of a change, one line.
    Json,
}

/// Standard output, which no one else changes.
pub struct StdoutSink {
    format: Format,
    /// Of a single pass: what there is to write, in order.
    collected: Option<Mutex<BTreeMap<EntryKey, Document>>>,
    output: Arc<Mutex<Box<dyn Write + Send>>>,
    /// Why nothing more can be written. What was written last may be half a document, so that
    /// nothing may follow it.
    broken: watch::Sender<Option<WriteError>>,
}

impl StdoutSink {
    /// With `once`, everything is written by [`Sink::finish`].
    pub fn new(format: Format, once: bool) -> Self {
        Self::to(Box::new(io::stdout()), format, once)
    }

    fn to(output: Box<dyn Write + Send>, format: Format, once: bool) -> Self {
        Self {
            format,
            collected: once.then(Mutex::default),
            output: Arc::new(Mutex::new(output)),
            broken: watch::Sender::default(),
        }
    }

    async fn put(&self, entry: &Apply) -> Result<Observed, WriteError> {
        let observed = written(entry)?;
        let document: Document =
            serde_json::from_str(&entry.json).map_err(|error| not_json(&entry.key, &error))?;
        if let Some(collected) = &self.collected {
            collected
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(entry.key.clone(), document);
            return Ok(observed);
        }
        let text = match self.format {
            Format::Yaml => {
                format!("{}{}", yaml::SEPARATOR, yaml::document(&document).map_err(not_text)?)
            }
            Format::Json => format!("{}\n", serde_json::to_string(&document).map_err(not_text)?),
        };
        self.print(text).await.map(|()| observed)
    }

    async fn remove(&self, key: &EntryKey) -> Result<(), WriteError> {
        if let Some(collected) = &self.collected {
            collected.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
            return Ok(());
        }
        self.print(match self.format {
            Format::Yaml => format!("# deleted {key}\n"),
            Format::Json => format!("{}\n", json!({"deleted": key})),
        })
        .await
    }

    async fn all(&self) -> Result<(), WriteError> {
        let Some(collected) = &self.collected else { return Ok(()) };
        let documents: Vec<Document> =
            std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner))
                .into_values()
                .collect();
        self.print(match self.format {
            Format::Yaml => yaml::stream(&documents).map_err(not_text)?,
            Format::Json => yaml::json_list(&documents).map_err(not_text)?,
        })
        .await
    }

    /// Beside the runtime, since a reader may be slow or stuck.
    async fn print(&self, text: String) -> Result<(), WriteError> {
        let output = self.output.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write_all(text.as_bytes()).and_then(|()| output.flush())
        });
        written.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
            let error = cant_write(&error);
            self.broken.send_replace(Some(error.clone()));
            error
        })
    }

    /// Ends when nothing more can be written.
    async fn broken(&self) -> WriteError {
        let mut broken = self.broken.subscribe();
        tokio::select! {
            () = reader_is_gone() => cant_write(&ErrorKind::BrokenPipe.into()),
            Ok(error) = broken.wait_for(Option::is_some) => error.clone().unwrap_or_else(|| cant_write(&ErrorKind::BrokenPipe.into())),
        }
    }
}

/// Ends when the other end of the pipe is closed. Of what is no pipe, it never ends.
async fn reader_is_gone() {
    // Only its state is asked for: nothing is written this way, and the pipe stays in blocking
    // mode.
    let watched =
        io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    if let Ok(stdout) = watched
        && stdout.ready(Interest::ERROR).await.is_ok_and(Ready::is_error)
    {
        return;
    }
    future::pending::<()>().await;
}

fn cant_write(error: &io::Error) -> WriteError {
    let message = match error.kind() {
        ErrorKind::BrokenPipe => "standard output was closed by its reader".to_owned(),
        _ => format!("can't write to standard output: {error}"),
    };
    WriteError::new(WriteFailure::Other, message)
}

fn not_text(error: impl std::fmt::Display) -> WriteError {
    WriteError::new(WriteFailure::Other, format!("an entry can't be written as text: {error}"))
}

impl Sink for StdoutSink {
    fn observe(&self) -> BoxStream<'_, Result<Observation, WriteError>> {
        stream::once(future::ready(Ok(Observation::Listed {
            entries: Vec::new(),
            version: Version::default(),
        })))
        // Then ends: nothing can be written any more.
        .chain(stream::once(self.broken()).map(Err))
        .boxed()
    }

    fn apply(&self, entry: Apply) -> BoxFuture<'_, Result<Observed, WriteError>> {
        Box::pin(async move { self.put(&entry).await })
    }

    fn delete<'a>(
        &'a self,
        key: &'a EntryKey,
        _: &'a Version,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(self.remove(key))
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(self.all())
    }
}

#[cfg(test)]
mod tests;
