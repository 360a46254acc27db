//! The configuration file, read again when it changes.
//!
//! A changed file is checked, and then rehearsed: one pass of an operator with the new settings that
//! writes nothing. Where that would change more than the guard's share of the entries, the settings
//! stay as they were until the file confirms the change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use istio_cloud_map_core::diagnostic::{Code, Diagnostic, Severity};
use istio_cloud_map_core::operator::{Guard, Removals, Time};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::driver::{self, Reconfiguration, Telemetry};
use crate::rehearsal::rehearse;

/// How soon a change is noticed.
const POLL: Duration = Duration::from_secs(1);
/// The pause before a file is tried again that could not be rehearsed.
const RETRY: Duration = Duration::from_secs(30);

/// Reads a file, with the flags and variables of the process.
type Read = Arc<dyn Fn() -> anyhow::Result<Reread> + Send + Sync>;

/// What a file says now.
pub struct Reread {
    /// The settings.
    pub config: Config,
    /// What the file gives as `confirmReload`.
    pub confirmed: Option<String>,
    /// What it has to give to confirm all else that it says.
    pub token: String,
}

/// Watches a file.
pub struct Reload {
    path: PathBuf,
    read: Read,
    /// What runs now.
    current: Config,
    /// The content that was last looked at.
    seen: Option<Vec<u8>>,
    /// When it is looked at again although it has not changed.
    retry_at: Option<Instant>,
    telemetry: Telemetry,
    /// The diagnostic that holds.
    reported: Option<(Code, String)>,
}

impl Reload {
    /// `current` is what `read` has returned at the start.
    pub fn new(path: PathBuf, read: Read, current: Config, telemetry: Telemetry) -> Self {
        let seen = std::fs::read(&path).ok();
        Self { path, read, current, seen, retry_at: None, telemetry, reported: None }
    }

    /// The settings that are to be used from then on, one after another.
    pub fn into_stream(self) -> BoxStream<'static, Reconfiguration> {
        stream::unfold(self, |mut reload| async move {
            let new = reload.next().await;
            Some((new, reload))
        })
        .boxed()
    }

    async fn next(&mut self) -> Reconfiguration {
        loop {
            sleep(POLL).await;
            let path = self.path.clone();
            let content = spawn_blocking(move || std::fs::read(path).ok()).await.ok().flatten();
            let is_due = self.retry_at.is_some_and(|at| Instant::now() >= at);
            if content == self.seen && !is_due {
                continue;
            }
            // Not written to its end yet, perhaps.
            sleep(POLL).await;
            let path = self.path.clone();
            if content != spawn_blocking(move || std::fs::read(path).ok()).await.ok().flatten() {
                continue;
            }
            self.seen = content;
            self.retry_at = None;
            match self.consider().await {
                Ok(new) => {
                    self.report(None);
                    self.telemetry.timeline.reloaded(None);
                    tracing::info!("the configuration file has changed: its settings are used");
                    return new;
                }
                Err(Refused::Held(message)) => self.report(Some((Code::ReloadHeld, message))),
                Err(Refused::Failed(error)) => {
                    self.report(Some((Code::ReloadFailed, format!("{error:#}"))));
                }
                Err(Refused::Unrehearsed(error)) => {
                    self.report(Some((Code::ReloadFailed, format!("{error:#}"))));
                    self.retry_at = Some(Instant::now() + RETRY);
                }
            }
        }
    }

    /// Checks and rehearses what the file says now.
    async fn consider(&mut self) -> Result<Reconfiguration, Refused> {
        let read = self.read.clone();
        let Reread { mut config, confirmed, token } = spawn_blocking(move || read())
            .await
            .map_err(|error| Refused::Failed(error.into()))?
            .map_err(Refused::Failed)?;
        if let Some(setting) = self.current.needs_restart(&config) {
            let message = format!(
                "a change of {setting} needs a restart; nothing else of the file is used before that"
            );
            return Err(Refused::Failed(anyhow::Error::msg(message)));
        }
        if config.transformation == self.current.transformation {
            config.transform = self.current.transform.clone();
        }
        let (sources, settings) = config.build_sources().await.map_err(Refused::Unrehearsed)?;
        let force = settings.plan.force_deletes || confirmed.as_ref() == Some(&token);
        if !force {
            self.rehearse(&config, &settings, &sources, &token).await?;
        }
        let is_same_sink = config.sink == self.current.sink;
        let sink = if is_same_sink {
            None
        } else {
            Some(
                config
                    .sink
                    .build(&self.telemetry.metrics)
                    .await
                    .map_err(Refused::Unrehearsed)?
                    .sink,
            )
        };
        self.current = config;
        Ok(Reconfiguration { settings, sources, sink })
    }

    async fn rehearse(
        &self,
        config: &Config,
        settings: &istio_cloud_map_core::operator::Config,
        sources: &driver::Sources,
        token: &str,
    ) -> Result<(), Refused> {
        let sink = config.sink.read_only();
        let rehearsal = async {
            let sink = sink.build(&Arc::default()).await?.sink;
            rehearse(settings.clone(), sources.clone(), sink).await
        };
        let rehearsed = rehearsal.await.map_err(Refused::Unrehearsed)?;
        let (changes, entries) = (rehearsed.replaced(), rehearsed.existing());
        let percent = self.current.plan.max_delete_percent;
        let mut guard = Guard::new(percent, false);
        guard.observe(entries, entries, Time::ZERO);
        if !guard.allows(Removals { deletes: changes, emptyings: 0 }, Time::ZERO) {
            return Err(Refused::Held(format!(
                "the configuration file would change or remove {changes} of {entries} entries, more than {percent} %: \
                 the settings stay as they were. To confirm, add `confirmReload: {token}` to the file"
            )));
        }
        Ok(())
    }

    fn report(&mut self, problem: Option<(Code, String)>) {
        if self.reported == problem {
            return;
        }
        let Telemetry { metrics, timeline, .. } = &self.telemetry;
        if let Some((code, _)) = self.reported.take() {
            metrics.driver_diagnostic(code, false);
        }
        if let Some((code, message)) = &problem {
            metrics.driver_diagnostic(*code, true);
            let message = message.lines().collect::<Vec<_>>().join("; ");
            timeline.reloaded(Some(&message));
            let diagnostic = Diagnostic::of_process(Severity::Error, *code, message);
            self.telemetry.report(None, diagnostic);
        }
        self.reported = problem;
    }
}

/// Why a file is not used.
enum Refused {
    /// It is wrong, or needs a restart.
    Failed(anyhow::Error),
    /// It can't be used, or it can't be said what it would change, at the moment.
    Unrehearsed(anyhow::Error),
    /// It would change too much.
    Held(String),
}
