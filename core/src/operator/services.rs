//! Services: their hints, revisions and instances, and their desired entries.

use std::sync::Arc;

use super::entry::WaitFor;
use super::inventory::{DesiredEntry, DesiredState, Emptiness, ServiceState};
use super::queue::{Pending, ReadKey};
use super::report::DiagnosticScope;
use super::{
    Effect, EntryKey, InstanceCounts, InstancesRead, Operator, ReadError, ReadFailure, ReadId,
    ServiceId, Time,
};
use crate::cloud_map::{Record, Tag};
use crate::diagnostic::Diagnostic;
use crate::sorted::SortedMap;
use crate::translate::{LastKnown, Outcome, Translation, Translator};

/// What a service is configured with in Cloud Map, beside its instances.
pub(super) enum Hint {
    Attributes(SortedMap<String, String>),
    Tags(Vec<Tag>),
}

impl Operator {
    pub(super) fn hint(&mut self, read: ReadId, result: Result<Hint, ReadError>, now: Time) {
        let Some(pending) = self.complete(read) else { return };
        let (ReadKey::Attributes(id) | ReadKey::Tags(id)) = &pending.key else { return };
        let Some(source) = self.inventory.sources.get_mut(&id.source) else { return };
        let Some(namespace) = source.namespaces.get(&id.namespace) else { return };
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        let scope = DiagnosticScope {
            source: &id.source,
            namespace: &namespace.info.name,
            service: &state.info.name,
        };
        let (interval, longest) = (self.config.interval, source.config.catalogue_interval);
        let attempts = &mut state.hints.attempts;
        let error = result.as_ref().err();
        let report = attempts.record(error, &mut source.outage, &scope, now, interval);
        self.effects.extend(report);
        let failures = attempts.failures;
        let retry_at = now + attempts.pause(interval, longest);
        let before = (state.hints.attributes.clone(), state.hints.tags.clone());
        let error = match result {
            Ok(Hint::Attributes(attributes)) => {
                state.hints.attributes = Some(attributes);
                None
            }
            Ok(Hint::Tags(tags)) => {
                state.hints.tags = Some(tags);
                None
            }
            Err(error) => {
                let exists = state
                    .key
                    .as_ref()
                    .and_then(|key| self.entries.get(key))
                    .is_some_and(|entry| entry.observed.is_some());
                // Without the permission to read hints, a service does without; but an entry that
                // exists may have been made with them.
                if error.failure == ReadFailure::AccessDenied && !exists {
                    match pending.key {
                        ReadKey::Attributes(_) => {
                            state.hints.attributes.get_or_insert_default();
                        }
                        _ => drop(state.hints.tags.get_or_insert_default()),
                    }
                }
                Some(error)
            }
        };
        let complete = (state.hints.attributes.is_some() || !source.config.read_service_attributes)
            && (state.hints.tags.is_some() || !source.config.read_tags);
        let changed = before != (state.hints.attributes.clone(), state.hints.tags.clone());
        state.discover |= changed;
        let id = id.clone();
        match error {
            Some(error) => self.retry(pending.key, &error, failures, retry_at, now),
            None if self.config.once => {}
            None => self.plan(pending.key, now + longest),
        }
        if changed && complete {
            self.expedite(ReadKey::Service(id), now);
        }
    }

    pub(super) fn revision(&mut self, read: ReadId, result: Result<i64, ReadError>, now: Time) {
        let Some(pending) = self.complete(read) else { return };
        let ReadKey::Service(id) = &pending.key else { return };
        let Ok(revision) = result else { return self.service_read(id, result.err().as_ref(), now) };
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        if state.change_token == Some(revision) {
            return self.service_read(id, None, now);
        }
        state.changed_at = Some(now);
        state.discover = true;
        // It has had its turn, and its instances are read before anything else that is due.
        self.plan(pending.key, Time::ZERO);
    }

