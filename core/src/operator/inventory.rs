//! What is known of Cloud Map, and how completely: sources, their namespaces, their services.
//!
//! Completeness is latched: what was once read to its end stays known, and a service that appears
//! later holds back only its own entry. Nothing is believed to be deleted or empty on one answer.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::attempts::{Attempts, Outage};
use super::entries::WaitFor;
use super::facts::{Desired, EntryKey, Observed, Scope};
use super::queue::ReadKey;
use super::{Config, Read, ReadError, ReadFailure, ServiceId, SourceConfig, Target, Time};
use crate::cloud_map::{Namespace, Record, Service, Tag};
use crate::diagnostic::Diagnostic;
use crate::sorted::SortedMap;
use crate::translate;

/// A list that is longer never ends: with 100 a page these are 100,000 services.
const MOST_PAGES: usize = 1_000;
/// How long a service is asked every second after it has moved.
const ATTENTION: Duration = Duration::from_mins(2);
/// A service that has been quiet for twelve times as long may wait so long.
const QUIET_SHARE: u32 = 12;

/// A list that is being read.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub begun: Time,
    /// The page to ask for next.
    pub token: Option<String>,
    /// The keys of what it holds so far.
    pub seen: BTreeSet<Arc<str>>,
    pub left_out: usize,
    tokens: BTreeSet<String>,
}

impl Listing {
    pub(super) const fn new(begun: Time) -> Self {
        Self { begun, token: None, seen: BTreeSet::new(), left_out: 0, tokens: BTreeSet::new() }
    }

    /// Takes a page's token: true, if that page was the last. A page may be empty though more
    /// follow.
    pub(super) fn advance(
        &mut self,
        operation: &str,
        next: Option<String>,
    ) -> Result<bool, ReadError> {
        self.token = next.filter(|token| !token.is_empty());
        let Some(token) = &self.token else { return Ok(true) };
        let malformed = |what: &str| {
            Err(ReadError {
                failure: ReadFailure::Malformed,
                message: format!("{operation}: {what}"),
            })
        };
        if !self.tokens.insert(token.clone()) {
            return malformed("a NextToken came back, so the list would never end");
        }
        if self.tokens.len() >= MOST_PAGES {
            return malformed("more than 1,000 pages, so the list may never end");
        }
        Ok(false)
    }
}

/// How far a list that is read again and again has been read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// When it was first read to its end.
    ended: Option<Time>,
    /// When it was begun that was read to its end last.
    begun: Time,
    /// It was read to its end a second time, begun long enough after that.
    confirmed: bool,
}

impl Progress {
    pub(super) fn complete(&mut self, begun: Time, now: Time, grace: Duration) {
        self.begun = begun;
        match self.ended {
            None => self.ended = Some(now),
            Some(first) => self.confirmed |= begun >= first + grace,
        }
    }

    pub(super) const fn is_complete(self) -> bool {
        self.ended.is_some()
    }

    /// Whether it was read to its end, begun no earlier than this.
    pub(super) fn is_complete_since(self, since: Time) -> bool {
        self.ended.is_some() && self.begun >= since
    }

    /// When it should be read again so that it is confirmed.
    pub(super) fn confirm_at(self, grace: Duration) -> Option<Time> {
        self.ended.filter(|_| !self.confirmed).map(|ended| ended + grace)
    }
}

/// A source.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub config: SourceConfig,
    /// How its services are translated.
    pub options: translate::Options,
    /// The list of namespaces that is being read.
    pub listing: Option<Listing>,
    pub progress: Progress,
    pub attempts: Attempts,
    pub outage: Option<Outage>,
    pub namespaces: BTreeMap<Arc<str>, NamespaceState>,
    /// The accounts whose services it reads.
    pub accounts: BTreeSet<String>,
    /// Services that the lists of their namespaces lack.
    pub missing: BTreeSet<ServiceId>,
    /// Everything in it was read once, as far as it can be.
    pub passed: bool,
}

impl Source {
    fn new(config: &SourceConfig, operator: &Config) -> Self {
        let owner = operator.plan.owner.clone();
        let target_namespace = Some(config.target_namespace.clone());
        Self {
            config: config.clone(),
            options: translate::Options { owner, target_namespace, ..operator.translate.clone() },
            listing: None,
            progress: Progress::default(),
            attempts: Attempts::default(),
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
            namespace.is_complete() || namespace.attempts.failure == Some(ReadFailure::AccessDenied)
        };
        self.passed |= self.progress.is_complete() && self.namespaces.values().all(passed);
        self.passed
    }

    /// A namespace that was not listed twice and could hold the services of one of this name (none:
    /// of any): it may have been made anew, with the same name and another id.
    pub(super) fn unlisted(&self, name: Option<&str>) -> Option<&Arc<str>> {
        let could_hold = |namespace: &NamespaceState| {
            name.is_none_or(|name| namespace.info.name.eq_ignore_ascii_case(name))
        };
        let mut unlisted = self
            .namespaces
            .iter()
            .filter(|(_, namespace)| could_hold(namespace) && !namespace.progress.confirmed);
        unlisted.next().map(|(key, _)| key)
    }
}

