//! The operator: a state machine without IO. Events and the time go in, effects come out.
//!
//! [`Operator::handle`] is its interface. It decides what to read next and how soon, and what may
//! be written or removed. A driver carries the effects out, and reports the results as events.
//!
//! - `queue`, `budget`: what to read next, within each account's quota. One page of a list is one
//!   effect.
//! - `inventory`, `listing`: what was read of Cloud Map, and how completely. `catalogue` and
//!   `services` take in the answers, and `attempts` counts the failures.
//! - `entry`, `entries`: each entry, the state of its next write, and the indexes over all of them.
//!   `observe` takes in what the sink observes.
//! - `sources`: sources that come and go.
//! - `decide`: decides about the entries that are due: `resolve` finds what their services need,
//!   `planner` compares it with what is observed, `removal` and `guard` review deletions.
//! - `writing`, `outage`: sends writes, and waits where many fail alike. `report`: diagnostics.
//! - `status`: counts, for probes and metrics. `status_report`: everything, for a person.
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
mod decide;
mod entries;
mod entry;
mod event;
mod facts;
mod guard;
mod hosts;
mod inventory;
mod istio;
mod listing;
mod observe;
mod outage;
mod planner;
mod queue;
mod removal;
mod report;
mod resolve;
mod services;
mod sources;
mod status;
mod status_report;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use config::{Config, NameFilter, SourceConfig};
pub use event::{
    Effect, Event, InstancesRead, NamespaceOwner, Observation, Page, Read, ReadError, ReadFailure,
    ReadId, ServiceId, Target, Time, Write, WriteError, WriteFailure,
};
pub use facts::FIELDS as SPEC_FIELDS;
pub(crate) use facts::is_empty as is_empty_field;
pub use facts::{Desired, EntryKey, Fields, Observed, Scope, Version};
pub use guard::{Guard, Removal, Removals};
pub use hosts::HostIndex;
pub use istio::IstioStatus;
pub use planner::{
    Action, Case, Change, Decision, Options, Ownership, Plan, Policy, Reason, Refusal, Scopes, plan,
};
pub use status::{Refused, SourceStatus, Status};
pub use status_report::{
    BudgetReport, EntryReport, EntryState, FailureReport, InstanceCounts, OutageReport,
    RefusedRemoval, RefusedReport, ServiceReport, SourceReport, StatusReport,
};

use self::budget::Budget;
use self::entries::Entries;
use self::inventory::Inventory;
use self::istio::IstioReview;
use self::outage::Outages;
use self::queue::{Pending, ReadKey, ReadQueue};
use self::removal::RemovalReview;
use self::services::Hint;

/// How long a single pass waits for the first list of the sink.
const LIST_TIMEOUT: Duration = Duration::from_mins(1);
/// How many lists of one account and region may be in flight at once.
const MAX_LISTS_IN_FLIGHT: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Nothing new is started.
    Stopping,
    /// Nothing is in flight any more.
    Finished,
}

/// The reads of one account and region: its two planes have a quota each.
#[derive(Debug, Clone)]
struct Planes {
    /// Namespaces, services and hints: the scarce quota.
    control: ReadQueue,
    /// Revisions and instances.
    data: ReadQueue,
}

impl Planes {
    fn new(source: &SourceConfig, max_in_flight: usize, now: Time) -> Self {
        // A round of lists is spread over time: a burst would take the quota from the account's other
        // clients.
        let control = Budget::new(source.max_lists_per_second, source.max_lists_per_second, now);
        let data =
            Budget::new(source.max_requests_per_second, source.max_requests_per_second / 4, now);
        let lists_in_flight = MAX_LISTS_IN_FLIGHT.min(max_in_flight);
        Self {
            control: ReadQueue::new(control, lists_in_flight),
            data: ReadQueue::new(data, max_in_flight),
        }
    }

    /// Other rates hold from now on. What was used is used.
    fn configure(&mut self, source: &SourceConfig, max_in_flight: usize) {
        let (lists, requests) = (source.max_lists_per_second, source.max_requests_per_second);
        self.control.configure(lists, lists, MAX_LISTS_IN_FLIGHT.min(max_in_flight));
        self.data.configure(requests, requests / 4, max_in_flight);
    }
}

/// The state of the operator.
#[derive(Debug, Clone)]
pub struct Operator {
    config: Config,
    started: Time,
    inventory: Inventory,
    /// By the name of the quota.
    planes: BTreeMap<String, Planes>,
    last_read: ReadId,
    entries: Entries,
    removals: RemovalReview,
    outages: Outages,
    /// When the first pass over all sources ended.
    passed_at: Option<Time>,
    ready: bool,
    /// Entries of sources that are not read were reported.
    other_sources_reported: bool,
    /// A single pass has given up a read or a write.
    gave_up: bool,
    phase: Phase,
    decisions: u64,
    istio: IstioReview,
    /// Collected during one call of [`Self::handle`].
    effects: Vec<Effect>,
}

impl Operator {
    /// An operator that has read nothing yet. The first [`Event::Tick`] starts it.
    #[must_use]
    pub fn new(config: Config, now: Time) -> Self {
        let sources = config.sources.clone();
        let mut operator = Self {
            started: now,
            inventory: Inventory::default(),
            planes: BTreeMap::new(),
            last_read: 0,
            entries: Entries::new(&config.plan),
            removals: RemovalReview::new(config.plan.guard()),
            outages: Outages::default(),
            passed_at: None,
            ready: false,
            other_sources_reported: false,
            gave_up: false,
            phase: Phase::Running,
            decisions: 0,
            istio: IstioReview::new(now),
            effects: Vec::new(),
            config,
        };
        for source in &sources {
            operator.source_started(source, now);
        }
        operator
    }

