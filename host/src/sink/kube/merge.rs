//! Several namespaces seen as one.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use istio_cloud_map_core::operator::{EntryKey, Observation, Observed, Version, WriteError};

type Observations<'a> = BoxStream<'a, Result<Observation, WriteError>>;

/// One list once every namespace has been listed; from then on, a new list of one of them becomes
/// the changes that it may hide, so that it does not affect the others.
pub(super) fn all(mut watches: Vec<Observations<'_>>) -> Observations<'_> {
    if watches.len() == 1
        && let Some(only) = watches.pop()
    {
        return only;
    }
    let mut merge = Merge {
        namespaces: watches.iter().map(|_| Namespace::default()).collect(),
        complete: false,
        version: Version::default(),
    };
    let tagged = watches
        .into_iter()
        .enumerate()
        .map(|(index, watch)| watch.map(move |item| (index, item)).boxed());
    stream::select_all(tagged)
        .flat_map(move |(index, item)| {
            let items = match item {
                Ok(observation) => merge.take(index, observation).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(items)
        })
        .boxed()
}

struct Merge {
    version: Version,
    namespaces: Vec<Namespace>,
    complete: bool,
}

/// What exists in a namespace. The entries themselves are only kept until the first list is given.
#[derive(Default)]
struct Namespace {
    listed: bool,
    entries: BTreeMap<EntryKey, Option<Observed>>,
}

impl Merge {
    fn take(&mut self, index: usize, observation: Observation) -> Vec<Observation> {
        let Some(namespace) = self.namespaces.get_mut(index) else { return Vec::new() };
        if self.complete {
            return namespace.pass(observation);
        }
        if let Observation::Listed { version, .. } = &observation
            && (self.version == Version::default() || version.is_older_than(&self.version))
        {
            self.version = version.clone();
        }
        namespace.keep(observation);
        if !self.namespaces.iter().all(|namespace| namespace.listed) {
            return Vec::new();
        }
        self.complete = true;
        let entries =
            self.namespaces.iter_mut().flat_map(|namespace| namespace.entries.values_mut());
        let entries = entries.filter_map(Option::take).collect();
        // Of several lists at several versions: what is missing was missing in the oldest.
        vec![Observation::Listed { entries, version: self.version.clone() }]
    }
}

impl Namespace {
    fn keep(&mut self, observation: Observation) {
        match observation {
            Observation::Listed { entries, .. } => {
                self.listed = true;
                self.entries =
                    entries.into_iter().map(|entry| (entry.key.clone(), Some(entry))).collect();
            }
            Observation::Applied(entry) => {
                self.entries.insert(entry.key.clone(), Some(*entry));
            }
            Observation::Deleted { key, .. } => {
                self.entries.remove(&key);
            }
        }
    }

    fn pass(&mut self, observation: Observation) -> Vec<Observation> {
        match observation {
            Observation::Listed { entries, version } => {
                let now = entries.iter().map(|entry| (entry.key.clone(), None)).collect();
                let before = std::mem::replace(&mut self.entries, now);
                let deleted: Vec<EntryKey> =
                    before.into_keys().filter(|key| !self.entries.contains_key(key)).collect();
                let deleted = deleted
                    .into_iter()
                    .map(|key| Observation::Deleted { key, version: version.clone() });
                deleted
                    .chain(entries.into_iter().map(|entry| Observation::Applied(Box::new(entry))))
                    .collect()
            }
            Observation::Applied(entry) => {
                self.entries.insert(entry.key.clone(), None);
                vec![Observation::Applied(entry)]
            }
            Observation::Deleted { key, version } => {
                self.entries.remove(&key);
                vec![Observation::Deleted { key, version }]
            }
        }
    }
}
