//! A snapshot on disk, read again when it changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use istio_cloud_map_core::cloud_map::{InputOptions, Namespace, Service, Tag, decode};
use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::operator::{InstancesRead, NamespaceOwner, Page, ReadError, ReadFailure};
use istio_cloud_map_core::sorted::SortedMap;
use thiserror::Error;
use tokio::time::{Instant, sleep_until};

use self::change_token::{ChangeToken, digest};
use self::snapshot::Snapshot;
use super::Source;

mod change_token;
mod snapshot;
#[cfg(test)]
mod tests;

/// How soon a change is seen.
const POLL: Duration = Duration::from_millis(500);

/// Why a file can't be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// It is not there, or may not be read.
    #[error("the snapshot {} can't be read: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's message.
        source: std::io::Error,
    },
    /// It is no Cloud Map JSON.
    #[error("the snapshot {} can't be used: {reason}", .path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// While a file is missing or wrong, every question is answered with why, so that nothing is
/// dropped for it.
impl From<&FileError> for ReadError {
    fn from(error: &FileError) -> Self {
        // Either way it fails all reads of the file, and is reported once for all.
        Self { failure: ReadFailure::Unreachable, message: error.to_string() }
    }
}

/// Cloud Map as a file has it: in any of the three shapes of input, whether it is written in place,
/// renamed into place, or behind a symlink as a `ConfigMap`'s are.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    options: InputOptions,
    /// Held only for a moment, never across an `await`.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Nothing if there is no file.
    token: Option<ChangeToken>,
    /// Of the content that was last read; none if it can't be used.
    digest: Option<u64>,
    /// What questions are answered from.
    snapshot: Arc<Snapshot>,
    /// Why they can't be answered now.
    failure: Option<ReadError>,
    /// Kept here, since a wait for a change may be given up and begun again at any time.
    next_poll: Instant,
}

