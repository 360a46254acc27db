//! The tasks that read and write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use futures::StreamExt as _;
use istio_cloud_map_core::operator::{
    Effect, Event, Observed, Read, ReadError, ReadId, Target, Write, WriteError,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::tell;
use crate::metrics::Metrics;
use crate::sink::{Apply, Sink};
use crate::source::Source;

/// Where to read from and write to.
pub struct Places {
    /// By name.
    pub sources: BTreeMap<Arc<str>, Arc<dyn Source>>,
    /// For all of them.
    pub sink: Arc<dyn Sink>,
    /// Whether the sink only pretends.
    pub dry_run: bool,
}

/// What acts for the operator.
pub struct Hands {
    places: Places,
    events: mpsc::Sender<Event>,
    metrics: Arc<Metrics>,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Hands {
    /// Answers go to `events`.
    pub fn new(places: Places, events: mpsc::Sender<Event>, metrics: Arc<Metrics>) -> Self {
        Self { places, events, metrics, tasks: JoinSet::new() }
    }

    /// Starts to watch the sink, and the sources that can tell of changes.
    pub fn watch(&mut self) {
        let (sink, events) = (self.places.sink.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let mut observations = sink.observe();
            let mut last_error = None;
            while let Some(observation) = observations.next().await {
                match observation {
                    Ok(observation) => {
                        tell::observed(&observation);
                        drop(events.send(Event::Observed(observation)).await);
                    }
                    Err(error) => {
                        tracing::warn!("{error}");
                        last_error = Some(error);
                    }
                }
            }
            Err(last_error
                .map_or_else(|| anyhow!("what is written can no longer be observed"), Into::into))
        });
        for (name, source) in self.places.sources.clone() {
            let events = self.events.clone();
            self.tasks.spawn(async move {
                loop {
                    source.changed().await;
                    drop(events.send(Event::SourceChanged { source: name.clone() }).await);
                }
            });
        }
    }

    /// Waits until a task has failed. Those that ended well are forgotten on the way.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return Err(error),
                Some(Err(panic)) => return Err(panic.into()),
                None => std::future::pending().await,
            }
        }
    }

    /// Does one thing.
    pub fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Report(diagnostic) => tell::diagnostic(&diagnostic),
            Effect::Write(write) => self.write(write),
            Effect::Read { id, read } => self.read(id, read),
            Effect::WakeAt(_) | Effect::Finished { .. } => {}
        }
    }

    fn read(&mut self, id: ReadId, read: Read) {
        let Some(source) = self.places.sources.get(read.source()).cloned() else { return };
        tell::asked(&read);
        let (events, metrics) = (self.events.clone(), self.metrics.clone());
        self.tasks.spawn(async move {
            let asked = read.clone();
            let answer = answer(&*source, id, read, &metrics).await;
            tell::answered(&asked, &answer);
            drop(events.send(answer).await);
            Ok(())
        });
    }

    fn write(&mut self, write: Write) {
        tell::writing(&write);
        let (sink, events, metrics, dry_run) = (
            self.places.sink.clone(),
            self.events.clone(),
            self.metrics.clone(),
            self.places.dry_run,
        );
        self.tasks.spawn(async move {
            let started = Instant::now();
            let result = carry_out(&*sink, &write).await;
            let outcome = result.as_ref().map_or_else(|error| error.failure.as_str(), |_| "ok");
            metrics.wrote(write.action.as_str(), outcome, started.elapsed());
            match &result {
                Ok(_) => tell::written(&write, dry_run),
                Err(error) => tell::not_written(&write, error),
            }
            drop(events.send(Event::Written { key: write.key, result }).await);
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

async fn answer(source: &dyn Source, read: ReadId, ask: Read, metrics: &Metrics) -> Event {
    let (started, operation) = (Instant::now(), ask.operation());
    let took = |error: Option<&ReadError>| {
        metrics.read(
            operation,
            error.map_or("ok", |error| error.failure.as_str()),
            started.elapsed(),
        );
    };
    match ask {
        Read::Namespaces { owner, token, .. } => {
            let result = source.namespaces(owner, token).await;
            took(result.as_ref().err());
            Event::NamespacesPage { read, result }
        }
        Read::Services { namespace, token, .. } => {
            let result = source.services(&namespace, token).await;
            took(result.as_ref().err());
            Event::ServicesPage { read, result }
        }
        Read::ServiceAttributes(Target { namespace, service, .. }) => {
            let result = source.service_attributes(&namespace, &service).await;
            took(result.as_ref().err());
            Event::ServiceAttributes { read, result }
        }
        Read::Tags(Target { namespace, service, .. }) => {
            let result = source.tags(&namespace, &service).await;
            took(result.as_ref().err());
            Event::Tags { read, result }
        }
        Read::Revision(Target { namespace, service, .. }) => {
            let result = source.revision(&namespace, &service).await;
            took(result.as_ref().err());
            Event::Revision { read, result }
        }
        Read::Instances(Target { namespace, service, .. }) => {
            let result = source.instances(&namespace, &service).await;
            took(result.as_ref().err());
            Event::Instances { read, result }
        }
    }
}
