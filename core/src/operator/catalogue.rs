//! The catalogue: which namespaces and services there are, and what services say about themselves.

use std::sync::Arc;

use super::attempts::Scope;
use super::entries::WaitFor;
use super::inventory::{Listing, Missing, NamespaceState, ServiceState};
use super::queue::ReadKey;
use super::{
    EntryKey, Hint, NamespaceOwner, Operator, Page, ReadError, ReadFailure, ReadId, ServiceId, Time,
};
use crate::cloud_map::{Namespace, Service, account_of};
use crate::diagnostic::{Code, Severity};
use crate::translate::expected_host_and_name;

/// A page that has failed so often may have a token that has expired: its list is begun anew.
const FAILURES_OF_A_PAGE: u32 = 4;

impl Operator {
    pub(super) fn namespaces_page(
        &mut self,
        read: ReadId,
        result: Result<Page<Namespace>, ReadError>,
        now: Time,
    ) {
        let Some(pending) = self.complete_control(read) else { return };
        let ReadKey::Namespaces(name, owner) = &pending.key else { return };
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let listing = source.listing.get_or_insert_with(|| Listing::new(pending.asked));
        let page = result.and_then(|page| {
            listing.advance("ListNamespaces", page.next_token).map(|last| (page.items, last))
        });
        let begun = listing.begun;
        let (interval, longest) = (self.config.interval, source.config.catalogue_interval);
        let scope = Scope { source: name, namespace: "", service: "" };
        let report =
            source.attempts.record(page.as_ref().err(), &mut source.outage, &scope, now, interval);
        self.effects.extend(report);
        match page {
            Err(error) => {
                let (failures, pause) =
                    (source.attempts.failures, source.attempts.pause(interval, longest));
                let restart = restarts(&mut source.listing, &error, failures);
                let key = if restart {
                    ReadKey::Namespaces(name.clone(), NamespaceOwner::Own)
                } else {
                    pending.key.clone()
                };
                self.try_list_again(key, &error, failures, now + pause, now);
            }
            Ok((items, last)) => {
                for namespace in items {
                    self.namespace_listed(name, namespace, *owner, now);
                }
                let next = match (last, owner) {
                    (false, _) => Some(*owner),
                    (true, NamespaceOwner::Own) => Some(NamespaceOwner::OtherAccounts),
                    (true, NamespaceOwner::OtherAccounts) => None,
                };
                match next {
                    // The list goes on before another is begun.
                    Some(owner) => {
                        let key = ReadKey::Namespaces(name.clone(), owner);
                        self.control(name)
                            .into_iter()
                            .for_each(|control| control.plan(key.clone(), begun));
                    }
                    None => self.namespaces_listed(name, now),
                }
            }
        }
    }

    fn namespace_listed(
        &mut self,
        name: &Arc<str>,
        namespace: Namespace,
        owner: NamespaceOwner,
        now: Time,
    ) {
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let key: Arc<str> = namespace.key().into();
        let listing = source.listing.get_or_insert_with(|| Listing::new(now));
        // Whatever ignores the filter gives all of them twice; the account's own list wins.
        if !listing.seen.insert(key.clone()) && owner == NamespaceOwner::OtherAccounts {
            return;
        }
        let begun = listing.begun;
        source.accounts.extend(account_of(namespace.arn.as_deref()).map(str::to_owned));
        source.accounts.extend(namespace.resource_owner.clone());
        let info = Arc::new(namespace);
        if let Some(known) = source.namespaces.get_mut(&key) {
            known.missing = None;
            known.info = info;
            return;
        }
        source.namespaces.insert(key.clone(), NamespaceState::new(info));
        let read = ReadKey::Services(name.clone(), key);
        self.control(name).into_iter().for_each(|control| control.plan(read.clone(), begun));
    }

    /// The list of namespaces was read to its end.
    fn namespaces_listed(&mut self, name: &Arc<str>, now: Time) {
        let grace = self.config.empty_grace;
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let Some(listing) = source.listing.take() else { return };
        source.progress.complete(listing.begun, now, grace);
        let mut next = (!self.config.once)
            .then(|| (listing.begun + source.config.catalogue_interval).max(now));
        let mut deleted = Vec::new();
        for (key, namespace) in
            source.namespaces.iter_mut().filter(|(key, _)| !listing.seen.contains(*key))
        {
            match namespace.missing {
                Some(since) if listing.begun >= since + grace => deleted.push(key.clone()),
                Some(_) => {}
                None => namespace.missing = Some(now),
            }
            next = Some(next.map_or(now + grace, |next| next.min(now + grace)));
        }
        // If it was made anew, its entries stay until the list of the new one was read.
        for namespace in deleted {
            self.delete_namespace(name, &namespace, now);
        }
        self.delete_missing(name, now);
        // Entries of an account that is not read may have been taken for ours until now.
        self.refresh_ownership(now);
        let wait = WaitFor::Source(name.clone());
        self.entries.wake(&wait, now);
        if let Some(at) = next {
            self.plan_namespaces(name, at);
        }
    }

