//! What the cluster should hold, at any time of the past.

use std::collections::{BTreeMap, BTreeSet};

use istio_cloud_map_core::cloud_map::{Namespace, Record, Service};
use istio_cloud_map_core::translate::{self, Translator, expected_host_and_name};
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
        let record = cloud.record(service);
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
        let records: Vec<Record> = claims.filter_map(|service| cloud.record(service)).collect();
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
        match wanted {
            Some(wanted) => drop(self.wanted.insert(key.clone(), wanted)),
            None => drop(self.wanted.remove(key)),
        }
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
            .filter(|((at, state), end)| states.contains(state) && *end > from.max(*at));
        let spans = spans.map(|((at, _), end)| ((*at).max(from), end.min(now)));
        let joined = spans.fold(None, |joined: Option<(Us, Us)>, (at, end)| match joined {
            Some((first, last)) if at <= last + MISSED => Some((first, end)),
            _ => Some((at, end)),
        });
        joined.map(|(first, last)| last - first)
    }
}
