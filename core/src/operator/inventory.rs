//! What was read of Cloud Map, and how completely: sources, their namespaces, their services.
//!
//! Completeness is latched: a list that was once read to its end stays complete, and a service that
//! appears later delays only its own entry. Nothing counts as deleted or empty after one answer.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::attempts::{Attempts, SourceOutage};
use super::entry::WaitFor;
use super::facts::{Desired, EntryKey, Observed, Scope};
use super::listing::List;
use super::queue::ReadKey;
use super::{Config, InstanceCounts, Read, ReadFailure, ServiceId, SourceConfig, Target, Time};
use crate::cloud_map::{Namespace, Record, Service, Tag};
use crate::diagnostic::Diagnostic;
use crate::service_entry::ServiceEntry;
use crate::sorted::SortedMap;
use crate::translate;

/// How long a service is polled every second after a change.
const FAST_POLLING: Duration = Duration::from_mins(2);
/// A service is polled as often as a twelfth of the time since its last change.
const QUIET_DIVISOR: u32 = 12;

/// A source.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub config: SourceConfig,
    /// How its services are translated.
    pub options: translate::Options,
    /// Its list of namespaces.
    pub list: List,
    pub outage: Option<SourceOutage>,
    pub namespaces: BTreeMap<Arc<str>, NamespaceState>,
    /// The accounts whose services it reads.
    pub accounts: BTreeSet<String>,
    /// Services that are missing in the lists of their namespaces.
    pub missing: BTreeSet<ServiceId>,
    /// The first pass is over: everything in it was read once, as far as it can be.
    pub passed: bool,
}

impl Source {
    pub(super) fn new(config: &SourceConfig, operator: &Config) -> Self {
        Self {
            config: config.clone(),
            options: operator.translation_of(config),
            list: List::default(),
            outage: None,
            namespaces: BTreeMap::new(),
            accounts: BTreeSet::new(),
            missing: BTreeSet::new(),
            passed: false,
        }
    }

    /// Latches that the first pass is over: every list was read to its end, or may not be read, and
    /// every service was tried.
    pub(super) fn latch(&mut self) -> bool {
        let passed = |namespace: &NamespaceState| {
            namespace.is_complete()
                || namespace.list.attempts.failure() == Some(ReadFailure::AccessDenied)
        };
        self.passed |= self.list.progress.is_complete() && self.namespaces.values().all(passed);
        self.passed
    }

    /// A namespace whose services were not listed twice and that may be another one of this name
    /// (none: of any), recreated with a new id.
    pub(super) fn unlisted(&self, name: Option<&str>) -> Option<&Arc<str>> {
        let has_name = |namespace: &NamespaceState| {
            name.is_none_or(|name| namespace.info.name.eq_ignore_ascii_case(name))
        };
        let mut unlisted = self
            .namespaces
            .iter()
            .filter(|(_, namespace)| has_name(namespace) && !namespace.list.progress.confirmed);
        unlisted.next().map(|(key, _)| key)
    }
}

/// A namespace of a source.
#[derive(Debug, Clone)]
pub(super) struct NamespaceState {
    pub info: Arc<Namespace>,
    /// Its list of services.
    pub list: List,
    /// Since when it is missing in the list of namespaces.
    pub missing: Option<Time>,
    /// How many services of its first list were never tried.
    pub untried: usize,
    /// How many of its services are excluded by their names.
    pub excluded: usize,
}

impl NamespaceState {
    pub(super) fn new(info: Arc<Namespace>) -> Self {
        Self { info, list: List::default(), missing: None, untried: 0, excluded: 0 }
    }

    /// Its services were listed to the end, and each of that list was tried.
    pub(super) const fn is_complete(&self) -> bool {
        self.list.progress.is_complete() && self.untried == 0
    }
}

/// The desired state of a service's entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum DesiredState {
    /// Not known yet, or the translation failed: the current entry stays.
    #[default]
    Unknown,
    /// No entry, for good.
    Excluded,
    /// No entry while it has no endpoint.
    Omitted,
    /// This entry.
    Entry(Arc<DesiredEntry>),
}

impl DesiredState {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Omitted => true,
            Self::Entry(entry) => entry.desired.endpoints.is_empty(),
            Self::Unknown | Self::Excluded => false,
        }
    }
}

/// A desired entry. Two are equal if they differ in metadata alone.
#[derive(Debug, Clone)]
pub(super) struct DesiredEntry {
    pub desired: Desired,
    /// The whole entry. Text takes a quarter of the memory of a tree.
    pub json: Arc<str>,
}

