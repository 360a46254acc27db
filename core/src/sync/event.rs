//! What the mind is told, and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::cloud_map::{Instance, Namespace, Service, Tag};
use crate::diagnostic::Diagnostic;
use crate::plan::{Action, EntryKey, Observed, Version};

/// Time since the process started. Only differences count.
pub type Time = Duration;

/// Why a read failed. A closed list: it is a metric's label, and decides how soon the read is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadFailure {
    /// The account's rate is used up.
    Throttled,
    /// No permission for this call.
    AccessDenied,
    /// No credentials, or they are no longer good.
    Credentials,
    /// The namespace or service is gone; the next listing will tell.
    NotFound,
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// An answer that is not what the service model says.
    Malformed,
    /// AWS says that it is at fault.
    ServerError,
    /// Anything else.
    Other,
}

impl ReadFailure {
    /// As a metric's label: `throttled`, `access_denied`, ...
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::AccessDenied => "access_denied",
            Self::Credentials => "credentials",
            Self::NotFound => "not_found",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Malformed => "malformed",
            Self::ServerError => "server_error",
            Self::Other => "other",
        }
    }
}

/// A read that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ReadError {
    /// How.
    pub failure: ReadFailure,
    /// For a person: the call, what AWS said, and what to do about it where that is known.
    pub message: String,
}

/// What one `DiscoverInstances` gave, and the tags and service attributes where they were asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstancesRead {
    /// All of them, in any order.
    pub instances: Vec<Instance>,
    /// `InstancesRevision`
    pub revision: Option<i64>,
    /// What [`Effect::AskRevision`] is answered as long as nothing has moved: the revision itself, where AWS is asked. None, if only the instances
    /// can tell.
    pub marker: Option<i64>,
    /// The region that the service was read in, where that is not its source's.
    pub region: Option<String>,
    /// `GetServiceAttributes`
    pub service_attributes: crate::sorted::SortedMap<String, String>,
    /// `ListTagsForResource`
    pub tags: Vec<Tag>,
}

/// Why a write failed. A closed list, as [`ReadFailure`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteFailure {
    /// Somebody else changed or made it meanwhile; what is observed next decides.
    Conflict,
    /// It was gone already.
    NotFound,
    /// The API server or an admission webhook says no to what was written.
    Rejected,
    /// No permission.
    Forbidden,
    /// Too many requests.
    Throttled,
    /// No connection, or it broke, or no answer in time.
    Unreachable,
    /// Anything else.
    Other,
}

impl WriteFailure {
    /// As a metric's label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::NotFound => "not_found",
            Self::Rejected => "rejected",
            Self::Forbidden => "forbidden",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::Other => "other",
        }
    }
}

/// A write that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct WriteError {
    /// How.
    pub failure: WriteFailure,
    /// For a person.
    pub message: String,
}

/// What a sink sees of the entries that exist, anybody's among them.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Everything there is, after a list. What is not in it is gone.
    Listed(Vec<Observed>),
    /// One entry was made or changed.
    Applied(Box<Observed>),
    /// One entry is gone.
    Deleted(EntryKey),
}

/// A Cloud Map service of a source. The order is that in which services that claim one host are ranked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId {
    /// The source's name.
    pub source: Arc<str>,
    /// [`Namespace::key`]
    pub namespace: Arc<str>,
    /// [`Service::key`]
    pub service: Arc<str>,
}

/// What the mind is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time has passed, or the process has just started.
    Tick,
    /// A source says that all should be read again at once.
    SourceChanged {
        /// Which.
        source: Arc<str>,
    },
    /// Answers [`Effect::ListNamespaces`].
    NamespacesListed {
        /// Of which source.
        source: Arc<str>,
        /// How many calls it took.
        calls: u32,
        /// All pages, or why not.
        result: Result<Vec<Namespace>, ReadError>,
    },
    /// Answers [`Effect::ListServices`].
    ServicesListed {
        /// Of which source.
        source: Arc<str>,
        /// Of which namespace.
        namespace: Arc<str>,
        /// How many calls it took.
        calls: u32,
        /// All pages, or why not.
        result: Result<Vec<Service>, ReadError>,
    },
    /// Answers [`Effect::AskRevision`].
    Revision {
        /// Of which service.
        id: ServiceId,
        /// The revision, or why not.
        result: Result<i64, ReadError>,
    },
    /// Answers [`Effect::Discover`].
    Instances {
        /// Of which service.
        id: ServiceId,
        /// All instances, or why not.
        result: Result<InstancesRead, ReadError>,
    },
    /// What the sink sees.
    Observed(Observation),
    /// Answers [`Effect::Write`].
    Written {
        /// Which entry.
        key: EntryKey,
        /// How it then stands (none: it is deleted), or why not.
        result: Result<Option<Box<Observed>>, WriteError>,
    },
    /// Start nothing new; [`Effect::Finished`] follows when the writes in flight are done.
    Stop,
}

/// What the mind asks for. Every effect but the last three is answered by one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// All pages of `ListNamespaces`.
    ListNamespaces {
        /// Of which source.
        source: Arc<str>,
    },
    /// All pages of `ListServices`.
    ListServices {
        /// Of which source.
        source: Arc<str>,
        /// Of which namespace.
        namespace: Arc<Namespace>,
    },
    /// `DiscoverInstancesRevision`
    AskRevision {
        /// Of which service.
        id: ServiceId,
        /// Its namespace.
        namespace: Arc<Namespace>,
        /// It.
        service: Arc<Service>,
    },
    /// `DiscoverInstances`, and the tags and attributes where those are read.
    Discover {
        /// Of which service.
        id: ServiceId,
        /// Its namespace.
        namespace: Arc<Namespace>,
        /// It.
        service: Arc<Service>,
    },
    /// Write an entry.
    Write(Write),
    /// Tell a person.
    Report(Diagnostic),
    /// Send [`Event::Tick`] at this time, if no other event comes before. Only the last one counts.
    WakeAt(Time),
    /// A single pass is over, or a stop is complete. `failed`: something could not be read or written.
    Finished {
        /// Whether anything failed.
        failed: bool,
    },
}

/// A write to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// To which entry.
    pub key: EntryKey,
    /// What and why.
    pub action: Action,
    /// The whole entry as JSON; none for a delete.
    pub json: Option<Arc<str>>,
    /// How many endpoints it has.
    pub endpoints: usize,
    /// The state that it replaces; if that is no longer so, the write must fail with [`WriteFailure::Conflict`].
    pub replaces: Option<Version>,
}
