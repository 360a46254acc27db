//! A source that remembers what another one answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use istio_cloud_map_core::cloud_map::{Namespace, Record, Service, Tag};
use istio_cloud_map_core::operator::{
    InstancesRead, NamespaceOwner, Page, ReadError, SourceConfig,
};
use istio_cloud_map_core::sorted::SortedMap;

use super::Source;

/// The keys of a namespace and of a service in it.
type Key = (String, String);

/// What was answered last.
#[derive(Debug, Default)]
struct Answers {
    namespaces: BTreeMap<String, Namespace>,
    services: BTreeMap<Key, Service>,
    attributes: BTreeMap<Key, SortedMap<String, String>>,
    tags: BTreeMap<Key, Vec<Tag>>,
    instances: BTreeMap<Key, InstancesRead>,
}

/// Passes every read on to another source, and keeps its answer.
pub struct RecordingSource {
    source: Arc<dyn Source>,
    answers: Mutex<Answers>,
}

impl RecordingSource {
    /// Reads from `source`.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self { source, answers: Mutex::default() }
    }

    /// How many services were listed, and how many of them were read.
    pub fn progress(&self) -> (usize, usize) {
        let answers = self.lock();
        (answers.services.len(), answers.instances.len())
    }

    /// The names of the services that were listed, after those of their namespaces.
    pub fn names(&self) -> Vec<(String, String)> {
        let answers = self.lock();
        let name = |((namespace, _), service): (&Key, &Service)| {
            let namespace = answers.namespaces.get(namespace)?;
            Some((namespace.name.clone(), service.name.clone()))
        };
        answers.services.iter().filter_map(name).collect()
    }

    /// The names of the namespaces that were listed.
    pub fn namespace_names(&self) -> Vec<String> {
        self.lock().namespaces.values().map(|namespace| namespace.name.clone()).collect()
    }

    /// The services that were read, as records of this source, in order.
    pub fn records(&self, source: &SourceConfig) -> Vec<Record> {
        let answers = self.lock();
        let record = |(key, service): (&Key, &Service)| {
            let read = answers.instances.get(key)?;
            let namespace = answers.namespaces.get(&key.0)?;
            Some(Record {
                source: source.name.clone(),
                region: read.region.clone().or_else(|| source.region.clone()),
                zones: read.zones.clone().or_else(|| source.zones_of(namespace)),
                namespace: namespace.clone(),
                service: service.clone(),
                service_attributes: answers.attributes.get(key).cloned().unwrap_or_default(),
                tags: answers.tags.get(key).cloned().unwrap_or_default(),
                instances: read.instances.clone(),
                instances_revision: read.revision,
            })
        };
        answers.services.iter().filter_map(record).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        // Nothing that may panic runs while it is held.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(namespace: &Namespace, service: &Service) -> Key {
    (namespace.key().to_owned(), service.key().to_owned())
}

impl Source for RecordingSource {
    fn namespaces(
        &self,
        owner: NamespaceOwner,
        token: Option<String>,
    ) -> BoxFuture<'_, Result<Page<Namespace>, ReadError>> {
        Box::pin(async move {
            let page = self.source.namespaces(owner, token).await?;
            let named = page.items.iter().map(|item| (item.key().to_owned(), item.clone()));
            self.lock().namespaces.extend(named);
            Ok(page)
        })
    }

    fn services<'a>(
        &'a self,
        namespace: &'a Namespace,
        token: Option<String>,
    ) -> BoxFuture<'a, Result<Page<Service>, ReadError>> {
        Box::pin(async move {
            let page = self.source.services(namespace, token).await?;
            let named = page.items.iter().map(|item| (key(namespace, item), item.clone()));
            self.lock().services.extend(named);
            Ok(page)
        })
    }

    fn revision<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<i64, ReadError>> {
        self.source.revision(namespace, service)
    }

    fn instances<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<InstancesRead, ReadError>> {
        Box::pin(async move {
            let read = self.source.instances(namespace, service).await?;
            self.lock().instances.insert(key(namespace, service), read.clone());
            Ok(read)
        })
    }

    fn service_attributes<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<SortedMap<String, String>, ReadError>> {
        Box::pin(async move {
            let attributes = self.source.service_attributes(namespace, service).await?;
            self.lock().attributes.insert(key(namespace, service), attributes.clone());
            Ok(attributes)
        })
    }

    fn tags<'a>(
        &'a self,
        namespace: &'a Namespace,
        service: &'a Service,
    ) -> BoxFuture<'a, Result<Vec<Tag>, ReadError>> {
        Box::pin(async move {
            let tags = self.source.tags(namespace, service).await?;
            self.lock().tags.insert(key(namespace, service), tags.clone());
            Ok(tags)
        })
    }
}
