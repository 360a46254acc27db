//! List, then watch, and go on whatever happens.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use ::kube::runtime::watcher::{self, Event};
use ::kube::{Api, Error};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use istio_cloud_map_core::plan::Observed;
use istio_cloud_map_core::sync::{Observation, WriteError, WriteFailure};

use super::KubeSink;
use super::entry::Entry;
use super::failure::{Call, no_answer};
use super::merge;
use crate::sink::news::News;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// With an API server that has come back, all is well again within this and the time of a list.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

pub(super) fn watch_all(sink: &KubeSink) -> BoxStream<'_, Result<Observation, WriteError>> {
    let watches = sink.options.namespaces.iter().map(|namespace| Watch::new(sink, namespace).into_stream());
    merge::all(watches.collect())
}

/// The watch of one namespace.
struct Watch<'a> {
    namespace: &'a str,
    api: Api<Entry>,
    config: watcher::Config,
    page_limit: Duration,
    events: Option<BoxStream<'a, watcher::Result<Event<Entry>>>>,
    /// What is listed so far, while a list is under way.
    listing: Option<Vec<Observed>>,
    failures: u32,
    pause: Option<Duration>,
    news: News,
}

impl<'a> Watch<'a> {
    fn new(sink: &KubeSink, namespace: &'a str) -> Self {
        let seconds = u32::try_from(sink.options.watch_timeout.as_secs()).unwrap_or(u32::MAX).clamp(1, 290);
        Self {
            namespace,
            api: sink.api(namespace),
            config: watcher::Config::default().timeout(seconds).page_size(sink.options.page_size),
            page_limit: sink.options.call_timeout,
            events: None,
            listing: None,
            failures: 0,
            pause: None,
            news: News::default(),
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
            match self.event().await {
                Ok(event) => {
                    if let Some(observation) = self.take(event) {
                        self.failures = 0;
                        self.news.over();
                        return Ok(observation);
                    }
                }
                Err(error) => {
                    self.pause = Some(pause_after(self.failures));
                    self.failures = self.failures.saturating_add(1);
                    if self.news.is_new(&error) {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn event(&mut self) -> Result<Event<Entry>, WriteError> {
        let events = self.events.get_or_insert_with(|| {
            self.listing = Some(Vec::new());
            watcher::watcher(self.api.clone(), self.config.clone()).boxed()
        });
        // A watch may be silent for as long as it lasts, and is then ended by the watcher; a page of a list may not.
        let event =
            if self.listing.is_some() { tokio::time::timeout(self.page_limit, events.next()).await } else { Ok(events.next().await) };
        let error = match event {
            Ok(Some(Ok(event))) => return Ok(event),
            Ok(Some(Err(error))) => error,
            Ok(None) | Err(_) => {
                self.events = None;
                return Err(no_answer(self.page_limit));
            }
        };
        if starts_nowhere(&error) {
            self.events = None;
        }
        Err(self.described(error))
    }

    fn take(&mut self, event: Event<Entry>) -> Option<Observation> {
        match event {
            Event::Init => {
                self.listing = Some(Vec::new());
                None
            }
            Event::InitApply(entry) => {
                self.listing.get_or_insert_default().push(entry.observed);
                None
            }
            Event::InitDone => Some(Observation::Listed(self.listing.take().unwrap_or_default())),
            Event::Apply(entry) => Some(Observation::Applied(Box::new(entry.observed))),
            Event::Delete(entry) => Some(Observation::Deleted(entry.observed.key)),
        }
    }

    fn described(&self, error: watcher::Error) -> WriteError {
        let mut described = match error {
            watcher::Error::InitialListFailed(error) => Call::list(self.namespace).failed(&error),
            watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => Call::watch(self.namespace).failed(&error),
            watcher::Error::WatchError(status) => Call::watch(self.namespace).answered(&status),
            watcher::Error::NoResourceVersion => {
                let message = "the API server's answer has no resourceVersion".to_owned();
                WriteError { failure: WriteFailure::Other, message }
            }
        };
        described.message.insert_str(0, &format!("can't see the entries of namespace {}: ", self.namespace));
        described
    }
}

/// A watch that the API server refuses to start from where we stand (410, or a version from before a restore), which the watcher
/// would try for ever. Only a new list helps.
fn starts_nowhere(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(Error::Api(status)) if !matches!(status.code, 429 | 500..=503))
}

/// Doubling, and each a little different, so that a hundred operators do not come back as one.
fn pause_after(failures: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE);
    let spread = u32::try_from(RandomState::new().hash_one(failures) % 256).unwrap_or_default();
    pause * (1_024 - spread) / 1_024
}
