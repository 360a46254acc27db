//! Not saying the same thing twice a second for as long as it lasts.

use std::time::{Duration, Instant};

use istio_cloud_map_core::operator::WriteError;

const SAY_AGAIN: Duration = Duration::from_mins(1);

/// The error that was last passed on.
#[derive(Debug, Default)]
pub(super) struct Dedup(Option<(String, Instant)>);

impl Dedup {
    /// Whether to pass an error on: it is another one, or it has lasted for a while.
    pub(super) fn is_new(&mut self, error: &WriteError) -> bool {
        let now = Instant::now();
        let known = self.0.as_ref().is_some_and(|(said, at)| {
            *said == error.message && now.duration_since(*at) < SAY_AGAIN
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
