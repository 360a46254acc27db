//! The driver: does what the operator asks for, and reports back.
//!
//! One loop. Everything that waits for the outside runs as a task of [`Tasks`] and answers with one
//! event. The first task to fail stops the process: nothing fails unnoticed.

mod clock;
mod heartbeat;
mod leading;
mod log;
mod reports;
mod stop_signal;
mod tasks;
mod timeline;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::stream::BoxStream;
use istio_cloud_map_core::operator::{self, Effect, Event, Operator, Status, Time};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

pub use clock::Clock;
pub use heartbeat::Heartbeat;
pub use leading::Leading;
pub use log::diagnostic;
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
        let Self { mut operator, mut leading, backends, telemetry, clock, reloads } = self;
        let (events, mut inbox) = mpsc::channel(256);
        let is_silent = backends.writes == Writes::Silent;
        let mut tasks = Tasks::new(backends, events, &telemetry);
        tasks.watch_sink();
        tasks.watch_sources();
        tasks.reload_from(reloads);
        let mut stopping: Option<Time> = None;
        let mut finished: Option<bool> = None;
        let mut status_at = Time::ZERO;
        let mut operator_wakes: Option<Time> = None;
        let mut input = Input::Operator(Event::Tick);
        loop {
            let now = clock.now();
            let mut events = VecDeque::new();
            if let Some(leading) = &mut leading {
                events.extend(leading.tick(now, &mut tasks));
            }
            match (input, &mut leading) {
                (Input::Operator(event), _) => events.push_back(event),
                (Input::Lease(answer), Some(leading)) => {
                    events.extend(leading.answered(answer, now, &mut tasks));
                }
                (Input::Lease(_), None) => {}
                (Input::Reconfigured(new), leading) => {
                    let Reconfiguration { mut settings, sources, sink } = *new;
                    tasks.replace(sources, sink);
                    if let Some(leading) = leading {
                        events.extend(leading.reconfigure(&mut settings, now, &mut tasks));
                    }
                    events.push_back(Event::Reconfigured(Box::new(settings)));
                }
            }
            while let Some(event) = events.pop_front() {
                operator_wakes = None;
                for effect in operator.handle(event, now) {
                    match effect {
                        Effect::WakeAt(at) => operator_wakes = Some(at),
                        Effect::Finished { failed } => finished = Some(failed),
                        Effect::Report(_) if is_silent => {}
                        Effect::Report(diagnostic) => log::diagnostic(&diagnostic),
                        Effect::Read { id, read } => tasks.read(id, read),
                        Effect::Write(write) => {
                            let permit = leading.as_ref().map_or(Ok(None), |leading| {
                                leading.permit(&write.source, clock.now())
                            });
                            match permit {
                                Ok(permit) => tasks.write(write, permit),
                                Err(error) => events.push_back(Event::Written {
                                    key: write.key,
                                    result: Err(error),
                                }),
                            }
                        }
                    }
                }
            }
            telemetry.heartbeat.beat();
            if let Some(failed) = finished {
                if let Some(leading) = &mut leading {
                    leading.stop(now, &mut tasks);
                }
                if leading.as_ref().is_none_or(Leading::is_stopped) {
                    publish(&operator, leading.as_ref(), &telemetry);
                    return Ok(failed);
                }
            }
            if now >= status_at {
                publish(&operator, leading.as_ref(), &telemetry);
                status_at = now + STATUS_EVERY;
            }
            let leases_wake = leading.as_ref().and_then(Leading::deadline);
            let stop_ends = stopping.map(|since| since + LONGEST_STOP);
            // What has just happened must not wait for the next event to be seen: the status.
            let wakes = [operator_wakes, leases_wake, stop_ends, Some(status_at)];
            let wake = wakes.into_iter().flatten().min().unwrap_or(status_at);
            input = tokio::select! {
                biased;
                () = stop.requested(), if stopping.is_none() => {
                    stopping = Some(clock.now());
                    tracing::info!("stopping: finishing the writes in flight");
                    Event::Stop.into()
                }
                ended = tasks.ended() => {
                    ended?;
                    Event::Tick.into()
                }
                () = telemetry.reports.requested() =>
                    report(&operator, leading.as_ref(), &telemetry, clock.now()),
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

/// Answers those who ask for a report. Nothing else has happened.
fn report(
    operator: &Operator,
    leading: Option<&Leading>,
    telemetry: &Telemetry,
    now: Time,
) -> Input {
    let mut status = operator.status_report(now);
    status.ready = telemetry.status.borrow().ready;
    let replicas = leading.map(|leading| leading.replicas(now));
    telemetry.reports.publish(Report::new(status, replicas, telemetry.timeline.changes()));
    Event::Tick.into()
}

fn publish(operator: &Operator, leading: Option<&Leading>, telemetry: &Telemetry) {
    telemetry.reports.expire();
    let mut status = operator.status();
    // Not before it is known whether this replica has something to read; and once it was ready, a
    // source that it takes over does not make it unready.
    status.ready &= leading.is_none_or(Leading::is_decided);
    status.ready |= telemetry.status.borrow().ready;
    telemetry.metrics.set(&status);
    let was_ready = telemetry.status.send_replace(status.clone()).ready;
    if status.ready && !was_ready {
        let services: usize = status.sources.values().map(|source| source.services).sum();
        tracing::info!(services, entries = status.entries, "ready: the first pass is complete");
    }
}
