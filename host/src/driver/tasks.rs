//! The tasks that read and write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use istio_cloud_map_core::operator::{
    Event, Observed, Read, ReadError, ReadId, Target, Write, WriteError,
};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::leading::{Answer, Permit};
use super::timeline::Timeline;
use super::{Input, Reconfiguration, Telemetry, log};
use crate::metrics::Metrics;
use crate::sink::{Apply, Sink};
use crate::source::Source;

/// The sources by name.
pub type Sources = BTreeMap<Arc<str>, Arc<dyn Source>>;

/// The sources to read from and the sink to write to.
pub struct Backends {
    /// What is read.
    pub sources: Sources,
    /// Where all entries are.
    pub sink: Arc<dyn Sink>,
    /// What the log says of writes.
    pub writes: Writes,
}

/// What the log says of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// That they were made.
    Made,
    /// That they would be made: the sink discards them.
    Pretended,
    /// Nothing.
    Silent,
}

/// Executes the operator's effects.
pub struct Tasks {
    backends: Backends,
    events: mpsc::Sender<Input>,
    metrics: Arc<Metrics>,
    timeline: Arc<Timeline>,
    running: JoinSet<anyhow::Result<()>>,
    /// Those that watch the sink and the sources.
    watching: Watching,
}

#[derive(Default)]
struct Watching {
    sink: Vec<AbortHandle>,
    sources: Vec<AbortHandle>,
}

impl Tasks {
    /// Answers go to `events`.
    pub fn new(backends: Backends, events: mpsc::Sender<Input>, telemetry: &Telemetry) -> Self {
        Self {
            backends,
            events,
            metrics: telemetry.metrics.clone(),
            timeline: telemetry.timeline.clone(),
            running: JoinSet::new(),
            watching: Watching::default(),
        }
    }

    /// Takes others from now on. What is in flight ends with the old ones.
    pub fn replace(&mut self, sources: Sources, sink: Option<Arc<dyn Sink>>) {
        self.watching.sources.drain(..).for_each(|task| task.abort());
        self.backends.sources = sources;
        self.watch_sources();
        if let Some(sink) = sink {
            self.watching.sink.drain(..).for_each(|task| task.abort());
            self.backends.sink = sink;
            self.watch_sink();
        }
    }

    /// Starts to pass on other settings.
    pub fn reload_from(&mut self, mut reloads: BoxStream<'static, Reconfiguration>) {
        let events = self.events.clone();
        self.running.spawn(async move {
            while let Some(reload) = reloads.next().await {
                drop(events.send(Input::Reconfigured(Box::new(reload))).await);
            }
            Ok(())
        });
    }

    /// Starts to watch the sink.
    pub fn watch_sink(&mut self) {
        let (sink, events) = (self.backends.sink.clone(), self.events.clone());
        let task = self.running.spawn(async move {
            let mut observations = sink.observe();
            let mut last_error = None;
            while let Some(observation) = observations.next().await {
                match observation {
                    Ok(observation) => {
                        log::observed(&observation);
                        drop(events.send(Event::Observed(observation).into()).await);
                    }
                    Err(error) => {
                        tracing::warn!("{error}");
                        last_error = Some(error);
                    }
                }
            }
            Err(last_error
                .map_or_else(|| anyhow!("the sink can no longer be observed"), Into::into))
        });
        self.watching.sink.push(task);
    }

    /// Starts to wait for the sources that report changes.
    pub fn watch_sources(&mut self) {
        for (name, source) in self.backends.sources.clone() {
            let events = self.events.clone();
            let task = self.running.spawn(async move {
                loop {
                    source.changed().await;
                    drop(events.send(Event::SourceChanged { source: name.clone() }.into()).await);
                }
            });
            self.watching.sources.push(task);
        }
    }

