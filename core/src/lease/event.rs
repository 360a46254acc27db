//! The events that go in, and the effects that come out.

use std::time::Duration;

use thiserror::Error;

use crate::operator::Version;

/// Counts the leaders of a lease: `leaseTransitions`. Starts again if the lease is deleted and
/// recreated by a replica that had not observed it.
pub type Term = u32;

/// What a lease holds: `spec` of a `Lease`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `holderIdentity`. None if empty: the lease was released.
    pub holder: Option<String>,
    /// `leaseTransitions`
    pub transitions: Term,
    /// `leaseDurationSeconds`
    pub duration: Duration,
    /// `renewTime` as text, by the writer's clock, so it is only compared for equality. Empty in a
    /// record to be written: the host sets it.
    pub renewed: String,
}

/// Why a write failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteFailure {
    /// Another writer has changed, created or deleted the lease meanwhile.
    #[error("another writer has changed the lease")]
    Conflict,
    /// Anything else, including no answer in time. The write may have happened, or may happen yet.
    #[error("the write failed")]
    Failed,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The time that [`super::Election::deadline`] asked for.
    Tick,
    /// The sources are others from now on.
    Configured {
        /// The names of their leases. One that is left out is released.
        leases: Vec<String>,
    },
    /// A complete list of the leases of sources and members.
    Listed {
        /// In any order. A lease that is missing does not exist.
        leases: Vec<(String, Record, Version)>,
    },
    /// The watch reports a lease.
    Observed {
        /// The name of the lease.
        name: String,
        /// None if it was deleted.
        record: Option<Record>,
        /// The state that was observed, or the one that the deletion left.
        version: Version,
    },
    /// The answer to a [`Effect::Write`] or a [`Effect::Delete`]. Each of them has one: without an
    /// answer in time (well below the renew deadline) it is [`WriteFailure::Failed`].
    Written {
        /// The name of the lease.
        name: String,
        /// The state that was written; for a deletion, any.
        result: Result<Version, WriteFailure>,
    },
    /// The process stops: release everything.
    Stop,
}

/// What to do. A host starts them in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write a lease.
    ///
    /// A record without a holder releases it, so that another replica may write the source's entries
    /// from then on: the host sends it after this replica's own writes for that source have ended.
    Write {
        /// The name of the lease.
        name: String,
        /// All of it but `renewed`.
        record: Record,
        /// The state that it replaces. If the lease is in another state by now, that is a conflict.
        /// None: create it.
        replaces: Option<Version>,
    },
    /// Delete the lease of a member, unless it is in another state by now.
    Delete {
        /// The name of the lease.
        name: String,
        /// The state to delete.
        version: Version,
    },
    /// This replica leads a source, or no longer does.
    Lead {
        /// The name of its lease.
        name: String,
        /// Whether this replica writes the source's entries.
        is_leader: bool,
    },
    /// Everything was released, or the time to do so is up. The last effect.
    Stopped,
}
