//! Looking through a directory, and what has changed since the last look.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, SystemTime};

use istio_cloud_map_core::operator::Observation;
use istio_cloud_map_core::operator::{EntryKey, Observed, Version};

use super::Directory;
use super::file::{Content, file_name};

/// A file that was changed so shortly before it was read may change again without its time
/// changing.
const UNSETTLED: Duration = Duration::from_secs(1);

/// What was there at the last look.
#[derive(Default)]
pub(super) struct Scan {
    listed: bool,
    files: BTreeMap<String, Known>,
    entries: BTreeMap<EntryKey, Observed>,
    /// Written or deleted by us, and not looked at since.
    touched: BTreeSet<EntryKey>,
}

/// A file, and by what a change of it is noticed without reading it.
struct Known {
    token: Option<ChangeToken>,
    version: Version,
    entries: Vec<Observed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ChangeToken {
    changed: SystemTime,
    length: u64,
    inode: u64,
}

impl Scan {
    /// The first time everything, then what has changed. `touched` are the entries that were
    /// written or deleted since the last look: they are reported whether they have changed or not.
    pub(super) fn look(
        &mut self,
        directory: &Directory,
        touched: BTreeSet<EntryKey>,
    ) -> io::Result<Vec<Observation>> {
        let mut before = std::mem::take(&mut self.files);
        for name in touched.iter().filter_map(|key| file_name(&key.name)) {
            before.remove(&name);
        }
        self.touched.extend(touched);
        let mut changed = !self.touched.is_empty();
        let names = match names(&directory.path) {
            Ok(names) => names,
            Err(error) => {
                self.files = before;
                return Err(error);
            }
        };
        for name in names {
            let path = directory.path.join(&name);
            let token = path.metadata().ok().and_then(|metadata| ChangeToken::of(&metadata));
            let known = before.remove(&name);
            if let Some(known) = known {
                if token.is_some() && known.token == token {
                    self.files.insert(name, known);
                    continue;
                }
                let Some(content) = Content::read(&path) else { continue };
                if known.version == content.version() {
                    self.files.insert(name, Known { token, ..known });
                    continue;
                }
                changed = true;
                self.files.insert(name.clone(), Known::of(&content, token, &name, directory));
            } else if let Some(content) = Content::read(&path) {
                changed = true;
                self.files.insert(name.clone(), Known::of(&content, token, &name, directory));
            }
        }
        changed |= !before.is_empty() || !self.listed;
        Ok(if changed { self.changes() } else { Vec::new() })
    }

    fn changes(&mut self) -> Vec<Observation> {
        let before = std::mem::replace(&mut self.entries, entries(&self.files));
        if !std::mem::replace(&mut self.listed, true) {
            let entries = self.entries.values().cloned().collect();
            return vec![Observation::Listed { entries, version: Version::default() }];
        }
        let touched = std::mem::take(&mut self.touched);
        let known: BTreeSet<&EntryKey> = touched.iter().chain(before.keys()).collect();
        let deleted = known
            .into_iter()
            .filter(|key| !self.entries.contains_key(key))
            .map(|key| Observation::Deleted { key: key.clone(), version: Version::default() });
        let new = self
            .entries
            .values()
            .filter(|entry| touched.contains(&entry.key) || before.get(&entry.key) != Some(entry));
        deleted.chain(new.map(|entry| Observation::Applied(Box::new(entry.clone())))).collect()
    }
}

/// One of each key: of several, the one that is in the file of its own.
fn entries(files: &BTreeMap<String, Known>) -> BTreeMap<EntryKey, Observed> {
    let mut entries = BTreeMap::new();
    for (file, known) in files {
        for entry in &known.entries {
            match entries.entry(entry.key.clone()) {
                Slot::Vacant(slot) => {
                    slot.insert(entry.clone());
                }
                Slot::Occupied(mut slot) if file_name(&entry.key.name).as_deref() == Some(file) => {
                    slot.insert(entry.clone());
                }
                Slot::Occupied(_) => {}
            }
        }
    }
    entries
}

/// Those that kubectl would read. A directory that was deleted is an empty one: it is made again
/// with the next write.
fn names(path: &Path) -> io::Result<Vec<String>> {
    let directory = match path.read_dir() {
        Ok(directory) => directory,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for file in directory {
        let Ok(name) = file?.file_name().into_string() else { continue };
        let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
        if !name.starts_with('.') && matches!(extension, Some("yaml" | "yml" | "json")) {
            names.push(name);
        }
    }
    Ok(names)
}

impl Known {
    fn of(
        content: &Content,
        token: Option<ChangeToken>,
        file: &str,
        directory: &Directory,
    ) -> Self {
        Self { token, version: content.version(), entries: content.observed(file, directory) }
    }
}

impl ChangeToken {
    /// None while the file may yet change without its token changing.
    fn of(metadata: &Metadata) -> Option<Self> {
        let changed = metadata.modified().ok()?;
        if SystemTime::now().duration_since(changed).is_ok_and(|age| age < UNSETTLED) {
            return None;
        }
        Some(Self { changed, length: metadata.len(), inode: inode(metadata) })
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