    /// Waits until a task has failed. Those that succeeded are dropped on the way.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        loop {
            match self.running.join_next().await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return Err(error),
                // Its sink or source was replaced.
                Some(Err(ended)) if ended.is_cancelled() => {}
                Some(Err(panic)) => return Err(panic.into()),
                None => std::future::pending().await,
            }
        }
    }

    /// Asks the API server about a lease.
    pub fn ask(&mut self, answer: impl Future<Output = Answer> + Send + 'static) {
        let events = self.events.clone();
        self.running.spawn(async move {
            drop(events.send(Input::Lease(answer.await)).await);
            Ok(())
        });
    }

    /// Starts a read.
    pub fn read(&mut self, id: ReadId, read: Read) {
        let Some(source) = self.backends.sources.get(read.source()).cloned() else { return };
        log::asked(&read);
        let (events, metrics) = (self.events.clone(), self.metrics.clone());
        self.running.spawn(async move {
            let asked = read.clone();
            let answer = answer(&*source, id, read, &metrics).await;
            log::answered(&asked, &answer);
            drop(events.send(answer.into()).await);
            Ok(())
        });
    }

    /// Starts a write, which keeps its permit until it has ended.
    pub fn write(&mut self, write: Write, permit: Permit) {
        log::writing(&write);
        let (sink, events, writes) =
            (self.backends.sink.clone(), self.events.clone(), self.backends.writes);
        let (metrics, timeline) = (self.metrics.clone(), self.timeline.clone());
        self.running.spawn(async move {
            let started = Instant::now();
            let result = carry_out(&*sink, &write).await;
            let outcome = result.as_ref().map_or_else(|error| error.failure.as_str(), |_| "ok");
            metrics.wrote(write.action.as_str(), outcome, started.elapsed());
            timeline.wrote(&write, writes == Writes::Pretended, result.as_ref().err());
            match &result {
                Ok(_) => log::written(&write, writes),
                Err(error) => log::not_written(&write, error),
            }
            drop(permit);
            drop(events.send(Event::Written { key: write.key, result }.into()).await);
            Ok(())
        });
    }
}

async fn carry_out(sink: &dyn Sink, write: &Write) -> Result<Option<Box<Observed>>, WriteError> {
    let Some(json) = write.json.as_deref() else {
        let version = write.replaces.clone().unwrap_or_default();
        return sink.delete(&write.key, &version).await.map(|()| None);
    };
    let apply =
        Apply { key: write.key.clone(), json: json.to_owned(), replaces: write.replaces.clone() };
    sink.apply(apply).await.map(|stored| Some(Box::new(stored)))
}

async fn answer(source: &dyn Source, id: ReadId, read: Read, metrics: &Metrics) -> Event {
    let call = TimedCall { started: Instant::now(), operation: read.operation(), metrics };
    match read {
        Read::Namespaces { owner, token, .. } => {
            let result = call.observe(source.namespaces(owner, token).await);
            Event::NamespacesPage { read: id, result }
        }
        Read::Services { namespace, token, .. } => {
            let result = call.observe(source.services(&namespace, token).await);
            Event::ServicesPage { read: id, result }
        }
        Read::ServiceAttributes(Target { namespace, service, .. }) => {
            let result = call.observe(source.service_attributes(&namespace, &service).await);
            Event::ServiceAttributes { read: id, result }
        }
        Read::Tags(Target { namespace, service, .. }) => {
            let result = call.observe(source.tags(&namespace, &service).await);
            Event::Tags { read: id, result }
        }
        Read::Revision(Target { namespace, service, .. }) => {
            let result = call.observe(source.revision(&namespace, &service).await);
            Event::Revision { read: id, result }
        }
        Read::Instances(Target { namespace, service, .. }) => {
            let result = call.observe(source.instances(&namespace, &service).await);
            Event::Instances { read: id, result }
        }
    }
}

/// A call that the metrics count.
struct TimedCall<'a> {
    started: Instant,
    operation: &'static str,
    metrics: &'a Metrics,
}

impl TimedCall<'_> {
    fn observe<T>(&self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        let outcome = result.as_ref().map_or_else(|error| error.failure.as_str(), |_| "ok");
        self.metrics.read(self.operation, outcome, self.started.elapsed());
        result
    }
}
