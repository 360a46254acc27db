//! The driver: does what the operator asks for, and reports back.
//!
//! One loop. Everything that waits for the outside runs as a task of [`Tasks`] and answers with one
//! event. The first task to fail stops the process: nothing fails unnoticed.

mod clock;
mod heartbeat;
mod leading;
mod log;
mod notices;
mod reports;
mod stop_signal;
mod tasks;
mod timeline;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::stream::BoxStream;
use istio_cloud_map_core::diagnostic::Diagnostic;
use istio_cloud_map_core::operator::{
    self, Effect, EntryKey, Event, Operator, Status, Time, Write,
};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

pub use clock::Clock;
pub use heartbeat::Heartbeat;
pub use leading::Leading;
pub use log::diagnostic;
pub use notices::Notices;
pub use reports::{Report, Reports};
pub use stop_signal::StopSignal;
use tasks::Tasks;
pub use tasks::{Backends, Sources, Writes};
pub use timeline::{Change, Timeline};

use self::leading::Answer;
use crate::metrics::Metrics;
use crate::sink::Sink;

/// How long a stop waits for the writes in flight.
const LONGEST_STOP: Duration = Duration::from_secs(4);
/// How often the status is taken; it costs a walk over all services.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// What the rest of the process observes of the loop.
#[derive(Clone)]
pub struct Telemetry {
    /// Counts what is done.
    pub metrics: Arc<Metrics>,
    /// Beats while the loop turns.
    pub heartbeat: Arc<Heartbeat>,
    /// Taken every second.
    pub status: watch::Sender<Status>,
    /// The last writes.
    pub timeline: Arc<Timeline>,
    /// Everything, when someone asks for it.
    pub reports: Arc<Reports>,
    /// Gets the operator's diagnostics in place of the log.
    pub diagnostics: Option<mpsc::UnboundedSender<Diagnostic>>,
    /// Publishes what a person must act on.
    pub notices: Option<Notices>,
}

impl Telemetry {
    /// Of a loop that has not turned yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            heartbeat: Arc::default(),
            status: watch::Sender::default(),
            timeline: Arc::default(),
            reports: Arc::default(),
            diagnostics: None,
            notices: None,
        }
    }

    /// Reports a diagnostic, of an entry if there is one.
    pub fn report(&self, entry: Option<EntryKey>, diagnostic: Diagnostic) {
        if let Some(notices) = &self.notices {
            notices.notify(entry, &diagnostic);
        }
        match &self.diagnostics {
            Some(diagnostics) => drop(diagnostics.send(diagnostic)),
            None => log::diagnostic(&diagnostic),
        }
    }
}

/// What the loop turns on.
pub enum Input {
    /// For the operator.
    Operator(Event),
    /// For the leases.
    Lease(Answer),
    /// For all.
    Reconfigured(Box<Reconfiguration>),
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Operator(event)
    }
}

/// Other settings, while the operator runs.
pub struct Reconfiguration {
    /// The settings of the operator, with all sources.
    pub settings: operator::Config,
    /// The sources by name, and the sink if that has changed.
    pub sources: Sources,
    /// The new sink, if that has changed.
    pub sink: Option<Arc<dyn Sink>>,
}

/// An operator and all that it runs with.
pub struct Driver {
    /// Decides.
    pub operator: Operator,
    /// Which sources are ours; none, where this process has all of them for itself.
    pub leading: Option<Leading>,
    /// What is read and written.
    pub backends: Backends,
    /// What the rest of the process observes.
    pub telemetry: Telemetry,
    /// The time of all of them.
    pub clock: Clock,
    /// Other settings, one after another.
    pub reloads: BoxStream<'static, Reconfiguration>,
}

impl Driver {
    /// Runs until a single pass is over or a stop is requested. True, if something failed that a
    /// pass should have done.
    ///
    /// # Errors
    /// Where a task of its own ended that never should.
    pub async fn run(self, stop: &StopSignal) -> anyhow::Result<bool> {
        let Self { operator, leading, backends, telemetry, clock, reloads } = self;
        let (events, mut inbox) = mpsc::channel(256);
        let mut tasks = Tasks::new(backends, events, &telemetry);
        tasks.watch_sink();
        tasks.watch_sources();
        tasks.reload_from(reloads);
        let mut parts =
            Parts { operator, leading, tasks, telemetry, clock, wake: None, finished: None };
        let mut stopping: Option<Time> = None;
        let mut status_at = Time::ZERO;
        let mut input = Input::Operator(Event::Tick);
        loop {
            let now = clock.now();
            if let Some(failed) = parts.turn(input, now) {
                return Ok(failed);
            }
            if now >= status_at {
                parts.publish();
                status_at = now + STATUS_EVERY;
            }
            let leases_wake = parts.leading.as_ref().and_then(Leading::deadline);
            let stop_ends = stopping.map(|since| since + LONGEST_STOP);
            // What has just happened must not wait for the next event to be seen: the status.
            let wakes = [parts.wake, leases_wake, stop_ends, Some(status_at)];
            let wake = wakes.into_iter().flatten().min().unwrap_or(status_at);
            input = tokio::select! {
                biased;
                () = stop.requested(), if stopping.is_none() => {
                    stopping = Some(clock.now());
                    tracing::info!("stopping: finishing the writes in flight");
                    Event::Stop.into()
                }
                ended = parts.tasks.ended() => {
                    ended?;
                    Event::Tick.into()
                }
                () = parts.telemetry.reports.requested() => {
                    parts.report(clock.now());
                    Event::Tick.into()
                }
                input = inbox.recv() => input.context("no task is running")?,
                () = sleep(wake.saturating_sub(clock.now())) => Event::Tick.into(),
            };
            if stop_ends.is_some_and(|end| clock.now() >= end) {
                tracing::warn!(
                    "some writes did not end in time; the next start observes their results"
                );
                return Ok(true);
            }
        }
    }
}

