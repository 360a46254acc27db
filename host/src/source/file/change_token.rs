//! What distinguishes one version of a file from another.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

/// What the file system reports of a file without opening it, symlinks followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangeToken {
    modified: Option<SystemTime>,
    length: u64,
    identity: Identity,
}

impl ChangeToken {
    /// Nothing if there is no such file, or none that may be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            identity: identity(&metadata),
        })
    }
}

/// Device, inode and time of the last change to the file itself or its permissions.
#[cfg(unix)]
type Identity = (u64, u64, i64, i64);
#[cfg(not(unix))]
type Identity = ();

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {}

/// Of a file's content. Compared within one process, never stored.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Of a value as JSON. Compared within one process, never stored.
pub(super) fn json_digest(value: &impl Serialize) -> Result<u64, serde_json::Error> {
    let mut sink = Sink(DefaultHasher::new());
    serde_json::to_writer(&mut sink, value)?;
    Ok(sink.0.finish())
}

/// So that the JSON is hashed as it is written, and never held.
struct Sink(DefaultHasher);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
