//! What the cluster should hold, at any time of the past.

use std::collections::{BTreeMap, BTreeSet};

use istio_cloud_map_core::cloud_map::{Namespace, Record, Service};
use istio_cloud_map_core::translate::{self, Conflicts, Translator, expected_host_and_name};
use serde_json::Value;

use crate::cloud::{Cloud, ServiceRef};
use crate::cluster::{Key, addresses};
use crate::time::{S, Us};

/// An operator that reads every few seconds and lists every half minute may miss what is over
/// sooner.
const MISSED: Us = 60 * S;

/// What is true of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No service wants it.
    Unwanted,
    /// It is wanted without endpoints.
    Empty,
    Full,
}

/// An entry as the translation of the true Cloud Map has it.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub spec: Value,
    pub endpoints: BTreeSet<String>,
    pub service: ServiceRef,
}

#[derive(Debug, Default)]
pub struct Truth {
    /// Where a source's entries go.
    pub targets: BTreeMap<String, String>,
    pub options: translate::Options,
    /// Whether service attributes, and tags, are read.
    pub hints: (bool, bool),
    /// Since when each endpoint has been wanted.
    endpoints: BTreeMap<Key, BTreeMap<String, Us>>,
    /// Entries that several services have claimed at once.
    contested: BTreeSet<Key>,
    /// The locations that an entry has been wanted with, and until when.
    locations: BTreeMap<Key, Vec<(Us, Value)>>,
    keys: BTreeMap<ServiceRef, Key>,
    claims: BTreeMap<Key, BTreeSet<ServiceRef>>,
    pub wanted: BTreeMap<Key, Wanted>,
    history: BTreeMap<Key, Vec<(Us, State)>>,
    /// When what an entry should hold last moved.
    pub changed: BTreeMap<Key, Us>,
}

impl Truth {
    /// A service was made, changed or removed.
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
        let wanted = entry.zip(first).map(|(entry, service)| {
            let spec = serde_json::to_value(&entry.spec).unwrap_or_default();
            Wanted { endpoints: addresses(&spec), spec, service }
        });
        let state = match &wanted {
            None => State::Unwanted,
            Some(wanted) if wanted.endpoints.is_empty() => State::Empty,
            Some(_) => State::Full,
        };
        let history = self.history.entry(key.clone()).or_insert_with(|| vec![(0, State::Unwanted)]);
        if history.last().is_none_or(|(_, last)| *last != state) {
            history.push((now, state));
        }
        if self.wanted.get(key).map(|w| &w.spec) != wanted.as_ref().map(|w| &w.spec) {
            self.changed.insert(key.clone(), now);
        }
        let before = self.endpoints.remove(key).unwrap_or_default();
        let addresses = wanted.iter().flat_map(|wanted| wanted.endpoints.iter().cloned());
        let since = addresses.map(|address| {
            let since = before.get(&address).copied().unwrap_or(now);
            (address, since)
        });
        self.endpoints.insert(key.clone(), since.collect());
        let locations = self.locations.entry(key.clone()).or_default();
        if let Some((until, _)) = locations.last_mut() {
            *until = now;
        }
        let location = wanted.as_ref().and_then(|wanted| wanted.spec.get("location"));
        if wanted.is_some() {
            locations.push((Us::MAX, location.cloned().unwrap_or_default()));
        }
        match wanted {
            Some(wanted) => drop(self.wanted.insert(key.clone(), wanted)),
            None => drop(self.wanted.remove(key)),
        }
    }

    /// Since when an endpoint has been wanted without a break. None, where it may still go: it is
    /// not wanted, or its service may not be the one that has the entry.
    pub fn wanted_since(&self, key: &Key, address: &str) -> Option<Us> {
        let decided = !self.contested.contains(key) || self.options.conflicts == Conflicts::Merge;
        self.endpoints.get(key)?.get(address).copied().filter(|_| decided)
    }

    /// Whether an entry has been wanted with this location since then.
    pub fn had_location(&self, key: &Key, location: &Value, since: Us) -> bool {
        let all = self.locations.get(key).into_iter().flatten();
        self.contested.contains(key)
            || all.into_iter().any(|(until, had)| *until >= since && had == location)
    }

    /// For how long an entry's state was last one of `states`, within `from` to `now`: from the
    /// first to the last such moment, where what lies between may have been another state for as
    /// long as an operator can miss.
    pub fn span(&self, key: &Key, states: &[State], from: Us, now: Us) -> Option<Us> {
        let Some(history) = self.history.get(key) else {
            return states.contains(&State::Unwanted).then_some(now - from);
        };
        let ends = history.iter().skip(1).map(|(at, _)| *at).chain([now]);
        let spans = history
            .iter()
            .zip(ends)
            .filter(|((at, state), _)| states.contains(state) && *at <= now)
            // A moment counts: the list of a namespace that was made anew shows it from then on.
            .filter(|((at, _), end)| *end > from.max(*at) || *at > from && end == at);
        let spans = spans.map(|((at, _), end)| ((*at).max(from), end.min(now)));
        let joined = spans.fold(None, |joined: Option<(Us, Us)>, (at, end)| match joined {
            Some((first, last)) if at <= last + MISSED => Some((first, end)),
            _ => Some((at, end)),
        });
        joined.map(|(first, last)| last - first)
    }
}
