//! One pass of the operator that writes nothing: what it would do.

use std::sync::Arc;

use anyhow::bail;
use futures::stream::{self, StreamExt as _};
use istio_cloud_map_core::operator::{self, Operator, Status};

use crate::driver::{Backends, Clock, Driver, Sources, StopSignal, Telemetry, Writes};
use crate::sink::Sink;
use crate::sink::rehearsal::{RehearsalSink, Rehearsed};

/// What a pass would do.
pub struct Outcome {
    /// The writes that it would make.
    pub rehearsed: Rehearsed,
    /// The operator after that.
    pub status: Status,
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
    let telemetry = Telemetry::new(Arc::default());
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
    Ok(Outcome { rehearsed, status })
}