    pub(super) fn plan_namespaces(&mut self, name: &Arc<str>, at: Time) {
        let reading =
            self.inventory.sources.get(name).is_some_and(|source| source.listing.is_some());
        if let Some(control) = self.control(name).filter(|_| !reading) {
            control.expedite(ReadKey::Namespaces(name.clone(), NamespaceOwner::Own), at);
        }
    }

    fn delete_namespace(&mut self, name: &Arc<str>, namespace: &Arc<str>, now: Time) {
        for id in self.inventory.services_of(name, namespace) {
            self.delete_service(&id, now);
        }
        if let Some(control) = self.control(name) {
            control.cancel(&ReadKey::Services(name.clone(), namespace.clone()));
        }
        if let Some(source) = self.inventory.sources.get_mut(name) {
            source.namespaces.remove(namespace);
        }
        self.entries.wake(&WaitFor::Namespace(name.clone(), namespace.clone()), now);
    }

    /// Entries whose ownership depends on which accounts are read.
    fn refresh_ownership(&mut self, now: Time) {
        let observed = self
            .entries
            .iter()
            .filter_map(|(_, entry)| entry.observed.as_ref().zip(Some(entry.ownership)));
        let changed: Vec<_> = observed
            .filter(|(entry, ownership)| self.ownership(entry) != *ownership)
            .map(|(entry, _)| entry.clone())
            .collect();
        for entry in changed {
            let ownership = self.ownership(&entry);
            self.entries.observe(entry, ownership, now);
        }
        self.removing.observe(self.entries.base, now);
        if self.entries.elsewhere > 0 && !std::mem::replace(&mut self.elsewhere_reported, true) {
            let scope = Scope { source: "", namespace: "", service: "" };
            let message = format!(
                "{} entries have the owner {:?} but come from a source, account or region that is not read here: left alone; another process \
                 keeps them, or delete them by hand",
                self.entries.elsewhere, self.config.plan.owner
            );
            self.effects.push(scope.report(Severity::Info, Code::OtherSource, message));
        }
    }

    pub(super) fn services_page(
        &mut self,
        read: ReadId,
        result: Result<Page<Service>, ReadError>,
        now: Time,
    ) {
        let Some(pending) = self.complete_control(read) else { return };
        let ReadKey::Services(name, key) = &pending.key else { return };
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let Some(namespace) = source.namespaces.get_mut(key) else { return };
        let listing = namespace.listing.get_or_insert_with(|| Listing::new(pending.asked));
        let page = result.and_then(|page| {
            listing.advance("ListServices", page.next_token).map(|last| (page.items, last))
        });
        let begun = listing.begun;
        let (interval, longest) = (self.config.interval, source.config.catalogue_interval);
        let scope = Scope { source: name, namespace: &namespace.info.name, service: "" };
        let report = namespace.attempts.record(
            page.as_ref().err(),
            &mut source.outage,
            &scope,
            now,
            interval,
        );
        self.effects.extend(report);
        match page {
            Err(error) => {
                let (failures, pause) =
                    (namespace.attempts.failures, namespace.attempts.pause(interval, longest));
                restarts(&mut namespace.listing, &error, failures);
                self.try_list_again(pending.key.clone(), &error, failures, now + pause, now);
            }
            Ok((items, last)) => {
                for service in items {
                    self.service_listed(name, key, service, now);
                }
                if last {
                    self.services_listed(name, key, now);
                } else {
                    self.control(name)
                        .into_iter()
                        .for_each(|control| control.plan(pending.key.clone(), begun));
                }
            }
        }
    }

