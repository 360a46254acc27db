//! A watch that fails: how soon it is tried again, and when its outage is worth a report.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
/// With an API server that has come back, all is well again within this and the time of a list.
const LONGEST: Duration = Duration::from_secs(3);
/// For what only a person can put right: permissions.
const FORBIDDEN: Duration = Duration::from_secs(30);
/// After so long without a failure, the next one is the first.
const CALM: Duration = Duration::from_secs(10);

/// The failures so far.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    failed: Option<Instant>,
    listed: Option<Instant>,
}

impl Backoff {
    pub(super) fn listed(&mut self) {
        self.listed = Some(Instant::now());
    }

    /// Doubling while failures follow each other closely, and each a little different, so that a
    /// hundred operators do not come back as one.
    pub(super) fn after_failure(&mut self) -> Duration {
        let calm = self.failed.is_none_or(|failed| failed.elapsed() > CALM);
        self.failed = Some(Instant::now());
        self.failures = if calm { 0 } else { self.failures.saturating_add(1) };
        pause(self.failures)
    }

    /// No try helps until a role has changed.
    pub(super) fn after_refusal(&mut self) -> Duration {
        self.after_failure().max(FORBIDDEN)
    }

    /// That the watch can't go on from where it stood is an answer: a new list is made at once,
    /// unless the last one has only just been made.
    pub(super) fn after_expiry(&mut self) -> Duration {
        if self.listed.is_none_or(|listed| listed.elapsed() > CALM) {
            FIRST
        } else {
            self.after_failure()
        }
    }
}

fn pause(failures: u32) -> Duration {
    let pause = FIRST.saturating_mul(1 << failures.min(8)).min(LONGEST);
    let spread = u32::try_from(RandomState::new().hash_one(failures) % 256).unwrap_or_default();
    pause * (1_024 - spread) / 1_024
}

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
    fn pauses_double_up_to_three_seconds_and_start_again_after_calm() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..8).map(|_| backoff.after_failure()).collect();
        for (pause, longest) in pauses
            .iter()
            .zip([100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000].map(Duration::from_millis))
        {
            assert!((longest * 3 / 4..=longest).contains(pause), "{pauses:?}");
        }
        backoff.failed = Instant::now().checked_sub(CALM * 2);
        assert!(backoff.after_failure() <= FIRST);
    }

    #[test]
    fn an_expired_watch_lists_at_once_but_not_in_a_circle() {
        let mut backoff = Backoff::default();
        for _ in 0..8 {
            backoff.after_failure();
        }
        assert_eq!(backoff.after_expiry(), FIRST);
        backoff.listed();
        assert!(backoff.after_expiry() > Duration::from_secs(2));
    }

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
        assert!(!outage.failed(at(81)), "the next one begins again");
    }
}
