//! The expected state of the cluster, at any time in the past.

use std::collections::{BTreeMap, BTreeSet};

use istio_cloud_map_core::cloud_map::{Namespace, Record, Service};
use istio_cloud_map_core::translate::{self, Conflicts, Translator, expected_host_and_name};
use serde_json::Value;

use crate::cloud::{Cloud, ServiceRef};
use crate::cluster::{Key, addresses};
use crate::time::{S, Us};

/// An operator that reads every few seconds and lists every half minute may miss a state that is
/// shorter than this.
const MISSED: Us = 60 * S;

/// The expected state of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No service has this entry.
    Absent,
    /// An entry without endpoints.
    Empty,
    /// An entry with endpoints.
    Full,
}

/// An entry that is the translation of the true Cloud Map.
#[derive(Debug, Clone)]
pub struct Expected {
    pub spec: Value,
    pub endpoints: BTreeSet<String>,
    pub service: ServiceRef,
}

#[derive(Debug, Default)]
pub struct Truth {
    /// The Kubernetes namespace of each source's entries.
    pub targets: BTreeMap<String, String>,
    pub options: translate::Options,
    /// Whether service attributes, and tags, are read.
    pub hints: (bool, bool),
    /// Since when each endpoint has been expected.
    endpoints: BTreeMap<Key, BTreeMap<String, Us>>,
    /// Entries that several services have claimed at once.
    contested: BTreeSet<Key>,
    /// The locations that an entry has been expected with, and until when.
    locations: BTreeMap<Key, Vec<(Us, Value)>>,
    keys: BTreeMap<ServiceRef, Key>,
    claims: BTreeMap<Key, BTreeSet<ServiceRef>>,
    pub expected: BTreeMap<Key, Expected>,
    history: BTreeMap<Key, Vec<(Us, State)>>,
    /// When the expected spec of an entry last changed.
    pub changed: BTreeMap<Key, Us>,
}

impl Truth {
    /// Updates the entry of a service that was created, changed or removed.
    pub fn update(&mut self, cloud: &Cloud, service: &ServiceRef, now: Us) {
        let record = cloud.record(service, self.hints);
        let before = self.keys.remove(service);
        let key = record
            .as_ref()
            .and_then(|record| self.key_of(&service.source, &record.namespace, &record.service));
        if let Some(before) = before {
            self.claims.entry(before.clone()).or_default().remove(service);
            if key.as_ref() != Some(&before) {
                self.refresh(cloud, &before, now);
            }
        }
        if let Some(key) = key {
            self.claims.entry(key.clone()).or_default().insert(service.clone());
            self.keys.insert(service.clone(), key.clone());
            self.refresh(cloud, &key, now);
        }
    }

    pub fn key_of(&self, source: &str, namespace: &Namespace, service: &Service) -> Option<Key> {
        let (_, name) =
            expected_host_and_name(source, namespace, service, &self.options).ok()??;
        let namespace = self.targets.get(source).cloned().unwrap_or_default();
        Some(Key { namespace, name })
    }

    pub fn key(&self, service: &ServiceRef) -> Option<&Key> {
        self.keys.get(service)
    }

    pub fn claimants(&self, key: &Key) -> impl Iterator<Item = &ServiceRef> {
        self.claims.get(key).into_iter().flatten()
    }

    fn refresh(&mut self, cloud: &Cloud, key: &Key, now: Us) {
        let claims = self.claims.get(key).into_iter().flatten();
        let records: Vec<Record> =
            claims.filter_map(|service| cloud.record(service, self.hints)).collect();
        if records.len() > 1 {
            self.contested.insert(key.clone());
        }
        let first = self.claims.get(key).and_then(BTreeSet::first).cloned();
        let entry =
            Translator::new(&self.options).translate_all(&records).entries.into_iter().next();
        let expected = entry.zip(first).map(|(entry, service)| {
            let spec = serde_json::to_value(&entry.spec).unwrap_or_default();
            Expected { endpoints: addresses(&spec), spec, service }
        });
        let state = match &expected {
            None => State::Absent,
            Some(expected) if expected.endpoints.is_empty() => State::Empty,
            Some(_) => State::Full,
        };
        let history = self.history.entry(key.clone()).or_insert_with(|| vec![(0, State::Absent)]);
        if history.last().is_none_or(|(_, last)| *last != state) {
            history.push((now, state));
        }
        if self.expected.get(key).map(|w| &w.spec) != expected.as_ref().map(|w| &w.spec) {
            self.changed.insert(key.clone(), now);
        }
        let before = self.endpoints.remove(key).unwrap_or_default();
        let addresses = expected.iter().flat_map(|expected| expected.endpoints.iter().cloned());
        let since = addresses.map(|address| {
            let since = before.get(&address).copied().unwrap_or(now);
            (address, since)
        });
        self.endpoints.insert(key.clone(), since.collect());
        let locations = self.locations.entry(key.clone()).or_default();
        if let Some((until, _)) = locations.last_mut() {
            *until = now;
        }
        let location = expected.as_ref().and_then(|expected| expected.spec.get("location"));
        if expected.is_some() {
            locations.push((Us::MAX, location.cloned().unwrap_or_default()));
        }
        match expected {
            Some(expected) => drop(self.expected.insert(key.clone(), expected)),
            None => drop(self.expected.remove(key)),
        }
    }

    /// Since when an endpoint has been expected without interruption. None if it may still be
    /// removed: it is not expected, or another service may get the entry.
    pub fn expected_since(&self, key: &Key, address: &str) -> Option<Us> {
        let decided = !self.contested.contains(key) || self.options.conflicts == Conflicts::Merge;
        self.endpoints.get(key)?.get(address).copied().filter(|_| decided)
    }

    /// Whether an entry has been expected with this location since then.
    pub fn had_location(&self, key: &Key, location: &Value, since: Us) -> bool {
        let all = self.locations.get(key).into_iter().flatten();
        self.contested.contains(key)
            || all.into_iter().any(|(until, had)| *until >= since && had == location)
    }

    /// For how long an entry's state was last one of `states`, within `from` to `now`: from the
    /// first to the last such time. In between, it may have been another state for as long as an
    /// operator can miss.
    pub fn span(&self, key: &Key, states: &[State], from: Us, now: Us) -> Option<Us> {
        let Some(history) = self.history.get(key) else {
            return states.contains(&State::Absent).then_some(now - from);
        };
        let ends = history.iter().skip(1).map(|(at, _)| *at).chain([now]);
        let spans = history
            .iter()
            .zip(ends)
            .filter(|((at, state), _)| states.contains(state) && *at <= now)
            // Even an instant counts: the list of a namespace that was recreated shows it from then
            // on.
            .filter(|((at, _), end)| *end > from.max(*at) || *at > from && end == at);
        let spans = spans.map(|((at, _), end)| ((*at).max(from), end.min(now)));
        let joined = spans.fold(None, |joined: Option<(Us, Us)>, (at, end)| match joined {
            Some((first, last)) if at <= last + MISSED => Some((first, end)),
            _ => Some((at, end)),
        });
        joined.map(|(first, last)| last - first)
    }
}
