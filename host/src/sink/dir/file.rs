//! One file: its name, and what it holds.

use std::fs::File;
use std::hash::Hasher;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use istio_cloud_map_core::operator::{EntryKey, Observed, Version};
use istio_cloud_map_core::service_entry::is_reserved_key;
use serde_json::{Value, json};

use super::Directory;

/// More than the API server would store of an entry. What is larger is none of ours, and is not
/// read.
const LARGEST: u64 = 4 << 20;
const EXTENSION: &str = ".yaml";
/// 255 bytes are a file system's limit.
const LONGEST_STEM: usize = 255 - EXTENSION.len();

/// The name of an entry's file; none if the entry's name is not a valid file name.
pub(super) fn file_name(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return None;
    }
    if name.len() <= LONGEST_STEM {
        return Some(format!("{name}{EXTENSION}"));
    }
    let mark = format!("-{:016x}", fnv(name.as_bytes()));
    let mut stem = name.to_owned();
    stem.truncate(name.floor_char_boundary(LONGEST_STEM - mark.len()));
    Some(format!("{stem}{mark}{EXTENSION}"))
}

/// FNV-1a: the same in every build, as a file's name has to be.
fn fnv(bytes: &[u8]) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(bytes);
    hasher.finish()
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The version of a content.
pub(super) fn version(content: &[u8]) -> Version {
    Version {
        uid: None,
        resource_version: Some(format!("{:x}-{:016x}", content.len(), fnv(content))),
    }
}

/// What was read of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// All of it.
    Bytes(Vec<u8>),
    /// A directory, a pipe, too large, or not to be read.
    Unreadable,
}

impl Content {
    /// None, if there is no such file.
    pub(super) fn read(path: &Path) -> Option<Self> {
        match Self::bytes(path) {
            Ok(Some(bytes)) => Some(Self::Bytes(bytes)),
            Err(error)
                if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() =>
            {
                None
            }
            Ok(None) | Err(_) => Some(Self::Unreadable),
        }
    }

    fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
        // Asked before it is opened, since opening a pipe waits for its other end.
        if !path.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= LARGEST).then_some(bytes))
    }

    pub(super) fn version(&self) -> Version {
        match self {
            Self::Bytes(bytes) => version(bytes),
            Self::Unreadable => {
                Version { uid: None, resource_version: Some("unreadable".to_owned()) }
            }
        }
    }

    /// Its `ServiceEntries`.
    fn documents(&self) -> Documents {
        let none = Documents { count: 0, entries: Vec::new() };
        let Self::Bytes(bytes) = self else { return none };
        let Ok(text) = std::str::from_utf8(bytes) else { return none };
        let Ok(documents) = serde_saphyr::from_multiple::<Value>(text) else { return none };
        let count = documents.len();
        let entries = documents.into_iter().flat_map(items).filter(is_entry).collect();
        Documents { count, entries }
    }

    /// What is seen of it. The owner is only believed where the file is the entry's own, since we
    /// can't change any other.
    pub(super) fn observed(&self, file: &str, directory: &Directory) -> Vec<Observed> {
        let documents = self.documents();
        let alone = documents.count == 1 && documents.entries.len() == 1;
        let version = self.version();
        let observed = documents.entries.iter().map(|entry| {
            let mut observed = Observed::from_json(entry, None, &directory.default_namespace);
            if !alone || file_name(&observed.key.name).as_deref() != Some(file) {
                observed.owner = None;
            }
            observed.version = version.clone();
            observed
        });
        let mut observed: Vec<Observed> = observed.collect();
        if let Some(stem) = file.strip_suffix(EXTENSION)
            && !observed.iter().any(|entry| file_name(&entry.key.name).as_deref() == Some(file))
        {
            // An unowned entry, so that none of ours replaces it.
            let nothing = json!({"metadata": {"name": stem}});
            observed.push(Observed {
                version,
                ..Observed::from_json(&nothing, None, &directory.default_namespace)
            });
        }
        observed
    }

    /// The labels, or annotations (`part`), of its only entry that somebody else has added: the
    /// annotation `list` has the keys of those that we have set.
    pub(super) fn added(&self, part: &str, list: &str) -> Vec<(String, String)> {
        let documents = self.documents();
        let [entry] = documents.entries.as_slice() else { return Vec::new() };
        let metadata = entry.get("metadata").unwrap_or(&Value::Null);
        let set = metadata.get("annotations").and_then(|annotations| annotations.get(list));
        let set = set.and_then(Value::as_str).unwrap_or_default();
        let pairs = metadata.get(part).and_then(Value::as_object).into_iter().flatten();
        pairs
            .filter(|(key, _)| !is_reserved_key(key) && !set.split(',').any(|set| set == *key))
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Whether it is this entry and nothing else, so that it may be replaced or removed as a whole.
    pub(super) fn is_only(&self, key: &EntryKey, directory: &Directory) -> bool {
        let documents = self.documents();
        let [entry] = documents.entries.as_slice() else { return false };
        documents.count == 1
            && Observed::from_json(entry, None, &directory.default_namespace).key == *key
    }
}

struct Documents {
    count: usize,
    entries: Vec<Value>,
}

/// Those of a `List`, else the document itself.
fn items(document: Value) -> Vec<Value> {
    match document {
        Value::Object(mut list) if list.get("kind").and_then(Value::as_str) == Some("List") => {
            match list.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        document => vec![document],
    }
}

fn is_entry(document: &Value) -> bool {
    let text =
        |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    text("/kind") == "ServiceEntry"
        && text("/apiVersion").starts_with("networking.istio.io/")
        && !text("/metadata/name").is_empty()
}