    /// Handles an event, at a time that never goes back, and returns what to do.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Time) -> Vec<Effect> {
        match event {
            Event::Tick => {}
            Event::Reconfigured(config) => self.reconfigured(*config, now),
            Event::SourceStarted(config) => self.source_started(&config, now),
            Event::SourceStopped { source } => self.source_stopped(&source, now),
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

    /// Does everything that is due, and sets the next wake-up.
    fn advance(&mut self, now: Time) {
        if self.phase == Phase::Running {
            // Reads are compared with the entries that exist, so these are awaited first.
            if self.entries.listed {
                self.read(now);
            }
            self.entries.expire(now);
            self.review_istio(now);
            self.decide_due(now);
            if self.removals.is_due(now) || self.config.once && self.reads_are_idle() {
                self.review_removals(now);
                self.decide_due(now);
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

    /// Sends the reads that are due, within the budgets.
    fn read(&mut self, now: Time) {
        for planes in self.planes.values_mut() {
            for queue in [&mut planes.control, &mut planes.data] {
                while let Some(key) = queue.next(self.last_read + 1, now) {
                    self.last_read += 1;
                    match self.inventory.read(&key) {
                        Some(read) => self.effects.push(Effect::Read { id: self.last_read, read }),
                        // A deletion cancels its reads, so this is only a safeguard.
                        None => queue.cancel(&key),
                    }
                }
            }
        }
    }

    fn latch_ready(&mut self, now: Time) {
        // Without a source there is no pass, and a source may be started later.
        if self.ready || self.inventory.sources.is_empty() {
            return;
        }
        if self.passed_at.is_none() {
            let mut passed = true;
            // No short circuit, so that each is latched.
            for source in self.inventory.sources.values_mut() {
                passed &= source.latch();
            }
            self.passed_at = passed.then_some(now);
        }
        // What was due by then has been written, or waits for a reported reason.
        let written = |at: Time| self.entries.oldest_unwritten().is_none_or(|since| since > at);
        self.ready = self.entries.listed && self.passed_at.is_some_and(written);
    }

    fn reads_are_idle(&self) -> bool {
        self.entries.listed
            && self.planes.values().all(|planes| planes.control.is_idle() && planes.data.is_idle())
    }

    /// Nothing is in flight or planned.
    fn is_idle(&self) -> bool {
        self.reads_are_idle() && self.entries.is_idle() && !self.removals.is_planned()
    }

    /// When a single pass gives up that has no list of the sink.
    fn waits_for_list_until(&self) -> Option<Time> {
        (self.config.once && !self.entries.listed).then(|| self.started + LIST_TIMEOUT)
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
        [reads, timers, writes, self.removals.wake_at(), self.waits_for_list_until()]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(now))
    }

    /// Reads everything of a source again, as soon as its quota allows.
    fn source_changed(&mut self, name: &str, now: Time) {
        let Some(source) = self.inventory.sources.get(name) else { return };
        let Some(planes) = self.planes.get_mut(&source.config.quota) else { return };
        let name: Arc<str> = name.into();
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

    fn queue(&mut self, key: &ReadKey) -> Option<&mut ReadQueue> {
        let quota = &self.inventory.sources.get(key.source())?.config.quota;
        let planes = self.planes.get_mut(quota)?;
        Some(if key.is_data() { &mut planes.data } else { &mut planes.control })
    }

    /// Plans a read, in place of an earlier plan.
    fn plan(&mut self, key: ReadKey, at: Time) {
        if let Some(queue) = self.queue(&key) {
            queue.plan(key, at);
        }
    }

    /// Plans a read for `at`, unless it is planned for an earlier time.
    fn expedite(&mut self, key: ReadKey, at: Time) {
        if let Some(queue) = self.queue(&key) {
            queue.expedite(key, at);
        }
    }

    fn cancel(&mut self, key: &ReadKey) {
        if let Some(queue) = self.queue(key) {
            queue.cancel(key);
        }
    }

    /// Plans a read again that has failed.
    fn retry(&mut self, key: ReadKey, error: &ReadError, failures: u32, at: Time, now: Time) {
        let may_retry = self.config.may_retry(failures);
        let Some(queue) = self.queue(&key) else { return };
        if error.failure.affects_source() {
            queue.throttle(now);
        }
        if may_retry {
            queue.plan(key, at);
        }
    }

    /// A read has ended. None, if it was cancelled meanwhile, and its answer must be ignored.
    fn complete(&mut self, read: ReadId) -> Option<Pending> {
        let mut queues =
            self.planes.values_mut().flat_map(|planes| [&mut planes.control, &mut planes.data]);
        queues.find_map(|queue| queue.complete(read))
    }

    fn stop(&mut self) {
        // A single pass that is interrupted is incomplete.
        self.gave_up |= self.config.once && self.phase == Phase::Running;
        self.phase = Phase::Stopping;
        for planes in self.planes.values_mut() {
            planes.control.stop();
            planes.data.stop();
        }
    }
}
