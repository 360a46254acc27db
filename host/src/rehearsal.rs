//! One pass of the operator that writes nothing: what it would do.

use std::sync::Arc;

use anyhow::bail;
use futures::stream::{self, StreamExt as _};
use istio_cloud_map_core::diagnostic::Diagnostic;
use istio_cloud_map_core::operator::{self, Operator, Status};
use tokio::sync::mpsc;

use crate::driver::{Backends, Clock, Driver, Sources, StopSignal, Telemetry, Writes};
use crate::sink::Sink;
use crate::sink::rehearsal::{RehearsalSink, Rehearsed};
use crate::sink::stdout::{Format, StdoutSink};
use crate::source::Source;
use crate::source::recording::RecordingSource;

/// What a pass would do.
pub struct Outcome {
    /// The writes that it would make.
    pub rehearsed: Rehearsed,
    /// The operator after that.
    pub status: Status,
    /// What it would report.
    pub diagnostics: Vec<Diagnostic>,
}

impl Outcome {
    /// How many existing entries would be changed or removed, whether the guard allows that or not.
    pub fn replaced(&self) -> usize {
        let refused = self.status.refused.as_ref().map_or(0, |refused| refused.removals.total());
        self.rehearsed.writes.values().filter(|write| write.exists).count() + refused
    }

    /// How many entries of ours exist.
    pub fn existing(&self) -> usize {
        let writes = self.rehearsed.writes.values();
        let (mut created, mut deleted) = (0, 0);
        for write in writes {
            created += usize::from(!write.exists);
            deleted += usize::from(write.json.is_none());
        }
        self.status.entries + deleted - created.min(self.status.entries)
    }
}

/// Makes a pass with these settings over all of these sources.
///
/// # Errors
/// Where the existing entries can't be observed.
pub async fn rehearse(
    settings: operator::Config,
    sources: Sources,
    sink: Arc<dyn Sink>,
) -> anyhow::Result<Outcome> {
    let sink = Arc::new(RehearsalSink::new(sink));
    let (sender, mut diagnostics) = mpsc::unbounded_channel();
    let telemetry = Telemetry { diagnostics: Some(sender), ..Telemetry::new(Arc::default()) };
    let (clock, status) = (Clock::start(), telemetry.status.subscribe());
    let settings = operator::Config { once: true, ..settings };
    let driver = Driver {
        operator: Operator::new(settings, clock.now()),
        leading: None,
        backends: Backends { sources, sink: sink.clone(), writes: Writes::Silent },
        telemetry,
        clock,
        reloads: stream::pending().boxed(),
    };
    driver.run(&StopSignal::never()).await?;
    let (rehearsed, status) = (sink.take(), status.borrow().clone());
    if !rehearsed.observed {
        bail!("the existing entries can't be observed");
    }
    let diagnostics = std::iter::from_fn(|| diagnostics.try_recv().ok()).collect();
    Ok(Outcome { rehearsed, status, diagnostics })
}

/// The sources, each of which remembers its answers; those are also put into `recorded`, by name.
pub fn recording(sources: Sources, recorded: &mut Vec<(String, Arc<RecordingSource>)>) -> Sources {
    let record = |(name, source): (Arc<str>, Arc<dyn Source>)| {
        let source = Arc::new(RecordingSource::new(source));
        recorded.push((name.to_string(), source.clone()));
        (name, source as Arc<dyn Source>)
    };
    sources.into_iter().map(record).collect()
}

/// A pass that only reads.
///
/// # Errors
/// None in practice.
pub async fn read_all(settings: operator::Config, sources: Sources) -> anyhow::Result<Outcome> {
    let nowhere = StdoutSink::new(Format::Json, true);
    rehearse(settings, sources, Arc::new(nowhere)).await
}