impl FileSource {
    /// Reads the file for the first time. A file that is wrong from the start is an error of the
    /// configuration; later it may be being written.
    ///
    /// # Errors
    /// Where the file can't be read or has none of the three shapes.
    pub fn open(path: impl Into<PathBuf>, options: InputOptions) -> Result<Self, FileError> {
        let path = path.into();
        // Taken before the content, so that a write in between is seen at the next poll.
        let token = ChangeToken::of(&path);
        let (bytes, digest) = read(&path)?;
        let snapshot = Arc::new(parse(&path, &bytes, &options, &Snapshot::default())?);
        report(&snapshot);
        let state = State {
            token,
            digest: Some(digest),
            snapshot,
            failure: None,
            next_poll: Instant::now() + POLL,
        };
        Ok(Self { path, options, state: Mutex::new(state) })
    }
    fn current(&self) -> Result<Arc<Snapshot>, ReadError> {
        let state = self.state();
        state.failure.clone().map_or_else(|| Ok(Arc::clone(&state.snapshot)), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that may panic runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the file once; true if questions are answered differently from now on.
    async fn poll(&self) -> bool {
        let (path, options) = (self.path.clone(), self.options.clone());
        let (token, digest, last) = {
            let state = self.state();
            (state.token.clone(), state.digest, Arc::clone(&state.snapshot))
        };
        // A large file is parsed beside the runtime, and a disk may be slow.
        let looked = tokio::task::spawn_blocking(move || {
            look(&path, &options, token.as_ref(), digest, &last)
        });
        let looked = looked.await.unwrap_or(Look::Same);
        let mut state = self.state();
        state.next_poll = Instant::now() + POLL;
        state.take(looked)
    }
}

/// What a look at the file found.
enum Look {
    Same,
    /// Touched, or back as it was.
    SameContent(Option<ChangeToken>),
    Changed(Option<ChangeToken>, u64, Snapshot),
    Failed(Option<ChangeToken>, FileError),
}

fn look(
    path: &Path,
    options: &InputOptions,
    token: Option<&ChangeToken>,
    digest: Option<u64>,
    last: &Snapshot,
) -> Look {
    let now = ChangeToken::of(path);
    if now.as_ref() == token {
        return Look::Same;
    }
    match read(path) {
        Err(error) => Look::Failed(now, error),
        Ok((_, new)) if Some(new) == digest => Look::SameContent(now),
        Ok((bytes, new)) => match parse(path, &bytes, options, last) {
            Ok(snapshot) => Look::Changed(now, new, snapshot),
            Err(error) => Look::Failed(now, error),
        },
    }
}

impl State {
    fn take(&mut self, looked: Look) -> bool {
        match looked {
            Look::Same => false,
            Look::SameContent(token) => {
                self.token = token;
                false
            }
            Look::Changed(token, digest, snapshot) => {
                report(&snapshot);
                (self.token, self.digest) = (token, Some(digest));
                (self.snapshot, self.failure) = (Arc::new(snapshot), None);
                true
            }
            Look::Failed(token, error) => {
                (self.token, self.digest) = (token, None);
                let failure = Some(ReadError::from(&error));
                let changed = self.failure != failure;
                self.failure = failure;
                changed
            }
        }
    }
}

fn read(path: &Path) -> Result<(Vec<u8>, u64), FileError> {
    let bytes = std::fs::read(path)
        .map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    let digest = digest(&bytes);
    Ok((bytes, digest))
}

fn parse(
    path: &Path,
    bytes: &[u8],
    options: &InputOptions,
    last: &Snapshot,
) -> Result<Snapshot, FileError> {
    let unusable = |reason| FileError::Unusable { path: path.to_owned(), reason };
    let text = decode(bytes).map_err(|error| unusable(error.to_string()))?;
    Snapshot::parse(&text, options, last).map_err(|error| unusable(error.to_string()))
}

/// Reports what is wrong with a version of the file, once.
fn report(snapshot: &Snapshot) {
    for diagnostic in &snapshot.diagnostics {
        match diagnostic.severity {
            Severity::Error => tracing::error!("{diagnostic}"),
            Severity::Warning => tracing::warn!("{diagnostic}"),
            Severity::Info => tracing::info!("{diagnostic}"),
        }
    }
}

impl Source for FileSource {
    fn namespaces(
        &self,
        owner: NamespaceOwner,
        _: Option<String>,
    ) -> BoxFuture<'_, Result<Page<Namespace>, ReadError>> {
        let own = |snapshot: Arc<Snapshot>| match owner {
            NamespaceOwner::Own => snapshot.namespaces(),
            NamespaceOwner::OtherAccounts => Ok(Vec::new()),
        };
        ready(self.current().and_then(own).map(whole))
    }

    fn services<'a>(
        &'a self,
        namespace: &'a Namespace,
        _: Option<String>,
    ) -> BoxFuture<'a, Result<Page<Service>, ReadError>> {
        ready(self.current().and_then(|snapshot| snapshot.services(namespace)).map(whole))
    }

    fn revision<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<i64, ReadError>> {
        ready(self.current().and_then(|snapshot| snapshot.revision(namespace, service)))
    }

    fn instances<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<InstancesRead, ReadError>> {
        ready(self.current().and_then(|snapshot| snapshot.instances(namespace, service)))
    }

    fn service_attributes<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<SortedMap<String, String>, ReadError>> {
        ready(self.current().and_then(|snapshot| snapshot.service_attributes(namespace, service)))
    }

    fn tags<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ReadError>> {
        ready(self.current().and_then(|snapshot| snapshot.tags(namespace, service)))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            loop {
                let next_poll = self.state().next_poll;
                sleep_until(next_poll).await;
                if self.poll().await {
                    return;
                }
            }
        })
    }
}

fn ready<'a, T: Send + 'a>(answer: Result<T, ReadError>) -> BoxFuture<'a, Result<T, ReadError>> {
    Box::pin(std::future::ready(answer))
}

/// A file's lists have one page.
const fn whole<T>(items: Vec<T>) -> Page<T> {
    Page { items, next_token: None }
}