/// A namespace of a source.
#[derive(Debug, Clone)]
pub(super) struct NamespaceState {
    pub info: Arc<Namespace>,
    /// The list of services that is being read.
    pub listing: Option<Listing>,
    pub progress: Progress,
    pub attempts: Attempts,
    /// Since when the list of namespaces lacks it.
    pub missing: Option<Time>,
    /// How many services of its first list were never tried.
    pub untried: usize,
    /// How many services of it are left out by their names.
    pub left_out: usize,
}

impl NamespaceState {
    pub(super) fn new(info: Arc<Namespace>) -> Self {
        Self {
            info,
            listing: None,
            progress: Progress::default(),
            attempts: Attempts::default(),
            missing: None,
            untried: 0,
            left_out: 0,
        }
    }

    /// Its services were listed to the end, and each of that list was tried.
    pub(super) const fn is_complete(&self) -> bool {
        self.progress.is_complete() && self.untried == 0
    }
}

/// What a service needs to have in the cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Wanted {
    /// Not known yet, or it could not be translated: whatever exists stays.
    #[default]
    Unknown,
    /// No entry, for good.
    Excluded,
    /// No entry while it has no endpoint.
    Omitted,
    /// This entry.
    Entry(Arc<WantedEntry>),
}

impl Wanted {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Omitted => true,
            Self::Entry(entry) => entry.desired.endpoints.is_empty(),
            Self::Unknown | Self::Excluded => false,
        }
    }
}

/// An entry that is wanted. Two are equal if they differ in metadata alone.
#[derive(Debug, Clone)]
pub(super) struct WantedEntry {
    pub desired: Desired,
    /// The whole entry. Text takes a quarter of the memory of a tree.
    pub json: Arc<str>,
}

impl PartialEq for WantedEntry {
    fn eq(&self, other: &Self) -> bool {
        self.desired == other.desired
    }
}

/// Whether a service that answers without a usable instance is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Emptiness {
    /// It has usable instances.
    #[default]
    No,
    /// It has had none since then.
    Since(Time),
    /// A later read confirmed it.
    Confirmed,
}

/// That a list lacks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing {
    /// Since when.
    pub since: Time,
    /// A later list lacks it too.
    pub confirmed: bool,
}

/// What a service says about itself, where that is read.
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
    /// What the source answers as long as nothing has moved.
    pub change_token: Option<i64>,
    /// Ask for the instances next, not only for the revision.
    pub discover: bool,
    /// The entry that it claims, whether or not it gets it.
    pub key: Option<EntryKey>,
    pub wanted: Wanted,
    pub emptiness: Emptiness,
    /// Its namespace's list lacks it.
    pub missing: Option<Missing>,
    /// It belongs to the first list of its namespace and was not tried yet.
    pub is_first_pass: bool,
    /// When it moved last.
    pub moved: Option<Time>,
    /// When it was first read.
    pub known_since: Option<Time>,
    pub diagnostics: Vec<Diagnostic>,
    /// That another service has its host.
    pub conflict: Option<Diagnostic>,
    /// What it was translated from, where other services claim the same entry and are merged with
    /// it.
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
            wanted: Wanted::Unknown,
            emptiness: Emptiness::No,
            missing: None,
            is_first_pass,
            moved: None,
            known_since: None,
            diagnostics: Vec::new(),
            conflict: None,
            record: None,
        }
    }

    /// How long to wait before it is asked again.
    pub(super) fn pause(&self, config: &Config, now: Time) -> Duration {
        if self.moved.is_some_and(|moved| now < moved + ATTENTION) {
            return Duration::from_secs(1).min(config.interval);
        }
        let quiet = now.saturating_sub(self.moved.or(self.known_since).unwrap_or(now));
        (quiet / QUIET_SHARE).clamp(config.interval, config.longest_interval.max(config.interval))
    }
}

/// All sources and services.
#[derive(Debug, Clone)]
pub(super) struct Inventory {
    pub sources: BTreeMap<Arc<str>, Source>,
    pub services: BTreeMap<ServiceId, ServiceState>,
}

impl Inventory {
    pub(super) fn new(config: &Config) -> Self {
        let source = |of: &SourceConfig| (Arc::from(of.name.as_str()), Source::new(of, config));
        Self { sources: config.sources.iter().map(source).collect(), services: BTreeMap::new() }
    }

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

    /// Whether an entry's source, account and region are ones that are read. What an entry does not
    /// say does not count against it, but the source it must say.
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
        let other_account = source.progress.is_complete()
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
            .is_some_and(|namespace| !namespace.is_complete() || !namespace.progress.confirmed)
        {
            return Err(WaitFor::Namespace(name, scope.namespace.as_str().into()));
        }
        if !source.progress.confirmed {
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
}

impl Inventory {
    /// The call that reads this next. None, if it is no longer known.
    pub(super) fn read(&self, key: &ReadKey) -> Option<Read> {
        Some(match key {
            ReadKey::Namespaces(name, owner) => {
                let listing = self.sources.get(name)?.listing.as_ref();
                let token = listing.and_then(|listing| listing.token.clone());
                Read::Namespaces { source: name.clone(), owner: *owner, token }
            }
            ReadKey::Services(name, namespace) => {
                let state = self.sources.get(name)?.namespaces.get(namespace)?;
                let token = state.listing.as_ref().and_then(|listing| listing.token.clone());
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
        let (namespace, service) =
            (self.namespace(id)?.info.clone(), self.services.get(id)?.info.clone());
        Some(Target { id: id.clone(), namespace, service })
    }
}
