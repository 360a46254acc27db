//! Changes in Cloud Map.

use std::collections::BTreeMap;

use crate::cloud::{CloudInstance, CloudService, ServiceRef};
use crate::world::{Event, World};

impl World {
    pub fn add_service(
        &mut self,
        source: &str,
        namespace: &str,
        name: &str,
        health_check: bool,
    ) -> ServiceRef {
        let id = format!("srv-{:06}", self.cloud.next_number());
        self.log(|| format!("Cloud Map: service {source}/{namespace}/{name} is {id}"));
        let service = CloudService {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            health_check,
            created: self.now,
            instances: BTreeMap::new(),
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
            revision: 1,
        };
        if let Some(account) = self.cloud.accounts.get_mut(source) {
            account.services.insert(id.clone(), service);
        }
        let at =
            ServiceRef { source: source.to_owned(), namespace: namespace.to_owned(), service: id };
        self.truth.update(&self.cloud, &at, self.now);
        at
    }

    pub fn remove_service(&mut self, at: &ServiceRef) {
        self.log(|| format!("Cloud Map: {at} is deleted"));
        if let Some(account) = self.cloud.accounts.get_mut(&at.source) {
            account.services.remove(&at.service);
        }
        self.truth.update(&self.cloud, at, self.now);
    }

    pub fn remove_namespace(&mut self, source: &str, namespace: &str) {
        self.log(|| format!("Cloud Map: namespace {source}/{namespace} is deleted"));
        for at in self.cloud.services() {
            if at.source == source && at.namespace == namespace {
                self.remove_service(&at);
            }
        }
        if let Some(account) = self.cloud.accounts.get_mut(source) {
            account.namespaces.remove(namespace);
        }
    }

    /// Registers a new instance with an address of its own.
    pub fn register(&mut self, at: &ServiceRef, port: Option<u16>) -> String {
        let number = self.cloud.next_number();
        let address = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
        let id = format!("i-{number}");
        self.log(|| format!("Cloud Map: {at} gets {id} {address}"));
        let new = CloudInstance { address: address.clone(), port, unhealthy: false };
        let Some(service) = self.cloud.service_mut(at) else { return id };
        service.instances.insert(id.clone(), new);
        service.revision += 1;
        self.truth.update(&self.cloud, at, self.now);
        if let Some(key) = self.truth.key(at).cloned()
            && let Some(bound) = self.fair_bound(&key, at)
        {
            let (service, since) = (at.clone(), self.now);
            self.schedule(since + bound, Event::Probe { key, service, address, since });
        }
        id
    }

    /// A user sets the location of a service by a tag or a service attribute, or removes it.
    pub fn hint(&mut self, at: &ServiceRef, tags: bool, location: Option<&str>) {
        self.log(|| format!("Cloud Map: {at} has the location {location:?} (a tag: {tags})"));
        let Some(service) = self.cloud.service_mut(at) else { return };
        let values = if tags { &mut service.tags } else { &mut service.attributes };
        values.clear();
        let hint = |location: &str| ("istio-cloud-map/location".to_owned(), location.to_owned());
        values.extend(location.map(hint));
        self.truth.update(&self.cloud, at, self.now);
    }

    pub fn deregister(&mut self, at: &ServiceRef, id: &str) {
        self.log(|| format!("Cloud Map: {at} loses {id}"));
        let Some(service) = self.cloud.service_mut(at) else { return };
        service.instances.remove(id);
        service.revision += 1;
        self.truth.update(&self.cloud, at, self.now);
    }

    pub fn deregister_all(&mut self, at: &ServiceRef) {
        let ids: Vec<String> = self
            .cloud
            .service(at)
            .into_iter()
            .flat_map(|service| service.instances.keys().cloned())
            .collect();
        for id in ids {
            self.deregister(at, &id);
        }
    }

    /// Changes the health, if there is a check. The revision does not change.
    pub fn set_health(&mut self, at: &ServiceRef, id: &str, unhealthy: bool) {
        self.log(|| format!("Cloud Map: {at} {id} unhealthy: {unhealthy}"));
        let checked = self.cloud.service_mut(at).filter(|service| service.health_check);
        let Some(instance) = checked.and_then(|service| service.instances.get_mut(id)) else {
            return;
        };
        instance.unhealthy = unhealthy;
        self.truth.update(&self.cloud, at, self.now);
    }
}
