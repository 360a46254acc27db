//! Which sources this replica leads: carries out what [`Election`] decides, by the API server's
//! leases.
//!
//! The leases are listed every second, and not watched: they are few, and a list can't lose an
//! event. A list that overlaps with the answer to a write says nothing about that lease, and is
//! dropped.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use istio_cloud_map_core::lease::{Config, Effect, Election, Event, Record, Term, WriteFailure};
use istio_cloud_map_core::operator::{self, SourceConfig, Time, Version, WriteError};
use istio_cloud_map_core::translate::Conflicts;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::time::timeout;

use super::reports::{Led, Replicas};
use super::tasks::Tasks;
use crate::metrics::Metrics;
use crate::sink::kube::Leases;

/// Time between two lists.
const LIST_EVERY: Duration = Duration::from_secs(1);
/// How long a release waits for the writes of its sources that are in flight.
const LONGEST_WRITES: Duration = Duration::from_secs(4);
/// An identity is part of an object's name.
const LONGEST_HOST_NAME: usize = 63;

/// The leases that replicas share the sources by.
pub struct Leading {
    /// What the names of its leases begin with.
    prefix: String,
    election: Election,
    leases: Leases,
    groups: BTreeMap<String, Group>,
    metrics: Arc<Metrics>,
    list: List,
    /// The terms of the records that were last written, by the name of the lease.
    terms: BTreeMap<String, Term>,
    /// The failures that were last reported, of lists and of writes; none, once such a call succeeds.
    reported: BTreeMap<Call, String>,
    decided: bool,
    stopping: bool,
    stopped: bool,
}

/// The sources of one lease.
struct Group {
    sources: Vec<SourceConfig>,
    /// Held by the writes of these sources, and by the release of the lease, which comes after them.
    writes: Arc<RwLock<()>>,
}

/// The list of the leases.
#[derive(Debug, Default)]
struct List {
    next: Time,
    running: bool,
    /// A write was answered since the list began.
    outdated: bool,
}

/// What is asked of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    List,
    Write,
}

/// An answer of the API server.
pub enum Answer {
    /// To the list.
    Listed(Result<Vec<(String, Record, Version)>, WriteError>),
    /// To a write or a deletion.
    Written(String, Result<Version, WriteError>),
}

/// Kept while a write is in flight.
pub type Permit = Option<OwnedRwLockReadGuard<()>>;

impl Leading {
    /// A replica that leads nothing yet, and takes the sources out of the settings.
    pub fn new(
        leases: Leases,
        settings: &mut operator::Config,
        metrics: Arc<Metrics>,
        now: Time,
    ) -> Self {
        let sources = std::mem::take(&mut settings.sources);
        settings.elsewhere = sources.iter().map(|source| source.name.clone()).collect();
        let together = is_together(settings);
        let prefix = prefix(&settings.plan.owner);
        let groups = group(&prefix, sources, together, &metrics);
        let config = Config {
            identity: identity(),
            leases: groups.keys().cloned().collect(),
            member_prefix: format!("{prefix}-replica-"),
            ..Config::default()
        };
        tracing::info!("this replica is {}", config.identity);
        Self {
            prefix,
            election: Election::new(config, now),
            leases,
            groups,
            metrics,
            list: List::default(),
            terms: BTreeMap::new(),
            reported: BTreeMap::new(),
            decided: false,
            stopping: false,
            stopped: false,
        }
    }

    /// Takes the sources of other settings, and leaves those in them that this replica leads.
    pub fn reconfigure(
        &mut self,
        settings: &mut operator::Config,
        now: Time,
        tasks: &mut Tasks,
    ) -> Vec<operator::Event> {
        let sources = std::mem::take(&mut settings.sources);
        for source in self.groups.values().flat_map(|group| &group.sources) {
            if sources.iter().all(|new| new.name != source.name) {
                self.metrics.leads_no_more(&source.name);
            }
        }
        settings.elsewhere = sources.iter().map(|source| source.name.clone()).collect();
        let mut groups = group(&self.prefix, sources, is_together(settings), &self.metrics);
        let leases = groups.keys().cloned().collect();
        // Before the groups are others: the sources of a lease that is given up are stopped.
        let events = self.handle(Event::Configured { leases }, now, tasks);
        for (name, group) in &mut groups {
            if let Some(old) = self.groups.remove(name) {
                group.writes = old.writes;
            }
            if self.election.term(name, now).is_some() {
                for source in &group.sources {
                    self.metrics.leads(&source.name, true);
                }
                settings.sources.extend(group.sources.iter().cloned());
            }
        }
        // Of those that are being released, the writes are still waited for.
        groups.extend(
            std::mem::take(&mut self.groups)
                .into_iter()
                .map(|(name, group)| (name, Group { sources: Vec::new(), ..group })),
        );
        self.groups = groups;
        events
    }

