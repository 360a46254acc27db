//! A Cloud Map, a cluster and a clock, all in memory, in which every call answers at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cloud_map::{Health, HealthCheckCustomConfig, Instance, Namespace, Service, Tag};
use crate::diagnostic::{Code, Diagnostic};
use crate::operator::{
    Action, Config, Effect, EntryKey, Event, InstancesRead, NamespaceOwner, Observation, Observed,
    Operator, Page, Read, ReadError, ReadFailure, ReadId, SourceConfig, Time, Version, Write,
    WriteError, WriteFailure,
};
use crate::sorted::SortedMap;

/// The failure of a call.
pub type Fault = Option<ReadFailure>;

pub struct World {
    pub operator: Operator,
    pub now: Time,
    /// Namespace to service to instance to address.
    pub cloud: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
    pub health_checked: BTreeSet<String>,
    pub unhealthy: BTreeSet<String>,
    /// Service attributes by service.
    pub attributes: BTreeMap<String, SortedMap<String, String>>,
    /// Tags by service.
    pub tags: BTreeMap<String, Vec<Tag>>,
    pub cluster: BTreeMap<EntryKey, Value>,
    pub calls: BTreeMap<&'static str, usize>,
    pub writes: Vec<(EntryKey, &'static str)>,
    pub reports: Vec<Diagnostic>,
    /// By operation and the name that it is about (`web` or `ns-a`).
    pub fault: fn(&str, &str) -> Fault,
    pub write_fault: Option<WriteFailure>,
    /// Writes that were refused by that.
    pub refused: usize,
    pub finished: Option<bool>,
    revision: BTreeMap<String, i64>,
    resource_version: u64,
    wake: Option<Time>,
}

impl World {
    pub fn new(config: Config) -> Self {
        let config = with_source(config);
        Self {
            operator: Operator::new(config, Time::ZERO),
            now: Time::ZERO,
            cloud: BTreeMap::new(),
            health_checked: BTreeSet::new(),
            unhealthy: BTreeSet::new(),
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
            cluster: BTreeMap::new(),
            calls: BTreeMap::new(),
            writes: Vec::new(),
            reports: Vec::new(),
            fault: |_, _| None,
            write_fault: None,
            refused: 0,
            finished: None,
            revision: BTreeMap::new(),
            resource_version: 0,
            wake: None,
        }
    }

    pub fn with_services(config: Config, count: usize) -> Self {
        let mut world = Self::new(config);
        for n in 0..count {
            world.register(
                "ns",
                &format!("s{n:03}"),
                "i-1",
                &format!("10.0.{}.{}", n / 250, n % 250 + 1),
            );
        }
        world
    }

    /// A new process, on the same cloud and cluster.
    pub fn restart(&mut self, config: Config) {
        let config = with_source(config);
        self.operator = Operator::new(config, self.now);
        self.finished = None;
    }

    pub fn register(&mut self, namespace: &str, service: &str, id: &str, address: &str) {
        self.touch(service)
            .cloud
            .entry(namespace.into())
            .or_default()
            .entry(service.into())
            .or_default()
            .insert(id.into(), address.into());
    }

    pub fn deregister_all(&mut self, namespace: &str, service: &str) {
        self.touch(service).cloud.get_mut(namespace).unwrap().get_mut(service).unwrap().clear();
    }

    pub fn delete_service(&mut self, namespace: &str, service: &str) {
        self.touch(service).cloud.get_mut(namespace).unwrap().remove(service);
    }

    fn touch(&mut self, service: &str) -> &mut Self {
        *self.revision.entry(service.to_owned()).or_insert(1 << 60) += 1;
        self
    }

    /// A person writes an entry with kubectl.
    pub fn put(&mut self, key: &EntryKey, mut entry: Value) {
        self.resource_version += 1;
        *entry.pointer_mut("/metadata/resourceVersion").unwrap() =
            json!(self.resource_version.to_string());
        let observed = Observed::from_json(&entry, None, "default");
        self.cluster.insert(key.clone(), entry);
        self.send(Event::Observed(Observation::Applied(Box::new(observed))));
    }

    /// A person deletes an entry with kubectl.
    pub fn delete(&mut self, key: &EntryKey) {
        self.cluster.remove(key);
        self.resource_version += 1;
        let version = self.version();
        self.send(Event::Observed(Observation::Deleted { key: key.clone(), version }));
    }

    pub fn list(&mut self) {
        let entries = self
            .cluster
            .values()
            .map(|entry| Observed::from_json(entry, None, "default"))
            .collect();
        let version = self.version();
        self.send(Event::Observed(Observation::Listed { entries, version }));
    }

    fn version(&self) -> Version {
        Version { uid: None, resource_version: Some(self.resource_version.to_string()) }
    }

    pub fn start(&mut self) {
        self.send(Event::Tick);
        self.list();
    }

