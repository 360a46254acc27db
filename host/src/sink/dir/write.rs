//! Files written whole or not at all.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::operator::{WriteError, WriteFailure};
use istio_cloud_map_core::service_entry::annotation;
use tempfile::NamedTempFile;

use super::file::{Content, file_name, version};
use super::{Directory, other};
use crate::sink::dry_run::not_json;
use crate::sink::{Apply, Version};
use crate::yaml::{self, Document};

const PREFIX: &str = ".istio-cloud-map-";
const SUFFIX: &str = ".tmp";

/// A half-written file that has not been touched for so long is what a crash has left. A younger
/// one may be another process's, which writes it now.
const ABANDONED: Duration = Duration::from_hours(1);

/// Makes the directory, cleans it of what crashes have left, and sees whether it can be written to.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for file in directory.read_dir()? {
        let file = file?;
        let name = file.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
            && is_abandoned(&file)
        {
            // Another process may clean up too.
            let _removed = fs::remove_file(file.path());
        }
    }
    temporary(directory).map(drop)
}

fn is_abandoned(file: &DirEntry) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > ABANDONED))
}

/// Of the permissions that any new file has, by the umask; a temporary file would else be made
/// for its owner alone.
fn temporary(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory)
}

pub(super) fn apply(directory: &Directory, entry: &Apply) -> Result<Observed, WriteError> {
    let key = &entry.key;
    let path = directory.path.join(named(key)?);
    let mut document: Document =
        serde_json::from_str(&entry.json).map_err(|error| not_json(key, &error))?;
    let there = Content::read(&path);
    if let Some(there) = &there {
        for (part, list) in
            [("labels", annotation::ENTRY_LABELS), ("annotations", annotation::ENTRY_ANNOTATIONS)]
        {
            keep(&mut document, part, there.added(part, list));
        }
    }
    let text = yaml::document(&document).map_err(other)?;
    let object = serde_json::to_value(&document).map_err(other)?;
    let observed = Observed {
        version: version(text.as_bytes()),
        ..Observed::from_json(&object, None, &key.namespace)
    };
    if there.as_ref().is_some_and(|there| *there == Content::Bytes(text.as_bytes().to_vec())) {
        return Ok(observed);
    }
    match (&there, &entry.replaces) {
        (Some(there), Some(replaced)) => unchanged(there, key, replaced, directory, &path)?,
        (Some(_), None) => {
            return Err(conflict(&path, "was created by another process in the meantime"));
        }
        (None, Some(_)) => {
            return Err(conflict(&path, "was removed by another process in the meantime"));
        }
        (None, None) => {}
    }
    put(&directory.path, &path, text.as_bytes(), there.is_some())
        .map_err(|error| failed("write", &path, &error))?;
    Ok(observed)
}

/// Adds labels or annotations to an entry that it does not have.
fn keep(entry: &mut Document, part: &str, added: Vec<(String, String)>) {
    let metadata = field(entry, "metadata").and_then(|metadata| field(metadata, part));
    let Some(Document::Map(pairs)) = metadata else { return };
    for (key, value) in added {
        if !pairs.iter().any(|(known, _)| *known == key) {
            pairs.push((key, Document::String(value)));
        }
    }
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
}

fn field<'a>(object: &'a mut Document, name: &str) -> Option<&'a mut Document> {
    let Document::Map(fields) = object else { return None };
    fields.iter_mut().find(|(field, _)| field == name).map(|(_, value)| value)
}

pub(super) fn delete(
    directory: &Directory,
    key: &EntryKey,
    version: &Version,
) -> Result<(), WriteError> {
    let path = directory.path.join(named(key)?);
    let not_found = || {
        WriteError::new(
            WriteFailure::NotFound,
            format!("{} does not exist any more", path.display()),
        )
    };
    let there = Content::read(&path).ok_or_else(not_found)?;
    unchanged(&there, key, version, directory, &path)?;
    fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))
}

/// Whether a file is what it was taken for.
fn unchanged(
    there: &Content,
    key: &EntryKey,
    version: &Version,
    directory: &Directory,
    path: &Path,
) -> Result<(), WriteError> {
    if !there.is_only(key, directory) {
        return Err(conflict(path, "contains something other than this entry"));
    }
    if version.resource_version.is_some() && *version != there.version() {
        return Err(conflict(path, "was changed by another process in the meantime"));
    }
    Ok(())
}

fn put(directory: &Path, path: &Path, text: &[u8], replace: bool) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut file = temporary(directory)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    let kept = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    kept.map(drop).map_err(|error| error.error)
}

fn named(key: &EntryKey) -> Result<String, WriteError> {
    file_name(&key.name).ok_or_else(|| {
        WriteError::new(
            WriteFailure::Rejected,
            format!("the entry's name {:?} is not a valid file name", key.name),
        )
    })
}

fn conflict(path: &Path, how: &str) -> WriteError {
    WriteError::new(WriteFailure::Conflict, format!("{} {how}: left alone", path.display()))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> WriteError {
    let failure = match error.kind() {
        ErrorKind::AlreadyExists => WriteFailure::Conflict,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => WriteFailure::Forbidden,
        ErrorKind::NotFound if what == "remove" => WriteFailure::NotFound,
        _ => WriteFailure::Other,
    };
    WriteError::new(failure, format!("can't {what} {}: {error}", path.display()))
}
