//! The events that go in, and the effects that come out.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::config::{Config, SourceConfig};
use super::facts::{EntryKey, Observed, Version};
use super::planner::Action;
use crate::cloud_map::{Instance, Namespace, Service, Tag, ZoneNames};
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
    pub(super) const fn affects_source(self) -> bool {
        matches!(self, Self::Throttled | Self::Credentials | Self::Unreachable)
    }
}

/// A read that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ReadError {
    /// The kind of failure.
    pub failure: ReadFailure,
    /// For a person: the call, the answer of AWS, and a remedy where there is one.
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
    /// The answer to [`Read::Revision`] as long as nothing has changed; from AWS, the revision
    /// itself. None, if only the instances show a change.
    pub change_token: Option<i64>,
    /// The region that the service was read in, where that is not its source's.
    pub region: Option<String>,
    /// What the mesh calls the zones of the instances, where that is not as its source has it.
    pub zones: Option<Arc<ZoneNames>>,
}

/// Why a write failed. A closed list, as [`ReadFailure`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteFailure {
    /// Another writer has changed or created the object meanwhile; the next observation decides.
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
    /// The kind of failure.
    pub failure: WriteFailure,
    /// For a person.
    pub message: String,
    /// How long to wait, as the server requests (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl WriteError {
    /// Without `retry_after`.
    #[must_use]
    pub const fn new(failure: WriteFailure, message: String) -> Self {
        Self { failure, message, retry_after: None }
    }
}

/// What a sink observes of the entries that exist, ours or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Everything that exists.
    Listed {
        /// All of them: an entry that is missing was deleted.
        entries: Vec<Observed>,
        /// The version of the list; none, where the store has no versions and the list is
        /// current.
        version: Version,
    },
    /// One entry was created or changed.
    Applied(Box<Observed>),
    /// One entry was deleted.
    Deleted {
        /// Its key.
        key: EntryKey,
        /// The version of the deletion, where the store has versions.
        version: Version,
    },
}

/// A Cloud Map service of a source. Services that claim one host rank in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId {
    /// The source's name.
    pub source: Arc<str>,
    /// [`Namespace::key`]
    pub namespace: Arc<str>,
    /// [`Service::key`]
    pub service: Arc<str>,
}

/// Identifies a read, so that the answer to a cancelled one is ignored.
pub type ReadId = u64;

/// What has happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Time has passed, or the process has just started.
    Tick,
    /// Run with these settings from now on, and read their sources. The owner must be the same. What
    /// differs is read anew; nothing is deleted before that is complete.
    Reconfigured(Box<Config>),
    /// Read this source from now on, and keep its entries.
    SourceStarted(Box<SourceConfig>),
    /// Read this source no longer, and leave its entries alone.
    SourceStopped {
        /// Its name.
        source: Arc<str>,
    },
    /// A source has changed: all of it is read again at once.
    SourceChanged {
        /// Its name.
        source: Arc<str>,
    },
    /// Answers [`Read::Namespaces`].
    NamespacesPage {
        /// The read's id.
        read: ReadId,
        /// The page, or the failure.
        result: Result<Page<Namespace>, ReadError>,
    },
    /// Answers [`Read::Services`].
    ServicesPage {
        /// The read's id.
        read: ReadId,
        /// The page, or the failure.
        result: Result<Page<Service>, ReadError>,
    },
    /// Answers [`Read::ServiceAttributes`].
    ServiceAttributes {
        /// The read's id.
        read: ReadId,
        /// All of them, or the failure.
        result: Result<SortedMap<String, String>, ReadError>,
    },
    /// Answers [`Read::Tags`].
    Tags {
        /// The read's id.
        read: ReadId,
        /// All of them, or the failure.
        result: Result<Vec<Tag>, ReadError>,
    },
    /// Answers [`Read::Revision`].
    Revision {
        /// The read's id.
        read: ReadId,
        /// The revision, or the failure.
        result: Result<i64, ReadError>,
    },
    /// Answers [`Read::Instances`].
    Instances {
        /// The read's id.
        read: ReadId,
        /// All instances, or the failure.
        result: Result<InstancesRead, ReadError>,
    },
    /// What the sink observes.
    Observed(Observation),
    /// Answers [`Effect::Write`].
    Written {
        /// Which entry.
        key: EntryKey,
        /// What is stored now (none: it is deleted), or the failure.
        result: Result<Option<Box<Observed>>, WriteError>,
    },
    /// Start nothing new; [`Effect::Finished`] follows when the writes in flight have ended.
    Stop,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read from a source; the event of the same name as the [`Read`] answers.
    Read {
        /// The id that the answer repeats.
        id: ReadId,
        /// What to read.
        read: Read,
    },
    /// Write an entry; [`Event::Written`] answers.
    Write(Write),
    /// Report to a person.
    Report(Diagnostic),
    /// The same, about an entry that exists or is desired.
    ReportEntry {
        /// Its key.
        entry: EntryKey,
        /// What to report.
        diagnostic: Diagnostic,
    },
    /// Send [`Event::Tick`] at this time, if no other event comes before. Only the last one counts.
    WakeAt(Time),
    /// A single pass is over, or a stop is complete.
    Finished {
        /// Whether anything could not be read or written, or was not reached before the stop.
        failed: bool,
    },
}

/// The owner of the namespaces that are listed.
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
        /// The source's name.
        source: Arc<str>,
        /// The namespaces' owner.
        owner: NamespaceOwner,
        /// The page's token; none for the first.
        token: Option<String>,
    },
    /// One page of `ListServices`.
    Services {
        /// The source's name.
        source: Arc<str>,
        /// The namespace.
        namespace: Arc<Namespace>,
        /// The page's token; none for the first.
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

/// The service that a read is about.
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
    /// The source's name.
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
    /// Its entry.
    pub key: EntryKey,
    /// The source of the entry: only its leader may send the write.
    pub source: Arc<str>,
    /// The kind of write.
    pub action: Action,
    /// The whole entry as JSON; none for a delete.
    pub json: Option<Arc<str>>,
    /// How many endpoints it has.
    pub endpoints: usize,
    /// The state that it replaces; if that has changed, the write must fail with
    /// [`WriteFailure::Conflict`].
    pub replaces: Option<Version>,
}
