//! Converts between the simulation's types and the state machine's events and effects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use istio_cloud_map_core::cloud_map::{Instance, Namespace, Service, Tag};
use istio_cloud_map_core::diagnostic::Diagnostic;
use istio_cloud_map_core::lease::Term;
use istio_cloud_map_core::operator::{
    self, Action, Config, Effect, EntryKey, Event, InstancesRead, NamespaceOwner, Observation,
    Observed, Options, Page, Policy, Read, ReadError, ReadFailure, ReadId, SourceConfig, Version,
    Write, WriteError, WriteFailure,
};
use istio_cloud_map_core::translate;
use serde_json::Value;

use crate::cluster::{FIELD_MANAGER, Key};
use crate::time::{S, Us};

/// What an operator process is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub owner: String,
    pub sources: Vec<Source>,
    pub translate: translate::Options,
    pub policy: Change,
    pub adopt: bool,
    pub max_delete_percent: u8,
    pub interval: Us,
    pub empty_grace: Us,
    pub catalogue_interval: Us,
    pub reads_in_flight: usize,
    pub writes_in_flight: usize,
    pub data_rate: u32,
    pub list_rate: u32,
    /// Reads service attributes, and tags.
    pub hints: (bool, bool),
    pub once: bool,
    /// Replicas share the sources out.
    pub shares: bool,
}

impl Settings {
    /// On one line, for a trace.
    pub fn describe(&self) -> String {
        let sources: Vec<&str> = self.sources.iter().map(|source| source.name.as_str()).collect();
        let Self { owner, policy, adopt, max_delete_percent, data_rate, list_rate, once, .. } =
            self;
        let [interval, grace, catalogue] =
            [self.interval, self.empty_grace, self.catalogue_interval].map(|us| us / S);
        format!(
            "hints {:?}, owner {owner}, sources {}, {policy:?}, adopt {adopt}, {max_delete_percent} %, interval {interval} s, grace {grace} s, \
             catalogue {catalogue} s, {data_rate} and {list_rate} calls a second, {} reads and {} writes at once, once {once}",
            self.hints,
            sources.join(" "),
            self.reads_in_flight,
            self.writes_in_flight
        )
    }
}

/// A source that a process reads.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub target_namespace: String,
    /// The account and region whose quota it uses.
    pub quota: String,
}

/// Which kinds of change are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Sync,
    UpsertOnly,
    CreateOnly,
}

/// Why a read failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    Throttled,
    AccessDenied,
    TimedOut,
    Unreachable,
    NotFound,
}

/// Why a write failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFault {
    Conflict,
    NotFound,
    Rejected,
    Forbidden,
    /// With this `Retry-After`, if any.
    Throttled(Us),
    Unreachable,
}

impl WriteFault {
    /// It is independent of the entry: any other write would have failed as well.
    pub const fn strikes_all(self) -> bool {
        matches!(self, Self::Forbidden | Self::Throttled(_) | Self::Unreachable)
    }
}

/// One call to Cloud Map: one page.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: u64,
    pub source: String,
    pub what: What,
    pub token: Option<String>,
}

/// What a call reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The account's own, or those of other accounts.
    Namespaces {
        own: bool,
    },
    Services {
        namespace: String,
    },
    Revision {
        service: String,
    },
    Instances {
        service: String,
    },
    /// A service's attributes, or its tags.
    Hint {
        service: String,
        tags: bool,
    },
}

impl What {
    /// Whether it uses the control plane's budget, and not the data plane's.
    pub const fn is_control(&self) -> bool {
        !matches!(self, Self::Revision { .. } | Self::Instances { .. })
    }
}

/// What Cloud Map answers.
#[derive(Debug)]
pub enum Answer {
    Namespaces { items: Vec<Namespace>, next: Option<String> },
    Services { items: Vec<Service>, next: Option<String> },
    Revision(i64),
    Hint(BTreeMap<String, String>),
    Instances { items: Vec<Instance>, revision: i64 },
}

/// One write to the API server.
#[derive(Debug, Clone)]
pub struct WriteCall {
    pub id: u64,
    pub key: Key,
    /// The entry; none for a delete.
    pub object: Option<Arc<str>>,
    /// The uid and resource version that it replaces; none where nothing may exist.
    pub replaces: Option<(String, String)>,
    pub action: &'static str,
    /// The source of the entry.
    pub source: String,
    /// When the process that sends it had started, or had taken the source over.
    pub started: Us,
    pub sent: Us,
    /// Of a replica: the sources that it leads, and the lease and term that permit the write.
    pub led: BTreeSet<String>,
    pub term: Option<(String, Term)>,
}

/// An input of a process.
#[derive(Debug)]
pub enum Input {
    Tick,
    Stop,
    /// With the settings of the process.
    SourceStarted(Box<Source>, Box<Settings>),
    SourceStopped(String),
    /// With the sources that it is to read.
    Reconfigured(Box<Settings>, Vec<String>),
    Read {
        id: u64,
        result: Result<Answer, ReadFault>,
    },
    /// At a version of the store.
    Listed(Vec<Arc<Value>>, u64),
    Applied(Arc<Value>),
    /// With the last state, under the version of its deletion.
    Deleted(Key, Arc<Value>),
    Written {
        id: u64,
        result: Result<Option<Arc<Value>>, WriteFault>,
    },
}

