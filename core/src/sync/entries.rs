//! What is known of the cluster: the entries that exist, which service claims which, and what is still to be looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::{ServiceId, Time, WriteFailure};
use crate::diagnostic::Diagnostic;
use crate::plan::{EntryKey, Fields, HostIndex, Observed, Options};

/// A write that is under way.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    /// What the entry's fields should be afterwards; none for a delete.
    pub fields: Option<Fields>,
}

/// A write that failed, to be tried again.
#[derive(Debug, Clone)]
pub(super) struct Retry {
    pub failures: u32,
    pub failure: WriteFailure,
    pub at: Time,
}

/// Everything about entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// All that exist, anybody's.
    pub observed: BTreeMap<EntryKey, Observed>,
    /// The sink has said what exists. Nothing is written before.
    pub listed: bool,
    hosts: HostIndex,
    claims: BTreeMap<EntryKey, BTreeSet<ServiceId>>,
    /// To be decided about.
    pub dirty: BTreeSet<EntryKey>,
    /// Refused, and to be decided about again whenever something moves that may have been the reason.
    pub blocked: BTreeSet<EntryKey>,
    pub in_flight: BTreeMap<EntryKey, InFlight>,
    pub retries: BTreeMap<EntryKey, Retry>,
    /// Waiting for the guard's word.
    pub removals: BTreeSet<EntryKey>,
    /// The guard has let them pass.
    pub approved: BTreeSet<EntryKey>,
    /// Writes that were taken but came out differently: what was wanted, and what is there.
    pub not_kept: BTreeMap<EntryKey, (Fields, Fields)>,
    /// What was last said about an entry, and still holds.
    pub standing: BTreeMap<EntryKey, Vec<Diagnostic>>,
}

impl Entries {
    pub(super) fn mark(&mut self, key: Option<&EntryKey>) {
        self.dirty.extend(key.cloned());
    }

    /// An entry is wanted differently: that it was rejected before says nothing any more.
    pub(super) fn forget_rejection(&mut self, key: Option<&EntryKey>) {
        let Some(key) = key else { return };
        if self.retries.get(key).is_some_and(|retry| retry.failure == WriteFailure::Rejected) {
            self.retries.remove(key);
        }
    }

    /// Entries that no service claims may have waited for one that was not read.
    pub(super) fn mark_unclaimed(&mut self) {
        let unclaimed = self.observed.keys().filter(|key| !self.claims.contains_key(*key)).cloned();
        self.dirty.extend(unclaimed);
    }

    pub(super) fn claim(&mut self, key: &EntryKey, id: &ServiceId) {
        self.claims.entry(key.clone()).or_default().insert(id.clone());
        self.mark(Some(key));
    }

    pub(super) fn unclaim(&mut self, key: &EntryKey, id: &ServiceId) {
        if let Some(claims) = self.claims.get_mut(key) {
            claims.remove(id);
            if claims.is_empty() {
                self.claims.remove(key);
            }
        }
        self.mark(Some(key));
    }

    /// The services that claim an entry, by rank.
    pub(super) fn claims(&self, key: &EntryKey) -> impl Iterator<Item = &ServiceId> {
        self.claims.get(key).into_iter().flatten()
    }

    pub(super) fn has_endpoints(&self, key: Option<&EntryKey>) -> bool {
        key.and_then(|key| self.observed.get(key)).is_some_and(|entry| !entry.endpoints.is_empty())
    }

    /// Takes in a whole list. What is newer here than there stays.
    pub(super) fn list(&mut self, all: Vec<Observed>, options: &Options) {
        let all: BTreeMap<EntryKey, Observed> = all.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        let gone: Vec<EntryKey> = self.observed.keys().filter(|key| !all.contains_key(*key)).cloned().collect();
        for key in gone {
            self.remove(&key);
        }
        for entry in all.into_values() {
            self.observe(entry, options);
        }
        self.listed = true;
        self.dirty.extend(self.claims.keys().cloned());
    }

    /// Takes in one entry, unless a newer state of it is known.
    pub(super) fn observe(&mut self, entry: Observed, options: &Options) {
        let key = entry.key.clone();
        if self.observed.get(&key).is_some_and(|known| entry.version.is_older_than(&known.version)) {
            return;
        }
        if !options.owns(&entry) {
            self.mark_overlapping(&entry);
        }
        self.hosts.insert(&entry);
        if let Some(before) = self.observed.insert(key.clone(), entry) {
            self.replace_hosts(&before);
        }
        self.dirty.append(&mut self.blocked);
        self.dirty.insert(key);
    }

    /// An entry is gone.
    pub(super) fn remove(&mut self, key: &EntryKey) {
        if let Some(before) = self.observed.remove(key) {
            self.hosts.remove(&before);
        }
        self.dirty.append(&mut self.blocked);
        self.dirty.insert(key.clone());
    }

    fn replace_hosts(&mut self, before: &Observed) {
        self.hosts.remove(before);
        if let Some(now) = self.observed.get(&before.key) {
            self.hosts.insert(now);
        }
    }

    fn mark_overlapping(&mut self, entry: &Observed) {
        for host in &entry.hosts {
            let overlapping = self.hosts.overlapping(&entry.key, host);
            self.dirty.extend(overlapping);
        }
    }

    /// The entries that are not ours and have a host that overlaps one of `hosts`.
    pub(super) fn overlapping(&self, key: &EntryKey, hosts: &[String], options: &Options) -> Vec<&Observed> {
        let keys: BTreeSet<EntryKey> = hosts.iter().flat_map(|host| self.hosts.overlapping(key, host)).collect();
        keys.iter().filter_map(|key| self.observed.get(key)).filter(|entry| !options.owns(entry)).collect()
    }
}
