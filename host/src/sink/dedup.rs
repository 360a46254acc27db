//! Suppresses repeats of one error.

use std::time::{Duration, Instant};

use istio_cloud_map_core::operator::WriteError;

const REPEAT_AFTER: Duration = Duration::from_mins(1);

/// The error that was last passed on.
#[derive(Debug, Default)]
pub(super) struct Dedup(Option<(String, Instant)>);

impl Dedup {
    /// Whether to pass an error on: it is another one, or it has lasted for a while.
    pub(super) fn is_new(&mut self, error: &WriteError) -> bool {
        let now = Instant::now();
        let known = self.0.as_ref().is_some_and(|(cached, at)| {
            *cached == error.message && now.duration_since(*at) < REPEAT_AFTER
        });
        if !known {
            self.0 = Some((error.message.clone(), now));
        }
        !known
    }

    /// All is well again.
    pub(super) fn over(&mut self) {
        self.0 = None;
    }
}
