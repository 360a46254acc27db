//! What is known of the cluster: one [`Entry`] a key, and what each of them waits for.
//!
//! An entry's life: it is [`WriteState::Due`] when something has moved that it depends on. Looking
//! at it makes it settled, sends a write, or parks it: for a timer, for the guard, or for the one
//! thing it waits for, by which it is indexed. Nothing is ever looked at again because something
//! else has moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::facts::{EntryKey, Fields, Observed, Version};
use super::guard::{Removal, Removals};
use super::hosts::HostIndex;
use super::inventory::WantedEntry;
use super::planner::Ownership;
use super::{ServiceId, Time, WriteFailure};
use crate::diagnostic::Diagnostic;

/// A repair after so long without one is the first again; a deleted entry is remembered for as
/// long.
pub(super) const CALM: Duration = Duration::from_mins(10);
const FIRST_REPAIR_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_REPAIR_PAUSE: Duration = Duration::from_mins(5);
/// From how many repairs in a row on it is a fight.
const FIGHT_FROM: u32 = 3;

/// What an entry may wait for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WaitFor {
    /// All of a source's lists.
    Source(Arc<str>),
    /// All of a namespace of a source.
    Namespace(Arc<str>, Arc<str>),
    /// A service that was not read yet, or whose emptiness is not confirmed.
    Service(ServiceId),
    /// The end of an outage.
    Outage(Strike),
}

/// What a failed write strikes beside its own entry: the widest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strike {
    /// Every write.
    All,
    /// Every write to a Kubernetes namespace.
    Namespace(String),
    /// Every create, update or delete in a Kubernetes namespace.
    Verb(String, &'static str),
}

/// How far an entry is from what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WriteState {
    /// Nothing is to be done.
    Settled,
    /// To be looked at, since then; the guard has let it remove that.
    Due { since: Time, approved: Option<Removal> },
    /// A write is under way.
    InFlight(InFlight),
    /// To be looked at again then.
    Backoff { until: Time, cause: Cause, since: Time, approved: Option<Removal> },
    /// A removal that the guard has not allowed yet.
    AwaitingGuard(Removal),
    /// Parked until that moves.
    Blocked { on: WaitFor, since: Time, approved: Option<Removal> },
    /// An entry of somebody else is in the way; whatever moves there looks at this one again.
    Conflicted,
    /// It was deleted, and is remembered for a while so that one that comes back again and again is
    /// noticed.
    Deleted { until: Time },
}

/// A write that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InFlight {
    pub since: Time,
    /// What is written; none for a delete.
    pub fields: Option<Fields>,
    /// The state that it replaces; none for a create.
    pub replaces: Option<Version>,
    /// What the guard has let it remove.
    pub approved: Option<Removal>,
}

impl InFlight {
    /// Which permission it needs.
    pub(super) const fn verb(&self) -> &'static str {
        match (&self.fields, &self.replaces) {
            (None, _) => "delete",
            (Some(_), None) => "create",
            (Some(_), Some(_)) => "update",
        }
    }
}

/// Why an entry backs off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its last write failed so.
    Failure(WriteFailure),
    /// Somebody else keeps changing it.
    Fight,
}

/// The repairs of an entry that somebody else changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Repairs {
    count: u32,
    last: Time,
}

impl Repairs {
    pub(super) fn record(&mut self, now: Time) {
        let calm = now > self.last + CALM;
        self.count = if calm { 1 } else { self.count.saturating_add(1) };
        self.last = now;
    }

    /// When the next repair may be made: the first at once, and then ever more rarely.
    pub(super) fn next_at(&self, now: Time) -> Time {
        if self.count == 0 || now > self.last + CALM {
            return now;
        }
        self.last + super::attempts::backoff(self.count, FIRST_REPAIR_PAUSE, LONGEST_REPAIR_PAUSE)
    }

    pub(super) fn is_fight(&self, now: Time) -> bool {
        self.count >= FIGHT_FROM && now <= self.last + CALM
    }
}

/// A state that an entry had when it was as wanted: another one, later, was made by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// These fields were stored.
    Fields(Fields),
    /// It was deleted.
    Deleted,
}

