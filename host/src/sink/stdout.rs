//! `--to -`: entries as text on standard output.
//!
//! A single pass ends in one sorted stream that `kubectl apply -f -` takes. Otherwise each change is a document of its own, as it happens.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;
use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream};
use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::operator::{Observation, WriteError, WriteFailure};
use serde_json::json;

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

/// Standard output, which nobody else changes.
pub struct StdoutSink {
    format: Format,
    /// Of a single pass: what there is to write, in order.
    collected: Option<Mutex<BTreeMap<EntryKey, Document>>>,
    output: Mutex<Box<dyn Write + Send>>,
}

impl StdoutSink {
    /// With `once`, everything is written by [`Sink::finish`].
    pub fn new(format: Format, once: bool) -> Self {
        Self::to(Box::new(io::stdout()), format, once)
    }

    fn to(output: Box<dyn Write + Send>, format: Format, once: bool) -> Self {
        Self { format, collected: once.then(Mutex::default), output: Mutex::new(output) }
    }

    fn put(&self, entry: &Apply) -> Result<Observed, WriteError> {
        let observed = written(entry)?;
        let document: Document = serde_json::from_str(&entry.json).map_err(|error| not_json(&entry.key, &error))?;
        match &self.collected {
            Some(collected) => {
                collected.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.key.clone(), document);
            }
            None => self.say(&match self.format {
                Format::Yaml => format!("{}{}", yaml::SEPARATOR, yaml::document(&document).map_err(not_text)?),
                Format::Json => format!("{}\n", serde_json::to_string(&document).map_err(not_text)?),
            })?,
        }
        Ok(observed)
    }

    fn remove(&self, key: &EntryKey) -> Result<(), WriteError> {
        match (&self.collected, self.format) {
            (Some(collected), _) => {
                collected.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
                Ok(())
            }
            (None, Format::Yaml) => self.say(&format!("# deleted {key}\n")),
            (None, Format::Json) => self.say(&format!("{}\n", json!({"deleted": key}))),
        }
    }

    fn all(&self) -> Result<(), WriteError> {
        let Some(collected) = &self.collected else { return Ok(()) };
        let documents: Vec<Document> =
            std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect();
        self.say(&match self.format {
            Format::Yaml => yaml::stream(&documents).map_err(not_text)?,
            Format::Json => yaml::json_list(&documents).map_err(not_text)?,
        })
    }

    fn say(&self, text: &str) -> Result<(), WriteError> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(|error| {
            let message = match error.kind() {
                ErrorKind::BrokenPipe => "standard output was closed: nobody reads any more".to_owned(),
                _ => format!("can't write to standard output: {error}"),
            };
            WriteError::new(WriteFailure::Other, message)
        })
    }
}

fn not_text(error: impl std::fmt::Display) -> WriteError {
    WriteError::new(WriteFailure::Other, format!("an entry can't be written as text: {error}"))
}

impl Sink for StdoutSink {
    fn observe(&self) -> BoxStream<'_, Result<Observation, WriteError>> {
        stream::once(future::ready(Ok(Observation::Listed { entries: Vec::new(), version: Version::default() })))
            .chain(stream::pending())
            .boxed()
    }

    fn apply(&self, entry: Apply) -> BoxFuture<'_, Result<Observed, WriteError>> {
        Box::pin(async move { self.put(&entry) })
    }

    fn delete<'a>(&'a self, key: &'a EntryKey, _: &'a Version) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(async move { self.remove(key) })
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move { self.all() })
    }
}

#[cfg(test)]
#[path = "stdout_tests.rs"]
mod tests;
