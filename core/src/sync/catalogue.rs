//! The catalogue: which namespaces and services there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attempts::{Attempts, Subject};
use super::lane::Read;
use super::registry::{NamespaceState, ServiceState};
use super::{ReadError, ReadFailure, ServiceId, Sync, Time};
use crate::cloud_map::{Namespace, Service};
use crate::diagnostic::{Code, Severity};
use crate::plan::EntryKey;
use crate::translate::expected_host_and_name;

impl Sync {
    pub(super) fn namespaces_listed(&mut self, name: &Arc<str>, calls: u32, result: Result<Vec<Namespace>, ReadError>, now: Time) {
        let Some(source) = self.registry.sources.get_mut(name) else { return };
        source.lists.done(&Read::Namespaces);
        source.lists.budget().charge(calls.saturating_sub(1));
        let error = result.as_ref().err();
        if error.is_some_and(|e| e.failure == ReadFailure::Throttled) {
            source.lists.budget().throttle(now);
        }
        let subject = Subject { source: name, namespace: "", service: "" };
        let report = source.attempts.note(error, &mut source.trouble, &subject, now, self.config.interval);
        self.effects.extend(report);
        let next = match error {
            None => (!self.config.once).then_some(source.config.catalogue_interval),
            Some(_) => self.config.tries_again(source.attempts.failures).then(|| source.attempts.pause(self.config.interval)),
        };
        if let Some(pause) = next {
            source.lists.plan(Read::Namespaces, now + pause);
        }
        if let Ok(listed) = result {
            self.merge_namespaces(name, listed, now);
        }
        self.unblock();
    }

    fn merge_namespaces(&mut self, name: &Arc<str>, listed: Vec<Namespace>, now: Time) {
        let listed: BTreeMap<Arc<str>, Namespace> = listed.into_iter().map(|namespace| (Arc::from(namespace.key()), namespace)).collect();
        let Some(source) = self.registry.sources.get_mut(name) else { return };
        let gone: Vec<Arc<str>> = source.namespaces.keys().filter(|key| !listed.contains_key(*key)).cloned().collect();
        for (key, namespace) in listed {
            let info = Arc::new(namespace);
            let new = || NamespaceState { info: info.clone(), attempts: Attempts::default(), untried: 0, left_out: 0 };
            source.namespaces.entry(key.clone()).or_insert_with(new).info = info.clone();
            // The two lists belong together: services are listed right after the namespaces.
            source.lists.hurry(Read::Services(key), now);
        }
        for namespace in gone {
            for id in self.registry.services_of(name, &namespace) {
                self.drop_service(&id);
            }
            let Some(source) = self.registry.sources.get_mut(name) else { return };
            source.namespaces.remove(&namespace);
            source.lists.forget(&Read::Services(namespace));
        }
    }

    pub(super) fn services_listed(
        &mut self,
        source: &Arc<str>,
        namespace: &Arc<str>,
        calls: u32,
        result: Result<Vec<Service>, ReadError>,
        now: Time,
    ) {
        let Some(state) = self.registry.sources.get_mut(source) else { return };
        let read = Read::Services(namespace.clone());
        if !state.lists.done(&read) {
            return;
        }
        state.lists.budget().charge(calls.saturating_sub(1));
        let error = result.as_ref().err();
        if error.is_some_and(|e| e.failure == ReadFailure::Throttled) {
            state.lists.budget().throttle(now);
        }
        let Some(known) = state.namespaces.get_mut(namespace) else { return };
        let info = known.info.clone();
        let subject = Subject { source, namespace: &info.name, service: "" };
        let report = known.attempts.note(error, &mut state.trouble, &subject, now, self.config.interval);
        self.effects.extend(report);
        // A list that succeeded is planned anew by the next list of namespaces.
        if error.is_some() && self.config.tries_again(known.attempts.failures) {
            state.lists.plan(read, now + known.attempts.pause(self.config.interval));
        }
        if let Ok(listed) = result {
            self.merge_services(source, &info, listed, now);
        }
        self.unblock();
    }

    fn merge_services(&mut self, source: &Arc<str>, namespace: &Arc<Namespace>, listed: Vec<Service>, now: Time) {
        let Some(options) = self.options.get(source) else { return };
        let namespace_key: Arc<str> = namespace.key().into();
        let mut services: BTreeMap<ServiceId, (Service, Option<EntryKey>)> = BTreeMap::new();
        let mut left_out = 0;
        for service in listed {
            let name = match expected_host_and_name(source, namespace, &service, options) {
                // Left out by its name alone, and so never asked for anything.
                Ok(None) => {
                    left_out += 1;
                    continue;
                }
                Ok(Some((_, name))) => Some(name),
                // The translation says what is wrong with it.
                Err(_) => None,
            };
            let target = options.target_namespace.clone().unwrap_or_default();
            let key = name.map(|name| EntryKey { namespace: target, name });
            let id = ServiceId { source: source.clone(), namespace: namespace_key.clone(), service: service.key().into() };
            services.insert(id, (service, key));
        }
        self.count_left_out(source, namespace, left_out);
        for id in self.registry.services_of(source, &namespace_key) {
            if !services.contains_key(&id) {
                self.drop_service(&id);
            }
        }
        for (id, (service, key)) in services {
            let Some(known) = self.registry.services.get_mut(&id) else {
                self.add_service(id, service, key, now);
                continue;
            };
            if *known.info != service {
                known.info = Arc::new(service);
                known.discover = true;
                if let Some(source) = self.registry.sources.get_mut(source) {
                    source.data.hurry(Read::Service(id), now);
                }
            }
        }
    }

    /// Tells how many services are left out by their names, when that has changed: one line, not one a service.
    fn count_left_out(&mut self, source: &Arc<str>, namespace: &Namespace, left_out: usize) {
        let Some(state) = self.registry.sources.get_mut(source).and_then(|s| s.namespaces.get_mut(namespace.key())) else { return };
        if std::mem::replace(&mut state.left_out, left_out) == left_out || left_out == 0 {
            return;
        }
        let subject = Subject { source, namespace: &namespace.name, service: "" };
        let message =
            format!("services left out by their names: {left_out} (bookkeeping of ECS Service Connect, or excluded by an override)");
        self.effects.push(subject.report(Severity::Info, Code::Excluded, message));
    }

    /// Takes a service in. It claims its entry at once, before its instances are known, so that whoever is ranked first has it from the start.
    fn add_service(&mut self, id: ServiceId, service: Service, key: Option<EntryKey>, now: Time) {
        let Some(source) = self.registry.sources.get_mut(&id.source) else { return };
        source.data.plan(Read::Service(id.clone()), now);
        if let Some(namespace) = source.namespaces.get_mut(&id.namespace) {
            namespace.untried += 1;
        }
        if let Some(key) = &key {
            self.entries.claim(key, &id);
        }
        self.registry.services.insert(id, ServiceState::new(service, key));
    }

    fn drop_service(&mut self, id: &ServiceId) {
        let Some(state) = self.registry.services.remove(id) else { return };
        if let Some(source) = self.registry.sources.get_mut(&id.source) {
            source.data.forget(&Read::Service(id.clone()));
            if let Some(namespace) = source.namespaces.get_mut(&id.namespace)
                && !state.attempts.tried
            {
                namespace.untried = namespace.untried.saturating_sub(1);
            }
        }
        if let Some(key) = state.key {
            self.entries.unclaim(&key, id);
        }
    }
}