/// What is known about the entry of one key.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub observed: Option<Observed>,
    pub ownership: Ownership,
    /// The version of its last deletion: whatever is older was true before.
    tombstone: Option<Version>,
    /// The services that claim it, by rank.
    pub claims: BTreeSet<ServiceId>,
    /// Of several services that are merged: the entry of all of them.
    pub merged: Option<Arc<WantedEntry>>,
    /// Its hosts in the index of those that are wanted.
    hosts: Vec<String>,
    pub state: WriteState,
    /// What it was when it was last as wanted.
    pub applied: Option<Applied>,
    pub repairs: Repairs,
    /// How its last writes failed.
    pub failure: Option<(WriteFailure, u32, Option<Diagnostic>)>,
    /// What was reported about it, and is still true.
    pub reported: Vec<Diagnostic>,
    /// What it adds to the guard's base: itself, and its endpoints.
    counted: (bool, bool),
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            observed: None,
            ownership: Ownership::Unowned,
            tombstone: None,
            claims: BTreeSet::new(),
            merged: None,
            hosts: Vec::new(),
            state: WriteState::Settled,
            applied: None,
            repairs: Repairs::default(),
            failure: None,
            reported: Vec::new(),
            counted: (false, false),
        }
    }
}

impl Entry {
    const fn in_flight_since(&self) -> Option<Time> {
        match self.state {
            WriteState::InFlight(InFlight { since, .. }) => Some(since),
            _ => None,
        }
    }

    /// Nothing is known of it that is worth keeping.
    fn is_void(&self) -> bool {
        self.observed.is_none() && self.claims.is_empty() && self.state == WriteState::Settled
    }
}

/// Everything about entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    all: BTreeMap<EntryKey, Entry>,
    /// The sink has listed what exists. Nothing is read or written before.
    pub listed: bool,
    /// Entries without an owner are taken over, and so count for the guard.
    adopts: bool,
    /// The hosts of entries that are not ours.
    others: HostIndex,
    /// The hosts of entries that services want.
    wanted: HostIndex,
    due: BTreeSet<(Time, EntryKey)>,
    timers: BTreeSet<(Time, EntryKey)>,
    awaiting_guard: BTreeMap<EntryKey, Removal>,
    waiting: BTreeMap<WaitFor, BTreeSet<EntryKey>>,
    pub in_flight: usize,
    /// Entries that count for the guard, and those of them with endpoints.
    pub base: (usize, usize),
    /// Entries with our owner label from sources that are not read.
    pub elsewhere: usize,
}

impl Entries {
    pub(super) fn new(adopts: bool) -> Self {
        Self { adopts, ..Self::default() }
    }

    pub(super) fn get(&self, key: &EntryKey) -> Option<&Entry> {
        self.all.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &EntryKey) -> Option<&mut Entry> {
        self.all.get_mut(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&EntryKey, &Entry)> {
        self.all.iter()
    }

    /// Moves an entry to another state, and keeps the indexes.
    pub(super) fn set(&mut self, key: &EntryKey, state: WriteState) {
        let entry = self.all.entry(key.clone()).or_default();
        let before = std::mem::replace(&mut entry.state, state.clone());
        match before {
            WriteState::Due { since, .. } => drop(self.due.remove(&(since, key.clone()))),
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
            WriteState::Due { since, .. } => drop(self.due.insert((since, key.clone()))),
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
                if self.all.get(key).is_some_and(Entry::is_void) {
                    self.all.remove(key);
                }
            }
        }
    }

    /// Something moved that the entry depends on.
    pub(super) fn mark(&mut self, key: &EntryKey, now: Time) {
        match self.all.entry(key.clone()).or_default().state {
            // An answer or a later look takes it in; and what failed for all entries, or is changed
            // by somebody else again and again, is not tried sooner because of that.
            WriteState::Due { .. }
            | WriteState::InFlight(_)
            | WriteState::Backoff {
                cause: Cause::Fight | Cause::Failure(WriteFailure::Rejected),
                ..
            }
            | WriteState::Blocked { on: WaitFor::Outage(_), .. } => {}
            WriteState::Backoff { since, approved, .. } => {
                self.set(key, WriteState::Due { since, approved });
            }
            WriteState::Settled
            | WriteState::AwaitingGuard(_)
            | WriteState::Blocked { .. }
            | WriteState::Conflicted
            | WriteState::Deleted { .. } => {
                self.set(key, WriteState::Due { since: now, approved: None });
            }
        }
    }