    /// Lets time pass, and does what the operator asks for.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(wake) = self.wake.filter(|at| *at <= end) {
            self.now = self.now.max(wake);
            self.wake = None;
            self.send(Event::Tick);
        }
        self.now = end;
        self.send(Event::Tick);
    }

    pub fn send(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.operator.handle(event, self.now) {
                events.extend(self.act(effect));
            }
        }
    }

    fn act(&mut self, effect: Effect) -> Option<Event> {
        Some(match effect {
            Effect::Read { id, read } => self.read(id, read),
            Effect::Write(write) => {
                Event::Written { key: write.key.clone(), result: self.write(&write) }
            }
            Effect::Report(diagnostic) | Effect::ReportEntry { diagnostic, .. } => {
                self.reports.push(diagnostic);
                return None;
            }
            Effect::WakeAt(at) => {
                self.wake = Some(at);
                return None;
            }
            Effect::Finished { failed } => {
                self.finished = Some(failed);
                return None;
            }
        })
    }

    fn read(&mut self, id: ReadId, read: Read) -> Event {
        *self.calls.entry(read.operation()).or_default() += 1;
        let name = match &read {
            Read::Namespaces { .. } => "",
            Read::Services { namespace, .. } => &namespace.name,
            Read::ServiceAttributes(target)
            | Read::Tags(target)
            | Read::Revision(target)
            | Read::Instances(target) => &target.service.name,
        };
        let fault = (self.fault)(read.operation(), name);
        match read {
            Read::Namespaces { owner, .. } => {
                let own = self.cloud.keys().filter(|_| owner == NamespaceOwner::Own);
                let all = own.map(|name| Namespace {
                    id: Some(name.clone()),
                    name: name.clone(),
                    ..Namespace::default()
                });
                Event::NamespacesPage {
                    read: id,
                    result: answer(fault, Page { items: all.collect(), next_token: None }),
                }
            }
            Read::Services { namespace, .. } => {
                let names = self.cloud.get(&namespace.name).into_iter().flat_map(BTreeMap::keys);
                let items = names.map(|name| self.service(name)).collect();
                Event::ServicesPage {
                    read: id,
                    result: answer(fault, Page { items, next_token: None }),
                }
            }
            Read::ServiceAttributes(target) => {
                let attributes =
                    self.attributes.get(&target.service.name).cloned().unwrap_or_default();
                Event::ServiceAttributes { read: id, result: answer(fault, attributes) }
            }
            Read::Tags(target) => {
                let tags = self.tags.get(&target.service.name).cloned().unwrap_or_default();
                Event::Tags { read: id, result: answer(fault, tags) }
            }
            Read::Revision(target) => Event::Revision {
                read: id,
                result: answer(fault, self.revision_of(&target.service.name)),
            },
            Read::Instances(target) => {
                let instances = self.instances(&target.namespace.name, &target.service.name);
                Event::Instances { read: id, result: answer(fault, instances) }
            }
        }
    }

    fn service(&self, name: &str) -> Service {
        let check = self.health_checked.contains(name).then(HealthCheckCustomConfig::default);
        Service {
            id: Some(name.to_owned()),
            name: name.to_owned(),
            health_check_custom_config: check,
            ..Service::default()
        }
    }

    fn revision_of(&self, service: &str) -> i64 {
        self.revision.get(service).copied().unwrap_or(0)
    }

    fn instances(&self, namespace: &str, service: &str) -> InstancesRead {
        let instances = self
            .cloud
            .get(namespace)
            .and_then(|services| services.get(service))
            .into_iter()
            .flatten();
        let instances = instances.map(|(id, address)| Instance {
            id: id.clone(),
            health_status: if self.unhealthy.contains(id) {
                Health::Unhealthy
            } else {
                Health::Unknown
            },
            attributes: SortedMap::from([("AWS_INSTANCE_IPV4".to_owned(), address.clone())]),
        });
        InstancesRead {
            instances: instances.collect(),
            change_token: Some(self.revision_of(service)),
            ..InstancesRead::default()
        }
    }

    fn write(&mut self, write: &Write) -> Result<Option<Box<Observed>>, WriteError> {
        let error = |failure: WriteFailure| WriteError {
            failure,
            message: failure.as_str().to_owned(),
            retry_after: None,
        };
        if let Some(failure) = self.write_fault {
            self.refused += 1;
            return Err(error(failure));
        }
        let stored = self
            .cluster
            .get(&write.key)
            .map(|entry| Observed::from_json(entry, None, "default").version);
        let expected: Option<Version> = write.replaces.clone();
        if stored != expected {
            return Err(error(WriteFailure::Conflict));
        }
        let verb = match write.action {
            Action::Create => "create",
            Action::Update { empties: false, .. } => "update",
            Action::Update { empties: true, .. } => "empty",
            Action::Adopt { .. } => "adopt",
            Action::Delete => "delete",
        };
        self.writes.push((write.key.clone(), verb));
        let Some(json) = &write.json else {
            self.cluster.remove(&write.key);
            return Ok(None);
        };
        self.resource_version += 1;
        let mut entry: Value = serde_json::from_str(json).unwrap();
        let metadata = entry.pointer_mut("/metadata").unwrap().as_object_mut().unwrap();
        metadata.insert("resourceVersion".to_owned(), json!(self.resource_version.to_string()));
        let observed = Observed::from_json(&entry, None, "default");
        self.cluster.insert(write.key.clone(), entry);
        Ok(Some(Box::new(observed)))
    }

    pub fn calls(&self, operation: &str) -> usize {
        self.calls.get(operation).copied().unwrap_or(0)
    }

    pub fn reported(&self, code: Code) -> usize {
        self.reports.iter().filter(|report| report.code == code).count()
    }

    pub fn endpoints(&self, service: &str) -> Option<usize> {
        let entry = self.cluster.get(&key(service))?;
        Some(entry.pointer("/spec/endpoints").and_then(Value::as_array).map_or(0, Vec::len))
    }
}

pub fn key(service: &str) -> EntryKey {
    EntryKey { namespace: "default".to_owned(), name: format!("cloudmap-{service}.ns") }
}

/// The source of most tests, where a test has none of its own.
fn with_source(mut config: Config) -> Config {
    if config.sources.is_empty() {
        config.sources.push(SourceConfig::default());
    }
    config
}

pub fn source() -> Arc<str> {
    "default".into()
}

fn answer<T>(fault: Fault, value: T) -> Result<T, ReadError> {
    fault.map_or(Ok(value), |failure| {
        Err(ReadError { failure, message: failure.as_str().to_owned() })
    })
}
