//! The operator as a process: its start, and its end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::stream::{self, StreamExt as _};
use istio_cloud_map_core::operator::{Operator, WriteFailure};
use tokio::runtime::Handle;
use tokio::task::{JoinSet, spawn_blocking};

use super::Serve;
use crate::cli::backend::SinkArg;
use crate::config::{BuiltSink, Config};
use crate::driver::{Backends, Clock, Driver, Leading, Notices, StopSignal, Telemetry, Writes};
use crate::http;
use crate::metrics::Metrics;
use crate::reload::{Reload, Reread};
use crate::sink::kube::Leases;

/// The operator, and what serves probes, metrics and the status page: nothing in a single pass.
struct Started {
    driver: Driver,
    server: JoinSet<()>,
}

impl Serve {
    /// Runs the operator.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (once, stdout) = (self.once, self.to == SinkArg::Stdout);
        // Before anything that takes time, so that no signal is lost.
        let stop = StopSignal::on_signal(u8::from(once)).context("can't wait for signals")?;
        // One thread: an idle minute is thousands of small calls, and handing each from thread to
        // thread costs more than a second thread gains.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("can't start the runtime")?;
        let code = runtime.block_on(async {
            // On a thread of its own, so that a stop need not wait for what blocks it: a plugin, a
            // pipe in place of a file.
            let handle = Handle::current();
            let start = spawn_blocking(move || {
                let reload = self.config_file().map(Path::to_owned);
                handle.block_on(async { start(self.config()?, reload).await })
            });
            let interrupted = if once { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            let Started { driver, mut server } = tokio::select! {
                biased;
                () = stop.requested() => return Ok(interrupted),
                started = start => started.context("the start was cancelled")??,
            };
            let (sink, status) =
                (driver.backends.sink.clone(), driver.telemetry.status.subscribe());
            let failed = tokio::select! {
                failed = driver.run(&stop) => failed?,
                Some(ended) = server.join_next() => {
                    ended.context("probes, metrics and status are no longer served")?;
                    bail!("probes, metrics and status are no longer served");
                }
            };
            if !once || stop.is_requested() {
                return Ok(interrupted);
            }
            if stdout && !status.borrow().is_complete() {
                bail!(
                    "Cloud Map could not be read completely: nothing is written to standard output"
                );
            }
            tokio::select! {
                biased;
                () = stop.requested() => Ok(interrupted),
                finished = sink.finish() => {
                    finished?;
                    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
                }
            }
        });
        // Calls that never answer must not hold up the end.
        runtime.shutdown_timeout(Duration::from_millis(100));
        code
    }
}

async fn start(config: Config, reload: Option<PathBuf>) -> anyhow::Result<Started> {
    let metrics = Arc::new(Metrics::default());
    let (sources, mut settings) = config.build_sources().await?;
    let BuiltSink { sink, leases, events } = config.sink.build(&metrics).await?;
    let leases = match leases {
        Some(leases) => permitted(leases).await?,
        None => None,
    };
    let mut telemetry = Telemetry::new(metrics.clone());
    let mut server = JoinSet::new();
    if !config.once {
        server = http::serve(config.listen, &telemetry).await?;
        if let Some(events) = events {
            let (notices, publisher) = Notices::new(events);
            telemetry.notices = Some(notices);
            drop(tokio::spawn(publisher.run()));
        }
    }
    let writes = if config.sink.dry_run { Writes::Pretended } else { Writes::Made };
    let backends = Backends { sources, sink, writes };
    let clock = Clock::start();
    let leading =
        leases.map(|leases| Leading::new(leases, &mut settings, metrics.clone(), clock.now()));
    let operator = Operator::new(settings, clock.now());
    let reloads = match reload.filter(|_| !config.once) {
        Some(path) => {
            let read = {
                let path = path.clone();
                Arc::new(move || reread(&path))
            };
            Reload::new(path, read, config, telemetry.clone()).into_stream()
        }
        None => stream::pending().boxed(),
    };
    let driver = Driver { operator, leading, backends, telemetry, clock, reloads };
    Ok(Started { driver, server })
}

/// What the configuration file says now.
fn reread(path: &Path) -> anyhow::Result<Reread> {
    let serve = crate::cli::serve_again(path)?;
    Ok(Reread {
        config: serve.config()?,
        confirmed: serve.file.confirm_reload,
        token: serve.file.token,
    })
}

/// The leases, if this process may use them. A role of before there were leases is no reason not to
/// start.
async fn permitted(leases: Leases) -> anyhow::Result<Option<Leases>> {
    match leases.list().await {
        Ok(_) => Ok(Some(leases)),
        Err(error) if error.failure == WriteFailure::Forbidden => {
            tracing::warn!(
                "no leader election, so run one replica only, with --leader-elect=false: {error}"
            );
            Ok(None)
        }
        Err(error) => Err(error).context("can't list the leases of the operator's replicas"),
    }
}