    /// A service wants the entry differently: no rejection and no fight of before is a reason to
    /// wait.
    pub(super) fn mark_wanted(&mut self, key: &EntryKey, now: Time) {
        let entry = self.all.entry(key.clone()).or_default();
        entry.merged = None;
        match entry.state {
            WriteState::Backoff {
                cause: Cause::Fight | Cause::Failure(WriteFailure::Rejected),
                ..
            } => {
                entry.failure = None;
                self.set(key, WriteState::Due { since: now, approved: None });
            }
            _ => self.mark(key, now),
        }
    }

    /// Looks at everything that waits for this.
    pub(super) fn wake(&mut self, on: &WaitFor, now: Time) {
        for key in self.waiting.get(on).cloned().into_iter().flatten() {
            let Some(WriteState::Blocked { since, approved, .. }) =
                self.all.get(&key).map(|entry| entry.state.clone())
            else {
                continue;
            };
            let since = if matches!(on, WaitFor::Outage(_)) { since } else { now };
            self.set(&key, WriteState::Due { since, approved });
        }
    }

    /// The entry that has waited longest for this.
    pub(super) fn first_waiting(&self, on: &WaitFor) -> Option<EntryKey> {
        let age = |key: &&EntryKey| match self.all.get(*key).map(|entry| &entry.state) {
            Some(WriteState::Blocked { since, .. }) => *since,
            _ => Time::MAX,
        };
        self.waiting.get(on)?.iter().min_by_key(age).cloned()
    }

    pub(super) fn waits_for(&self, on: &WaitFor) -> bool {
        self.waiting.contains_key(on)
    }

    /// Moves what has waited long enough to what is due.
    pub(super) fn expire(&mut self, now: Time) {
        while let Some((until, key)) = self.timers.first().cloned()
            && until <= now
        {
            match self.all.get(&key).map(|entry| entry.state.clone()) {
                Some(WriteState::Backoff { since, approved, .. }) => {
                    self.set(&key, WriteState::Due { since, approved });
                }
                _ => self.set(&key, WriteState::Settled),
            }
        }
    }

    /// The entry that has been due longest.
    pub(super) fn first_due(&self) -> Option<(Time, EntryKey)> {
        self.due.first().cloned()
    }

