//! List, then watch, and go on whatever happens.

use std::time::{Duration, Instant};

use ::kube::api::{ListParams, WatchEvent, WatchParams};
use ::kube::{Api, Error};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use istio_cloud_map_core::diagnostic::{Code, Diagnostic, Severity};
use istio_cloud_map_core::operator::{Observation, Version, WriteError, WriteFailure};

use super::KubeSink;
use super::backoff::{Backoff, Outage};
use super::entry::Entry;
use super::failure::{Call, Failure, attempt, no_answer, place};
use super::merge;
use crate::driver;
use crate::metrics::WatchEnd;

/// A watch that ends sooner, and without an event, is a failure, however cleanly it ends.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

pub(super) fn watch_all(sink: &KubeSink) -> BoxStream<'_, Result<Observation, WriteError>> {
    let watches = sink.watched().map(|namespace| Watch::new(sink, namespace).into_stream());
    merge::all(watches.collect())
}

/// The watch of one namespace.
struct Watch<'a> {
    sink: &'a KubeSink,
    namespace: &'a str,
    api: Api<Entry>,
    /// From where the watch goes on; none, before the list.
    version: Option<String>,
    events: Option<Events<'a>>,
    backoff: Backoff,
    outage: Outage,
    pause: Option<Duration>,
    /// The failure that was last reported; none, once the watch works again.
    reported: Option<String>,
}

/// A watch that is under way.
struct Events<'a> {
    stream: BoxStream<'a, Result<WatchEvent<Entry>, Error>>,
    begun: Instant,
    /// It has reported something.
    any: bool,
    /// It has lasted.
    works: bool,
}

/// A reload may take a namespace away: nothing is said of it any more.
impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let metrics = &self.sink.options.metrics;
        metrics.unwatched(self.namespace);
        if self.outage.over() {
            metrics.driver_diagnostic(Code::WatchFailed, false);
        }
    }
}

impl<'a> Watch<'a> {
    fn new(sink: &'a KubeSink, namespace: &'a str) -> Self {
        let api = sink.api(namespace);
        sink.options.metrics.watching(namespace, false);
        Self {
            sink,
            namespace,
            api,
            version: None,
            events: None,
            backoff: Backoff::default(),
            outage: Outage::default(),
            pause: None,
            reported: None,
        }
    }