    fn service_listed(&mut self, name: &Arc<str>, key: &Arc<str>, service: Service, now: Time) {
        let id = ServiceId {
            source: name.clone(),
            namespace: key.clone(),
            service: service.key().into(),
        };
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let Some(namespace) = source.namespaces.get_mut(key) else { return };
        let listing = namespace.listing.get_or_insert_with(|| Listing::new(now));
        listing.seen.insert(id.service.clone());
        if let Some(known) = self.inventory.services.get_mut(&id) {
            if known.missing.take().is_some() {
                source.missing.remove(&id);
            }
            if *known.info != service {
                known.info = Arc::new(service);
                known.discover = true;
                self.data(name)
                    .into_iter()
                    .for_each(|data| data.expedite(ReadKey::Service(id.clone()), now));
            }
            return;
        }
        let entry_name =
            match expected_host_and_name(name, &namespace.info, &service, &source.options) {
                // Left out by its name alone, and so never asked for anything.
                Ok(None) => {
                    listing.left_out += 1;
                    listing.seen.remove(&id.service);
                    return;
                }
                Ok(Some((_, name))) => Some(name),
                // The translation reports what is wrong with it.
                Err(_) => None,
            };
        let entry = entry_name
            .map(|name| EntryKey { namespace: source.config.target_namespace.clone(), name });
        let is_first_pass = !namespace.progress.is_complete();
        namespace.untried += usize::from(is_first_pass);
        let (attributes, tags) = (source.config.read_service_attributes, source.config.read_tags);
        // It claims its entry at once, before its instances are known, so that whoever is ranked
        // first has it from the start.
        if let Some(entry) = &entry {
            self.entries.claim(entry, &id, now);
        }
        self.inventory
            .services
            .insert(id.clone(), ServiceState::new(service, entry, is_first_pass));
        let Some(control) = self.control(name) else { return };
        if attributes {
            control.plan(ReadKey::Attributes(id.clone()), now);
        }
        if tags {
            control.plan(ReadKey::Tags(id.clone()), now);
        }
        if !attributes && !tags {
            self.data(name)
                .into_iter()
                .for_each(|data| data.plan(ReadKey::Service(id.clone()), now));
        }
    }

    /// The list of a namespace's services was read to its end.
    fn services_listed(&mut self, name: &Arc<str>, key: &Arc<str>, now: Time) {
        let grace = self.config.empty_grace;
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let Some(namespace) = source.namespaces.get_mut(key) else { return };
        let Some(listing) = namespace.listing.take() else { return };
        namespace.progress.complete(listing.begun, now, grace);
        let mut next = (!self.config.once)
            .then(|| (listing.begun + source.config.catalogue_interval).max(now));
        if std::mem::replace(&mut namespace.left_out, listing.left_out) != listing.left_out
            && listing.left_out > 0
        {
            let scope = Scope { source: name, namespace: &namespace.info.name, service: "" };
            let message = format!(
                "services left out by their names: {} (bookkeeping of ECS Service Connect, or excluded by an override)",
                listing.left_out
            );
            self.effects.push(scope.report(Severity::Info, Code::Excluded, message));
        }
        let mut missing = Vec::new();
        for id in self.inventory.services_of(name, key) {
            let Some(service) = self
                .inventory
                .services
                .get_mut(&id)
                .filter(|_| !listing.seen.contains(&id.service))
            else {
                continue;
            };
            let known = service.missing.get_or_insert(Missing { since: now, confirmed: false });
            known.confirmed |= listing.begun >= known.since + grace;
            if !known.confirmed {
                next = Some(next.map_or(now + grace, |next| next.min(now + grace)));
            }
            missing.push(id);
        }
        if !missing.is_empty() {
            // Its namespace may have been made anew, and then it is in another list.
            self.plan_namespaces(name, now + grace);
            if let Some(source) = self.inventory.sources.get_mut(name) {
                source.missing.extend(missing);
            }
            self.delete_missing(name, now);
        }
        if let Some(at) = next {
            self.control(name).into_iter().for_each(|control| {
                control.expedite(ReadKey::Services(name.clone(), key.clone()), at);
            });
        }
        self.namespace_moved(name, key, now);
    }

    /// Deletes the services that two lists of their namespace lack, once a later list of namespaces
    /// was read: it shows whether their namespace was made anew, and then their entries wait for
    /// the list of the new one. If it lacks their namespace, they are deleted with that.
    fn delete_missing(&mut self, name: &Arc<str>, now: Time) {
        let Some(source) = self.inventory.sources.get(name) else { return };
        let is_deleted = |id: &&ServiceId| {
            let missing = self
                .inventory
                .services
                .get(*id)
                .and_then(|service| service.missing)
                .filter(|missing| missing.confirmed);
            let is_listed = source
                .namespaces
                .get(&id.namespace)
                .is_some_and(|namespace| namespace.missing.is_none());
            is_listed
                && missing.is_some_and(|missing| source.progress.is_complete_since(missing.since))
        };
        let deleted: Vec<ServiceId> = source.missing.iter().filter(is_deleted).cloned().collect();
        for id in deleted {
            self.delete_service(&id, now);
        }
    }

    /// More is known of a namespace: looks at what waits for that.
    pub(super) fn namespace_moved(&mut self, name: &Arc<str>, key: &Arc<str>, now: Time) {
        self.entries.wake(&WaitFor::Namespace(name.clone(), key.clone()), now);
        if self
            .inventory
            .sources
            .get(name)
            .is_some_and(|source| source.progress.is_complete() && source.unlisted(None).is_none())
        {
            self.entries.wake(&WaitFor::Source(name.clone()), now);
        }
    }

