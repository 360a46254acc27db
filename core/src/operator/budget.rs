//! The request rate of a source.

use std::time::Duration;

use super::Time;

/// A token bucket. Its rate is halved when AWS throttles, and recovers slowly.
///
/// Tokens are counted in thousandths and time in milliseconds, so that no rounding differs between
/// machines.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    /// Requests a second, as configured.
    limit: u64,
    /// Requests a second, now.
    rate: u64,
    burst: u64,
    millitokens: i64,
    updated: Time,
    throttled: Option<Time>,
    recovered: Time,
}

/// A throttle halves the rate at most this often: calls in flight are throttled together.
const HALVE_EVERY: Duration = Duration::from_secs(1);
/// The rate recovers in this many steps of a second.
const STEPS: u64 = 8;
/// The rate never falls below this fraction of the limit.
const FLOOR: u64 = 32;

impl Budget {
    pub(super) fn new(limit: u32, burst: u32, now: Time) -> Self {
        let (limit, burst) = (u64::from(limit.max(1)), u64::from(burst.max(1)));
        Self {
            limit,
            rate: limit,
            burst,
            millitokens: milli(burst),
            updated: now,
            throttled: None,
            recovered: now,
        }
    }

    /// Another limit holds from now on; what was used is used.
    pub(super) fn configure(&mut self, limit: u32, burst: u32) {
        let (limit, burst) = (u64::from(limit.max(1)), u64::from(burst.max(1)));
        if limit != self.limit {
            self.rate = limit;
        }
        (self.limit, self.burst) = (limit, burst);
        self.millitokens = self.millitokens.min(milli(burst));
    }

    /// Takes one request, if there is one.
    pub(super) fn take(&mut self, now: Time) -> bool {
        self.refill(now);
        let enough = self.millitokens >= 1000;
        if enough {
            self.millitokens -= 1000;
        }
        enough
    }

    /// AWS throttles, or does not answer at all.
    pub(super) fn throttle(&mut self, now: Time) {
        self.refill(now);
        if self.throttled.is_none_or(|at| now >= at + HALVE_EVERY) {
            self.rate = (self.rate / 2).max(self.limit / FLOOR).max(1);
            self.throttled = Some(now);
            self.recovered = now;
            self.millitokens = self.millitokens.min(0);
        }
    }

    /// When [`Self::take`] will succeed.
    pub(super) fn ready_at(&mut self, now: Time) -> Time {
        self.refill(now);
        let missing = u64::try_from(1000 - self.millitokens).unwrap_or(0);
        now + Duration::from_millis(missing.div_ceil(self.rate))
    }

    /// Requests a second, now.
    pub(super) const fn rate(&self) -> u64 {
        self.rate
    }

    /// Requests a second, as configured.
    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    fn refill(&mut self, now: Time) {
        while self.rate < self.limit && now >= self.recovered + Duration::from_secs(1) {
            self.recovered += Duration::from_secs(1);
            self.rate = (self.rate + self.limit.div_ceil(STEPS)).min(self.limit);
        }
        let elapsed =
            u64::try_from(now.saturating_sub(self.updated).as_millis()).unwrap_or(u64::MAX);
        if elapsed == 0 {
            return;
        }
        self.updated += Duration::from_millis(elapsed);
        let gained = i64::try_from(elapsed.saturating_mul(self.rate)).unwrap_or(i64::MAX);
        self.millitokens = self.millitokens.saturating_add(gained).min(milli(self.burst));
    }
}

fn milli(requests: u64) -> i64 {
    i64::try_from(requests.saturating_mul(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Time {
        Duration::from_millis(millis)
    }

    fn taken(budget: &mut Budget, from: u64, to: u64) -> usize {
        (from..to).filter(|ms| budget.take(at(*ms))).count()
    }

    #[test]
    fn a_second_allows_as_many_requests_as_the_rate() {
        let mut budget = Budget::new(100, 1, at(0));
        assert_eq!(taken(&mut budget, 0, 1000), 100);
    }

    #[test]
    fn a_throttle_halves_it_once_a_second_and_it_comes_back() {
        let mut budget = Budget::new(100, 1, at(0));
        (0..50).for_each(|ms| budget.throttle(at(ms)));
        assert_eq!(budget.rate(), 50);
        budget.throttle(at(1000));
        assert_eq!(budget.rate(), 31);
        budget.take(at(20_000));
        assert_eq!(budget.rate(), 100);
    }

    #[test]
    fn it_is_never_zero() {
        let mut budget = Budget::new(1, 1, at(0));
        (0..100).for_each(|s| budget.throttle(at(s * 1000)));
        assert!(budget.ready_at(at(99_000)) <= at(101_000));
    }

    #[test]
    fn it_is_ready_when_it_predicts() {
        let mut budget = Budget::new(3, 1, at(0));
        assert!(budget.take(at(0)));
        let ready = budget.ready_at(at(1));
        assert!(!budget.take(ready.saturating_sub(Duration::from_millis(1))));
        assert!(budget.take(ready));
    }
}
