//! The operator's mind: a state machine without IO. Events and the time go in, effects come out.
//!
//! [`Sync::on`] is all there is to it. What to read next and how soon, what is known completely, what may be written or removed: all is decided
//! here. Whoever drives it does what the effects say and reports back; nothing else.
//!
//! ```
//! use istio_cloud_map_core::sync::{Config, Effect, Event, SourceConfig, Sync, Time};
//!
//! let config = Config { sources: vec![SourceConfig::default()], ..Config::default() };
//! let mut sync = Sync::new(config, Time::ZERO);
//! let effects = sync.on(Event::Tick, Time::ZERO);
//! assert!(matches!(effects.first(), Some(Effect::ListNamespaces { source }) if &**source == "default"));
//! ```

mod attempts;
mod budget;
mod catalogue;
mod config;
mod entries;
mod event;
mod lane;
mod reading;
mod registry;
mod removing;
mod status;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use config::{Config, SourceConfig};
pub use event::{Effect, Event, InstancesRead, Observation, ReadError, ReadFailure, ServiceId, Time, Write, WriteError, WriteFailure};
pub use status::{SourceStatus, Status};

use self::attempts::Trouble;
use self::entries::Entries;
use self::registry::Registry;
use crate::plan::{Removals, Scopes};
use crate::translate;

/// How long a single pass waits for the sink to say what exists.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Nothing new is started.
    Stopping,
    /// And nothing is under way any more.
    Finished,
}

/// The state of the operator.
#[derive(Debug, Clone)]
pub struct Sync {
    config: Config,
    started: Time,
    /// How the services of each source are translated.
    options: BTreeMap<Arc<str>, translate::Options>,
    registry: Registry,
    entries: Entries,
    scopes: Scopes,
    /// When to decide about removals.
    removals_at: Option<Time>,
    /// What the guard has refused.
    refused: Option<Removals>,
    write_trouble: Option<Trouble<WriteFailure>>,
    ready: bool,
    /// A single pass has failed at something for good.
    gave_up: bool,
    phase: Phase,
    /// Gathered during one call of [`Self::on`].
    effects: Vec<Effect>,
}

impl Sync {
    /// Nothing is known yet. The first [`Event::Tick`] starts it.
    #[must_use]
    pub fn new(config: Config, now: Time) -> Self {
        let options = config.sources.iter().map(|source| {
            let owner = config.plan.owner.clone();
            let target_namespace = Some(source.target_namespace.clone());
            (Arc::from(source.name.as_str()), translate::Options { owner, target_namespace, ..config.translate.clone() })
        });
        let mut sync = Self {
            options: options.collect(),
            registry: Registry::new(&config, now),
            config,
            started: now,
            entries: Entries::default(),
            scopes: Scopes::default(),
            removals_at: None,
            refused: None,
            write_trouble: None,
            ready: false,
            gave_up: false,
            phase: Phase::Running,
            effects: Vec::new(),
        };
        sync.scopes = sync.registry.scopes();
        sync
    }

    /// Takes an event in, at a time that never goes back, and says what to do.
    #[must_use]
    pub fn on(&mut self, event: Event, now: Time) -> Vec<Effect> {
        match event {
            Event::Tick => {}
            Event::SourceChanged { source } => self.source_changed(&source, now),
            Event::NamespacesListed { source, calls, result } => self.namespaces_listed(&source, calls, result, now),
            Event::ServicesListed { source, namespace, calls, result } => self.services_listed(&source, &namespace, calls, result, now),
            Event::Revision { id, result } => self.revision(&id, result, now),
            Event::Instances { id, result } => self.instances(&id, result, now),
            Event::Observed(Observation::Listed(all)) => self.entries.list(all, &self.config.plan),
            Event::Observed(Observation::Applied(entry)) => self.entries.observe(*entry, &self.config.plan),
            Event::Observed(Observation::Deleted(key)) => self.entries.remove(&key),
            Event::Written { key, result } => self.written(&key, result, now),
            Event::Stop => self.stop(),
        }
        self.advance(now);
        std::mem::take(&mut self.effects)
    }

    /// Does all that can be done now, and says when to come back.
    fn advance(&mut self, now: Time) {
        if self.phase == Phase::Running {
            // A single pass compares with what exists, and so waits for that before it reads.
            if self.entries.listed || !self.config.once {
                self.ask(now);
            }
            self.retry(now);
            self.remove(now);
            self.settle(now);
            self.ready |=
                self.registry.passed() && self.entries.listed && self.entries.dirty.is_empty() && self.entries.in_flight.is_empty();
            if self.config.once && self.is_idle() && self.remove_at_last(now) {
                self.settle(now);
            }
        }
        let unseen = self.waits_for_list_until().is_some_and(|at| now >= at);
        self.gave_up |= unseen;
        let over = self.entries.in_flight.is_empty() && (self.phase != Phase::Running || unseen || self.config.once && self.is_idle());
        if over && self.phase != Phase::Finished {
            self.stop();
            self.phase = Phase::Finished;
            self.effects.push(Effect::Finished { failed: self.has_failed() });
        }
        if let Some(at) = self.wake_at(now) {
            self.effects.push(Effect::WakeAt(at));
        }
    }

    /// Nothing is under way, and nothing is planned but removals.
    fn is_idle(&self) -> bool {
        let reads = self.registry.sources.values().all(|source| source.lists.is_idle() && source.data.is_idle());
        let retries = self.entries.retries.values().all(|retry| retry.at == Time::MAX);
        reads && retries && self.entries.listed && self.entries.dirty.is_empty() && self.entries.in_flight.is_empty()
    }

    /// A single pass that has not been told what exists gives up at this time.
    fn waits_for_list_until(&self) -> Option<Time> {
        (self.config.once && !self.entries.listed).then(|| self.started + LONGEST_WAIT)
    }

    fn wake_at(&mut self, now: Time) -> Option<Time> {
        if self.phase != Phase::Running {
            return None;
        }
        let lanes = self.registry.sources.values_mut().flat_map(|source| [&mut source.lists, &mut source.data]);
        let reads = lanes.filter_map(|lane| lane.wake_at(now)).min();
        let retries = self.entries.retries.values().map(|retry| retry.at).filter(|at| *at < Time::MAX).min();
        let unseen = self.waits_for_list_until();
        // Without a list of what exists a single pass asks nothing, and so what is due does not wake it.
        let reads = reads.filter(|_| unseen.is_none());
        [reads, retries, self.removals_at, unseen].into_iter().flatten().min().map(|at| at.max(now))
    }

    fn source_changed(&mut self, source: &Arc<str>, now: Time) {
        let ids: Vec<ServiceId> = self.registry.services.keys().filter(|id| id.source == *source).cloned().collect();
        let Some(source) = self.registry.sources.get_mut(source) else { return };
        source.lists.hurry(lane::Read::Namespaces, now);
        for id in ids {
            source.data.hurry(lane::Read::Service(id), now);
        }
    }

    fn stop(&mut self) {
        self.phase = Phase::Stopping;
        for source in self.registry.sources.values_mut() {
            source.lists.stop();
            source.data.stop();
        }
    }
}