/// What a turn of the loop works with.
struct Parts {
    operator: Operator,
    leading: Option<Leading>,
    tasks: Tasks,
    telemetry: Telemetry,
    clock: Clock,
    /// When the operator's next turn is due.
    wake: Option<Time>,
    /// The operator has finished, and whether anything failed.
    finished: Option<bool>,
}

impl Parts {
    /// Takes in what has happened, and does what follows. With whether it failed, once all is over.
    fn turn(&mut self, input: Input, now: Time) -> Option<bool> {
        let mut finished = None;
        let mut events = self.events(input, now);
        while let Some(event) = events.pop_front() {
            self.wake = None;
            for effect in self.operator.handle(event, now) {
                match effect {
                    Effect::WakeAt(at) => self.wake = Some(at),
                    Effect::Finished { failed } => finished = Some(failed),
                    Effect::Report(diagnostic) => self.telemetry.report(None, diagnostic),
                    Effect::ReportEntry { entry, diagnostic } => {
                        self.telemetry.report(Some(entry), diagnostic);
                    }
                    Effect::Read { id, read } => self.tasks.read(id, read),
                    Effect::Write(write) => events.extend(self.write(write)),
                }
            }
        }
        self.telemetry.heartbeat.beat();
        self.finish(finished, now)
    }

    /// What the operator is to handle, in order.
    fn events(&mut self, input: Input, now: Time) -> VecDeque<Event> {
        let mut events = VecDeque::new();
        if let Some(leading) = &mut self.leading {
            events.extend(leading.tick(now, &mut self.tasks));
        }
        match (input, &mut self.leading) {
            (Input::Operator(event), _) => events.push_back(event),
            (Input::Lease(answer), Some(leading)) => {
                events.extend(leading.answered(answer, now, &mut self.tasks));
            }
            (Input::Lease(_), None) => {}
            (Input::Reconfigured(new), leading) => {
                let Reconfiguration { mut settings, sources, sink } = *new;
                self.tasks.replace(sources, sink);
                if let Some(leading) = leading {
                    events.extend(leading.reconfigure(&mut settings, now, &mut self.tasks));
                }
                events.push_back(Event::Reconfigured(Box::new(settings)));
            }
        }
        events
    }

    /// Starts a write, if this replica leads its source; else with the answer.
    fn write(&mut self, write: Write) -> Option<Event> {
        let now = self.clock.now();
        let leading = self.leading.as_ref();
        match leading.map_or(Ok(None), |leading| leading.permit(&write.source, now)) {
            Ok(permit) => {
                self.tasks.write(write, permit);
                None
            }
            Err(error) => Some(Event::Written { key: write.key, result: Err(error) }),
        }
    }

    /// Once the operator has `finished`, the leases are released.
    fn finish(&mut self, finished: Option<bool>, now: Time) -> Option<bool> {
        self.finished = self.finished.or(finished);
        let failed = self.finished?;
        if let Some(leading) = &mut self.leading {
            leading.stop(now, &mut self.tasks);
        }
        if self.leading.as_ref().is_some_and(|leading| !leading.is_stopped()) {
            return None;
        }
        self.publish();
        Some(failed)
    }

    /// Answers those who ask for a report.
    fn report(&self, now: Time) {
        let mut status = self.operator.status_report(now);
        status.ready = self.telemetry.status.borrow().ready;
        let replicas = self.leading.as_ref().map(|leading| leading.replicas(now));
        let changes = self.telemetry.timeline.changes();
        self.telemetry.reports.publish(Report::new(status, replicas, changes));
    }

    /// Takes the status, for probes and metrics.
    fn publish(&self) {
        let telemetry = &self.telemetry;
        telemetry.reports.expire();
        let mut status = self.operator.status();
        // Not before it is known whether this replica has something to read; and once it was ready, a
        // source that it takes over does not make it unready.
        status.ready &= self.leading.as_ref().is_none_or(Leading::is_decided);
        status.ready |= telemetry.status.borrow().ready;
        telemetry.metrics.set(&status);
        let was_ready = telemetry.status.send_replace(status.clone()).ready;
        // Those of a rehearsal are nobody's.
        if status.ready && !was_ready && telemetry.diagnostics.is_none() {
            let services: usize = status.sources.values().map(|source| source.services).sum();
            tracing::info!(services, entries = status.entries, "ready: the first pass is complete");
            for (source, _) in status.sources.iter().filter(|(_, source)| source.services == 0) {
                log::found_nothing(source);
            }
        }
    }
}
