//! List, then watch, and go on whatever happens.

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
use super::pace::Pace;
use crate::sink::news::News;

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
    pace: Pace,
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
            pace: Pace::default(),
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
                        self.news.over();
                        return Ok(observation);
                    }
                }
                Err(Trouble::Expired) => self.pause = Some(self.pace.after_expiry()),
                Err(Trouble::Failed(error)) => {
                    self.pause = Some(self.pace.after_failure());
                    if self.news.is_new(&error) {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn event(&mut self) -> Result<Event<Entry>, Trouble> {
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
                return Err(Trouble::Failed(no_answer(self.page_limit)));
            }
        };
        // Only a new list helps, which the watcher itself does not make where a watch is refused from its start.
        if refused_start(&error) {
            self.events = None;
        }
        Err(if is_expiry(&error) { Trouble::Expired } else { Trouble::Failed(self.described(error)) })
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
            Event::InitDone => {
                self.pace.listed();
                Some(Observation::Listed(self.listing.take().unwrap_or_default()))
            }
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

/// Why there is no event.
enum Trouble {
    /// The changes since the last event are no longer known (410). That is part of a watch's life, and nothing to tell.
    Expired,
    Failed(WriteError),
}

fn is_expiry(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchError(status) | watcher::Error::WatchStartFailed(Error::Api(status)) => status.code == 410,
        _ => false,
    }
}

/// From where we stand: by 410, or for a version of before a restore.
fn refused_start(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(Error::Api(status)) if !matches!(status.code, 429 | 500..=503))
}
