//! What Cloud Map would hold: namespaces, services, instances, and where to find them.

use std::collections::BTreeMap;

use super::namespace::Namespace;
use super::service::{Health, Instance, Service, first_health};
use super::snapshot;

/// The account in which the fake's caller lives, as long as it assumes no role.
pub const ACCOUNT: &str = "111122223333";
/// The region of every ARN.
pub const REGION: &str = "us-west-2";

/// Above 2^53, one apart: a reader that keeps revisions in a double misses every second change.
const FIRST_REVISION: i64 = 85_648_075_627_387_284;

/// A namespace of the world, until it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamespaceKey(pub(super) u64);

/// A service of the world, until it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceKey(pub(super) u64);

#[derive(Debug, Clone, Copy)]
pub(super) enum Resource {
    Namespace(NamespaceKey),
    Service(ServiceKey),
}

/// Everything that the fake answers from.
#[derive(Debug)]
pub struct World {
    pub(super) account: String,
    keys: u64,
    revision: i64,
    /// In the order of their making, which is the order of pages.
    pub(super) namespaces: BTreeMap<NamespaceKey, Namespace>,
    pub(super) services: BTreeMap<ServiceKey, Service>,
    /// By owner and `HttpName`.
    discoverable: BTreeMap<(String, String), NamespaceKey>,
    /// By ARN, and by id if our own: what is shared with us goes by its ARN alone.
    resources: BTreeMap<String, Resource>,
    pub(super) operations: BTreeMap<String, serde_json::Value>,
    pub(super) random: fastrand::Rng,
}

impl Default for World {
    fn default() -> Self {
        Self {
            account: ACCOUNT.to_owned(),
            keys: 0,
            revision: FIRST_REVISION,
            namespaces: BTreeMap::new(),
            services: BTreeMap::new(),
            discoverable: BTreeMap::new(),
            resources: BTreeMap::new(),
            operations: BTreeMap::new(),
            random: fastrand::Rng::with_seed(0),
        }
    }
}

impl World {
    /// Reads a snapshot, in the shape that the program's `snapshot` writes.
    ///
    /// # Errors
    /// If the text is not JSON, or lacks a name.
    pub fn from_snapshot(json: &str) -> Result<Self, String> {
        snapshot::load(json)
    }

    /// Writes itself as a snapshot.
    #[must_use]
    pub fn to_snapshot(&self) -> String {
        snapshot::save(self)
    }

    pub(super) fn of_account(account: &str) -> Self {
        Self { account: account.to_owned(), ..Self::default() }
    }

    /// Adds an HTTP namespace of the caller's account.
    pub fn http_namespace(&mut self, name: &str) -> NamespaceKey {
        self.add_namespace(Namespace::http(name))
    }

    /// Adds a namespace.
    pub fn add_namespace(&mut self, mut namespace: Namespace) -> NamespaceKey {
        let key = NamespaceKey(self.next_key());
        namespace.complete(key.0, &self.account);
        if namespace.owner == self.account {
            self.resources.insert(namespace.id.clone(), Resource::Namespace(key));
        }
        self.resources.insert(namespace.arn.clone(), Resource::Namespace(key));
        self.discoverable.insert((namespace.owner.clone(), namespace.http_name.clone()), key);
        self.namespaces.insert(key, namespace);
        key
    }

    /// Deletes a namespace with all that is in it.
    pub fn delete_namespace(&mut self, key: NamespaceKey) {
        let Some(namespace) = self.namespaces.remove(&key) else { return };
        namespace.services.into_values().for_each(|service| self.delete_service(service));
        self.resources.remove(&namespace.id);
        self.resources.remove(&namespace.arn);
        self.discoverable.remove(&(namespace.owner, namespace.http_name));
    }

    /// Adds a service without a health check.
    pub fn service(&mut self, namespace: NamespaceKey, name: &str) -> ServiceKey {
        self.add_service(namespace, Service::named(name))
    }

    /// Adds a service. One of the same name gives way.
    ///
    /// # Panics
    /// Where the namespace was deleted.
    pub fn add_service(&mut self, namespace: NamespaceKey, mut service: Service) -> ServiceKey {
        if let Some(before) = self.service_named(namespace, &service.name) {
            self.delete_service(before);
        }
        let key = ServiceKey(self.next_key());
        let revision = self.next_revision();
        let Some(home) = self.namespaces.get_mut(&namespace) else { deleted("namespace") };
        service.complete(key.0, namespace, home, revision);
        home.services.insert(service.name.clone(), key);
        if home.owner == self.account {
            self.resources.insert(service.id.clone(), Resource::Service(key));
        }
        self.resources.insert(service.arn.clone(), Resource::Service(key));
        self.services.insert(key, service);
        key
    }

