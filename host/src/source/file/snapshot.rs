//! One version of the file, which the reads are answered from.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use istio_cloud_map_core::cloud_map::{
    Incomplete, IncompleteScope, InputError, InputOptions, Namespace, Record, Service, Tag, parse,
};
use istio_cloud_map_core::diagnostic::Diagnostic;
use istio_cloud_map_core::operator::{InstancesRead, ReadError, ReadFailure};
use istio_cloud_map_core::sorted::SortedMap;

use super::change_token::json_digest;

/// Namespaces and their services, by [`Namespace::key`] and [`Service::key`].
///
/// A service that can't be read is listed, and reading its instances fails: so its entry is kept, and
/// no other service is affected. If its name or its namespace can't be read either, reading the list
/// that it belongs to fails.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    namespaces: BTreeMap<String, InNamespace>,
    /// Why the list of namespaces is incomplete, if it is.
    incomplete: Option<String>,
    /// What was dropped.
    pub(super) diagnostics: Vec<Diagnostic>,
}

#[derive(Debug)]
struct InNamespace {
    namespace: Namespace,
    services: BTreeMap<String, InService>,
    /// Why the list of services is incomplete, if it is.
    incomplete: Option<String>,
}

#[derive(Debug)]
enum InService {
    Read { record: Box<Record>, change_token: i64 },
    Unreadable { service: Service, reason: String },
}

impl Snapshot {
    /// `last` is the version before: it has the ids of services that can't be read now.
    pub(super) fn parse(
        text: &str,
        options: &InputOptions,
        last: &Self,
    ) -> Result<Self, InputError> {
        let input = parse(text, options)?;
        let mut snapshot = Self { diagnostics: input.diagnostics, ..Self::default() };
        let mut incomplete = input.incomplete;
        for record in input.records {
            incomplete.extend(snapshot.insert(record));
        }
        for incomplete in incomplete {
            snapshot.mark(incomplete, last);
        }
        Ok(snapshot)
    }

    /// Adds a record, unless a record of another source is the same service: that is reported.
    fn insert(&mut self, record: Record) -> Option<Incomplete> {
        let within = self
            .namespaces
            .entry(record.namespace.key().to_owned())
            .or_insert_with(|| InNamespace::new(record.namespace.clone()));
        if let Entry::Vacant(vacant) = within.services.entry(record.service.key().to_owned()) {
            let change_token = change_token(&record);
            vacant.insert(InService::Read { record: Box::new(record), change_token });
            return None;
        }
        let reason =
            "another source of the file has this service too; the first is used".to_owned();
        let (namespace, service) = (record.namespace.name, record.service.name);
        let (incomplete, diagnostic) =
            Incomplete::of_service(record.source, namespace, service, reason);
        self.diagnostics.push(diagnostic);
        Some(incomplete)
    }

    /// Notes what the file has but can't be read.
    fn mark(&mut self, Incomplete { scope, reason }: Incomplete, last: &Self) {
        match scope {
            IncompleteScope::Namespaces => self.incomplete = Some(reason),
            IncompleteScope::Services { namespace } => {
                self.named_or_insert(namespace, last).incomplete = Some(reason);
            }
            IncompleteScope::Service { namespace, service } => {
                let before = last.named(&namespace).and_then(|before| before.named(&service));
                let before = before.map(|before| before.service().clone());
                let within = self.named_or_insert(namespace, last);
                if within.named(&service).is_none() {
                    let service =
                        before.unwrap_or_else(|| Service { name: service, ..Service::default() });
                    let key = service.key().to_owned();
                    within.services.insert(key, InService::Unreadable { service, reason });
                }
            }
        }
    }

    fn named(&self, name: &str) -> Option<&InNamespace> {
        self.namespaces.values().find(|within| within.namespace.name == name)
    }

    /// The namespace of this name, added if the file has no readable service in it.
    fn named_or_insert(&mut self, name: String, last: &Self) -> &mut InNamespace {
        let known = self.named(&name).or_else(|| last.named(&name));
        let namespace = known.map_or_else(
            || Namespace { name, ..Namespace::default() },
            |within| within.namespace.clone(),
        );
        self.namespaces
            .entry(namespace.key().to_owned())
            .or_insert_with(|| InNamespace::new(namespace))
    }

    pub(super) fn namespaces(&self) -> Result<Vec<Namespace>, ReadError> {
        complete(self.incomplete.as_ref())?;
        Ok(self.namespaces.values().map(|within| within.namespace.clone()).collect())
    }

    pub(super) fn services(&self, namespace: &Namespace) -> Result<Vec<Service>, ReadError> {
        let within = self.within(namespace)?;
        complete(within.incomplete.as_ref())?;
        Ok(within.services.values().map(|within| within.service().clone()).collect())
    }

    pub(super) fn instances(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<InstancesRead, ReadError> {
        self.record(namespace, service).map(|(record, change_token)| InstancesRead {
            instances: record.instances.clone(),
            revision: record.instances_revision,
            change_token: Some(change_token),
            region: record.region.clone(),
            zones: record.zones.clone(),
        })
    }

    pub(super) fn service_attributes(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<SortedMap<String, String>, ReadError> {
        self.record(namespace, service).map(|(record, _)| record.service_attributes.clone())
    }

    pub(super) fn tags(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<Vec<Tag>, ReadError> {
        self.record(namespace, service).map(|(record, _)| record.tags.clone())
    }

    fn record(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<(&Record, i64), ReadError> {
        let not_found = || {
            failed(
                ReadFailure::NotFound,
                format!("the snapshot has no service {}/{}", namespace.name, service.name),
            )
        };
        match self.within(namespace)?.services.get(service.key()).ok_or_else(not_found)? {
            InService::Read { record, change_token } => Ok((record, *change_token)),
            InService::Unreadable { reason, .. } => {
                Err(failed(ReadFailure::Malformed, reason.clone()))
            }
        }
    }

    pub(super) fn revision(
        &self,
        namespace: &Namespace,
        service: &Service,
    ) -> Result<i64, ReadError> {
        self.record(namespace, service).map(|(_, change_token)| change_token)
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
        Self { namespace, services: BTreeMap::new(), incomplete: None }
    }

    fn named(&self, name: &str) -> Option<&InService> {
        self.services.values().find(|within| within.service().name == name)
    }
}

impl InService {
    const fn service(&self) -> &Service {
        match self {
            Self::Read { record, .. } => &record.service,
            Self::Unreadable { service, .. } => service,
        }
    }
}

fn complete(incomplete: Option<&String>) -> Result<(), ReadError> {
    incomplete.map_or(Ok(()), |reason| Err(failed(ReadFailure::Malformed, reason.clone())))
}

const fn failed(failure: ReadFailure, message: String) -> ReadError {
    ReadError { failure, message }
}

/// Changes with any field of the record, not only with `instancesRevision`: a person who edits the
/// file may leave that as it is.
fn change_token(record: &Record) -> i64 {
    // A record that was read from JSON can be written as JSON.
    json_digest(record).unwrap_or_default().cast_signed()
}
