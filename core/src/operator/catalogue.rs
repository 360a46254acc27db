//! The lists of namespaces and services.

use std::sync::Arc;

use super::entry::WaitFor;
use super::inventory::{Missing, NamespaceState, ServiceState};
use super::queue::{Pending, ReadKey};
use super::report::DiagnosticScope;
use super::{EntryKey, NamespaceOwner, Operator, Page, ReadError, ReadId, ServiceId, Time};
use crate::cloud_map::{Namespace, Service, account_of};
use crate::diagnostic::{Code, Severity};
use crate::translate::{expected_host_and_name, target_namespace};

/// What a page adds to its list.
struct Received<T> {
    items: Vec<T>,
    is_last: bool,
    /// When the list was begun.
    begun: Time,
}

impl Operator {
    /// Takes in a page of the list of `pending`. After a failure it plans the next attempt.
    fn receive_page<T>(
        &mut self,
        pending: &Pending,
        result: Result<Page<T>, ReadError>,
        now: Time,
    ) -> Option<Received<T>> {
        let (name, operation) = match &pending.key {
            ReadKey::Namespaces(name, _) => (name, "ListNamespaces"),
            ReadKey::Services(name, _) => (name, "ListServices"),
            ReadKey::Attributes(_) | ReadKey::Tags(_) | ReadKey::Service(_) => return None,
        };
        let source = self.inventory.sources.get_mut(name)?;
        let mut scope = DiagnosticScope::source(name);
        let list = if let ReadKey::Services(_, key) = &pending.key {
            let namespace = source.namespaces.get_mut(key)?;
            scope.namespace = &namespace.info.name;
            &mut namespace.list
        } else {
            &mut source.list
        };
        let listing = list.listing(pending.sent_at);
        let begun = listing.begun;
        let page = result.and_then(|page| listing.advance(operation, page));
        let (interval, longest) = (self.config.interval, source.config.catalogue_interval);
        let error = page.as_ref().err();
        let report = list.attempts.record(error, &mut source.outage, &scope, now, interval);
        self.effects.extend(report);
        match page {
            Ok((items, is_last)) => Some(Received { items, is_last, begun }),
            Err(error) => {
                let failures = list.attempts.failures;
                let at = now + list.attempts.pause(interval, longest);
                let restarts = list.restarts(&error);
                let key = match &pending.key {
                    ReadKey::Namespaces(name, _) if restarts => {
                        ReadKey::Namespaces(name.clone(), NamespaceOwner::Own)
                    }
                    key => key.clone(),
                };
                self.retry(key, &error, failures, at, now);
                None
            }
        }
    }

    pub(super) fn namespaces_page(
        &mut self,
        read: ReadId,
        result: Result<Page<Namespace>, ReadError>,
        now: Time,
    ) {
        let Some(pending) = self.complete(read) else { return };
        let ReadKey::Namespaces(name, owner) = &pending.key else { return };
        let Some(page) = self.receive_page(&pending, result, now) else { return };
        for namespace in page.items {
            self.namespace_listed(name, namespace, *owner, now);
        }
        let next = match (page.is_last, owner) {
            (false, _) => *owner,
            (true, NamespaceOwner::Own) => NamespaceOwner::OtherAccounts,
            (true, NamespaceOwner::OtherAccounts) => return self.namespaces_listed(name, now),
        };
        // The list goes on before another is begun.
        self.plan(ReadKey::Namespaces(name.clone(), next), page.begun);
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
        let listing = source.list.listing(now);
        // A server that ignores the filter lists all of them twice; the account's own list wins.
        if !listing.seen.insert(key.clone()) && owner == NamespaceOwner::OtherAccounts {
            return;
        }
        let begun = listing.begun;
        source.accounts.extend(account_of(namespace.arn.as_deref()).map(str::to_owned));
        source.accounts.extend(namespace.resource_owner.clone());
        if !source.config.namespaces.allows(&namespace.name) {
            return;
        }
        let info = Arc::new(namespace);
        if let Some(cached) = source.namespaces.get_mut(&key) {
            cached.missing = None;
            cached.info = info;
            return;
        }
        source.namespaces.insert(key.clone(), NamespaceState::new(info));
        self.plan(ReadKey::Services(name.clone(), key), begun);
    }

    /// The list of namespaces was read to its end.
    fn namespaces_listed(&mut self, name: &Arc<str>, now: Time) {
        let grace = self.config.empty_grace;
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let Some(listing) = source.list.listing.take() else { return };
        source.list.progress.complete(listing.begun, now, grace);
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
        // If one was recreated, its entries stay until the list of the new one was read.
        for namespace in deleted {
            self.delete_namespace(name, &namespace, now);
        }
        self.delete_missing(name, now);
        // An entry of an account that is not read may have counted as ours until now.
        self.refresh_ownership(now);
        self.entries.wake(&WaitFor::Source(name.clone()), now);
        if let Some(at) = next {
            self.plan_namespaces(name, at);
        }
    }

    /// Plans the next round of a list of namespaces, unless one is being read.
    pub(super) fn plan_namespaces(&mut self, name: &Arc<str>, at: Time) {
        let Some(source) = self.inventory.sources.get(name) else { return };
        if source.list.listing.is_none() {
            self.expedite(ReadKey::Namespaces(name.clone(), NamespaceOwner::Own), at);
        }
    }

    fn delete_namespace(&mut self, name: &Arc<str>, namespace: &Arc<str>, now: Time) {
        for id in self.inventory.services_of(name, namespace) {
            self.delete_service(&id, now);
        }
        self.cancel(&ReadKey::Services(name.clone(), namespace.clone()));
        if let Some(source) = self.inventory.sources.get_mut(name) {
            source.namespaces.remove(namespace);
        }
        self.entries.wake(&WaitFor::Namespace(name.clone(), namespace.clone()), now);
    }