    fn into_stream(self) -> BoxStream<'a, Result<Observation, WriteError>> {
        stream::unfold(self, |mut watch| async move {
            let item = watch.next().await;
            Some((item, watch))
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Observation, WriteError> {
        loop {
            if let Some(pause) = self.pause.take() {
                tokio::time::sleep(pause).await;
            }
            let observed = match self.version {
                None => self.list().await.map(Some),
                Some(_) => self.watch().await,
            };
            match observed {
                Ok(Some(observation)) => return Ok(observation),
                Ok(None) => {}
                Err(Interruption::Expired) => {
                    self.ended(WatchEnd::Expired);
                    self.version = None;
                    self.pause = Some(self.backoff.after_expiry());
                }
                Err(Interruption::Failed(mut error)) => {
                    self.ended(WatchEnd::Failed);
                    self.sink.options.metrics.watching(self.namespace, false);
                    let pause = match error.failure {
                        WriteFailure::Forbidden => self.backoff.after_refusal(),
                        _ => self.backoff.after_failure(),
                    };
                    self.pause = Some(pause.max(error.retry_after.unwrap_or_default()));
                    error.message.insert_str(
                        0,
                        &format!("can't observe the entries of {}: ", place(self.namespace)),
                    );
                    if self.outage.failed(Instant::now()) {
                        self.diagnose(true, error.message.clone());
                    }
                    if self.reported.as_deref() != Some(&error.message) {
                        self.reported = Some(error.message.clone());
                        return Err(error);
                    }
                }
            }
        }
    }

    fn ended(&mut self, end: WatchEnd) {
        self.events = None;
        self.sink.options.metrics.watch_ended(self.namespace, end);
    }

    /// The watch has lasted.
    fn works(&mut self) {
        self.sink.options.metrics.watching(self.namespace, true);
        let (was_reported, again) = (
            self.reported.take().is_some(),
            format!("the entries of {} are observed again", place(self.namespace)),
        );
        if self.outage.over() {
            self.diagnose(false, again);
        } else if was_reported {
            tracing::info!("{again}");
        }
    }

    /// That the watch is lost for now, or works again after that.
    fn diagnose(&self, lost: bool, message: String) {
        self.sink.options.metrics.driver_diagnostic(Code::WatchFailed, lost);
        let severity = if lost { Severity::Error } else { Severity::Info };
        driver::diagnostic(&Diagnostic::of_process(severity, Code::WatchFailed, message));
    }

    /// All that exists, page by page, at one version.
    async fn list(&mut self) -> Result<Observation, Interruption> {
        let (call, limit) = (Call::list(self.namespace), self.sink.options.call_timeout);
        let mut entries = Vec::new();
        let mut params = ListParams::default().limit(self.sink.options.page_size);
        loop {
            let page =
                attempt(limit, self.api.list(&params)).await.map_err(Interruption::Failed)?;
            let page = page.map_err(|failure| interruption(call, &failure))?;
            entries.extend(page.items.into_iter().map(|entry| entry.observed));
            if let Some(token) = page.metadata.continue_.filter(|token| !token.is_empty()) {
                params = params.continue_token(&token);
                continue;
            }
            let Some(version) =
                page.metadata.resource_version.filter(|version| !version.is_empty())
            else {
                let message = "the API server's answer has no resourceVersion".to_owned();
                return Err(Interruption::Failed(WriteError::new(WriteFailure::Other, message)));
            };
            self.backoff.listed();
            self.version = Some(version.clone());
            return Ok(Observation::Listed {
                entries,
                version: Version { uid: None, resource_version: Some(version) },
            });
        }
    }

    /// The next change; none where the watch has only gone on.
    async fn watch(&mut self) -> Result<Option<Observation>, Interruption> {
        let call = Call::watch(self.namespace);
        if self.events.is_none() {
            let seconds = u32::try_from(self.sink.options.watch_timeout.as_secs())
                .unwrap_or(u32::MAX)
                .clamp(1, 290);
            let params = WatchParams::default().timeout(seconds);
            let version = self.version.clone().unwrap_or_default();
            let stream = attempt(self.sink.options.call_timeout, self.api.watch(&params, &version))
                .await
                .map_err(Interruption::Failed)?;
            let stream = stream.map_err(|failure| interruption(call, &failure))?.boxed();
            self.events = Some(Events { stream, begun: Instant::now(), any: false, works: false });
        }
        if let Some(events) = &mut self.events
            && !events.works
            && events.begun.elapsed() >= SHORTEST_WATCH
        {
            events.works = true;
            self.works();
        }
        let Some(events) = &mut self.events else { return Ok(None) };
        // The API server ends it in time; a connection that is dead does not.
        let longest = self.sink.options.watch_timeout + self.sink.options.call_timeout;
        let limit = if events.works {
            longest
        } else {
            SHORTEST_WATCH.saturating_sub(events.begun.elapsed())
        };
        let event = match tokio::time::timeout(limit, events.stream.next()).await {
            Ok(Some(event)) => event.map_err(|error| interruption(call, &error.into()))?,
            Ok(None) if !events.any && !events.works => {
                let message =
                    "the watch ended at once; the API server may be shutting down".to_owned();
                return Err(Interruption::Failed(WriteError::new(
                    WriteFailure::Unreachable,
                    message,
                )));
            }
            Ok(None) => {
                // However it ended, at most one a second begins.
                self.pause = SHORTEST_WATCH.checked_sub(events.begun.elapsed());
                self.ended(WatchEnd::Closed);
                return Ok(None);
            }
            Err(_) if !events.works => return Ok(None),
            Err(_) => return Err(Interruption::Failed(no_answer(limit))),
        };
        events.any = true;
        let (version, observation) = match event {
            WatchEvent::Added(entry) | WatchEvent::Modified(entry) => {
                let version = entry.observed.version.resource_version.clone();
                (version, Some(Observation::Applied(Box::new(entry.observed))))
            }
            WatchEvent::Deleted(entry) => {
                let (key, version) = (entry.observed.key, entry.observed.version);
                (version.resource_version.clone(), Some(Observation::Deleted { key, version }))
            }
            WatchEvent::Bookmark(bookmark) => (Some(bookmark.metadata.resource_version), None),
            WatchEvent::Error(status) => {
                return Err(interruption(call, &Error::Api(status).into()));
            }
        };
        if version.is_some() {
            self.version = version;
        }
        Ok(observation)
    }
}

/// Why there is no event.
enum Interruption {
    /// The changes since the last event are no longer known (410), or the version is one of before
    /// a restore. That is part of a watch's life, and nothing to report.
    Expired,
    Failed(WriteError),
}

fn interruption(call: Call<'_>, failure: &Failure) -> Interruption {
    match &failure.error {
        Error::Api(status) if status.code == 410 => Interruption::Expired,
        _ => Interruption::Failed(call.failed(failure)),
    }
}
