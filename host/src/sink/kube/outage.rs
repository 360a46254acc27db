//! A watch that fails for longer than an API server takes to come back.

use std::time::{Duration, Instant};

/// Upgrades and the death of one of several API servers take less.
const LONG: Duration = Duration::from_secs(10);

/// Since when a watch fails, and whether that was reported.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    reported: bool,
}

impl Outage {
    /// The watch has failed. True, once in an outage, when that has lasted too long.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let is_new = !self.reported && now.duration_since(since) >= LONG;
        self.reported |= is_new;
        is_new
    }

    /// The watch works. True, if an outage that was reported is over with it.
    pub(super) fn over(&mut self) -> bool {
        std::mem::take(self).reported
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_reported_once_after_ten_seconds_and_so_is_its_end() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(
            [0, 3, 9, 10, 13, 60].map(|seconds| outage.failed(at(seconds))),
            [false, false, false, true, false, false]
        );
        assert_eq!([outage.over(), outage.over()], [true, false]);
        assert_eq!([70, 75].map(|seconds| outage.failed(at(seconds))), [false, false]);
        assert!(!outage.over(), "one that was short is not over either");
        assert!(!outage.failed(at(81)), "the next one begins anew");
    }
}
