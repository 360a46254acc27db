//! One entry: what was observed of it, which services claim it, and the state of its next write.

use std::sync::Arc;
use std::time::Duration;

use super::attempts::backoff;
use super::facts::{Fields, Observed, Version};
use super::guard::Removal;
use super::inventory::DesiredEntry;
use super::outage::OutageScope;
use super::planner::Ownership;
use super::{ServiceId, Time, WriteFailure};
use crate::diagnostic::Diagnostic;

/// A repair after so long without one is the first again; a deleted entry is remembered for as
/// long.
pub(super) const REPAIR_WINDOW: Duration = Duration::from_mins(10);
const FIRST_REPAIR_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_REPAIR_PAUSE: Duration = Duration::from_mins(5);
/// From how many repairs in a row on an entry is contested.
const CONTESTED_FROM: u32 = 3;

/// What an entry may wait for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WaitFor {
    /// Every list of a source.
    Source(Arc<str>),
    /// Every service of a namespace, by source and namespace.
    Namespace(Arc<str>, Arc<str>),
    /// A service that was not read yet, or whose emptiness is not confirmed.
    Service(ServiceId),
    /// The end of an outage.
    Outage(OutageScope),
}

/// The state of an entry's next write.
///
/// ```text
///   a dependency changes
///            |
///            v
///           Due <------------------------------------------------------+
///            |                                                         |
///          decide                                                      |
///            |                                                         |
///            +-- nothing to write ----------> Settled                  |
///            +-- deletion observed ---------> Deleted -- timer --> Settled
///            +-- name or host taken --------> Conflicted               |
///            +-- not read completely -------> Blocked -- read -------->+
///            +-- removal, not approved -----> AwaitingGuard - approved>+
///            +-- repaired too often --------> Backoff -- timer ------->+
///            +-- outage --------------------> Blocked -- outage over ->+
///            +-- write sent ----------------> InFlight                 |
///                                                |                     |
///                                                +-- stored ---------->+
///                                                +-- failed --> Backoff or Blocked
/// ```
///
/// A change of a dependency ([`Entries::mark`](super::entries::Entries::mark)) makes an entry due
/// from every state but these: a write in flight, an outage, a rejected write and a contested entry
/// wait for their own end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WriteState {
    /// Nothing to do.
    Settled,
    /// To be decided about.
    Due(Turn),
    /// A write is in flight.
    InFlight(InFlight),
    /// Due again at a time.
    Backoff { until: Time, cause: Cause, turn: Turn },
    /// A removal that the guard has not approved yet.
    AwaitingGuard(Removal),
    /// Due again when that has changed.
    Blocked { on: WaitFor, turn: Turn },
    /// An entry that is not ours has its name or an overlapping host; a change of that one makes
    /// this one due.
    Conflicted,
    /// It was deleted, and is remembered for a while, so that one that comes back again and again
    /// is noticed.
    Deleted { until: Time },
}

/// An entry's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Since when it is due.
    pub since: Time,
    /// The removal that the guard has approved.
    pub approved: Option<Removal>,
}

impl Turn {
    /// Due from now on, with nothing approved.
    pub(super) const fn new(since: Time) -> Self {
        Self { since, approved: None }
    }
}

/// A write in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InFlight {
    pub turn: Turn,
    /// What is written; none for a delete.
    pub fields: Option<Fields>,
    /// The state that it replaces; none for a create.
    pub replaces: Option<Version>,
}

impl InFlight {
    /// The permission that it needs.
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
    /// Its last write failed.
    Failure(WriteFailure),
    /// Another writer keeps changing it.
    Contested,
}

/// The repairs of an entry that another writer changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Repairs {
    count: u32,
    last: Time,
}

impl Repairs {
    pub(super) fn record(&mut self, now: Time) {
        let is_first = now > self.last + REPAIR_WINDOW;
        self.count = if is_first { 1 } else { self.count.saturating_add(1) };
        self.last = now;
    }

    /// When the next repair may be made: the first at once, and then ever more rarely.
    pub(super) fn next_at(&self, now: Time) -> Time {
        if self.count == 0 || now > self.last + REPAIR_WINDOW {
            return now;
        }
        self.last + backoff(self.count, FIRST_REPAIR_PAUSE, LONGEST_REPAIR_PAUSE)
    }

    pub(super) fn is_contested(&self, now: Time) -> bool {
        self.count >= CONTESTED_FROM && now <= self.last + REPAIR_WINDOW
    }
}

/// The last desired state that was reached: a later difference was made by another writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Applied {
    /// These fields were stored.
    Fields(Fields),
    /// The entry was deleted.
    Deleted,
}

impl Applied {
    /// The state after a write of these fields; none is a delete.
    pub(super) fn new(fields: Option<Fields>) -> Self {
        fields.map_or(Self::Deleted, Self::Fields)
    }

    /// Whether the entry had no endpoints.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Fields(fields) if !fields.has_endpoints())
    }
}

/// The failures of an entry's last writes.
#[derive(Debug, Clone)]
pub(super) struct WriteFailures {
    pub failure: WriteFailure,
    /// How many in a row were of this kind.
    pub count: u32,
    /// What was reported about them.
    pub diagnostic: Option<Diagnostic>,
}

/// The entry of one key.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub observed: Option<Observed>,
    pub ownership: Ownership,
    /// When what Istio reports about it was last seen to change.
    pub istio_since: Time,
    /// The version of its last deletion: an older state was current before that.
    pub tombstone: Option<Version>,
    /// The services that claim it, by rank.
    pub claims: Vec<ServiceId>,
    /// The merged entry, where several services claim it and are merged.
    pub merged: Option<Arc<DesiredEntry>>,
    /// Its hosts in the index of desired hosts.
    pub desired_hosts: Vec<String>,
    pub state: WriteState,
    pub applied: Option<Applied>,
    pub repairs: Repairs,
    pub failures: Option<WriteFailures>,
    /// What was reported about it, and still holds.
    pub reported: Vec<Diagnostic>,
    /// What it adds to the guard's base: itself, and its endpoints.
    pub counted: (bool, bool),
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            observed: None,
            ownership: Ownership::Unowned,
            istio_since: Time::ZERO,
            tombstone: None,
            claims: Vec::new(),
            merged: None,
            desired_hosts: Vec::new(),
            state: WriteState::Settled,
            applied: None,
            repairs: Repairs::default(),
            failures: None,
            reported: Vec::new(),
            counted: (false, false),
        }
    }
}

impl Entry {
    pub(super) const fn in_flight_since(&self) -> Option<Time> {
        match &self.state {
            WriteState::InFlight(write) => Some(write.turn.since),
            _ => None,
        }
    }

    /// Whether it holds nothing worth keeping.
    pub(super) fn is_void(&self) -> bool {
        self.observed.is_none() && self.claims.is_empty() && self.state == WriteState::Settled
    }
}
