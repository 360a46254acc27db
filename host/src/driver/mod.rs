//! The driver: does what the operator asks for, and reports back.
//!
//! One loop. Everything that waits for the outside runs as a task of [`Tasks`] and answers with one
//! event. The first task to fail stops the process: nothing fails unnoticed.

mod heartbeat;
mod log;
mod stop_signal;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use istio_cloud_map_core::operator::{Effect, Event, Operator, Status, Time};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

pub use heartbeat::Heartbeat;
pub use log::diagnostic;
pub use stop_signal::StopSignal;
pub use tasks::{Backends, Tasks};

use crate::metrics::Metrics;

/// The longest sleep, so that a probe can distinguish a quiet loop from a dead one.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
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
}

/// Runs until a single pass is over or a stop is requested. True, if something failed that a pass
/// should have done.
///
/// # Errors
/// Where a task of its own ended that never should.
pub async fn run(
    mut operator: Operator,
    backends: Backends,
    telemetry: Telemetry,
    stop: &StopSignal,
) -> anyhow::Result<bool> {
    let started = Instant::now();
    let (events, mut inbox) = mpsc::channel(256);
    let mut tasks = Tasks::new(backends, events, telemetry.metrics.clone());
    tasks.watch();
    let mut stopping: Option<Instant> = None;
    let mut status_at = Time::ZERO;
    let mut event = Event::Tick;
    loop {
        let now = started.elapsed();
        let effects = operator.handle(event, now);
        telemetry.heartbeat.beat();
        let mut wake = Instant::now() + LONGEST_SLEEP;
        for effect in effects {
            match effect {
                Effect::WakeAt(at) => wake = wake.min(started + at),
                Effect::Finished { failed } => {
                    publish(&operator, &telemetry);
                    return Ok(failed);
                }
                effect => tasks.act(effect),
            }
        }
        if now >= status_at {
            publish(&operator, &telemetry);
            status_at = now + STATUS_EVERY;
        } else {
            // What has just happened must not wait for the next event to be seen.
            wake = wake.min(started + status_at);
        }
        wake = stopping.map_or(wake, |since| wake.min(since + LONGEST_STOP));
        event = tokio::select! {
            biased;
            () = stop.requested(), if stopping.is_none() => {
                stopping = Some(Instant::now());
                tracing::info!("stopping: finishing the writes in flight");
                Event::Stop
            }
            ended = tasks.ended() => {
                ended?;
                Event::Tick
            }
            event = inbox.recv() => event.context("no task is running")?,
            () = sleep_until(wake) => Event::Tick,
        };
        if stopping.is_some_and(|since| since.elapsed() >= LONGEST_STOP) {
            tracing::warn!(
                "some writes did not end in time; the next start observes their results"
            );
            return Ok(true);
        }
    }
}

fn publish(operator: &Operator, telemetry: &Telemetry) {
    let status = operator.status();
    telemetry.metrics.set(&status);
    let was_ready = telemetry.status.send_replace(status.clone()).ready;
    if status.ready && !was_ready {
        let services: usize = status.sources.values().map(|source| source.services).sum();
        tracing::info!(services, entries = status.entries, "ready: the first pass is complete");
    }
}
