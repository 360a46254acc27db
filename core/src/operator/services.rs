//! Services: their revisions, their instances, and the entries that they want.

use std::sync::Arc;

use super::attempts::Scope as Subject;
use super::entries::WaitFor;
use super::inventory::{Emptiness, ServiceState, Wanted, WantedEntry};
use super::queue::{Pending, ReadKey};
use super::{
    Desired, Effect, EntryKey, InstancesRead, Operator, ReadError, ReadId, Scope, ServiceId, Time,
};
use crate::cloud_map::Record;
use crate::diagnostic::Diagnostic;
use crate::translate::{Conflicts, LastKnown, Outcome, Translation, Translator};

impl Operator {
    pub(super) fn revision(&mut self, read: ReadId, result: Result<i64, ReadError>, now: Time) {
        let Some(pending) = self.complete_data(read) else { return };
        let ReadKey::Service(id) = &pending.key else { return };
        let Ok(revision) = result else { return self.service_read(id, result.err().as_ref(), now) };
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        if state.change_token == Some(revision) {
            return self.service_read(id, None, now);
        }
        state.moved = Some(now);
        state.discover = true;
        // It has had its turn, and goes on with it before whatever else is due.
        self.data(&id.source)
            .into_iter()
            .for_each(|data| data.plan(pending.key.clone(), Time::ZERO));
    }

    pub(super) fn instances(
        &mut self,
        read: ReadId,
        result: Result<InstancesRead, ReadError>,
        now: Time,
    ) {
        let Some(pending) = self.complete_data(read) else { return };
        let Pending { key: ReadKey::Service(id), asked } = &pending else { return };
        match result {
            Err(error) => self.service_read(id, Some(&error), now),
            Ok(read) => {
                if let Some(state) = self.inventory.services.get_mut(id) {
                    state.discover = state.info.has_health_check() || read.change_token.is_none();
                    let moved = state.change_token != read.change_token;
                    state.change_token = read.change_token;
                    state.known_since.get_or_insert(now);
                    self.translate(id, read, *asked, moved, now);
                }
                self.service_read(id, None, now);
            }
        }
    }

    /// A read of a service is over: records how it went, and plans the next one.
    fn service_read(&mut self, id: &ServiceId, error: Option<&ReadError>, now: Time) {
        let Some(source) = self.inventory.sources.get_mut(&id.source) else { return };
        let Some(namespace) = source.namespaces.get_mut(&id.namespace) else { return };
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        let first = !state.attempts.tried;
        let subject = Subject {
            source: &id.source,
            namespace: &namespace.info.name,
            service: &state.info.name,
        };
        let (interval, longest) = (self.config.interval, source.config.catalogue_interval);
        let report = state.attempts.record(error, &mut source.outage, &subject, now, interval);
        self.effects.extend(report);
        let is_first_pass = std::mem::take(&mut state.is_first_pass);
        namespace.untried = namespace.untried.saturating_sub(usize::from(is_first_pass));
        let completes = is_first_pass && namespace.is_complete();
        let next = match error {
            Some(_) => self
                .config
                .tries_again(state.attempts.failures)
                .then(|| now + state.attempts.pause(interval, longest)),
            None => (!self.config.once).then(|| now + state.pause(&self.config, now)),
        };
        // An empty answer is believed when a second one says the same; that one asks for the
        // instances, not for the revision.
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
        let Some(planes) = self.planes.get_mut(&source.config.quota) else { return };
        if error.is_some_and(|error| error.failure.strikes_all()) {
            planes.data.throttle(now);
        }
        if let Some(at) = next.into_iter().chain(confirm).min() {
            planes.data.plan(ReadKey::Service(id.clone()), at);
        }
        if first {
            let key = state.key.clone();
            // Only the last one that was missing: all that waits for the namespace is looked at
            // then.
            if completes {
                self.namespace_moved(&id.source, &id.namespace, now);
            }
            // Whoever is ranked behind it may have waited for it to be tried.
            if let Some(key) = &key {
                self.entries.mark(key, now);
            }
        }
    }