impl DesiredEntry {
    /// From the translation of the service `id`.
    pub(super) fn from_entry(
        entry: &ServiceEntry,
        id: &ServiceId,
        default_namespace: &str,
    ) -> Option<Self> {
        let scope = Scope { source: id.source.to_string(), namespace: id.namespace.to_string() };
        let desired = Desired::from_entry(entry, scope, default_namespace);
        let json = serde_json::to_string(entry).ok()?.into();
        Some(Self { desired, json })
    }
}

impl PartialEq for DesiredEntry {
    fn eq(&self, other: &Self) -> bool {
        self.desired == other.desired
    }
}

/// Whether a service has usable instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Emptiness {
    /// It has some.
    #[default]
    No,
    /// It has had none since then.
    Since(Time),
    /// A later read confirmed it.
    Confirmed,
}

/// That something is missing in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing {
    /// Since when.
    pub since: Time,
    /// It is missing in a later list too.
    pub confirmed: bool,
}

/// The attributes and tags of a service, where they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Hints {
    pub attributes: Option<SortedMap<String, String>>,
    pub tags: Option<Vec<Tag>>,
    pub attempts: Attempts,
}

/// A service.
#[derive(Debug, Clone)]
pub(super) struct ServiceState {
    pub info: Arc<Service>,
    pub attempts: Attempts,
    pub hints: Hints,
    /// The source's answer to [`Read::Revision`] as long as nothing has changed.
    pub change_token: Option<i64>,
    /// Read the instances next, not only the revision.
    pub discover: bool,
    /// The entry that it claims, even if another service has it.
    pub key: Option<EntryKey>,
    pub desired: DesiredState,
    pub emptiness: Emptiness,
    /// It is missing in its namespace's list.
    pub missing: Option<Missing>,
    /// It belongs to the first list of its namespace and was not tried yet.
    pub is_first_pass: bool,
    /// When it changed last.
    pub changed_at: Option<Time>,
    /// When it was first read.
    pub first_read: Option<Time>,
    /// How many instances it had when they were read last.
    pub instances: Option<InstanceCounts>,
    pub diagnostics: Vec<Diagnostic>,
    /// That another service has its host.
    pub conflict: Option<Diagnostic>,
    /// What it was translated from, where it is merged with other services that claim its entry.
    pub record: Option<Box<Record>>,
}

impl ServiceState {
    pub(super) fn new(info: Service, key: Option<EntryKey>, is_first_pass: bool) -> Self {
        Self {
            info: Arc::new(info),
            attempts: Attempts::default(),
            hints: Hints::default(),
            change_token: None,
            discover: true,
            key,
            desired: DesiredState::Unknown,
            emptiness: Emptiness::No,
            missing: None,
            is_first_pass,
            changed_at: None,
            first_read: None,
            instances: None,
            diagnostics: Vec::new(),
            conflict: None,
            record: None,
        }
    }

    /// How long to wait before it is read again.
    pub(super) fn pause(&self, config: &Config, now: Time) -> Duration {
        if self.changed_at.is_some_and(|at| now < at + FAST_POLLING) {
            return Duration::from_secs(1).min(config.interval);
        }
        let quiet = now.saturating_sub(self.changed_at.or(self.first_read).unwrap_or(now));
        (quiet / QUIET_DIVISOR).clamp(config.interval, config.longest_interval.max(config.interval))
    }
}

/// All sources and services.
#[derive(Debug, Clone, Default)]
pub(super) struct Inventory {
    pub sources: BTreeMap<Arc<str>, Source>,
    /// Boxed, since nodes of such a map are half empty.
    pub services: BTreeMap<ServiceId, Box<ServiceState>>,
}

impl Inventory {
    pub(super) fn namespace(&self, id: &ServiceId) -> Option<&NamespaceState> {
        self.sources.get(&id.source)?.namespaces.get(&id.namespace)
    }

    pub(super) fn namespace_mut(&mut self, id: &ServiceId) -> Option<&mut NamespaceState> {
        self.sources.get_mut(&id.source)?.namespaces.get_mut(&id.namespace)
    }

    /// The ids of the services of a namespace.
    pub(super) fn services_of(&self, source: &Arc<str>, namespace: &Arc<str>) -> Vec<ServiceId> {
        let first =
            ServiceId { source: source.clone(), namespace: namespace.clone(), service: "".into() };
        let from =
            self.services.range((Bound::Included(first), Bound::Unbounded)).map(|(id, _)| id);
        from.take_while(|id| id.source == *source && id.namespace == *namespace).cloned().collect()
    }

