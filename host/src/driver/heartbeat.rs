//! Whether the loop still turns.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A loop that has not turned for so long is dead: it never sleeps longer than a second.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// Beats while the loop turns.
#[derive(Debug)]
pub struct Heartbeat {
    started: Instant,
    last: AtomicU64,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { started: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Heartbeat {
    /// The loop turns.
    pub fn beat(&self) {
        self.last.store(self.millis(), Ordering::Relaxed);
    }

    /// It has turned not long ago.
    pub fn is_alive(&self) -> bool {
        let since = self.millis().saturating_sub(self.last.load(Ordering::Relaxed));
        Duration::from_millis(since) < DEAD_AFTER
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
