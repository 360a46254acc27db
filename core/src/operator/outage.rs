//! Outages of the sink: a failure that affects many writes holds all of them back, and one of them
//! is sent now and then as a probe.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::attempts::{FIRST_WRITE_PAUSE, backoff};
use super::entries::Entries;
use super::entry::{InFlight, Turn, WaitFor, WriteState};
use super::report::DiagnosticScope;
use super::{EntryKey, Operator, Time, WriteError, WriteFailure};
use crate::diagnostic::{Code, Severity};

/// The longest pause between two probes, where the interval is shorter.
const LONGEST_PROBE_PAUSE: Duration = Duration::from_secs(3);

/// The writes that an outage affects: the widest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OutageScope {
    /// Every write.
    All,
    /// Every write to a Kubernetes namespace.
    Namespace(String),
    /// Every create, update or delete in a Kubernetes namespace.
    Verb(String, &'static str),
}

impl fmt::Display for OutageScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("every write"),
            Self::Namespace(namespace) => write!(f, "every write to the namespace {namespace}"),
            Self::Verb(namespace, verb) => {
                write!(f, "every {verb} in the namespace {namespace}")
            }
        }
    }
}

impl OutageScope {
    /// The writes that a failure affects beside its own. None, if it affects no other.
    pub(super) fn from_failure(
        failure: WriteFailure,
        key: &EntryKey,
        verb: &'static str,
    ) -> Option<Self> {
        match failure {
            WriteFailure::Unreachable | WriteFailure::Throttled => Some(Self::All),
            WriteFailure::NoNamespace => Some(Self::Namespace(key.namespace.clone())),
            WriteFailure::Forbidden => Some(Self::Verb(key.namespace.clone(), verb)),
            WriteFailure::Conflict
            | WriteFailure::NotFound
            | WriteFailure::Rejected
            | WriteFailure::Other => None,
        }
    }
}

/// An outage.
#[derive(Debug, Clone)]
struct Outage {
    failures: u32,
    /// When the next probe may be sent.
    until: Time,
    /// The write that is in flight as a probe.
    probe: Option<EntryKey>,
    /// The last failure, for a person.
    message: String,
}

/// The current outages.
#[derive(Debug, Clone, Default)]
pub(super) struct Outages(BTreeMap<OutageScope, Outage>);

impl Outages {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they affect, their last failures, and when each is probed next.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OutageScope, &str, Time)> {
        self.0.iter().map(|(scope, outage)| (scope, outage.message.as_str(), outage.until))
    }

    pub(super) fn wake_at(&self, entries: &Entries) -> Option<Time> {
        let unprobed = self.0.iter().filter(|(scope, outage)| {
            outage.probe.is_none() && entries.waits_for(&WaitFor::Outage((*scope).clone()))
        });
        unprobed.map(|(_, outage)| outage.until).min()
    }

    /// The widest outage that affects a write. A probe of one outage waits for a wider one, and not
    /// for a narrower one.
    pub(super) fn find(
        &self,
        key: &EntryKey,
        write: &InFlight,
        probing: Option<&OutageScope>,
    ) -> Option<OutageScope> {
        let scopes = [
            OutageScope::All,
            OutageScope::Namespace(key.namespace.clone()),
            OutageScope::Verb(key.namespace.clone(), write.verb()),
        ];
        scopes
            .into_iter()
            .find(|scope| self.0.contains_key(scope))
            .filter(|scope| probing.is_none_or(|probing| scope < probing))
    }

    /// The outages whose next probe may be sent.
    fn to_probe(&self, now: Time) -> Vec<OutageScope> {
        let due = self.0.iter().filter(|(_, outage)| outage.probe.is_none() && outage.until <= now);
        due.map(|(scope, _)| scope.clone()).collect()
    }

    /// Ends the probes that a write was, and returns their outages.
    pub(super) fn end_probes(&mut self, key: &EntryKey) -> Vec<OutageScope> {
        let probed = self.0.iter_mut().filter(|(_, outage)| outage.probe.as_ref() == Some(key));
        probed
            .map(|(scope, outage)| {
                outage.probe = None;
                scope.clone()
            })
            .collect()
    }
}

impl Operator {
    /// Sends one write as a probe of each outage that has lasted long enough.
    pub(super) fn probe_outages(&mut self, now: Time) {
        for scope in self.outages.to_probe(now) {
            let on = WaitFor::Outage(scope.clone());
            while let Some(key) = self.entries.first_waiting(&on) {
                let Some(&WriteState::Blocked { turn, .. }) = self.entries.state(&key) else {
                    break;
                };
                self.decide_entry(&key, turn, Some(&scope), now);
                match self.entries.state(&key) {
                    Some(WriteState::InFlight(_)) => {
                        if let Some(outage) = self.outages.0.get_mut(&scope) {
                            outage.probe = Some(key);
                        }
                        break;
                    }
                    Some(WriteState::Blocked { on: still, .. }) if *still == on => break,
                    _ => {}
                }
            }
        }
    }

    /// A write failed in a way that affects others: all of them wait for the end of the outage.
    pub(super) fn record_outage(
        &mut self,
        scope: &OutageScope,
        key: &EntryKey,
        error: &WriteError,
        turn: Turn,
        now: Time,
    ) {
        let is_new = !self.outages.0.contains_key(scope);
        let outage = self.outages.0.entry(scope.clone()).or_insert(Outage {
            failures: 0,
            until: now,
            probe: None,
            message: String::new(),
        });
        outage.message.clone_from(&error.message);
        if outage.until <= now {
            outage.failures = outage.failures.saturating_add(1);
        }
        let longest = LONGEST_PROBE_PAUSE.max(self.config.interval);
        let pause = backoff(outage.failures, FIRST_WRITE_PAUSE, longest);
        outage.until = outage.until.max(now + pause.max(error.retry_after.unwrap_or_default()));
        let may_retry = self.config.may_retry(outage.failures);
        if is_new {
            let message = error.message.clone();
            self.effects.push(DiagnosticScope::ALL.report(
                Severity::Warning,
                Code::WriteFailed,
                message,
            ));
        }
        let on = WaitFor::Outage(scope.clone());
        if may_retry {
            return self.entries.set(key, WriteState::Blocked { on, turn });
        }
        // A single pass does not wait for the end of an outage for ever.
        self.gave_up = true;
        self.entries.set(key, WriteState::Settled);
        while let Some(key) = self.entries.first_waiting(&on) {
            self.entries.set(&key, WriteState::Settled);
        }
    }

    /// A probe has ended without a failure that affects as much.
    pub(super) fn end_outage(&mut self, scope: OutageScope, now: Time) {
        // Another write may have failed since the probe was sent.
        let is_over = self.outages.0.get(&scope).is_some_and(|outage| outage.until <= now);
        if !is_over {
            return;
        }
        self.outages.0.remove(&scope);
        self.entries.wake(&WaitFor::Outage(scope), now);
        if self.outages.is_empty() {
            self.effects.push(DiagnosticScope::ALL.report(
                Severity::Info,
                Code::WriteFailed,
                "entries can be written again".to_owned(),
            ));
        }
    }
}