    pub(super) fn instances(
        &mut self,
        read: ReadId,
        result: Result<InstancesRead, ReadError>,
        now: Time,
    ) {
        let Some(pending) = self.complete(read) else { return };
        let Pending { key: ReadKey::Service(id), sent_at } = &pending else { return };
        match result {
            Err(error) => self.service_read(id, Some(&error), now),
            Ok(read) => {
                if let Some(state) = self.inventory.services.get_mut(id) {
                    state.discover = state.info.has_health_check() || read.change_token.is_none();
                    let changed = state.change_token != read.change_token;
                    state.change_token = read.change_token;
                    state.first_read.get_or_insert(now);
                    self.translate(id, read, *sent_at, changed, now);
                }
                self.service_read(id, None, now);
            }
        }
    }

    /// A read of a service has ended: records the attempt, and plans the next one.
    fn service_read(&mut self, id: &ServiceId, error: Option<&ReadError>, now: Time) {
        let Some(source) = self.inventory.sources.get_mut(&id.source) else { return };
        let Some(namespace) = source.namespaces.get_mut(&id.namespace) else { return };
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        let first = !state.attempts.tried;
        let scope = DiagnosticScope {
            source: &id.source,
            namespace: &namespace.info.name,
            service: &state.info.name,
        };
        let (interval, longest) = (self.config.interval, source.config.catalogue_interval);
        let report = state.attempts.record(error, &mut source.outage, &scope, now, interval);
        self.effects.extend(report);
        let is_first_pass = std::mem::take(&mut state.is_first_pass);
        namespace.untried = namespace.untried.saturating_sub(usize::from(is_first_pass));
        let completes = is_first_pass && namespace.is_complete();
        let failures = state.attempts.failures;
        let retry_at = now + state.attempts.pause(interval, longest);
        let next = (!self.config.once).then(|| now + state.pause(&self.config, now));
        // An empty answer counts when a second one confirms it; that one reads the instances, not
        // the revision.
        let observed = state
            .key
            .as_ref()
            .and_then(|key| self.entries.get(key))
            .and_then(|entry| entry.observed.as_ref());
        let matters =
            !self.config.once || observed.is_some_and(|entry| !entry.endpoints.is_empty());
        let confirm = match state.emptiness {
            Emptiness::Since(since) if error.is_none() && matters => {
                Some(since + self.config.empty_grace)
            }
            _ => None,
        };
        state.discover |= confirm.is_some();
        let entry = state.key.clone();
        let key = ReadKey::Service(id.clone());
        if let Some(error) = error {
            self.retry(key, error, failures, retry_at, now);
        } else if let Some(at) = next.into_iter().chain(confirm).min() {
            self.plan(key, at);
        }
        if first {
            // Only for the last service of the first list: all that waits for the namespace is
            // decided then.
            if completes {
                self.namespace_advanced(&id.source, &id.namespace, now);
            }
            // The services that rank behind it may have waited for its first attempt.
            if let Some(key) = &entry {
                self.entries.mark(key, now);
            }
        }
    }

    /// Translates what was read, and records the desired entry.
    fn translate(
        &mut self,
        id: &ServiceId,
        read: InstancesRead,
        sent_at: Time,
        changed: bool,
        now: Time,
    ) {
        let Some(record) = self.record(id, read) else { return };
        let Some(source) = self.inventory.sources.get(&id.source) else { return };
        let Some(state) = self.inventory.services.get(id) else { return };
        let last = state.key.as_ref().and_then(|key| self.last_known(key));
        let translator =
            Translator::new(&source.options).with_transform(self.config.transform.as_deref());
        let Translation { outcome, diagnostics } = translator.translate(&[&record], last);
        let desired = match outcome {
            // The last desired entry stays.
            Outcome::Failed => None,
            Outcome::Excluded => Some(DesiredState::Excluded),
            Outcome::Empty => Some(DesiredState::Omitted),
            Outcome::Entry(entry) => {
                DesiredEntry::from_entry(&entry, id, &source.config.target_namespace)
                    .map(|entry| DesiredState::Entry(Arc::new(entry)))
            }
        };
        self.report_changed(id, diagnostics);
        let counts = InstanceCounts::from_instances(&record.instances);
        let is_shared =
            |key: &EntryKey| self.entries.get(key).is_some_and(|entry| entry.claims.len() > 1);
        let is_merged =
            self.merges() && self.service(id).and_then(|s| s.key.as_ref()).is_some_and(is_shared);
        let mut awaited = None;
        if let Some(state) = self.inventory.services.get_mut(id) {
            state.instances = Some(counts);
            let before = std::mem::replace(&mut state.record, is_merged.then(|| Box::new(record)));
            awaited = state.key.clone().filter(|_| is_merged && before.is_none());
        }
        if let Some(desired) = desired {
            self.set_desired(id, desired, sent_at, changed, now);
        }
        // The merge waited for the record, even if what the service needs has not changed.
        if let Some(key) = awaited {
            self.entries.mark_desired(&key, now);
        }
    }

