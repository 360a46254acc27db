//! How reads and writes go: when to try again, and what is worth reporting.

use std::time::Duration;

use super::{Effect, ReadError, ReadFailure, Time};
use crate::diagnostic::{Code, Diagnostic, Severity};

/// The first pause after a failure; it doubles, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// From how many failures on it is reported that something is not found.
const NOT_FOUND_REPORTED_FROM: u32 = 5;
/// An outage whose kind changes is reported again no sooner than this.
const REPORT_AGAIN: Duration = Duration::from_mins(1);
/// An outage is over when it has not been seen for this long, or for two intervals.
const SHORTEST_CALM: Duration = Duration::from_secs(10);

/// How the reading of one thing has gone.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    /// It was tried at least once, with whatever result.
    pub tried: bool,
    /// How often it has failed since it was last read.
    pub failures: u32,
    /// How it failed last, if it did.
    pub failure: Option<ReadFailure>,
}

/// A failure that strikes everything alike, and so is reported once.
#[derive(Debug, Clone)]
pub(super) struct Outage {
    failure: ReadFailure,
    reported: Time,
    last: Time,
}

/// What was read, for a person.
pub(super) struct Scope<'a> {
    pub source: &'a str,
    pub namespace: &'a str,
    pub service: &'a str,
}

impl Scope<'_> {
    pub(super) fn diagnostic(&self, severity: Severity, code: Code, message: String) -> Diagnostic {
        Diagnostic {
            severity,
            code,
            source: self.source.to_owned(),
            namespace: self.namespace.to_owned(),
            service: self.service.to_owned(),
            instance: None,
            message,
        }
    }

    pub(super) fn report(&self, severity: Severity, code: Code, message: String) -> Effect {
        Effect::Report(self.diagnostic(severity, code, message))
    }
}

impl Attempts {
    /// Records how an attempt went. What is reported is a change: the first failure of a kind, and
    /// the recovery. A failure of the whole source is reported once for all, and its end when it
    /// has not been seen for a while.
    pub(super) fn record(
        &mut self,
        error: Option<&ReadError>,
        outage: &mut Option<Outage>,
        scope: &Scope<'_>,
        now: Time,
        interval: Duration,
    ) -> Option<Effect> {
        self.tried = true;
        let before = std::mem::replace(&mut self.failure, error.map(|e| e.failure));
        let whole = Scope { source: scope.source, namespace: "", service: "" };
        let recovered = || "can be read again".to_owned();
        let Some(error) = error else {
            let reported = !matches!(before, Some(ReadFailure::NotFound))
                || self.failures >= NOT_FOUND_REPORTED_FROM;
            self.failures = 0;
            if outage
                .as_ref()
                .is_some_and(|outage| now >= outage.last + SHORTEST_CALM.max(interval * 2))
            {
                *outage = None;
                return Some(whole.report(Severity::Info, Code::ReadFailed, recovered()));
            }
            let own = reported && before.is_some_and(|failure| !failure.strikes_all());
            return own.then(|| scope.report(Severity::Info, Code::ReadFailed, recovered()));
        };
        self.failures = self.failures.saturating_add(1);
        if error.failure.strikes_all() {
            let report =
                || whole.report(Severity::Warning, Code::ReadFailed, error.message.clone());
            let Some(outage) = outage else {
                *outage = Some(Outage { failure: error.failure, reported: now, last: now });
                return Some(report());
            };
            outage.last = now;
            let changed = outage.failure != error.failure && now >= outage.reported + REPORT_AGAIN;
            if changed {
                (outage.failure, outage.reported) = (error.failure, now);
            }
            return changed.then(report);
        }
        // Mostly a service that was just deleted: the next list shows it, and then there is nothing
        // to report.
        let quiet =
            error.failure == ReadFailure::NotFound && self.failures < NOT_FOUND_REPORTED_FROM;
        let changed = before != self.failure
            || error.failure == ReadFailure::NotFound && self.failures == NOT_FOUND_REPORTED_FROM;
        (changed && !quiet)
            .then(|| scope.report(Severity::Warning, Code::ReadFailed, error.message.clone()))
    }

    /// How long to wait after a failure; what needs a person is tried no sooner than `longest`.
    pub(super) fn pause(&self, interval: Duration, longest: Duration) -> Duration {
        match self.failure {
            Some(ReadFailure::AccessDenied) => {
                backoff(self.failures, FIRST_PAUSE, longest.max(interval))
            }
            _ => backoff(self.failures, FIRST_PAUSE, interval),
        }
    }
}

/// `first`, doubled with each failure but the first, and at most `longest`.
pub(super) fn backoff(failures: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest)
}