    pub(super) fn services_page(
        &mut self,
        read: ReadId,
        result: Result<Page<Service>, ReadError>,
        now: Time,
    ) {
        let Some(pending) = self.complete(read) else { return };
        let ReadKey::Services(name, key) = &pending.key else { return };
        let Some(page) = self.receive_page(&pending, result, now) else { return };
        for service in page.items {
            self.service_listed(name, key, service, now);
        }
        if page.is_last {
            self.services_listed(name, key, now);
        } else {
            self.plan(pending.key.clone(), page.begun);
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
        let listing = namespace.list.listing(now);
        listing.seen.insert(id.service.clone());
        if let Some(cached) = self.inventory.services.get_mut(&id) {
            if cached.missing.take().is_some() {
                source.missing.remove(&id);
            }
            if *cached.info != service {
                cached.info = Arc::new(service);
                cached.discover = true;
                self.expedite(ReadKey::Service(id), now);
            }
            return;
        }
        let target =
            target_namespace(&source.config.target_namespace, &namespace.info.name, &service.name);
        let expected = if source.config.services.allows(&service.name) {
            expected_host_and_name(name, &namespace.info, &service, &source.options)
        } else {
            Ok(None)
        };
        let entry = match (expected, target) {
            // Excluded by its name alone, and so never read.
            (Ok(None), _) => {
                listing.excluded += 1;
                listing.seen.remove(&id.service);
                return;
            }
            (Ok(Some((_, name))), Ok(namespace)) => Some(EntryKey { namespace, name }),
            // The translation reports what is wrong with it.
            (Err(_), _) | (_, Err(_)) => None,
        };
        let is_first_pass = !namespace.list.progress.is_complete();
        namespace.untried += usize::from(is_first_pass);
        let reads_attributes = source.config.read_service_attributes;
        let reads_tags = source.config.read_tags;
        // It claims its entry before its instances were read, so that the service that ranks first
        // has it from the start.
        if let Some(entry) = &entry {
            self.entries.claim(entry, &id, now);
        }
        let state = ServiceState::new(service, entry, is_first_pass);
        self.inventory.services.insert(id.clone(), Box::new(state));
        if reads_attributes {
            self.plan(ReadKey::Attributes(id.clone()), now);
        }
        if reads_tags {
            self.plan(ReadKey::Tags(id.clone()), now);
        }
        if !reads_attributes && !reads_tags {
            self.plan(ReadKey::Service(id), now);
        }
    }

    /// The list of a namespace's services was read to its end.
    fn services_listed(&mut self, name: &Arc<str>, key: &Arc<str>, now: Time) {
        let grace = self.config.empty_grace;
        let Some(source) = self.inventory.sources.get_mut(name) else { return };
        let Some(namespace) = source.namespaces.get_mut(key) else { return };
        let Some(listing) = namespace.list.listing.take() else { return };
        namespace.list.progress.complete(listing.begun, now, grace);
        let mut next = (!self.config.once)
            .then(|| (listing.begun + source.config.catalogue_interval).max(now));
        if std::mem::replace(&mut namespace.excluded, listing.excluded) != listing.excluded
            && listing.excluded > 0
        {
            let scope = DiagnosticScope {
                namespace: &namespace.info.name,
                ..DiagnosticScope::source(name)
            };
            let message = format!(
                "services left out by their names: {} (bookkeeping of ECS Service Connect, or excluded by a filter or an override)",
                listing.excluded
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
            let absence = service.missing.get_or_insert(Missing { since: now, confirmed: false });
            absence.confirmed |= listing.begun >= absence.since + grace;
            if !absence.confirmed {
                next = Some(next.map_or(now + grace, |next| next.min(now + grace)));
            }
            missing.push(id);
        }
        if !missing.is_empty() {
            // Its namespace may have been recreated, and then it is in another list.
            self.plan_namespaces(name, now + grace);
            if let Some(source) = self.inventory.sources.get_mut(name) {
                source.missing.extend(missing);
            }
            self.delete_missing(name, now);
        }
        if let Some(at) = next {
            self.expedite(ReadKey::Services(name.clone(), key.clone()), at);
        }
        self.namespace_advanced(name, key, now);
    }

    /// Deletes the services that are missing in two lists of their namespace, once a later list of
    /// namespaces was read: it shows whether their namespace was recreated, and then their entries
    /// wait for the list of the new one. If their namespace is missing, they are deleted with it.
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
                && missing
                    .is_some_and(|missing| source.list.progress.is_complete_since(missing.since))
        };
        let deleted: Vec<ServiceId> = source.missing.iter().filter(is_deleted).cloned().collect();
        for id in deleted {
            self.delete_service(&id, now);
        }
    }

    /// More of a namespace was read: wakes the entries that wait for it.
    pub(super) fn namespace_advanced(&mut self, name: &Arc<str>, key: &Arc<str>, now: Time) {
        self.entries.wake(&WaitFor::Namespace(name.clone(), key.clone()), now);
        if self.inventory.sources.get(name).is_some_and(|source| {
            source.list.progress.is_complete() && source.unlisted(None).is_none()
        }) {
            self.entries.wake(&WaitFor::Source(name.clone()), now);
        }
    }

    pub(super) fn delete_service(&mut self, id: &ServiceId, now: Time) {
        let Some(state) = self.inventory.services.remove(id) else { return };
        self.cancel(&ReadKey::Attributes(id.clone()));
        self.cancel(&ReadKey::Tags(id.clone()));
        self.cancel(&ReadKey::Service(id.clone()));
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
}
