//! What the operator is told, and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::facts::{EntryKey, Observed, Version};
use super::planner::Action;
use crate::cloud_map::{Instance, Namespace, Service, Tag};
use crate::diagnostic::Diagnostic;
use crate::sorted::SortedMap;

/// Time since the process started. Only differences count.
pub type Time = Duration;

/// Why a read failed. A closed list: it is a metric's label, and decides how soon the read is tried
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadFailure {
    /// The account's rate is used up.
    Throttled,
    /// No permission for this call.
    AccessDenied,
    /// No credentials, or they have expired.
    Credentials,
    /// The namespace or service does not exist (any more).
    NotFound,
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// An answer that does not follow the service model.
    Malformed,
    /// AWS reports a fault of its own.
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

    /// Whether every read of the source is likely to fail the same way.
    pub(super) const fn strikes_all(self) -> bool {
        matches!(self, Self::Throttled | Self::Credentials | Self::Unreachable)
    }
}

/// A read that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ReadError {
    /// How.
    pub failure: ReadFailure,
    /// For a person: the call, what AWS answered, and what to do about it where that is known.
    pub message: String,
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page<T> {
    /// May be empty although more pages follow: AWS filters after paging.
    pub items: Vec<T>,
    /// None on the last page.
    pub next_token: Option<String>,
}

/// The answer of one `DiscoverInstances`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstancesRead {
    /// All of them, in any order.
    pub instances: Vec<Instance>,
    /// `InstancesRevision`
    pub revision: Option<i64>,
    /// What [`Read::Revision`] is answered as long as nothing has moved: the revision itself, where
    /// AWS is asked. None, if only the instances can tell.
    pub change_token: Option<i64>,
    /// The region that the service was read in, where that is not its source's.
    pub region: Option<String>,
}

/// Why a write failed. A closed list, as [`ReadFailure`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteFailure {
    /// The object was changed or made by someone else meanwhile; what is observed next decides.
    Conflict,
    /// It was deleted already.
    NotFound,
    /// The API server or an admission webhook rejects what was written.
    Rejected,
    /// The Kubernetes namespace does not exist, or is being deleted.
    NoNamespace,
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
            Self::NoNamespace => "no_namespace",
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
    /// How long the server asks to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl WriteError {
    /// Without a wish of the server's how long to wait.
    #[must_use]
    pub const fn new(failure: WriteFailure, message: String) -> Self {
        Self { failure, message, retry_after: None }
    }
}

/// What a sink observes of the entries that exist, whoever owns them.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Everything that exists.
    Listed {
        /// What is not in it was deleted.
        entries: Vec<Observed>,
        /// The state of the store that the list shows; none, where the store has no versions and
        /// the list is of now.
        version: Version,
    },
    /// One entry was made or changed.
    Applied(Box<Observed>),
    /// One entry was deleted.
    Deleted {
        /// Which.
        key: EntryKey,
        /// The version of the deletion, where the store has such.
        version: Version,
    },
}

/// A Cloud Map service of a source. The order is that in which services that claim one host are
/// ranked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId {
    /// The source's name.
    pub source: Arc<str>,
    /// [`Namespace::key`]
    pub namespace: Arc<str>,
    /// [`Service::key`]
    pub service: Arc<str>,
}

/// Identifies a read, so that the answer to one that was given up meanwhile is ignored.
pub type ReadId = u64;

