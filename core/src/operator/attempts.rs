//! Attempts to read: when to retry, and what is reported of them.

use std::time::Duration;

use super::report::DiagnosticScope;
use super::{Effect, ReadError, ReadFailure, Time};
use crate::diagnostic::{Code, Severity};

/// The first pause after a read that failed; it doubles, up to the interval.
const FIRST_READ_PAUSE: Duration = Duration::from_millis(500);
/// The first pause after a write that failed; it doubles, up to the interval.
pub(super) const FIRST_WRITE_PAUSE: Duration = Duration::from_millis(250);
/// From how many failures on `NotFound` is reported.
const NOT_FOUND_REPORTED_FROM: u32 = 5;
/// An outage whose kind changes is reported again no sooner than this.
const REPORT_AGAIN: Duration = Duration::from_mins(1);
/// An outage is over when it has not been seen for this long, or for two intervals.
const MIN_RECOVERY: Duration = Duration::from_secs(10);

/// The attempts to read one thing.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    /// There was at least one, with whatever result.
    pub tried: bool,
    /// How many have failed since the last success.
    pub failures: u32,
    /// The failure of the last one. Boxed, since most succeed.
    pub failing: Option<Box<Failing>>,
}

/// A read that fails.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    pub failure: ReadFailure,
    /// Since when this and every attempt after it have failed.
    pub since: Time,
    /// Of the last failure.
    pub message: Box<str>,
}

/// A failure that affects every read of a source, and so is reported once.
#[derive(Debug, Clone)]
pub(super) struct SourceOutage {
    failure: ReadFailure,
    reported: Time,
    last: Time,
}

impl Attempts {
    /// The kind of the last one's failure.
    pub(super) fn failure(&self) -> Option<ReadFailure> {
        self.failing.as_ref().map(|failing| failing.failure)
    }

    /// Records an attempt. A change is reported: the first failure of a kind, and the recovery. An
    /// outage of the source is reported once for all reads, and its end when no read has failed for
    /// a while.
    pub(super) fn record(
        &mut self,
        error: Option<&ReadError>,
        outage: &mut Option<SourceOutage>,
        scope: &DiagnosticScope<'_>,
        now: Time,
        interval: Duration,
    ) -> Option<Effect> {
        self.tried = true;
        let before = self.failure();
        let since = self.failing.as_ref().map_or(now, |failing| failing.since);
        self.failing = error.map(|error| {
            let message = error.message.as_str().into();
            Box::new(Failing { failure: error.failure, since, message })
        });
        let source = DiagnosticScope::source(scope.source);
        let recovered = || "can be read again".to_owned();
        let Some(error) = error else {
            let reported = !matches!(before, Some(ReadFailure::NotFound))
                || self.failures >= NOT_FOUND_REPORTED_FROM;
            self.failures = 0;
            if outage
                .as_ref()
                .is_some_and(|outage| now >= outage.last + MIN_RECOVERY.max(interval * 2))
            {
                *outage = None;
                return Some(source.report(Severity::Info, Code::ReadFailed, recovered()));
            }
            let own = reported && before.is_some_and(|failure| !failure.affects_source());
            return own.then(|| scope.report(Severity::Info, Code::ReadFailed, recovered()));
        };
        self.failures = self.failures.saturating_add(1);
        if error.failure.affects_source() {
            let report =
                || source.report(Severity::Warning, Code::ReadFailed, error.message.clone());
            let Some(outage) = outage else {
                *outage = Some(SourceOutage { failure: error.failure, reported: now, last: now });
                return Some(report());
            };
            outage.last = now;
            let changed = outage.failure != error.failure && now >= outage.reported + REPORT_AGAIN;
            if changed {
                outage.failure = error.failure;
                outage.reported = now;
            }
            return changed.then(report);
        }
        // Mostly a service that was just deleted: it is missing in the next list, and there is
        // nothing to report.
        let quiet =
            error.failure == ReadFailure::NotFound && self.failures < NOT_FOUND_REPORTED_FROM;
        let changed = before != self.failure()
            || error.failure == ReadFailure::NotFound && self.failures == NOT_FOUND_REPORTED_FROM;
        (changed && !quiet)
            .then(|| scope.report(Severity::Warning, Code::ReadFailed, error.message.clone()))
    }

    /// How long to wait after a failure; a missing permission is retried after up to `longest`.
    pub(super) fn pause(&self, interval: Duration, longest: Duration) -> Duration {
        match self.failure() {
            Some(ReadFailure::AccessDenied) => {
                backoff(self.failures, FIRST_READ_PAUSE, longest.max(interval))
            }
            _ => backoff(self.failures, FIRST_READ_PAUSE, interval),
        }
    }
}

/// `first`, doubled with each failure but the first, and at most `longest`.
pub(super) fn backoff(failures: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest)
}
