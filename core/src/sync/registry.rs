//! What is known of Cloud Map: sources, their namespaces, their services.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::attempts::{Attempts, Trouble};
use super::budget::Budget;
use super::lane::{Lane, Read};
use super::{Config, ReadFailure, ServiceId, SourceConfig, Time};
use crate::cloud_map::{Namespace, Service};
use crate::diagnostic::Diagnostic;
use crate::plan::{Desired, EntryKey, Scope, Scopes};

/// How many lists of a source may be under way at once.
const LISTS_IN_FLIGHT: usize = 4;
/// How many calls for lists may be made in one burst.
const LISTS_AT_ONCE: u32 = 10;

/// A source.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub config: SourceConfig,
    /// Namespaces and services: the scarce control plane.
    pub lists: Lane,
    /// Revisions and instances: the data plane.
    pub data: Lane,
    pub attempts: Attempts,
    /// A failure that strikes all its reads.
    pub trouble: Option<Trouble<ReadFailure>>,
    pub namespaces: BTreeMap<Arc<str>, NamespaceState>,
}

impl Source {
    fn new(config: &SourceConfig, max_in_flight: usize, now: Time) -> Self {
        let lists = Budget::new(config.max_lists_per_second, LISTS_AT_ONCE, now);
        let data = Budget::new(config.max_requests_per_second, config.max_requests_per_second / 4, now);
        let mut lists = Lane::new(lists, LISTS_IN_FLIGHT);
        lists.plan(Read::Namespaces, now);
        Self {
            config: config.clone(),
            lists,
            data: Lane::new(data, max_in_flight),
            attempts: Attempts::default(),
            trouble: None,
            namespaces: BTreeMap::new(),
        }
    }

    /// Everything in it was tried at least once, and its namespaces are known.
    pub(super) fn passed(&self) -> bool {
        self.attempts.read && self.namespaces.values().all(NamespaceState::passed)
    }
}

/// A namespace of a source.
#[derive(Debug, Clone)]
pub(super) struct NamespaceState {
    pub info: Arc<Namespace>,
    pub attempts: Attempts,
    /// How many of its services were never tried.
    pub untried: usize,
    /// How many services of it are left out by their names.
    pub left_out: usize,
}

impl NamespaceState {
    /// Its services were asked for, and each of those that are known was tried at least once.
    pub(super) const fn passed(&self) -> bool {
        self.attempts.tried && self.untried == 0
    }
}

/// What a service needs to have in the cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Wanted {
    /// Not known yet, or it could not be translated: whatever is there stays.
    #[default]
    Held,
    /// No entry, for good.
    Excluded,
    /// No entry while it has no endpoint.
    Omitted,
    /// This entry.
    Entry(Box<WantedEntry>),
}

/// An entry that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WantedEntry {
    pub desired: Desired,
    /// The whole entry. Text takes a quarter of the memory of a tree.
    pub json: Arc<str>,
}

/// A service.
#[derive(Debug, Clone)]
pub(super) struct ServiceState {
    pub info: Arc<Service>,
    pub attempts: Attempts,
    /// What the source answers as long as nothing has moved.
    pub marker: Option<i64>,
    /// Ask for the instances next, not only for the revision.
    pub discover: bool,
    /// The entry that it claims, whether or not it gets it.
    pub key: Option<EntryKey>,
    pub wanted: Wanted,
    /// Since when its answers hold no usable instance.
    pub empty_since: Option<Time>,
    /// It has been empty for long enough to be believed.
    pub empty_confirmed: bool,
    pub diagnostics: Vec<Diagnostic>,
}

impl ServiceState {
    pub(super) fn new(info: Service, key: Option<EntryKey>) -> Self {
        Self {
            info: Arc::new(info),
            attempts: Attempts::default(),
            marker: None,
            discover: true,
            key,
            wanted: Wanted::Held,
            empty_since: None,
            empty_confirmed: false,
            diagnostics: Vec::new(),
        }
    }

    /// It was just read again; if it is empty, and has been for `grace`, that is believed.
    pub(super) fn confirm_empty(&mut self, now: Time, grace: Duration) {
        self.empty_confirmed |= self.empty_since.is_some_and(|since| now >= since + grace);
    }
}

/// All sources and services.
#[derive(Debug, Clone)]
pub(super) struct Registry {
    pub sources: BTreeMap<Arc<str>, Source>,
    pub services: BTreeMap<ServiceId, ServiceState>,
}

impl Registry {
    pub(super) fn new(config: &Config, now: Time) -> Self {
        let source = |s: &SourceConfig| (Arc::from(s.name.as_str()), Source::new(s, config.max_reads_in_flight, now));
        Self { sources: config.sources.iter().map(source).collect(), services: BTreeMap::new() }
    }

    pub(super) fn namespace(&self, id: &ServiceId) -> Option<&NamespaceState> {
        self.sources.get(&id.source)?.namespaces.get(&id.namespace)
    }

    /// The ids of the services of a namespace.
    pub(super) fn services_of(&self, source: &Arc<str>, namespace: &Arc<str>) -> Vec<ServiceId> {
        let first = ServiceId { source: source.clone(), namespace: namespace.clone(), service: "".into() };
        let from = self.services.range((Bound::Included(first), Bound::Unbounded)).map(|(id, _)| id);
        from.take_while(|id| id.source == *source && id.namespace == *namespace).cloned().collect()
    }

    /// Every source was read once, as far as it can be.
    pub(super) fn passed(&self) -> bool {
        self.sources.values().all(Source::passed)
    }

    /// What was read completely. Nothing of a source is complete before its first pass is over.
    pub(super) fn scopes(&self) -> Scopes {
        let mut scopes = Scopes::default();
        for (name, source) in &self.sources {
            let passed = source.passed();
            scopes.sources.insert(name.to_string(), passed);
            for (key, namespace) in &source.namespaces {
                let scope = Scope { source: name.to_string(), namespace: key.to_string() };
                scopes.namespaces.insert(scope, passed && namespace.attempts.read);
            }
        }
        scopes
    }
}
