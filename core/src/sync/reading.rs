//! Services: their revisions, their instances, and what to ask next.

use super::attempts::Subject;
use super::lane::Read;
use super::registry::{ServiceState, Wanted, WantedEntry};
use super::{Effect, InstancesRead, ReadError, ReadFailure, ServiceId, Sync, Time};
use crate::cloud_map::Record;
use crate::plan::{Desired, Scope};
use crate::translate::{Outcome, Translation, translate_through};

impl Sync {
    pub(super) fn revision(&mut self, id: &ServiceId, result: Result<i64, ReadError>, now: Time) {
        let Ok(revision) = result else { return self.service_read(id, result.err().as_ref(), now) };
        let Some(state) = self.registry.services.get_mut(id) else { return };
        if state.marker == Some(revision) {
            return self.service_read(id, None, now);
        }
        state.discover = true;
        let Some(source) = self.registry.sources.get_mut(&id.source) else { return };
        if source.data.done(&Read::Service(id.clone())) {
            // It has had its turn, and goes on with it before whatever else is due.
            source.data.plan(Read::Service(id.clone()), Time::ZERO);
        }
    }

    pub(super) fn instances(&mut self, id: &ServiceId, result: Result<InstancesRead, ReadError>, now: Time) {
        match result {
            Err(error) => self.service_read(id, Some(&error), now),
            Ok(read) => {
                if let Some(state) = self.registry.services.get_mut(id) {
                    state.discover = state.info.has_health_check() || read.marker.is_none();
                    state.marker = read.marker;
                    self.translated(id, read, now);
                }
                self.service_read(id, None, now);
            }
        }
    }

    /// A read of a service is over: notes how it went, and plans the next one.
    fn service_read(&mut self, id: &ServiceId, error: Option<&ReadError>, now: Time) {
        let Some(source) = self.registry.sources.get_mut(&id.source) else { return };
        let read = Read::Service(id.clone());
        if !source.data.done(&read) {
            return;
        }
        if error.is_some_and(|e| e.failure == ReadFailure::Throttled) {
            source.data.budget().throttle(now);
        }
        let Some(state) = self.registry.services.get_mut(id) else { return };
        let Some(namespace) = source.namespaces.get_mut(&id.namespace) else { return };
        let first = !state.attempts.tried;
        namespace.untried -= usize::from(first && namespace.untried > 0);
        let subject = Subject { source: &id.source, namespace: &namespace.info.name, service: &state.info.name };
        let report = state.attempts.note(error, &mut source.trouble, &subject, now, self.config.interval);
        self.effects.extend(report);
        let next = match error {
            Some(_) => self.config.tries_again(state.attempts.failures).then(|| now + state.attempts.pause(self.config.interval)),
            None => (!self.config.once).then(|| now + self.config.interval),
        };
        // An empty answer is believed when a second one says the same; that one asks for the instances, not for the revision.
        let matters = !self.config.once || self.entries.has_endpoints(state.key.as_ref());
        let confirm = state.empty_since.filter(|_| error.is_none() && !state.empty_confirmed && matters);
        let confirm = confirm.map(|since| since + self.config.empty_grace);
        state.discover |= confirm.is_some();
        if let Some(at) = next.into_iter().chain(confirm).min() {
            source.data.plan(read, at);
        }
        if first {
            self.unblock();
        }
    }

    /// Translates what was read, and remembers what is wanted.
    fn translated(&mut self, id: &ServiceId, read: InstancesRead, now: Time) {
        let Some(source) = self.registry.sources.get(&id.source) else { return };
        let Some(namespace) = source.namespaces.get(&id.namespace) else { return };
        let Some(state) = self.registry.services.get_mut(id) else { return };
        let record = Record {
            source: id.source.to_string(),
            region: read.region.or_else(|| source.config.region.clone()),
            namespace: (*namespace.info).clone(),
            service: (*state.info).clone(),
            service_attributes: read.service_attributes,
            tags: read.tags,
            instances: read.instances,
            instances_revision: read.revision,
        };
        let Some(options) = self.options.get(&id.source) else { return };
        let Translation { outcome, diagnostics } = translate_through(&record, options, self.config.transform.as_deref());
        if state.diagnostics != diagnostics {
            self.effects.extend(diagnostics.iter().cloned().map(Effect::Report));
            state.diagnostics = diagnostics;
        }
        let wanted = match outcome {
            // What was last applied stays.
            Outcome::Failed => return,
            Outcome::Excluded => Wanted::Excluded,
            Outcome::Empty => Wanted::Omitted,
            Outcome::Entry(entry) => {
                let scope = Scope { source: id.source.to_string(), namespace: id.namespace.to_string() };
                let desired = Desired::of(&entry, scope, &source.config.target_namespace);
                let Ok(json) = serde_json::to_string(&entry) else { return };
                Wanted::Entry(Box::new(WantedEntry { desired, json: json.into() }))
            }
        };
        self.want(id, wanted, now);
    }

    fn want(&mut self, id: &ServiceId, wanted: Wanted, now: Time) {
        let Some(state) = self.registry.services.get_mut(id) else { return };
        let (key, empty) = match &wanted {
            Wanted::Entry(entry) => (Some(entry.desired.key.clone()), entry.desired.endpoints.is_empty()),
            Wanted::Omitted => (state.key.clone(), true),
            Wanted::Excluded | Wanted::Held => (None, false),
        };
        if state.wanted != wanted {
            // What was rejected may be accepted now.
            self.entries.forget_rejection(key.as_ref());
        }
        let newly_empty = empty && state.empty_since.is_none();
        state.empty_since = empty.then(|| state.empty_since.unwrap_or(now));
        state.empty_confirmed = false;
        state.confirm_empty(now, self.config.empty_grace);
        let read_at_last = state.wanted == Wanted::Held && state.attempts.failures > 0;
        state.wanted = wanted;
        let before = std::mem::replace(&mut state.key, key.clone());
        if before != key
            && let Some(before) = before
        {
            self.entries.unclaim(&before, id);
        }
        if let Some(key) = &key {
            self.entries.claim(key, id);
        }
        if read_at_last {
            self.entries.mark_unclaimed();
        }
        // A service that is gone answers empty, too; only the list of services tells which it is.
        if newly_empty
            && !self.config.once
            && let Some(source) = self.registry.sources.get_mut(&id.source)
        {
            source.lists.hurry(Read::Services(id.namespace.clone()), now);
        }
    }

    /// Asks for whatever is due and affordable.
    pub(super) fn ask(&mut self, now: Time) {
        for (name, source) in &mut self.registry.sources {
            while let Some(read) = source.lists.next(now) {
                let effect = match &read {
                    Read::Services(key) => {
                        let namespace = source.namespaces.get(key).map(|n| n.info.clone());
                        namespace.map(|namespace| Effect::ListServices { source: name.clone(), namespace })
                    }
                    Read::Namespaces | Read::Service(_) => Some(Effect::ListNamespaces { source: name.clone() }),
                };
                self.effects.extend(effect);
            }
            while let Some(Read::Service(id)) = source.data.next(now) {
                let Some(namespace) = source.namespaces.get(&id.namespace).map(|n| n.info.clone()) else { continue };
                let Some(ServiceState { info, discover, .. }) = self.registry.services.get(&id) else { continue };
                let service = info.clone();
                self.effects.push(if *discover {
                    Effect::Discover { id, namespace, service }
                } else {
                    Effect::AskRevision { id, namespace, service }
                });
            }
        }
    }
}