    fn record(&self, id: &ServiceId, read: InstancesRead) -> Option<Record> {
        let source = self.inventory.sources.get(&id.source)?;
        let namespace = source.namespaces.get(&id.namespace)?;
        let state = self.inventory.services.get(id)?;
        Some(Record {
            source: id.source.to_string(),
            region: read.region.or_else(|| source.config.region.clone()),
            namespace: (*namespace.info).clone(),
            service: (*state.info).clone(),
            service_attributes: state.hints.attributes.clone().unwrap_or_default(),
            tags: state.hints.tags.clone().unwrap_or_default(),
            instances: read.instances,
            instances_revision: read.revision,
            zones: read.zones.or_else(|| source.config.zones_of(&namespace.info)),
        })
    }

    pub(super) fn last_known(&self, key: &EntryKey) -> Option<&LastKnown> {
        self.entries.get(key)?.observed.as_ref()?.last_known.as_deref()
    }

    /// Reports the diagnostics that are new.
    fn report_changed(&mut self, id: &ServiceId, diagnostics: Vec<Diagnostic>) {
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        if state.diagnostics != diagnostics {
            // Both are sorted.
            let new = diagnostics
                .iter()
                .filter(|diagnostic| state.diagnostics.binary_search(diagnostic).is_err());
            self.effects.extend(new.cloned().map(Effect::Report));
            state.diagnostics = diagnostics;
        }
    }

    fn set_desired(
        &mut self,
        id: &ServiceId,
        desired: DesiredState,
        sent_at: Time,
        revised: bool,
        now: Time,
    ) {
        let grace = self.config.empty_grace;
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        let key = match &desired {
            DesiredState::Entry(entry) => Some(entry.desired.key.clone()),
            DesiredState::Omitted => state.key.clone(),
            DesiredState::Excluded | DesiredState::Unknown => None,
        };
        let emptiness = match state.emptiness {
            _ if !desired.is_empty() => Emptiness::No,
            Emptiness::No => Emptiness::Since(now),
            Emptiness::Since(since) if sent_at >= since + grace => Emptiness::Confirmed,
            // A new answer is confirmed again: a lagging one would otherwise never be read again.
            Emptiness::Confirmed if revised => Emptiness::Since(now),
            unchanged => unchanged,
        };
        let confirmed = emptiness == Emptiness::Confirmed && state.emptiness != emptiness;
        state.emptiness = emptiness;
        let first = state.desired == DesiredState::Unknown;
        let changed = state.desired != desired;
        if changed && !first {
            state.changed_at = Some(now);
        }
        state.desired = desired;
        let before = std::mem::replace(&mut state.key, key.clone());
        if let Some(before) = before.as_ref().filter(|_| before != key) {
            self.entries.unclaim(before, id, now);
        }
        match &key {
            Some(key) if before.as_ref() != Some(key) => self.entries.claim(key, id, now),
            Some(key) if changed => self.entries.mark_desired(key, now),
            Some(key) if confirmed => self.entries.mark(key, now),
            _ => {}
        }
        if first || confirmed {
            self.entries.wake(&WaitFor::Service(id.clone()), now);
        }
    }

    pub(super) fn service(&self, id: &ServiceId) -> Option<&ServiceState> {
        self.inventory.services.get(id).map(Box::as_ref)
    }
}