    /// Does what is due. First of all in each turn, since the process may have been paused.
    pub fn tick(&mut self, now: Time, tasks: &mut Tasks) -> Vec<operator::Event> {
        if !self.list.running && !self.stopped && now >= self.list.next {
            self.list = List { next: now + LIST_EVERY, running: true, outdated: false };
            let leases = self.leases.clone();
            tasks.ask(async move { Answer::Listed(leases.list().await) });
        }
        self.handle(Event::Tick, now, tasks)
    }

    /// Takes in an answer.
    pub fn answered(
        &mut self,
        answer: Answer,
        now: Time,
        tasks: &mut Tasks,
    ) -> Vec<operator::Event> {
        let event = match answer {
            Answer::Listed(Ok(leases)) => {
                self.report(Call::List, None);
                self.list.running = false;
                if self.list.outdated {
                    return Vec::new();
                }
                Event::Listed { leases }
            }
            Answer::Listed(Err(error)) => {
                self.report(Call::List, Some(&error));
                self.list.running = false;
                return Vec::new();
            }
            Answer::Written(name, result) => {
                self.list.outdated = true;
                let is_conflict = |error: &WriteError| {
                    use operator::WriteFailure::{Conflict, NotFound};
                    matches!(error.failure, Conflict | NotFound)
                };
                let failed = result.as_ref().err().filter(|error| !is_conflict(error));
                self.report(Call::Write, failed);
                let result = result.map_err(|error| {
                    if is_conflict(&error) { WriteFailure::Conflict } else { WriteFailure::Failed }
                });
                Event::Written { name, result }
            }
        };
        self.handle(event, now, tasks)
    }

    /// Releases everything. The operator's own writes have ended.
    pub fn stop(&mut self, now: Time, tasks: &mut Tasks) {
        if !std::mem::replace(&mut self.stopping, true) {
            drop(self.handle(Event::Stop, now, tasks));
        }
    }

    /// Whether everything is released, or the time for it is up.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether it was once known who leads each source.
    pub const fn is_decided(&self) -> bool {
        self.decided
    }

    /// Which replica leads each source.
    pub fn replicas(&self, now: Time) -> Replicas {
        let of_group = |(name, group): (&String, &Group)| {
            let leader = self.election.leader(name, now).map(str::to_owned);
            let leads = self.election.term(name, now).is_some();
            let sources = group.sources.iter();
            sources
                .map(|source| Led { name: source.name.clone(), leader: leader.clone(), leads })
                .collect::<Vec<_>>()
        };
        Replicas {
            identity: self.election.identity().to_owned(),
            sources: self.groups.iter().flat_map(of_group).collect(),
        }
    }

    /// When [`Self::tick`] is due.
    pub fn deadline(&self) -> Option<Time> {
        let list = (!self.list.running && !self.stopped).then_some(self.list.next);
        self.election.deadline().into_iter().chain(list).min()
    }

    /// Allows a write of a source that this replica leads at this time.
    ///
    /// # Errors
    /// Where it does not, or no longer.
    pub fn permit(&self, source: &str, now: Time) -> Result<Permit, WriteError> {
        let leads = |(name, group): &(&String, &Group)| {
            group.sources.iter().any(|of_group| of_group.name == source)
                && self.election.term(name, now).is_some()
        };
        let group = self.groups.iter().find(leads).map(|(_, group)| group.writes.clone());
        let permit = group.and_then(|writes| writes.try_read_owned().ok());
        permit.map(Some).ok_or_else(|| {
            let message = format!("this replica does not lead the source {source} any more");
            WriteError::new(operator::WriteFailure::Conflict, message)
        })
    }

    fn handle(&mut self, event: Event, now: Time, tasks: &mut Tasks) -> Vec<operator::Event> {
        let mut events = Vec::new();
        for effect in self.election.handle(event, now) {
            match effect {
                Effect::Write { name, record, replaces } => {
                    self.write(name, record, replaces, tasks);
                }
                Effect::Delete { name, version } => {
                    let leases = self.leases.clone();
                    tasks.ask(async move {
                        let result = leases.delete(&name, &version).await;
                        Answer::Written(name, result.map(|()| version))
                    });
                }
                Effect::Lead { name, is_leader } => events.extend(self.lead(&name, is_leader)),
                Effect::Stopped => self.stopped = true,
            }
        }
        self.decided |= self.election.is_decided(now);
        events
    }

