//! The tasks that read and write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use futures::StreamExt as _;
use istio_cloud_map_core::plan::Action;
use istio_cloud_map_core::sync::{Effect, Event, ReadError, Write, WriteError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::tell;
use crate::metrics::Metrics;
use crate::sink::{Apply, Sink};
use crate::source::{Listed, Source};

/// Where to read from and write to.
pub struct Places {
    /// By name.
    pub sources: BTreeMap<Arc<str>, Arc<dyn Source>>,
    /// For all of them.
    pub sink: Arc<dyn Sink>,
    /// Whether the sink only pretends.
    pub dry_run: bool,
}

/// What acts for the mind.
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
            while let Some(observation) = observations.next().await {
                match observation {
                    Ok(observation) => drop(events.send(Event::Observed(observation)).await),
                    Err(error) => tracing::warn!("{error}"),
                }
            }
            Err(anyhow!("what is written can no longer be observed"))
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
            Effect::WakeAt(_) | Effect::Finished { .. } => {}
            read => self.read(read),
        }
    }

    fn read(&mut self, effect: Effect) {
        let name = match &effect {
            Effect::ListNamespaces { source } | Effect::ListServices { source, .. } => source,
            Effect::AskRevision { id, .. } | Effect::Discover { id, .. } => &id.source,
            _ => return,
        };
        let Some(source) = self.places.sources.get(name).cloned() else { return };
        let (events, metrics) = (self.events.clone(), self.metrics.clone());
        self.tasks.spawn(async move {
            drop(events.send(answer(&*source, effect, &metrics).await).await);
            Ok(())
        });
    }

    fn write(&mut self, write: Write) {
        let (sink, events, metrics, dry_run) = (self.places.sink.clone(), self.events.clone(), self.metrics.clone(), self.places.dry_run);
        self.tasks.spawn(async move {
            let started = Instant::now();
            let result = carry_out(&*sink, &write).await;
            let outcome = result.as_ref().map_or_else(|error| error.failure.as_str(), |_| "ok");
            metrics.wrote(tell::label(&write.action), outcome, started.elapsed());
            if result.is_ok() {
                tell::written(&write, dry_run);
            }
            drop(events.send(Event::Written { key: write.key, result }).await);
            Ok(())
        });
    }
}

async fn carry_out(sink: &dyn Sink, write: &Write) -> Result<Option<Box<istio_cloud_map_core::plan::Observed>>, WriteError> {
    if write.action == Action::Delete {
        let version = write.replaces.clone().unwrap_or_default();
        return sink.delete(&write.key, &version).await.map(|()| None);
    }
    let json = write.json.as_deref().unwrap_or_default().to_owned();
    let apply = Apply { key: write.key.clone(), json, replaces: write.replaces.clone() };
    sink.apply(apply).await.map(|stored| Some(Box::new(stored)))
}

async fn answer(source: &dyn Source, effect: Effect, metrics: &Metrics) -> Event {
    let started = Instant::now();
    let took = |operation, result: Result<(), &ReadError>| {
        let outcome = result.err().map_or("ok", |error| error.failure.as_str());
        metrics.read(operation, outcome, started.elapsed());
    };
    match effect {
        Effect::ListNamespaces { source: name } => {
            let result = source.namespaces().await;
            took("ListNamespaces", result.as_ref().map(drop));
            let (calls, result) = split(result);
            Event::NamespacesListed { source: name, calls, result }
        }
        Effect::ListServices { source: name, namespace } => {
            let result = source.services(&namespace).await;
            took("ListServices", result.as_ref().map(drop));
            let (calls, result) = split(result);
            Event::ServicesListed { source: name, namespace: namespace.key().into(), calls, result }
        }
        Effect::AskRevision { id, namespace, service } => {
            let result = source.revision(&namespace, &service).await;
            took("DiscoverInstancesRevision", result.as_ref().map(drop));
            Event::Revision { id, result }
        }
        Effect::Discover { id, namespace, service } => {
            let result = source.instances(&namespace, &service).await;
            took("DiscoverInstances", result.as_ref().map(drop));
            Event::Instances { id, result }
        }
        Effect::Write(_) | Effect::Report(_) | Effect::WakeAt(_) | Effect::Finished { .. } => Event::Tick,
    }
}

fn split<T>(listed: Result<Listed<T>, ReadError>) -> (u32, Result<Vec<T>, ReadError>) {
    match listed {
        Ok(listed) => (listed.calls, Ok(listed.items)),
        Err(error) => (1, Err(error)),
    }
}