/// What the operator is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time has passed, or the process has just started.
    Tick,
    /// A source reports that all should be read again at once.
    SourceChanged {
        /// Which.
        source: Arc<str>,
    },
    /// Answers [`Read::Namespaces`].
    NamespacesPage {
        /// Which read.
        read: ReadId,
        /// The page, or why there is none.
        result: Result<Page<Namespace>, ReadError>,
    },
    /// Answers [`Read::Services`].
    ServicesPage {
        /// Which read.
        read: ReadId,
        /// The page, or why there is none.
        result: Result<Page<Service>, ReadError>,
    },
    /// Answers [`Read::ServiceAttributes`].
    ServiceAttributes {
        /// Which read.
        read: ReadId,
        /// All of them, or why there are none.
        result: Result<SortedMap<String, String>, ReadError>,
    },
    /// Answers [`Read::Tags`].
    Tags {
        /// Which read.
        read: ReadId,
        /// All of them, or why there are none.
        result: Result<Vec<Tag>, ReadError>,
    },
    /// Answers [`Read::Revision`].
    Revision {
        /// Which read.
        read: ReadId,
        /// The revision, or why there is none.
        result: Result<i64, ReadError>,
    },
    /// Answers [`Read::Instances`].
    Instances {
        /// Which read.
        read: ReadId,
        /// All instances, or why there are none.
        result: Result<InstancesRead, ReadError>,
    },
    /// What the sink observes.
    Observed(Observation),
    /// Answers [`Effect::Write`].
    Written {
        /// Which entry.
        key: EntryKey,
        /// What is stored now (none: it is deleted), or why not.
        result: Result<Option<Box<Observed>>, WriteError>,
    },
    /// Start nothing new; [`Effect::Finished`] follows when the writes in flight have ended.
    Stop,
}

/// What the operator asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask a source; the event named beside the [`Read`] answers.
    Read {
        /// To be given back with the answer.
        id: ReadId,
        /// What to ask.
        read: Read,
    },
    /// Write an entry; [`Event::Written`] answers.
    Write(Write),
    /// Tell a person.
    Report(Diagnostic),
    /// Send [`Event::Tick`] at this time, if no other event comes before. Only the last one counts.
    WakeAt(Time),
    /// A single pass is over, or a stop is complete.
    Finished {
        /// Whether anything could not be read or written, or was not reached before the stop.
        failed: bool,
    },
}

/// Whose namespaces are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamespaceOwner {
    /// The account's own (`RESOURCE_OWNER` `SELF`).
    Own,
    /// Those that other accounts share with it (`OTHER_ACCOUNTS`).
    OtherAccounts,
}

/// One call to Cloud Map.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// One page of `ListNamespaces`.
    Namespaces {
        /// Of which source.
        source: Arc<str>,
        /// Whose.
        owner: NamespaceOwner,
        /// Which page; none for the first.
        token: Option<String>,
    },
    /// One page of `ListServices`.
    Services {
        /// Of which source.
        source: Arc<str>,
        /// Of which namespace.
        namespace: Arc<Namespace>,
        /// Which page; none for the first.
        token: Option<String>,
    },
    /// `GetServiceAttributes`
    ServiceAttributes(Target),
    /// `ListTagsForResource`
    Tags(Target),
    /// `DiscoverInstancesRevision`
    Revision(Target),
    /// `DiscoverInstances`
    Instances(Target),
}

/// The service that a read asks about.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its id.
    pub id: ServiceId,
    /// Its namespace.
    pub namespace: Arc<Namespace>,
    /// The service itself.
    pub service: Arc<Service>,
}

impl Read {
    /// Of which source.
    #[must_use]
    pub const fn source(&self) -> &Arc<str> {
        match self {
            Self::Namespaces { source, .. } | Self::Services { source, .. } => source,
            Self::ServiceAttributes(target)
            | Self::Tags(target)
            | Self::Revision(target)
            | Self::Instances(target) => &target.id.source,
        }
    }

    /// The operation as AWS names it.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Namespaces { .. } => "ListNamespaces",
            Self::Services { .. } => "ListServices",
            Self::ServiceAttributes(_) => "GetServiceAttributes",
            Self::Tags(_) => "ListTagsForResource",
            Self::Revision(_) => "DiscoverInstancesRevision",
            Self::Instances(_) => "DiscoverInstances",
        }
    }
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
    /// The state that it replaces; if that has changed, the write must fail with
    /// [`WriteFailure::Conflict`].
    pub replaces: Option<Version>,
}
