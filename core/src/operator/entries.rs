//! The entries by key, and the indexes that find those to decide about next.
//!
//! An entry is decided about only when something that it depends on has changed: it waits for a
//! time, for the guard, or for one thing by which it is indexed.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Cause, Entry, Turn, WaitFor, WriteState};
use super::facts::{EntryKey, Observed, Version};
use super::guard::{Removal, Removals};
use super::hosts::HostIndex;
use super::planner::{Options, Ownership, Policy};
use super::{ServiceId, Time, WriteFailure};

/// All entries that are observed or claimed.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// Boxed, since nodes of such a map are half empty.
    all: BTreeMap<EntryKey, Box<Entry>>,
    /// The sink has listed its entries. Nothing is read or written before.
    pub listed: bool,
    /// Claimed entries without an owner are adopted, and so count for the guard.
    adopts: bool,
    /// The hosts of observed entries that are not ours.
    other_hosts: HostIndex,
    /// The hosts of desired entries.
    desired_hosts: HostIndex,
    due: BTreeSet<(Time, EntryKey)>,
    timers: BTreeSet<(Time, EntryKey)>,
    awaiting_guard: BTreeMap<EntryKey, Removal>,
    waiting: BTreeMap<WaitFor, BTreeSet<EntryKey>>,
    pub in_flight: usize,
    /// Entries that count for the guard, and those of them with endpoints.
    pub base: (usize, usize),
}

impl Entries {
    pub(super) fn new(plan: &Options) -> Self {
        let mut entries = Self::default();
        entries.configure(plan);
        entries
    }

    /// Other settings hold from now on, for what is claimed from now on.
    pub(super) fn configure(&mut self, plan: &Options) {
        self.adopts = plan.adopt && plan.policy != Policy::CreateOnly;
    }

    pub(super) fn get(&self, key: &EntryKey) -> Option<&Entry> {
        self.all.get(key).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, key: &EntryKey) -> Option<&mut Entry> {
        self.all.get_mut(key).map(Box::as_mut)
    }

    pub(super) fn state(&self, key: &EntryKey) -> Option<&WriteState> {
        self.all.get(key).map(|entry| &entry.state)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&EntryKey, &Entry)> {
        self.all.iter().map(|(key, entry)| (key, &**entry))
    }

    /// Sets the state of an entry, and keeps the indexes.
    pub(super) fn set(&mut self, key: &EntryKey, state: WriteState) {
        let entry = self.all.entry(key.clone()).or_default();
        let before = std::mem::replace(&mut entry.state, state.clone());
        match before {
            WriteState::Due(turn) => drop(self.due.remove(&(turn.since, key.clone()))),
            WriteState::Backoff { until, .. } | WriteState::Deleted { until } => {
                self.timers.remove(&(until, key.clone()));
            }
            WriteState::AwaitingGuard(_) => drop(self.awaiting_guard.remove(key)),
            WriteState::InFlight(_) => self.in_flight -= 1,
            WriteState::Blocked { on, .. } => {
                if let Some(waiting) = self.waiting.get_mut(&on) {
                    waiting.remove(key);
                    if waiting.is_empty() {
                        self.waiting.remove(&on);
                    }
                }
            }
            WriteState::Settled | WriteState::Conflicted => {}
        }
        match state {
            WriteState::Due(turn) => drop(self.due.insert((turn.since, key.clone()))),
            WriteState::Backoff { until, .. } | WriteState::Deleted { until } => {
                self.timers.insert((until, key.clone()));
            }
            WriteState::AwaitingGuard(removal) => {
                self.awaiting_guard.insert(key.clone(), removal);
            }
            WriteState::InFlight(_) => self.in_flight += 1,
            WriteState::Blocked { on, .. } => {
                self.waiting.entry(on).or_default().insert(key.clone());
            }
            WriteState::Settled | WriteState::Conflicted => {
                if self.get(key).is_some_and(Entry::is_void) {
                    self.all.remove(key);
                }
            }
        }
    }

    /// Something has changed that the entry depends on.
    pub(super) fn mark(&mut self, key: &EntryKey, now: Time) {
        let turn = match self.all.entry(key.clone()).or_default().state {
            // The decision that is pending, or follows the write's result, takes the change in; and
            // a failure that affects all entries, or a contested entry, is not retried sooner
            // because of it.
            WriteState::Due(_)
            | WriteState::InFlight(_)
            | WriteState::Backoff {
                cause: Cause::Contested | Cause::Failure(WriteFailure::Rejected),
                ..
            }
            | WriteState::Blocked { on: WaitFor::Outage(_), .. } => return,
            WriteState::Backoff { turn, .. } => turn,
            WriteState::Settled
            | WriteState::AwaitingGuard(_)
            | WriteState::Blocked { .. }
            | WriteState::Conflicted
            | WriteState::Deleted { .. } => Turn::new(now),
        };
        self.set(key, WriteState::Due(turn));
    }

