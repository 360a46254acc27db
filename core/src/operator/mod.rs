//! The operator: a state machine without IO. Events and the time go in, effects come out.
//!
//! [`Operator::handle`] is all there is to it. What to read next and how soon, what is known
//! completely, what may be written or removed: all is decided here. Whoever drives it does what the
//! effects ask for, and reports back.
//!
//! - `queue`, `budget`: what to read next, within each account's quota. One page of a list is one
//!   effect.
//! - `inventory`: what is known of Cloud Map, and how completely. `catalogue` and `services` take
//!   answers in.
//! - `entries`: what is known of the cluster, and what each entry waits for. `writing` looks at
//!   what is due and sends writes.
//! - `planner`: what one entry needs. `guard`: whether removals are too many.
//!
//! ```
//! use istio_cloud_map_core::operator::{Config, Effect, Event, Observation, Operator, Read, SourceConfig, Time, Version};
//!
//! let config = Config { sources: vec![SourceConfig::default()], ..Config::default() };
//! let mut operator = Operator::new(config, Time::ZERO);
//! let cluster = Observation::Listed { entries: Vec::new(), version: Version::default() };
//! let effects = operator.handle(Event::Observed(cluster), Time::ZERO);
//! assert!(matches!(effects.first(), Some(Effect::Read { read: Read::Namespaces { token: None, .. }, .. })));
//! ```

mod attempts;
mod budget;
mod catalogue;
mod config;
mod entries;
mod event;
mod facts;
mod fingerprint;
mod guard;
mod hosts;
mod inventory;
mod planner;
mod queue;
mod removal;
mod services;
mod status;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::BTreeMap;
use std::time::Duration;

pub use config::{Config, SourceConfig};
pub use event::{
    Effect, Event, InstancesRead, NamespaceOwner, Observation, Page, Read, ReadError, ReadFailure,
    ReadId, ServiceId, Target, Time, Write, WriteError, WriteFailure,
};
pub use facts::{Desired, EntryKey, Fields, Observed, Scope, Version};
pub(crate) use facts::{FIELDS as SPEC_FIELDS, is_empty as is_empty_field};
pub use guard::{Guard, Removal, Removals};
pub use hosts::HostIndex;
pub use planner::{
    Action, Case, Change, Decision, Options, Ownership, Plan, Policy, Reason, Refusal, Scopes, plan,
};
pub use status::{Refused, SourceStatus, Status};

use self::budget::Budget;
use self::entries::Entries;
use self::inventory::Inventory;
use self::queue::{Pending, ReadKey, ReadQueue};
use self::removal::Removing;
use self::writing::Outages;

/// How long a single pass waits for the sink to list what exists.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How many lists of one account and region may be under way at once.
const LISTS_IN_FLIGHT: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Nothing new is started.
    Stopping,
    /// And nothing is under way any more.
    Finished,
}

/// What is read of one account and region: its two planes have a quota each.
#[derive(Debug, Clone)]
struct Planes {
    /// Namespaces, services and hints: the scarce one.
    control: ReadQueue,
    /// Revisions and instances.
    data: ReadQueue,
}

impl Planes {
    fn new(source: &SourceConfig, max_in_flight: usize, now: Time) -> Self {
        // A round of lists is spread over time: a burst would take the quota from everybody else in
        // the account.
        let control = Budget::new(source.max_lists_per_second, source.max_lists_per_second, now);
        let data =
            Budget::new(source.max_requests_per_second, source.max_requests_per_second / 4, now);
        let lists_in_flight = LISTS_IN_FLIGHT.min(max_in_flight);
        Self {
            control: ReadQueue::new(control, lists_in_flight),
            data: ReadQueue::new(data, max_in_flight),
        }
    }
}

/// The state of the operator.
#[derive(Debug, Clone)]
pub struct Operator {
    config: Config,
    started: Time,
    inventory: Inventory,
    /// By the name of the quota that sources share.
    planes: BTreeMap<String, Planes>,
    last_read: ReadId,
    entries: Entries,
    removing: Removing,
    outages: Outages,
    /// When the first pass over all sources was over.
    passed_at: Option<Time>,
    ready: bool,
    /// Entries of other processes were reported.
    elsewhere_reported: bool,
    /// A single pass has failed at something for good.
    gave_up: bool,
    phase: Phase,
    decisions: u64,
    /// Gathered during one call of [`Self::handle`].
    effects: Vec<Effect>,
}