/// An output of a process.
#[derive(Debug)]
pub enum Output {
    Call(Call),
    Write(WriteCall),
    Report(Diagnostic),
    WakeAt(Us),
    Finished { failed: bool },
}

/// The state machine of one process, and its calls in flight.
#[derive(Debug)]
pub struct Operator {
    machine: operator::Operator,
    started: Us,
    last_id: u64,
    reads: BTreeMap<u64, (ReadId, What)>,
    writes: BTreeMap<u64, EntryKey>,
}

impl Operator {
    pub fn new(settings: &Settings, now: Us) -> Self {
        let machine = operator::Operator::new(started_with(settings), Duration::ZERO);
        Self { machine, started: now, last_id: 0, reads: BTreeMap::new(), writes: BTreeMap::new() }
    }

    pub fn is_ready(&self) -> bool {
        self.machine.status().ready
    }

    /// Handles an input.
    pub fn handle(&mut self, input: Input, now: Us) -> Option<Vec<Output>> {
        let event = match input {
            Input::Tick => Event::Tick,
            Input::Stop => Event::Stop,
            Input::SourceStarted(source, settings) => {
                Event::SourceStarted(Box::new(source_config(&source, &settings)))
            }
            Input::SourceStopped(source) => Event::SourceStopped { source: source.into() },
            Input::Reconfigured(settings, reads) => {
                let mut config = started_with(&settings);
                config.sources = sources(&settings).filter(|s| reads.contains(&s.name)).collect();
                Event::Reconfigured(Box::new(config))
            }
            Input::Listed(all, version) => {
                let version = Version { uid: None, resource_version: Some(version.to_string()) };
                Event::Observed(Observation::Listed {
                    entries: all.iter().map(|object| observed(object)).collect(),
                    version,
                })
            }
            Input::Applied(object) => {
                Event::Observed(Observation::Applied(Box::new(observed(&object))))
            }
            Input::Deleted(key, last) => Event::Observed(Observation::Deleted {
                key: entry_key(&key),
                version: observed(&last).version,
            }),
            Input::Written { id, result } => {
                let key = self.writes.remove(&id)?;
                let result = result
                    .map(|stored| stored.map(|object| Box::new(observed(&object))))
                    .map_err(write_error);
                Event::Written { key, result }
            }
            Input::Read { id, result } => self.answered(id, result)?,
        };
        let effects = self.machine.handle(event, Duration::from_micros(now - self.started));
        Some(effects.into_iter().map(|effect| self.output(effect)).collect())
    }

    fn answered(&mut self, id: u64, result: Result<Answer, ReadFault>) -> Option<Event> {
        let (read, asked) = self.reads.remove(&id)?;
        let answer = match result {
            Ok(answer) => answer,
            Err(fault) => return Some(failed(read, &asked, read_error(fault))),
        };
        Some(match answer {
            Answer::Namespaces { items, next } => {
                Event::NamespacesPage { read, result: Ok(Page { items, next_token: next }) }
            }
            Answer::Services { items, next } => {
                Event::ServicesPage { read, result: Ok(Page { items, next_token: next }) }
            }
            Answer::Revision(revision) => Event::Revision { read, result: Ok(revision) },
            Answer::Hint(values) if matches!(asked, What::Hint { tags: true, .. }) => {
                let tag = |(key, value)| Tag { key, value };
                Event::Tags { read, result: Ok(values.into_iter().map(tag).collect()) }
            }
            Answer::Hint(values) => {
                Event::ServiceAttributes { read, result: Ok(values.into_iter().collect()) }
            }
            Answer::Instances { items, revision } => {
                let answer = InstancesRead {
                    instances: items,
                    revision: Some(revision),
                    change_token: Some(revision),
                    ..InstancesRead::default()
                };
                Event::Instances { read, result: Ok(answer) }
            }
        })
    }

    fn output(&mut self, effect: Effect) -> Output {
        match effect {
            Effect::Read { id, read } => self.read(id, &read),
            Effect::Write(write) => self.write(write),
            Effect::Report(diagnostic) | Effect::ReportEntry { diagnostic, .. } => {
                Output::Report(diagnostic)
            }
            Effect::WakeAt(at) => {
                Output::WakeAt(self.started + u64::try_from(at.as_micros()).unwrap_or(Us::MAX / 2))
            }
            Effect::Finished { failed } => Output::Finished { failed },
        }
    }

    fn read(&mut self, id: ReadId, read: &Read) -> Output {
        let source = read.source().to_string();
        let (what, token) = match read {
            Read::Namespaces { owner, token, .. } => {
                (What::Namespaces { own: *owner == NamespaceOwner::Own }, token.clone())
            }
            Read::Services { namespace, token, .. } => {
                (What::Services { namespace: namespace.key().to_owned() }, token.clone())
            }
            Read::Revision(of) => (What::Revision { service: of.id.service.to_string() }, None),
            Read::Instances(of) => (What::Instances { service: of.id.service.to_string() }, None),
            Read::ServiceAttributes(of) => {
                (What::Hint { service: of.id.service.to_string(), tags: false }, None)
            }
            Read::Tags(of) => (What::Hint { service: of.id.service.to_string(), tags: true }, None),
        };
        self.last_id += 1;
        self.reads.insert(self.last_id, (id, what.clone()));
        Output::Call(Call { id: self.last_id, source, what, token })
    }