    fn delete_service(&mut self, id: &ServiceId, now: Time) {
        let Some(state) = self.inventory.services.remove(id) else { return };
        if let Some(control) = self.control(&id.source) {
            control.cancel(&ReadKey::Attributes(id.clone()));
            control.cancel(&ReadKey::Tags(id.clone()));
        }
        if let Some(data) = self.data(&id.source) {
            data.cancel(&ReadKey::Service(id.clone()));
        }
        if let Some(source) = self.inventory.sources.get_mut(&id.source) {
            source.missing.remove(id);
        }
        if let Some(namespace) = self.inventory.namespace_mut(id) {
            namespace.untried = namespace.untried.saturating_sub(usize::from(state.is_first_pass));
        }
        if let Some(key) = state.key {
            self.entries.unclaim(&key, id, now);
        }
        self.entries.wake(&WaitFor::Service(id.clone()), now);
    }

    fn try_list_again(
        &mut self,
        key: ReadKey,
        error: &ReadError,
        failures: u32,
        at: Time,
        now: Time,
    ) {
        let again = self.config.tries_again(failures);
        let (ReadKey::Namespaces(name, _) | ReadKey::Services(name, _)) = &key else { return };
        let Some(control) = self.control(&name.clone()) else { return };
        if error.failure.strikes_all() {
            control.throttle(now);
        }
        if again {
            control.plan(key, at);
        }
    }

    pub(super) fn hint(&mut self, read: ReadId, result: Result<Hint, ReadError>, now: Time) {
        let Some(pending) = self.complete_control(read) else { return };
        let (ReadKey::Attributes(id) | ReadKey::Tags(id)) = &pending.key else { return };
        let Some(source) = self.inventory.sources.get_mut(&id.source) else { return };
        let Some(namespace) = source.namespaces.get(&id.namespace) else { return };
        let Some(state) = self.inventory.services.get_mut(id) else { return };
        let scope = Scope {
            source: &id.source,
            namespace: &namespace.info.name,
            service: &state.info.name,
        };
        let (interval, longest) = (self.config.interval, source.config.catalogue_interval);
        let attempts = &mut state.hints.attempts;
        let report =
            attempts.record(result.as_ref().err(), &mut source.outage, &scope, now, interval);
        self.effects.extend(report);
        let (failures, pause) = (attempts.failures, attempts.pause(interval, longest));
        let before = (state.hints.attributes.clone(), state.hints.tags.clone());
        let next = match result {
            Ok(Hint::Attributes(attributes)) => {
                state.hints.attributes = Some(attributes);
                (!self.config.once).then_some(now + longest)
            }
            Ok(Hint::Tags(tags)) => {
                state.hints.tags = Some(tags);
                (!self.config.once).then_some(now + longest)
            }
            Err(error) => {
                let exists = state
                    .key
                    .as_ref()
                    .and_then(|key| self.entries.get(key))
                    .is_some_and(|entry| entry.observed.is_some());
                // Where hints may not be read at all, a service does without; but an entry that
                // exists may have been made with them.
                if error.failure == ReadFailure::AccessDenied && !exists {
                    match pending.key {
                        ReadKey::Attributes(_) => {
                            state.hints.attributes.get_or_insert_default();
                        }
                        _ => drop(state.hints.tags.get_or_insert_default()),
                    }
                }
                if error.failure.strikes_all() {
                    self.planes
                        .get_mut(&source.config.quota)
                        .into_iter()
                        .for_each(|planes| planes.control.throttle(now));
                }
                self.config.tries_again(failures).then_some(now + pause)
            }
        };
        let complete = (state.hints.attributes.is_some() || !source.config.read_service_attributes)
            && (state.hints.tags.is_some() || !source.config.read_tags);
        let moved = before != (state.hints.attributes.clone(), state.hints.tags.clone());
        state.discover |= moved;
        let Some(planes) = self.planes.get_mut(&source.config.quota) else { return };
        if let Some(at) = next {
            planes.control.plan(pending.key.clone(), at);
        }
        if moved && complete {
            planes.data.expedite(ReadKey::Service(id.clone()), now);
        }
    }
}

/// Whether a list whose page has failed is begun anew.
fn restarts(listing: &mut Option<Listing>, error: &ReadError, failures: u32) -> bool {
    let token = listing.as_ref().is_some_and(|listing| listing.token.is_some());
    let expired = token && failures >= FAILURES_OF_A_PAGE && !error.failure.strikes_all();
    let restart = expired || error.failure == ReadFailure::Malformed;
    if restart {
        *listing = None;
    }
    restart
}