impl Operator {
    /// Nothing is known yet. The first [`Event::Tick`] starts it.
    #[must_use]
    pub fn new(config: Config, now: Time) -> Self {
        let mut planes: BTreeMap<String, Planes> = BTreeMap::new();
        for source in &config.sources {
            let planes = planes
                .entry(source.quota.clone())
                .or_insert_with(|| Planes::new(source, config.max_reads_in_flight, now));
            planes
                .control
                .plan(ReadKey::Namespaces(source.name.as_str().into(), NamespaceOwner::Own), now);
        }
        Self {
            started: now,
            inventory: Inventory::new(&config),
            planes,
            last_read: 0,
            entries: Entries::new(config.plan.adopt && config.plan.policy != Policy::CreateOnly),
            removing: Removing::new(config.plan.guard()),
            outages: Outages::default(),
            passed_at: None,
            ready: false,
            elsewhere_reported: false,
            gave_up: false,
            phase: Phase::Running,
            decisions: 0,
            effects: Vec::new(),
            config,
        }
    }

    /// Takes an event in, at a time that never goes back, and returns what to do.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Time) -> Vec<Effect> {
        match event {
            Event::Tick => {}
            Event::SourceChanged { source } => self.source_changed(&source, now),
            Event::NamespacesPage { read, result } => self.namespaces_page(read, result, now),
            Event::ServicesPage { read, result } => self.services_page(read, result, now),
            Event::ServiceAttributes { read, result } => {
                self.hint(read, result.map(Hint::Attributes), now);
            }
            Event::Tags { read, result } => self.hint(read, result.map(Hint::Tags), now),
            Event::Revision { read, result } => self.revision(read, result, now),
            Event::Instances { read, result } => self.instances(read, result, now),
            Event::Observed(observation) => self.observed(observation, now),
            Event::Written { key, result } => self.written(&key, result, now),
            Event::Stop => self.stop(),
        }
        self.advance(now);
        std::mem::take(&mut self.effects)
    }

    /// Does all that can be done now, and asks for the next wake-up.
    fn advance(&mut self, now: Time) {
        if self.phase == Phase::Running {
            // Whatever is read is compared with what exists, so that is awaited first.
            if self.entries.listed {
                self.read(now);
            }
            self.entries.expire(now);
            self.settle(now);
            if self.removing.is_due(now) || self.config.once && self.reads_are_idle() {
                self.guard(now);
                self.settle(now);
            }
            self.latch_ready(now);
        }
        let unlisted = self.waits_for_list_until().is_some_and(|at| now >= at);
        self.gave_up |= unlisted;
        let over = self.phase != Phase::Running || unlisted || self.config.once && self.is_idle();
        if over && self.entries.in_flight == 0 && self.phase != Phase::Finished {
            let failed = self.has_failed();
            self.phase = Phase::Finished;
            self.effects.push(Effect::Finished { failed });
        }
        if let Some(at) = self.wake_at(now) {
            self.effects.push(Effect::WakeAt(at));
        }
    }

    /// Asks for whatever is due and affordable.
    fn read(&mut self, now: Time) {
        for planes in self.planes.values_mut() {
            for queue in [&mut planes.control, &mut planes.data] {
                while let Some(key) = queue.next(self.last_read + 1, now) {
                    self.last_read += 1;
                    match self.inventory.read(&key) {
                        Some(read) => self.effects.push(Effect::Read { id: self.last_read, read }),
                        // What was to be read has gone; its plans are cancelled with it, so this is
                        // only a safeguard.
                        None => queue.cancel(&key),
                    }
                }
            }
        }
    }

    fn latch_ready(&mut self, now: Time) {
        if self.ready {
            return;
        }
        if self.passed_at.is_none() {
            let mut passed = true;
            // Each is asked, so that each is latched.
            for source in self.inventory.sources.values_mut() {
                passed &= source.latch();
            }
            self.passed_at = passed.then_some(now);
        }
        // What was due by then has been written, or is reported to be held up.
        let written = |at: Time| self.entries.oldest_unwritten().is_none_or(|since| since > at);
        self.ready = self.entries.listed && self.passed_at.is_some_and(written);
    }

    fn reads_are_idle(&self) -> bool {
        self.entries.listed
            && self.planes.values().all(|planes| planes.control.is_idle() && planes.data.is_idle())
    }

    /// Nothing is under way or planned.
    fn is_idle(&self) -> bool {
        self.reads_are_idle() && self.entries.is_idle() && !self.removing.is_planned()
    }

    /// A single pass that was not told what exists gives up at this time.
    fn waits_for_list_until(&self) -> Option<Time> {
        (self.config.once && !self.entries.listed).then(|| self.started + LONGEST_WAIT)
    }

    fn wake_at(&mut self, now: Time) -> Option<Time> {
        if self.phase != Phase::Running {
            return None;
        }
        let listed = self.entries.listed;
        let queues =
            self.planes.values_mut().flat_map(|planes| [&mut planes.control, &mut planes.data]);
        let reads = queues.filter_map(|queue| queue.wake_at(now)).min().filter(|_| listed);
        let timers = self.entries.next_timer();
        let writes = self.outages.wake_at(&self.entries);
        [reads, timers, writes, self.removing.wake_at(), self.waits_for_list_until()]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(now))
    }

    fn source_changed(&mut self, name: &str, now: Time) {
        let Some(source) = self.inventory.sources.get(name) else { return };
        let Some(planes) = self.planes.get_mut(&source.config.quota) else { return };
        let name: std::sync::Arc<str> = name.into();
        planes.control.expedite(ReadKey::Namespaces(name.clone(), NamespaceOwner::Own), now);
        for namespace in source.namespaces.keys() {
            planes.control.expedite(ReadKey::Services(name.clone(), namespace.clone()), now);
        }
        for id in self.inventory.services.keys().filter(|id| id.source == name) {
            if source.config.read_service_attributes {
                planes.control.expedite(ReadKey::Attributes(id.clone()), now);
            }
            if source.config.read_tags {
                planes.control.expedite(ReadKey::Tags(id.clone()), now);
            }
            planes.data.expedite(ReadKey::Service(id.clone()), now);
        }
    }

    fn observed(&mut self, observation: Observation, now: Time) {
        match observation {
            Observation::Listed { entries, version } => {
                for entry in &entries {
                    self.confirm(entry, now);
                }
                let owned = entries.into_iter().map(|entry| {
                    let ownership = self.ownership(&entry);
                    (entry, ownership)
                });
                let owned = owned.collect();
                self.entries.list(owned, &version, now);
            }
            Observation::Applied(entry) => {
                self.confirm(&entry, now);
                let ownership = self.ownership(&entry);
                self.entries.observe(*entry, ownership, now);
            }
            Observation::Deleted { key, version } => self.entries.remove(&key, &version, now),
        }
        self.removing.observe(self.entries.base, now);
    }

    fn ownership(&self, entry: &Observed) -> Ownership {
        match entry.owner.as_deref() {
            None => Ownership::Unowned,
            Some(owner) if owner != self.config.plan.owner => Ownership::Foreign,
            Some(_) if self.inventory.reads(entry) => Ownership::Ours,
            Some(_) => Ownership::Elsewhere,
        }
    }

    fn control(&mut self, source: &str) -> Option<&mut ReadQueue> {
        let quota = &self.inventory.sources.get(source)?.config.quota;
        self.planes.get_mut(quota).map(|planes| &mut planes.control)
    }

    fn data(&mut self, source: &str) -> Option<&mut ReadQueue> {
        let quota = &self.inventory.sources.get(source)?.config.quota;
        self.planes.get_mut(quota).map(|planes| &mut planes.data)
    }

    fn complete_control(&mut self, read: ReadId) -> Option<Pending> {
        self.planes.values_mut().find_map(|planes| planes.control.complete(read))
    }

    fn complete_data(&mut self, read: ReadId) -> Option<Pending> {
        self.planes.values_mut().find_map(|planes| planes.data.complete(read))
    }

    fn stop(&mut self) {
        // A single pass that is interrupted has not done what was asked.
        self.gave_up |= self.config.once && self.phase == Phase::Running;
        self.phase = Phase::Stopping;
        for planes in self.planes.values_mut() {
            planes.control.stop();
            planes.data.stop();
        }
    }
}

/// What a service says about itself.
enum Hint {
    Attributes(crate::sorted::SortedMap<String, String>),
    Tags(Vec<crate::cloud_map::Tag>),
}
