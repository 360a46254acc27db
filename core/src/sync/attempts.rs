//! How reads go: when to try again, and what is worth telling.

use std::time::Duration;

use super::{Effect, ReadError, ReadFailure, Time};
use crate::diagnostic::{Code, Diagnostic, Severity};

/// The first pause after a failure; it doubles, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// From how many failures on it is told that something is not found.
const TOLD_FROM: u32 = 5;

/// How the reading of one thing has gone.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    /// It was tried at least once, whatever came of it.
    pub tried: bool,
    /// It was read at least once.
    pub read: bool,
    /// How often it has failed since it was last read.
    pub failures: u32,
    /// How it failed last, if it did.
    pub failure: Option<ReadFailure>,
}

/// A failure that strikes everything alike, and so is told once.
#[derive(Debug, Clone)]
pub(super) struct Trouble<F> {
    pub failure: F,
    /// When it was last seen.
    pub last: Time,
}

/// What was read, for a person.
pub(super) struct Subject<'a> {
    pub source: &'a str,
    pub namespace: &'a str,
    pub service: &'a str,
}

impl Subject<'_> {
    pub(super) fn report(&self, severity: Severity, code: Code, message: String) -> Effect {
        Effect::Report(Diagnostic {
            severity,
            code,
            source: self.source.to_owned(),
            namespace: self.namespace.to_owned(),
            service: self.service.to_owned(),
            instance: None,
            message,
        })
    }
}

impl Attempts {
    /// Notes how an attempt went. What is told is a change: the first failure of a kind, and the recovery. A failure of the whole source
    /// is told once for all, and its end when it has not been seen for two intervals.
    pub(super) fn note(
        &mut self,
        error: Option<&ReadError>,
        trouble: &mut Option<Trouble<ReadFailure>>,
        subject: &Subject<'_>,
        now: Time,
        interval: Duration,
    ) -> Option<Effect> {
        self.tried = true;
        let before = std::mem::replace(&mut self.failure, error.map(|e| e.failure));
        let whole = Subject { source: subject.source, namespace: "", service: "" };
        let recovered = || "can be read again".to_owned();
        let Some(error) = error else {
            self.read = true;
            self.failures = 0;
            if trouble.as_ref().is_some_and(|t| now >= t.last + interval * 2) {
                *trouble = None;
                return Some(whole.report(Severity::Info, Code::ReadFailed, recovered()));
            }
            let own = before.is_some_and(|failure| !failure.strikes_all());
            return own.then(|| subject.report(Severity::Info, Code::ReadFailed, recovered()));
        };
        self.failures = self.failures.saturating_add(1);
        if error.failure.strikes_all() {
            let news = trouble.as_ref().is_none_or(|t| t.failure != error.failure);
            *trouble = Some(Trouble { failure: error.failure, last: now });
            return news.then(|| whole.report(Severity::Warning, Code::ReadFailed, error.message.clone()));
        }
        // Mostly a service that was just deleted: the next list says so, and then there is nothing to tell.
        let quiet = error.failure == ReadFailure::NotFound && self.failures < TOLD_FROM;
        let news = before != self.failure || error.failure == ReadFailure::NotFound && self.failures == TOLD_FROM;
        (news && !quiet).then(|| subject.report(Severity::Warning, Code::ReadFailed, error.message.clone()))
    }

    /// How long to wait after a failure.
    pub(super) fn pause(&self, interval: Duration) -> Duration {
        pause(self.failures, FIRST_PAUSE, interval)
    }
}

/// `first`, doubled with each failure but the first, and at most `longest`.
pub(super) fn pause(failures: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest)
}

impl ReadFailure {
    const fn strikes_all(self) -> bool {
        matches!(self, Self::Throttled | Self::Credentials | Self::Unreachable)
    }
}
