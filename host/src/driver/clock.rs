//! The time since the process started.

use std::time::Duration;

use istio_cloud_map_core::operator::Time;
use rustix::time::{ClockId, clock_gettime};

/// One that goes on while the machine is suspended: a leader that sleeps loses its leases.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
/// Elsewhere the monotonic clock does.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A clock that starts at zero.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Duration,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self { started: since_boot() }
    }

    /// The time since the start.
    pub fn now(self) -> Time {
        since_boot().saturating_sub(self.started)
    }
}

fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_its_start() {
        let clock = Clock::start();
        std::thread::sleep(Duration::from_millis(20));
        let now = clock.now();
        assert!(now >= Duration::from_millis(20) && now < Duration::from_mins(1), "{now:?}");
    }
}