    /// Deletes a service with its instances.
    pub fn delete_service(&mut self, key: ServiceKey) {
        let Some(service) = self.services.remove(&key) else { return };
        self.resources.remove(&service.id);
        self.resources.remove(&service.arn);
        if let Some(home) = self.namespaces.get_mut(&service.namespace) {
            home.services.remove(&service.name);
        }
    }

    /// Registers or re-registers an instance.
    ///
    /// # Panics
    /// Where the service was deleted.
    pub fn register<Key, Value>(
        &mut self,
        service: ServiceKey,
        instance: &str,
        attributes: impl IntoIterator<Item = (Key, Value)>,
    ) where
        Key: Into<String>,
        Value: Into<String>,
    {
        let attributes: BTreeMap<String, String> =
            attributes.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let revision = self.next_revision();
        let service = self.service_mut(service);
        service.revision = revision;
        let health = first_health(service.has_health_check(), &attributes);
        service.instances.insert(instance.to_owned(), Instance::new(instance, attributes, health));
    }

    /// Deregisters an instance. Returns whether it existed.
    ///
    /// # Panics
    /// Where the service was deleted.
    pub fn deregister(&mut self, service: ServiceKey, instance: &str) -> bool {
        let revision = self.next_revision();
        let service = self.service_mut(service);
        let found = service.instances.remove(instance).is_some();
        if found {
            service.revision = revision;
        }
        found
    }

    /// Sets an instance's health, which does not change the revision. Returns whether the instance
    /// exists.
    ///
    /// # Panics
    /// Where the service was deleted, or has no health check: its instances are all UNKNOWN.
    pub fn set_health(&mut self, service: ServiceKey, instance: &str, health: Health) -> bool {
        let service = self.service_mut(service);
        assert!(service.has_health_check(), "service {} has no health check", service.name);
        service.instances.get_mut(instance).map(|found| found.health = health).is_some()
    }

    /// The namespace of that name in the caller's account.
    #[must_use]
    pub fn namespace_named(&self, name: &str) -> Option<NamespaceKey> {
        let of_name =
            |namespace: &Namespace| namespace.name == name && namespace.owner == self.account;
        self.namespaces.iter().find(|(_, namespace)| of_name(namespace)).map(|(key, _)| *key)
    }

    /// The service of that name in the namespace.
    #[must_use]
    pub fn service_named(&self, namespace: NamespaceKey, name: &str) -> Option<ServiceKey> {
        self.namespaces.get(&namespace)?.services.get(name).copied()
    }

    /// A service, to look at or to change its attributes and tags.
    ///
    /// # Panics
    /// Where the service was deleted.
    pub fn service_mut(&mut self, service: ServiceKey) -> &mut Service {
        self.services.get_mut(&service).unwrap_or_else(|| deleted("service"))
    }

    /// A namespace as Discover names it: by `HttpName` or by ARN, in the caller's account unless
    /// the request names an owner.
    pub(super) fn discoverable(&self, name: &str, owner: Option<&str>) -> Option<NamespaceKey> {
        let owner = owner.unwrap_or(&self.account);
        let by_arn = match self.resource(name) {
            Some(Resource::Namespace(key)) if name.starts_with("arn:") => Some(key),
            _ => None,
        };
        let is_theirs = |key: &NamespaceKey| {
            self.namespaces.get(key).is_some_and(|namespace| namespace.owner == owner)
        };
        let by_http_name = || self.discoverable.get(&(owner.to_owned(), name.to_owned())).copied();
        by_arn.filter(is_theirs).or_else(by_http_name)
    }

    pub(super) fn resource(&self, id_or_arn: &str) -> Option<Resource> {
        self.resources.get(id_or_arn).copied()
    }

    pub(super) fn next_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }

    fn next_revision(&mut self) -> i64 {
        self.revision += 1;
        self.revision
    }
}

#[expect(
    clippy::panic,
    reason = "a test that uses what it has deleted is wrong, and should stop where it is"
)]
fn deleted(what: &str) -> ! {
    panic!("this {what} was deleted")
}