    /// The desired entry has changed: an earlier rejection or contest is no reason to wait.
    pub(super) fn mark_desired(&mut self, key: &EntryKey, now: Time) {
        let entry = self.all.entry(key.clone()).or_default();
        entry.merged = None;
        match entry.state {
            WriteState::Backoff {
                cause: Cause::Contested | Cause::Failure(WriteFailure::Rejected),
                ..
            } => {
                entry.failures = None;
                self.set(key, WriteState::Due(Turn::new(now)));
            }
            _ => self.mark(key, now),
        }
    }

    /// Makes every entry due that waits for this.
    pub(super) fn wake(&mut self, on: &WaitFor, now: Time) {
        let is_outage = matches!(on, WaitFor::Outage(_));
        for key in self.waiting.get(on).cloned().into_iter().flatten() {
            let Some(&WriteState::Blocked { turn, .. }) = self.state(&key) else { continue };
            let since = if is_outage { turn.since } else { now };
            self.set(&key, WriteState::Due(Turn { since, ..turn }));
        }
    }

    /// The entry that has waited longest for this.
    pub(super) fn first_waiting(&self, on: &WaitFor) -> Option<EntryKey> {
        let age = |key: &&EntryKey| match self.state(key) {
            Some(WriteState::Blocked { turn, .. }) => turn.since,
            _ => Time::MAX,
        };
        self.waiting.get(on)?.iter().min_by_key(age).cloned()
    }

    pub(super) fn waits_for(&self, on: &WaitFor) -> bool {
        self.waiting.contains_key(on)
    }

    /// Ends the timers that have expired.
    pub(super) fn expire(&mut self, now: Time) {
        while let Some((until, key)) = self.timers.first().cloned()
            && until <= now
        {
            let state = match self.state(&key) {
                Some(&WriteState::Backoff { turn, .. }) => WriteState::Due(turn),
                _ => WriteState::Settled,
            };
            self.set(&key, state);
        }
    }

    /// The entry that has been due longest.
    pub(super) fn first_due(&self) -> Option<(Time, EntryKey)> {
        self.due.first().cloned()
    }

    pub(super) fn next_timer(&self) -> Option<Time> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Nothing is due, in flight, or to be retried.
    pub(super) fn is_idle(&self) -> bool {
        let retries = self.timers.iter().any(|(_, key)| {
            matches!(self.state(key), Some(WriteState::Backoff { cause: Cause::Failure(_), .. }))
        });
        self.due.is_empty()
            && self.in_flight == 0
            && !retries
            && !self.waiting.keys().any(|on| matches!(on, WaitFor::Outage(_)))
    }

    pub(super) const fn awaiting_guard(&self) -> &BTreeMap<EntryKey, Removal> {
        &self.awaiting_guard
    }

    pub(super) fn pending_removals(&self) -> Removals {
        let mut removals = Removals::default();
        self.awaiting_guard.values().for_each(|removal| removals.add(*removal));
        removals
    }

    /// Since when the oldest entry is due whose write was not sent, or is in flight.
    pub(super) fn oldest_unwritten(&self) -> Option<Time> {
        let due = self.due.first().map(|(since, _)| *since);
        let in_flight = if self.in_flight == 0 {
            None
        } else {
            self.iter().filter_map(|(_, entry)| entry.in_flight_since()).min()
        };
        due.into_iter().chain(in_flight).min()
    }

    /// How many entries that exist are ours.
    pub(super) fn owned(&self) -> usize {
        self.all
            .values()
            .filter(|entry| entry.observed.is_some() && entry.ownership == Ownership::Ours)
            .count()
    }

    /// How many entries are due, in flight, or wait for a time or the guard.
    pub(super) fn pending(&self) -> usize {
        self.due.len() + self.in_flight + self.timers.len() + self.awaiting_guard.len()
    }

    pub(super) fn claim(&mut self, key: &EntryKey, id: &ServiceId, now: Time) {
        let entry = self.all.entry(key.clone()).or_default();
        if let Err(at) = entry.claims.binary_search(id) {
            entry.claims.insert(at, id.clone());
        }
        self.recount(key);
        self.mark_desired(key, now);
    }

    pub(super) fn unclaim(&mut self, key: &EntryKey, id: &ServiceId, now: Time) {
        if let Some(entry) = self.all.get_mut(key) {
            entry.claims.retain(|claim| claim != id);
        }
        self.recount(key);
        self.mark_desired(key, now);
    }

    /// Another process may have written the entries of a source, and others that do not exist: what
    /// was written here before is no state to return to.
    pub(super) fn forget_applied(&mut self, source: &str) {
        for entry in self.all.values_mut() {
            let scope = entry.observed.as_ref().map(|observed| observed.scope.as_ref());
            if scope.is_none_or(|scope| scope.is_some_and(|scope| scope.source == source)) {
                entry.applied = None;
            }
        }
    }

