//! One version of the file, ready to answer from.

use std::collections::BTreeMap;

use istio_cloud_map_core::cloud_map::{
    InputError, InputOptions, Namespace, Record, Service, Tag, parse,
};
use istio_cloud_map_core::diagnostic::{Code, Diagnostic, Severity};
use istio_cloud_map_core::operator::{InstancesRead, ReadError, ReadFailure};
use istio_cloud_map_core::sorted::SortedMap;

use super::change_token::json_digest;

/// Namespaces and their services by key, of [`Namespace::key`] and [`Service::key`].
///
/// A service that the file has but that can't be read is listed, and its instances are a failed
/// read: so it keeps what it had, and costs no other. Where the file does not even name which
/// service or which namespace it is, the list that it belongs in can't be read.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    namespaces: BTreeMap<String, InNamespace>,
    /// Why the list of namespaces is not whole.
    broken: Option<String>,
    /// What was dropped on the way.
    pub(super) diagnostics: Vec<Diagnostic>,
}

#[derive(Debug)]
struct InNamespace {
    namespace: Namespace,
    services: BTreeMap<String, InService>,
    /// Why the list of services is not whole.
    broken: Option<String>,
}

#[derive(Debug)]
struct InService {
    service: Service,
    /// What it has, or why that can't be read.
    read: Result<Content, String>,
}

#[derive(Debug)]
struct Content {
    instances: InstancesRead,
    service_attributes: SortedMap<String, String>,
    tags: Vec<Tag>,
}

impl Snapshot {
    /// `last` is the version before: it knows the ids of services that can't be read now.
    pub(super) fn parse(
        text: &str,
        options: &InputOptions,
        last: &Self,
    ) -> Result<Self, InputError> {
        let input = parse(text, options)?;
        let mut snapshot = Self { diagnostics: input.diagnostics, ..Self::default() };
        for record in input.records {
            snapshot.insert(record);
        }
        let errors: Vec<Diagnostic> = snapshot
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .cloned()
            .collect();
        for error in errors {
            snapshot.mark(error, last);
        }
        Ok(snapshot)
    }

    fn insert(&mut self, record: Record) {
        let change_token = Some(change_token(&record));
        let Record {
            source,
            region,
            namespace,
            service,
            service_attributes,
            tags,
            instances,
            instances_revision: revision,
        } = record;
        let within = self
            .namespaces
            .entry(namespace.key().to_owned())
            .or_insert_with(|| InNamespace::new(namespace.clone()));
        if within.services.contains_key(service.key()) {
            let message =
                "another source of the file has this service too; the first is used".to_owned();
            let (namespace, service) = (namespace.name, service.name);
            let (severity, code, instance) = (Severity::Error, Code::InvalidInstance, None);
            self.diagnostics.push(Diagnostic {
                severity,
                code,
                source,
                namespace,
                service,
                instance,
                message,
            });
            return;
        }
        let instances = InstancesRead { instances, revision, change_token, region };
        let read = Content { instances, service_attributes, tags };
        within.services.insert(service.key().to_owned(), InService { service, read: Ok(read) });
    }

    /// Keeps in mind what is there but can't be read.
    fn mark(&mut self, error: Diagnostic, last: &Self) {
        if error.namespace.is_empty() {
            self.broken = Some(error.message);
            return;
        }
        let before = last.named(&error.namespace);
        let key = self.named(&error.namespace).map(|within| within.namespace.key().to_owned());
        let namespace = || {
            before.map_or_else(
                || Namespace { name: error.namespace.clone(), ..Namespace::default() },
                |b| b.namespace.clone(),
            )
        };
        let key = key.unwrap_or_else(|| namespace().key().to_owned());
        let within = self.namespaces.entry(key).or_insert_with(|| InNamespace::new(namespace()));
        if error.service.is_empty() {
            within.broken = Some(error.message);
        } else if within.named(&error.service).is_none() {
            let before = before
                .and_then(|before| before.named(&error.service))
                .map(|before| before.service.clone());
            let service =
                before.unwrap_or_else(|| Service { name: error.service, ..Service::default() });
            within
                .services
                .insert(service.key().to_owned(), InService { service, read: Err(error.message) });
        }
    }

    fn named(&self, name: &str) -> Option<&InNamespace> {
        self.namespaces.values().find(|within| within.namespace.name == name)
    }

    pub(super) fn namespaces(&self) -> Result<Vec<Namespace>, ReadError> {
        whole(self.broken.as_ref())?;
        Ok(self.namespaces.values().map(|within| within.namespace.clone()).collect())
    }

    pub(super) fn services(&self, namespace: &Namespace) -> Result<Vec<Service>, ReadError> {
        let within = self.within(namespace)?;
        whole(within.broken.as_ref())?;
        Ok(within.services.values().map(|within| within.service.clone()).collect())
    }

    pub(super) fn instances(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<InstancesRead, ReadError> {
        self.content(namespace, service).map(|content| content.instances.clone())
    }

    pub(super) fn service_attributes(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<SortedMap<String, String>, ReadError> {
        self.content(namespace, service).map(|content| content.service_attributes.clone())
    }

    pub(super) fn tags(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<Vec<Tag>, ReadError> {
        self.content(namespace, service).map(|content| content.tags.clone())
    }

    fn content(&self, namespace: &Namespace, service: &Service) -> Result<&Content, ReadError> {
        let not_found = || {
            failed(
                ReadFailure::NotFound,
                format!("the snapshot has no service {}/{}", namespace.name, service.name),
            )
        };
        let within = self.within(namespace)?.services.get(service.key()).ok_or_else(not_found)?;
        within.read.as_ref().map_err(|reason| failed(ReadFailure::Malformed, reason.clone()))
    }

    pub(super) fn revision(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<i64, ReadError> {
        Ok(self.content(namespace, service)?.instances.change_token.unwrap_or_default())
    }

    fn within(&self, namespace: &Namespace) -> Result<&InNamespace, ReadError> {
        let not_found = || {
            failed(
                ReadFailure::NotFound,
                format!("the snapshot has no namespace {}", namespace.name),
            )
        };
        self.namespaces.get(namespace.key()).ok_or_else(not_found)
    }
}

impl InNamespace {
    const fn new(namespace: Namespace) -> Self {
        Self { namespace, services: BTreeMap::new(), broken: None }
    }

    fn named(&self, name: &str) -> Option<&InService> {
        self.services.values().find(|within| within.service.name == name)
    }
}

fn whole(broken: Option<&String>) -> Result<(), ReadError> {
    broken.map_or(Ok(()), |reason| Err(failed(ReadFailure::Malformed, reason.clone())))
}

const fn failed(failure: ReadFailure, message: String) -> ReadError {
    ReadError { failure, message }
}

/// Changes with any change of the record, also of `instancesRevision`: a person who edits a file
/// does not count revisions.
fn change_token(record: &Record) -> i64 {
    // A record that was read from JSON can be written as JSON.
    json_digest(record).unwrap_or_default().cast_signed()
}
