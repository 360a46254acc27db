//! Diagnostics that become Kubernetes Events: few, and never at the expense of anything else.

use std::time::Duration;

use istio_cloud_map_core::diagnostic::Diagnostic;
use istio_cloud_map_core::operator::{EntryKey, WriteFailure};
use tokio::sync::mpsc;

use crate::sink::kube::Events;

/// What waits to be published; beyond that it is dropped, as the log and the metrics have it.
const MOST_WAITING: usize = 64;
/// Between two events.
const PAUSE: Duration = Duration::from_millis(500);

/// A diagnostic, and the entry that it is about, if it is about one.
type Notice = (Option<EntryKey>, Diagnostic);

/// Takes diagnostics.
#[derive(Debug, Clone)]
pub struct Notices(mpsc::Sender<Notice>);

/// Publishes them.
pub struct Publisher {
    events: Events,
    inbox: mpsc::Receiver<Notice>,
}

impl Notices {
    /// The two ends.
    pub fn new(events: Events) -> (Self, Publisher) {
        let (sender, inbox) = mpsc::channel(MOST_WAITING);
        (Self(sender), Publisher { events, inbox })
    }

    /// Publishes a diagnostic soon, if it is one that a person must act on.
    pub fn notify(&self, entry: Option<EntryKey>, diagnostic: &Diagnostic) {
        if Events::is_event(diagnostic) {
            drop(self.0.try_send((entry, diagnostic.clone())));
        }
    }
}

impl Publisher {
    /// Publishes until there is nobody left to notify.
    pub async fn run(mut self) {
        let mut reported = None;
        while let Some((entry, diagnostic)) = self.inbox.recv().await {
            match self.events.publish(entry.as_ref(), &diagnostic).await {
                Ok(()) => reported = None,
                Err(error) => {
                    // Once, and not at all for what is down for everybody.
                    let is_new = reported.as_ref() != Some(&error.message);
                    if error.failure != WriteFailure::Unreachable && is_new {
                        tracing::warn!("events: {error}");
                    }
                    reported = Some(error.message);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