    pub(super) fn next_timer(&self) -> Option<Time> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Nothing is due, under way, or waits for a timer.
    pub(super) fn is_idle(&self) -> bool {
        let retries = self.timers.iter().any(|(_, key)| {
            self.all.get(key).is_some_and(|entry| {
                matches!(entry.state, WriteState::Backoff { cause: Cause::Failure(_), .. })
            })
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

    /// Since when the entry is due that has waited longest, or whose write has been under way
    /// longest.
    pub(super) fn oldest_unwritten(&self) -> Option<Time> {
        let due = self.due.first().map(|(since, _)| *since);
        let in_flight = if self.in_flight == 0 {
            None
        } else {
            self.all.values().filter_map(Entry::in_flight_since).min()
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

    /// How many entries are to be looked at, under way, or tried again.
    pub(super) fn pending(&self) -> usize {
        self.due.len() + self.in_flight + self.timers.len() + self.awaiting_guard.len()
    }

    pub(super) fn claim(&mut self, key: &EntryKey, id: &ServiceId, now: Time) {
        let entry = self.all.entry(key.clone()).or_default();
        entry.claims.insert(id.clone());
        self.recount(key);
        self.mark_wanted(key, now);
    }

    pub(super) fn unclaim(&mut self, key: &EntryKey, id: &ServiceId, now: Time) {
        if let Some(entry) = self.all.get_mut(key) {
            entry.claims.remove(id);
        }
        self.recount(key);
        self.mark_wanted(key, now);
    }

    /// The hosts that the entry is wanted with.
    pub(super) fn want_hosts(&mut self, key: &EntryKey, hosts: &[String]) {
        let Some(entry) = self.all.get_mut(key) else { return };
        if entry.hosts != hosts {
            let before = std::mem::replace(&mut entry.hosts, hosts.to_vec());
            self.wanted.remove(key, &before);
            self.wanted.insert(key, hosts);
        }
    }

    /// The first entry that is not ours and has a host that overlaps one of `hosts`.
    pub(super) fn overlapping(&self, key: &EntryKey, hosts: &[String]) -> Option<&Observed> {
        let first = self.others.overlapping(key, hosts).into_iter().next()?;
        self.all.get(&first)?.observed.as_ref()
    }

    /// Takes in a whole list. What is newer here than the list stays.
    pub(super) fn list(
        &mut self,
        entries: Vec<(Observed, Ownership)>,
        version: &Version,
        now: Time,
    ) {
        let listed: BTreeSet<EntryKey> =
            entries.iter().map(|(entry, _)| entry.key.clone()).collect();
        let known = self
            .all
            .iter()
            .filter(|(key, entry)| entry.observed.is_some() && !listed.contains(*key));
        let deleted: Vec<EntryKey> = known.map(|(key, _)| key.clone()).collect();
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

    /// Takes in one entry, unless a newer state of it is known.
    pub(super) fn observe(&mut self, observed: Observed, ownership: Ownership, now: Time) {
        let key = observed.key.clone();
        let entry = self.all.entry(key.clone()).or_default();
        let newest =
            entry.observed.as_ref().map(|known| &known.version).or(entry.tombstone.as_ref());
        if newest.is_some_and(|newest| observed.version.is_older_than(newest)) {
            return;
        }
        if entry.observed.as_ref().is_some_and(|known| {
            known.version == observed.version && *known == observed && entry.ownership == ownership
        }) {
            return;
        }
        entry.tombstone = None;
        let before = entry.observed.replace(observed);
        let was = std::mem::replace(&mut entry.ownership, ownership);
        self.reindex(&key, before.as_ref(), was, now);
    }

    /// An entry was deleted, or is missing in a list, at `version`.
    pub(super) fn remove(&mut self, key: &EntryKey, version: &Version, now: Time) {
        let Some(entry) = self.all.get_mut(key) else { return };
        if entry.observed.as_ref().is_some_and(|known| version.is_older_than(&known.version)) {
            return;
        }
        let Some(before) = entry.observed.take() else {
            if entry.tombstone.as_ref().is_none_or(|known| !version.is_older_than(known)) {
                entry.tombstone = Some(version.clone());
            }
            return;
        };
        // The deletion is as old as what it deleted, where the store does not tell its version.
        entry.tombstone = Some(if version.resource_version.is_some() {
            version.clone()
        } else {
            before.version.clone()
        });
        let was = std::mem::replace(&mut entry.ownership, Ownership::Unowned);
        self.reindex(key, Some(&before), was, now);
    }

    fn reindex(&mut self, key: &EntryKey, before: Option<&Observed>, was: Ownership, now: Time) {
        let mut affected = Vec::new();
        if let Some(before) = before {
            if was == Ownership::Elsewhere {
                self.elsewhere -= 1;
            }
            if was != Ownership::Ours {
                self.others.remove(key, &before.hosts);
                affected.extend(self.wanted.overlapping(key, &before.hosts));
            }
        }
        let entry = self.all.get(key);
        let (hosts, ownership) = match entry
            .and_then(|entry| entry.observed.as_ref().map(|o| (o.hosts.clone(), entry.ownership)))
        {
            Some(now) => now,
            None => (Vec::new(), Ownership::Ours),
        };
        if ownership == Ownership::Elsewhere {
            self.elsewhere += 1;
        }
        if ownership != Ownership::Ours {
            self.others.insert(key, &hosts);
            affected.extend(self.wanted.overlapping(key, &hosts));
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
            Ownership::Elsewhere | Ownership::Foreign => false,
        };
        let endpoints = counts
            && entry.observed.as_ref().is_some_and(|observed| !observed.endpoints.is_empty());
        let before = std::mem::replace(&mut entry.counted, (counts, endpoints));
        self.base.0 = self.base.0 + usize::from(counts) - usize::from(before.0);
        self.base.1 = self.base.1 + usize::from(endpoints) - usize::from(before.1);
    }
}