    fn write(&mut self, write: Write) -> Output {
        self.last_id += 1;
        let key = Key { namespace: write.key.namespace.clone(), name: write.key.name.clone() };
        self.writes.insert(self.last_id, write.key);
        let version = |version: Version| {
            (version.uid.unwrap_or_default(), version.resource_version.unwrap_or_default())
        };
        Output::Write(WriteCall {
            id: self.last_id,
            key,
            object: write.json,
            replaces: write.replaces.map(version),
            action: match write.action {
                Action::Create => "create",
                Action::Update { empties: false, .. } => "update",
                Action::Update { empties: true, .. } => "empty",
                Action::Adopt { .. } => "adopt",
                Action::Delete => "delete",
            },
            source: write.source.to_string(),
            started: 0,
            sent: 0,
            led: BTreeSet::new(),
            term: None,
        })
    }
}

/// What a process starts with. A replica reads nothing before it leads a source.
fn started_with(settings: &Settings) -> Config {
    let plan = Options {
        owner: settings.owner.clone(),
        policy: match settings.policy {
            Change::Sync => Policy::Sync,
            Change::UpsertOnly => Policy::UpsertOnly,
            Change::CreateOnly => Policy::CreateOnly,
        },
        adopt: settings.adopt,
        max_delete_percent: settings.max_delete_percent,
        force_deletes: false,
    };
    Config {
        sources: if settings.shares { Vec::new() } else { sources(settings).collect() },
        elsewhere: sources(settings)
            .filter(|_| settings.shares)
            .map(|source| source.name)
            .collect(),
        translate: settings.translate.clone(),
        transform: None,
        plan,
        interval: Duration::from_micros(settings.interval),
        longest_interval: Duration::from_micros(settings.interval),
        empty_grace: Duration::from_micros(settings.empty_grace),
        max_reads_in_flight: settings.reads_in_flight,
        max_writes_in_flight: settings.writes_in_flight,
        once: settings.once,
    }
}

fn sources(settings: &Settings) -> impl Iterator<Item = SourceConfig> {
    settings.sources.iter().map(|source| source_config(source, settings))
}

fn source_config(source: &Source, settings: &Settings) -> SourceConfig {
    SourceConfig {
        name: source.name.clone(),
        target_namespace: source.target_namespace.clone(),
        catalogue_interval: Duration::from_micros(settings.catalogue_interval),
        max_requests_per_second: settings.data_rate,
        max_lists_per_second: settings.list_rate,
        quota: source.quota.clone(),
        read_service_attributes: settings.hints.0,
        read_tags: settings.hints.1,
        ..SourceConfig::default()
    }
}

fn observed(object: &Value) -> Observed {
    Observed::from_json(object, Some(FIELD_MANAGER), "")
}

fn entry_key(key: &Key) -> EntryKey {
    EntryKey { namespace: key.namespace.clone(), name: key.name.clone() }
}

fn read_error(fault: ReadFault) -> ReadError {
    let failure = match fault {
        ReadFault::Throttled => ReadFailure::Throttled,
        ReadFault::AccessDenied => ReadFailure::AccessDenied,
        ReadFault::TimedOut => ReadFailure::TimedOut,
        ReadFault::Unreachable => ReadFailure::Unreachable,
        ReadFault::NotFound => ReadFailure::NotFound,
    };
    ReadError { failure, message: failure.as_str().to_owned() }
}

fn write_error(fault: WriteFault) -> WriteError {
    let failure = match fault {
        WriteFault::Conflict => WriteFailure::Conflict,
        WriteFault::NotFound => WriteFailure::NotFound,
        WriteFault::Rejected => WriteFailure::Rejected,
        WriteFault::Forbidden => WriteFailure::Forbidden,
        WriteFault::Throttled(_) => WriteFailure::Throttled,
        WriteFault::Unreachable => WriteFailure::Unreachable,
    };
    let retry_after = match fault {
        WriteFault::Throttled(wait) if wait > 0 => Some(Duration::from_micros(wait)),
        _ => None,
    };
    WriteError { retry_after, ..WriteError::new(failure, failure.as_str().to_owned()) }
}

fn failed(read: ReadId, asked: &What, error: ReadError) -> Event {
    match asked {
        What::Namespaces { .. } => Event::NamespacesPage { read, result: Err(error) },
        What::Services { .. } => Event::ServicesPage { read, result: Err(error) },
        What::Revision { .. } => Event::Revision { read, result: Err(error) },
        What::Instances { .. } => Event::Instances { read, result: Err(error) },
        What::Hint { tags: true, .. } => Event::Tags { read, result: Err(error) },
        What::Hint { tags: false, .. } => Event::ServiceAttributes { read, result: Err(error) },
    }
}