    fn write(
        &mut self,
        name: String,
        record: Record,
        replaces: Option<Version>,
        tasks: &mut Tasks,
    ) {
        let leases = self.leases.clone();
        let acquired = record.holder.is_some()
            && self.terms.insert(name.clone(), record.transitions) != Some(record.transitions);
        let group = self.groups.get(&name).filter(|_| record.holder.is_none());
        let writes = group.map(|group| group.writes.clone());
        tasks.ask(async move {
            let ended = match &writes {
                Some(writes) => timeout(LONGEST_WRITES, writes.write()).await.map(Some),
                None => Ok(None),
            };
            let result = if let Ok(_guard) = ended {
                leases.write(&name, &record, acquired, replaces.as_ref()).await
            } else {
                let message = format!("writes that the lease {name} allowed do not end");
                Err(WriteError::new(operator::WriteFailure::Other, message))
            };
            Answer::Written(name, result)
        });
    }

    fn lead(&self, name: &str, is_leader: bool) -> Vec<operator::Event> {
        let sources = self.groups.get(name).map(|group| group.sources.as_slice());
        let mut events = Vec::new();
        for source in sources.unwrap_or_default() {
            self.metrics.leads(&source.name, is_leader);
            let source_name = source.name.as_str();
            if is_leader {
                tracing::info!(source = source_name, "leads the source");
                events.push(operator::Event::SourceStarted(Box::new(source.clone())));
            } else {
                tracing::info!(source = source_name, "does not lead the source any more");
                events.push(operator::Event::SourceStopped { source: source_name.into() });
            }
        }
        events
    }

    /// Logs a failure once, and its end.
    fn report(&mut self, call: Call, error: Option<&WriteError>) {
        match error {
            None if self.reported.remove(&call).is_none() => {}
            None if call == Call::List => tracing::info!("the leases can be listed again"),
            None => tracing::info!("the leases can be written again"),
            Some(error) if self.reported.get(&call) == Some(&error.message) => {}
            Some(error) => {
                tracing::warn!("leases: {error}");
                self.reported.insert(call, error.message.clone());
            }
        }
    }
}

/// Whether all sources have one lease: an entry that is merged from several of them has one writer.
fn is_together(settings: &operator::Config) -> bool {
    settings.translate.conflicts == Conflicts::Merge
}

/// The sources by the name of their lease.
fn group(
    prefix: &str,
    sources: Vec<SourceConfig>,
    together: bool,
    metrics: &Metrics,
) -> BTreeMap<String, Group> {
    let mut groups = BTreeMap::<String, Group>::new();
    for source in sources {
        metrics.leads(&source.name, false);
        let name = if together {
            format!("{prefix}-sources")
        } else {
            format!("{prefix}-source-{}", source.name)
        };
        let new = || Group { sources: Vec::new(), writes: Arc::default() };
        groups.entry(name).or_insert_with(new).sources.push(source);
    }
    groups
}

/// What the names of all leases of an `--id` begin with. An id may have capitals and underscores,
/// which a name may not: then its bytes in hexadecimal take its place.
fn prefix(owner: &str) -> String {
    let is_valid = owner
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    if is_valid {
        return format!("istio-cloud-map-{owner}");
    }
    owner.bytes().fold("istio-cloud-map-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}

/// The name of the pod or machine, and a random number: a process that is restarted is another
/// replica.
fn identity() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy().to_ascii_lowercase();
    let host: String = host
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(LONGEST_HOST_NAME)
        .collect();
    // The standard library's hasher is seeded by the system.
    let random = RandomState::new().hash_one(std::process::id());
    format!("{}-{:08x}", host.trim_matches('-'), random & 0xffff_ffff)
        .trim_start_matches('-')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_leases_are_valid_whatever_the_id() {
        assert_eq!(prefix("prod.eu-1"), "istio-cloud-map-prod.eu-1");
        assert_eq!(prefix("Prod_1"), "istio-cloud-map-50726f645f31");
    }

    #[test]
    fn an_identity_is_part_of_a_name_and_of_one_process() {
        let (first, second) = (identity(), identity());
        assert!(first.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        assert!(first.len() <= LONGEST_HOST_NAME + 9 && !first.starts_with('-'));
        assert_ne!(first, second);
    }
}