    /// Whether an entry's source, account and region are read here. It must have a source; an account
    /// or region that it lacks does not count against it.
    pub(super) fn reads(&self, entry: &Observed) -> bool {
        let Some(source) =
            entry.scope.as_ref().and_then(|scope| self.sources.get(scope.source.as_str()))
        else {
            return false;
        };
        let other_region = entry
            .region
            .as_ref()
            .zip(source.config.region.as_ref())
            .is_some_and(|(theirs, ours)| theirs != ours);
        let other_account = source.list.progress.is_complete()
            && entry.account.as_ref().is_some_and(|account| !source.accounts.contains(account));
        !other_region && !other_account
    }

    /// Whether an entry of this scope that no service claims may be deleted, or what that waits
    /// for.
    pub(super) fn may_delete(&self, scope: &Scope) -> Result<(), WaitFor> {
        let name: Arc<str> = scope.source.as_str().into();
        let Some(source) = self.sources.get(&name) else { return Err(WaitFor::Source(name)) };
        let namespace = source.namespaces.get(scope.namespace.as_str());
        if namespace
            .is_some_and(|namespace| !namespace.is_complete() || !namespace.list.progress.confirmed)
        {
            return Err(WaitFor::Namespace(name, scope.namespace.as_str().into()));
        }
        if !source.list.progress.confirmed {
            return Err(WaitFor::Source(name));
        }
        match source.unlisted(namespace.map(|namespace| namespace.info.name.as_str())) {
            None => Ok(()),
            Some(other) if namespace.is_some() => Err(WaitFor::Namespace(name, other.clone())),
            Some(_) => Err(WaitFor::Source(name)),
        }
    }

    /// Whether an entry of this scope may lose endpoints, or what that waits for.
    pub(super) fn may_shrink(&self, scope: &Scope) -> Result<(), WaitFor> {
        let source = self.sources.get(scope.source.as_str());
        let namespace = source.and_then(|source| source.namespaces.get(scope.namespace.as_str()));
        if namespace.is_some_and(NamespaceState::is_complete) {
            return Ok(());
        }
        Err(WaitFor::Namespace(scope.source.as_str().into(), scope.namespace.as_str().into()))
    }

    /// Whether every service is known that may share a merged entry of this scope, or what that waits
    /// for: it may be in any source, in a namespace of the same name.
    pub(super) fn knows_all_claims(&self, scope: &Scope) -> Result<(), WaitFor> {
        let source = self.sources.get(scope.source.as_str());
        let namespace = source.and_then(|source| source.namespaces.get(scope.namespace.as_str()));
        let name = namespace.map(|namespace| namespace.info.name.as_str());
        for (source, state) in &self.sources {
            if !state.list.progress.is_complete() {
                return Err(WaitFor::Source(source.clone()));
            }
            let mut incomplete = state.namespaces.iter().filter(|(_, namespace)| {
                let own = &namespace.info.name;
                !namespace.is_complete() && name.is_none_or(|name| own.eq_ignore_ascii_case(name))
            });
            if let Some((key, _)) = incomplete.next() {
                return Err(WaitFor::Namespace(source.clone(), key.clone()));
            }
        }
        Ok(())
    }

    /// The next call that reads this. None, if it was deleted.
    pub(super) fn read(&self, key: &ReadKey) -> Option<Read> {
        Some(match key {
            ReadKey::Namespaces(name, owner) => {
                let listing = self.sources.get(name)?.list.listing.as_ref();
                let token = listing.and_then(|listing| listing.token.clone());
                Read::Namespaces { source: name.clone(), owner: *owner, token }
            }
            ReadKey::Services(name, namespace) => {
                let state = self.sources.get(name)?.namespaces.get(namespace)?;
                let token = state.list.listing.as_ref().and_then(|listing| listing.token.clone());
                Read::Services { source: name.clone(), namespace: state.info.clone(), token }
            }
            ReadKey::Attributes(id) => Read::ServiceAttributes(self.target(id)?),
            ReadKey::Tags(id) => Read::Tags(self.target(id)?),
            ReadKey::Service(id) if self.services.get(id)?.discover => {
                Read::Instances(self.target(id)?)
            }
            ReadKey::Service(id) => Read::Revision(self.target(id)?),
        })
    }

    fn target(&self, id: &ServiceId) -> Option<Target> {
        Some(Target {
            id: id.clone(),
            namespace: self.namespace(id)?.info.clone(),
            service: self.services.get(id)?.info.clone(),
        })
    }
}