    /// Sets the hosts of the desired entry; none, if there is no such.
    pub(super) fn set_desired_hosts(&mut self, key: &EntryKey, hosts: &[String]) {
        let Some(entry) = self.all.get_mut(key) else { return };
        if entry.desired_hosts != hosts {
            let before = std::mem::replace(&mut entry.desired_hosts, hosts.to_vec());
            self.desired_hosts.remove(key, &before);
            self.desired_hosts.insert(key, hosts);
        }
    }

    /// The first entry that is not ours and has a host that overlaps one of `hosts`.
    pub(super) fn overlapping(&self, key: &EntryKey, hosts: &[String]) -> Option<&Observed> {
        let first = self.other_hosts.overlapping(key, hosts).into_iter().next()?;
        self.all.get(&first)?.observed.as_ref()
    }

    /// Takes in a whole list. An entry that is cached in a newer version stays.
    pub(super) fn list(
        &mut self,
        entries: Vec<(Observed, Ownership)>,
        version: &Version,
        now: Time,
    ) {
        let listed: BTreeSet<EntryKey> =
            entries.iter().map(|(entry, _)| entry.key.clone()).collect();
        let deleted = self
            .all
            .iter()
            .filter(|(key, entry)| entry.observed.is_some() && !listed.contains(*key));
        let deleted: Vec<EntryKey> = deleted.map(|(key, _)| key.clone()).collect();
        for key in deleted {
            self.remove(&key, version, now);
        }
        for (entry, ownership) in entries {
            self.observe(entry, ownership, now);
        }
        if !std::mem::replace(&mut self.listed, true) {
            let keys: Vec<EntryKey> = self.all.keys().cloned().collect();
            for key in &keys {
                self.mark(key, now);
            }
        }
    }

    /// Takes in one entry, unless a newer version of it is cached.
    pub(super) fn observe(&mut self, observed: Observed, ownership: Ownership, now: Time) {
        let key = observed.key.clone();
        let entry = self.all.entry(key.clone()).or_default();
        let newest =
            entry.observed.as_ref().map(|cached| &cached.version).or(entry.tombstone.as_ref());
        if newest.is_some_and(|newest| observed.version.is_older_than(newest)) {
            return;
        }
        if entry.observed.as_ref() == Some(&observed) && entry.ownership == ownership {
            return;
        }
        entry.tombstone = None;
        if entry.observed.as_ref().is_none_or(|before| before.istio != observed.istio) {
            entry.istio_since = now;
        }
        let before = entry.observed.replace(observed);
        let was = std::mem::replace(&mut entry.ownership, ownership);
        self.reindex(&key, before.as_ref(), was, now);
    }

    /// An entry was deleted, or is missing in a list, at `version`.
    pub(super) fn remove(&mut self, key: &EntryKey, version: &Version, now: Time) {
        let Some(entry) = self.all.get_mut(key) else { return };
        if entry.observed.as_ref().is_some_and(|cached| version.is_older_than(&cached.version)) {
            return;
        }
        let Some(before) = entry.observed.take() else {
            if entry.tombstone.as_ref().is_none_or(|tombstone| !version.is_older_than(tombstone)) {
                entry.tombstone = Some(version.clone());
            }
            return;
        };
        // Where the store has no version of the deletion, the version of the deleted entry is used.
        let has_version = version.resource_version.is_some();
        entry.tombstone = Some(if has_version { version } else { &before.version }.clone());
        let was = std::mem::replace(&mut entry.ownership, Ownership::Unowned);
        self.reindex(key, Some(&before), was, now);
    }

    fn reindex(&mut self, key: &EntryKey, before: Option<&Observed>, was: Ownership, now: Time) {
        let mut affected = Vec::new();
        if let Some(before) = before.filter(|_| was != Ownership::Ours) {
            self.other_hosts.remove(key, &before.hosts);
            affected.extend(self.desired_hosts.overlapping(key, &before.hosts));
        }
        if let Some(entry) = self.all.get(key)
            && let Some(observed) = &entry.observed
            && entry.ownership != Ownership::Ours
        {
            self.other_hosts.insert(key, &observed.hosts);
            affected.extend(self.desired_hosts.overlapping(key, &observed.hosts));
        }
        self.recount(key);
        self.mark(key, now);
        for key in &affected {
            self.mark(key, now);
        }
    }

    fn recount(&mut self, key: &EntryKey) {
        let adopts = self.adopts;
        let Some(entry) = self.all.get_mut(key) else { return };
        let counts = match entry.ownership {
            Ownership::Ours => entry.observed.is_some(),
            Ownership::Unowned => adopts && entry.observed.is_some() && !entry.claims.is_empty(),
            Ownership::OtherSource | Ownership::Foreign => false,
        };
        let endpoints = counts
            && entry.observed.as_ref().is_some_and(|observed| !observed.endpoints.is_empty());
        let before = std::mem::replace(&mut entry.counted, (counts, endpoints));
        self.base.0 = self.base.0 + usize::from(counts) - usize::from(before.0);
        self.base.1 = self.base.1 + usize::from(endpoints) - usize::from(before.1);
    }
}
