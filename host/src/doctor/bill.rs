//! What reading costs: calls a second against their limits, and dollars a month.

use std::time::Duration;

use super::report::Checks;
use crate::config::SourceConfig;

/// `DiscoverInstances` a second, for all applications of an account and region.
const ACCOUNT_LIMIT: f64 = 1_000.0;
/// Lists a second, as the operator makes them.
const LISTS_PER_SECOND: f64 = 2.0;
/// Dollars a `DiscoverInstances` or `DiscoverInstancesRevision`.
const PRICE: f64 = 1.0 / 1_000_000.0;
const MONTH: f64 = 30.0 * 24.0 * 3_600.0;
/// More is worth a thought about the interval.
const MUCH: f64 = 100.0;

/// What is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Account {
    /// Everything could be listed, but for what took too long.
    pub is_counted: bool,
    /// Services that are read.
    pub services: u32,
    /// Pages of a whole round of lists.
    pub pages: u32,
    /// Calls that AWS has throttled meanwhile.
    pub throttled: u32,
    /// Not everything could be counted.
    pub is_partial: bool,
}

/// The rates of calls and the bill. `interval` is the shortest and the longest between two reads of
/// a service.
pub fn check(
    account: Account,
    source: &SourceConfig,
    interval: (Duration, Duration),
    checks: &mut Checks,
) {
    throttling(account, checks);
    if !account.is_counted {
        let message = "not known, since namespaces or services can't be listed";
        return checks.warning("bill", message, "put the lists above right");
    }
    rate(account, source, interval.0, checks);
    let at_least = if account.is_partial { "at least " } else { "" };
    let most = dollars(account.services, interval.0);
    let range = if interval.0 == interval.1 {
        format!("about ${most:.2}")
    } else {
        let least = dollars(account.services, interval.1);
        format!("between ${least:.2} (nothing changes) and ${most:.2} (everything does)")
    };
    let message = format!(
        "{at_least}{} services every {}: {:.1} million calls a month, {range}; \
         $1.00 a million revision and discover calls, 30 days, without AWS's charge for what is registered",
        account.services,
        shown(interval),
        most / PRICE / 1_000_000.0,
    );
    if most > MUCH && interval.0 == interval.1 {
        let remedy = format!(
            "read what does not change more rarely: --interval {}..60s",
            humantime::format_duration(interval.0)
        );
        checks.warning("bill", message, remedy);
    } else {
        checks.ok("bill", message);
    }
}

fn dollars(services: u32, interval: Duration) -> f64 {
    f64::from(services) / interval.as_secs_f64() * MONTH * PRICE
}

fn shown((shortest, longest): (Duration, Duration)) -> String {
    let shortest = humantime::format_duration(shortest);
    let longest = humantime::format_duration(longest);
    if shortest.to_string() == longest.to_string() {
        shortest.to_string()
    } else {
        format!("{shortest} to {longest}")
    }
}

fn throttling(account: Account, checks: &mut Checks) {
    if account.throttled > 0 {
        checks.warning(
            "throttling",
            format!("AWS throttled {} of the calls of these checks", account.throttled),
            "other applications of the account use its quota: read more rarely with --interval and --catalogue-interval, or ask AWS for a higher quota",
        );
    }
}

fn rate(account: Account, source: &SourceConfig, interval: Duration, checks: &mut Checks) {
    let expected = f64::from(account.services) / interval.as_secs_f64();
    let limit = f64::from(source.max_requests_per_second);
    let message = format!(
        "{expected:.1} revision and discover calls a second of {limit:.0} (--max-requests-per-second); all applications of the account share {ACCOUNT_LIMIT:.0}"
    );
    if limit > ACCOUNT_LIMIT / 2.0 {
        let remedy = "leave half to the applications: --max-requests-per-second 500";
        checks.warning("request rate", message, remedy);
    } else if expected > limit {
        let needed = (f64::from(account.services) / limit).ceil();
        let remedy =
            format!("a service is read every {needed:.0} s instead: --interval {needed:.0}s");
        checks.warning("request rate", message, remedy);
    } else {
        checks.ok("request rate", message);
    }
    let hints = u32::from(source.read_service_attributes) + u32::from(source.read_tags);
    let calls = account.pages + hints * account.services;
    let round = f64::from(calls) / LISTS_PER_SECOND;
    let catalogue = source.catalogue_interval;
    let message = format!(
        "{calls} calls a round at {LISTS_PER_SECOND:.0} a second: {round:.0} s of {} (--catalogue-interval)",
        humantime::format_duration(catalogue)
    );
    if round > catalogue.as_secs_f64() {
        let remedy = format!("give it the time: --catalogue-interval {:.0}s", (round * 1.5).ceil());
        checks.warning("list rate", message, remedy);
    } else {
        checks.ok("list rate", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_services_every_five_seconds_cost_518_dollars_a_month() {
        let close = |services, seconds, expected: f64| {
            (dollars(services, Duration::from_secs(seconds)) - expected).abs() < 0.01
        };
        assert!(close(1_000, 5, 518.4));
        assert!(close(250, 5, 129.6));
        assert!(close(0, 5, 0.0));
    }
}