    /// Translates what was read, and records what is wanted.
    fn translate(
        &mut self,
        id: &ServiceId,
        read: InstancesRead,
        asked: Time,
        moved: bool,
        now: Time,
    ) {
        let Some(record) = self.record(id, read) else { return };
        let Some(source) = self.inventory.sources.get(&id.source) else { return };
        let Some(state) = self.inventory.services.get(id) else { return };
        let last = state.key.as_ref().and_then(|key| self.last_known(key));
        let translator =
            Translator::new(&source.options).with_transform(self.config.transform.as_deref());
        let Translation { outcome, diagnostics } = translator.translate(&[&record], last);
        let target_namespace = &source.config.target_namespace;
        let wanted = match outcome {
            // What was last applied stays.
            Outcome::Failed => None,
            Outcome::Excluded => Some(Wanted::Excluded),
            Outcome::Empty => Some(Wanted::Omitted),
            Outcome::Entry(entry) => {
                let scope =
                    Scope { source: id.source.to_string(), namespace: id.namespace.to_string() };
                let desired = Desired::of(&entry, scope, target_namespace);
                serde_json::to_string(&entry)
                    .ok()
                    .map(|json| Wanted::Entry(Arc::new(WantedEntry { desired, json: json.into() })))
            }
        };
        self.report_changed(id, diagnostics);
        let shared =
            |key: &EntryKey| self.entries.get(key).is_some_and(|entry| entry.claims.len() > 1);
        let keep = self.merges()
            && self
                .inventory
                .services
                .get(id)
                .and_then(|state| state.key.as_ref())
                .is_some_and(shared);
        if let Some(state) = self.inventory.services.get_mut(id) {
            state.record = keep.then(|| Box::new(record));
        }
        if let Some(wanted) = wanted {
            self.want(id, wanted, asked, moved, now);
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
        })
    }

    fn last_known(&self, key: &EntryKey) -> Option<&LastKnown> {
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

    fn want(&mut self, id: &ServiceId, wanted: Wanted, asked: Time, moved: bool, now: Time) {
        let grace = self.config.empty_grace;
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        let key = match &wanted {
            Wanted::Entry(entry) => Some(entry.desired.key.clone()),
            Wanted::Omitted => state.key.clone(),
            Wanted::Excluded | Wanted::Unknown => None,
        };
        let emptiness = match state.emptiness {
            _ if !wanted.is_empty() => Emptiness::No,
            Emptiness::No => Emptiness::Since(now),
            Emptiness::Since(since) if asked >= since + grace => Emptiness::Confirmed,
            // What it answers is new, so that it is confirmed anew: a lagging answer would
            // otherwise never be asked for again.
            Emptiness::Confirmed if moved => Emptiness::Since(now),
            known => known,
        };
        let confirmed = emptiness == Emptiness::Confirmed && state.emptiness != emptiness;
        state.emptiness = emptiness;
        let first = state.wanted == Wanted::Unknown;
        let changed = state.wanted != wanted;
        if changed && !first {
            state.moved = Some(now);
        }
        state.wanted = wanted;
        let before = std::mem::replace(&mut state.key, key.clone());
        if let Some(before) = before.as_ref().filter(|_| before != key) {
            self.entries.unclaim(before, id, now);
        }
        match &key {
            Some(key) if before.as_ref() != Some(key) => self.entries.claim(key, id, now),
            Some(key) if changed => self.entries.mark_wanted(key, now),
            Some(key) if confirmed => self.entries.mark(key, now),
            _ => {}
        }
        if first || confirmed {
            self.entries.wake(&WaitFor::Service(id.clone()), now);
        }
    }

    pub(super) fn merges(&self) -> bool {
        self.config.translate.conflicts == Conflicts::Merge
    }

    /// The one entry of all services that claim it. None, where one of them has to be read first.
    pub(super) fn merge(&mut self, key: &EntryKey, now: Time) -> Option<Arc<WantedEntry>> {
        let entry = self.entries.get(key)?;
        if let Some(merged) = &entry.merged {
            return Some(merged.clone());
        }
        let known = |id: &&ServiceId| {
            self.inventory
                .services
                .get(*id)
                .is_some_and(|state| !matches!(state.wanted, Wanted::Unknown | Wanted::Excluded))
        };
        let claims: Vec<ServiceId> = entry.claims.iter().filter(known).cloned().collect();
        let unread: Vec<&ServiceId> = claims
            .iter()
            .filter(|id| {
                self.inventory.services.get(*id).is_some_and(|state| state.record.is_none())
            })
            .collect();
        if !unread.is_empty() {
            for id in unread {
                if let Some(state) = self.inventory.services.get_mut(id) {
                    state.discover = true;
                }
                self.data(&id.source)
                    .into_iter()
                    .for_each(|data| data.expedite(ReadKey::Service(id.clone()), now));
            }
            return None;
        }
        let records: Vec<&Record> = claims
            .iter()
            .filter_map(|id| self.inventory.services.get(id)?.record.as_deref())
            .collect();
        let first = claims.first()?;
        let source = self.inventory.sources.get(&first.source)?;
        let translator =
            Translator::new(&source.options).with_transform(self.config.transform.as_deref());
        let Outcome::Entry(merged) = translator.translate(&records, self.last_known(key)).outcome
        else {
            return None;
        };
        let scope =
            Scope { source: first.source.to_string(), namespace: first.namespace.to_string() };
        let desired = Desired::of(&merged, scope, &source.config.target_namespace);
        let json = serde_json::to_string(&merged).ok()?;
        let merged = Arc::new(WantedEntry { desired, json: json.into() });
        if let Some(entry) = self.entries.get_mut(key) {
            entry.merged = Some(merged.clone());
        }
        Some(merged)
    }

    pub(super) fn service(&self, id: &ServiceId) -> Option<&ServiceState> {
        self.inventory.services.get(id)
    }
}
