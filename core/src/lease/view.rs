//! One lease as this replica observes it.

use super::event::{Effect, Record, Term, WriteFailure};
use super::{Config, Time};
use crate::operator::Version;

/// A write whose answer is awaited.
#[derive(Debug, Clone)]
struct Sent {
    at: Time,
    /// None: a deletion.
    record: Option<Record>,
}

/// A lease: its newest known state, and this replica's writes to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Lease {
    /// Its last content. Kept after a deletion, whose author may not have asked the holder.
    record: Option<Record>,
    version: Version,
    exists: bool,
    /// When, by our clock, a change of the record was last observed.
    changed: Time,
    sent: Option<Sent>,
    /// When the last write that made or kept us the holder was sent.
    renewed: Option<Time>,
    /// No write before this time.
    retry_at: Time,
    /// What the last [`Effect::Lead`] reported.
    announced: bool,
}

impl Lease {
    /// Takes in a state that was observed.
    pub(super) fn observe(
        &mut self,
        record: Option<Record>,
        version: Version,
        config: &Config,
        now: Time,
    ) {
        if version.is_older_than(&self.version) {
            return;
        }
        if version != self.version {
            self.retry_at = now;
        }
        self.version = version;
        self.exists = record.is_some();
        // A deletion counts as a change: the holder may lead, and is to recreate it.
        if record.is_none() || record != self.record {
            self.changed = now;
        }
        self.record = record.or_else(|| self.record.take());
        if !self.is_held(config) {
            self.renewed = None;
        }
    }

    /// A complete list does not have it.
    pub(super) fn unlisted(&mut self, config: &Config, now: Time) {
        self.observe(None, self.version.clone(), config, now);
    }

    /// Takes in the answer to a write.
    pub(super) fn written(
        &mut self,
        result: Result<Version, WriteFailure>,
        config: &Config,
        now: Time,
    ) {
        let Some(sent) = self.sent.take() else { return };
        let Ok(version) = result else {
            // A deletion is only tidiness.
            let pause = if sent.record.is_some() { config.retry } else { config.duration };
            self.retry_at = now + pause;
            return;
        };
        let Some(record) = sent.record else {
            self.exists = false;
            return;
        };
        if !version.is_older_than(&self.version) {
            self.record = Some(record);
            self.version = version;
            self.exists = true;
            self.changed = now;
        }
        // Counted from when it was sent: others count from when they observe it, which is later.
        self.renewed = self.is_held(config).then_some(sent.at);
    }

    /// Whether the record names this replica.
    pub(super) fn is_held(&self, config: &Config) -> bool {
        self.holder() == Some(config.identity.as_str())
    }

    /// The same, if the write in flight succeeds.
    pub(super) fn is_claimed(&self, config: &Config) -> bool {
        self.is_claimed_by(&config.identity)
    }

    /// Whether the record names this replica, if the write in flight succeeds.
    pub(super) fn is_claimed_by(&self, identity: &str) -> bool {
        let sent = self.sent.as_ref().and_then(|sent| sent.record.as_ref());
        let record = sent.or(self.record.as_ref());
        record.is_some_and(|record| record.holder.as_deref() == Some(identity))
    }

    /// Whether this replica is the leader. No other is before [`Self::expires`] of its own view.
    pub(super) fn leads(&self, config: &Config, now: Time) -> bool {
        self.is_held(config) && self.renewed.is_some_and(|sent| now < sent + config.renew_deadline)
    }

    /// The record's count of leaders.
    pub(super) fn term(&self) -> Term {
        self.record.as_ref().map_or(0, |record| record.transitions)
    }

    /// Whether a replica that does not hold it may take it.
    pub(super) fn is_free(&self, config: &Config, now: Time) -> bool {
        self.holder().is_none() || now >= self.expires(config)
    }

    /// Whether it has a holder that may still be running.
    pub(super) fn is_live(&self, config: &Config, now: Time) -> bool {
        self.exists && !self.is_free(config, now)
    }

    /// Whether another replica holds it.
    pub(super) fn is_led_by_another(&self, config: &Config, now: Time) -> bool {
        self.is_live(config, now) && !self.is_held(config)
    }

    pub(super) fn exists(&self) -> bool {
        self.exists
    }

    /// Whether no write is in flight, nor has one failed just now.
    pub(super) fn is_writable(&self, now: Time) -> bool {
        self.sent.is_none() && now >= self.retry_at
    }

    /// Whether there is nothing to release, nor an answer to wait for.
    pub(super) fn is_released(&self, config: &Config) -> bool {
        self.sent.is_none() && !(self.exists && self.is_held(config))
    }

    /// Whether a lease that we hold is to be written in this round of renewals.
    pub(super) fn is_due(&self, round: Time, config: &Config, now: Time) -> bool {
        if self.exists {
            return self.renewed.is_none_or(|sent| sent < round);
        }
        // If we lapsed before it was deleted, another may have taken it in between.
        self.leads(config, now) || now >= self.expires(config)
    }

    /// When a record that does not change expires, by our clock alone.
    pub(super) fn expires(&self, config: &Config) -> Time {
        let duration = self.record.as_ref().map_or(config.duration, |record| record.duration);
        self.changed.saturating_add(duration.max(config.duration))
    }

    /// The times at which anything of the above changes.
    pub(super) fn timers(&self, config: &Config) -> [Option<Time>; 4] {
        let expires = self.expires(config);
        [
            self.renewed.map(|sent| sent + config.renew_deadline),
            Some(self.retry_at),
            Some(expires),
            Some(expires.saturating_add(config.duration * super::STALE_MEMBER)),
        ]
    }

    /// Takes or renews it. A replica that does not lead begins a new term.
    pub(super) fn claim(&mut self, name: &str, config: &Config, now: Time) -> Effect {
        let term = self.record.as_ref().map_or(0, |record| {
            record.transitions.saturating_add(Term::from(!self.leads(config, now)))
        });
        self.write(name, Some(config.identity.clone()), term, config, now)
    }

    /// Gives it up. The caller announces first that this replica does not lead.
    pub(super) fn release(&mut self, name: &str, config: &Config, now: Time) -> Effect {
        self.write(name, None, self.term(), config, now)
    }

    /// Deletes it.
    pub(super) fn delete(&mut self, name: &str, now: Time) -> Effect {
        self.sent = Some(Sent { at: now, record: None });
        Effect::Delete { name: name.to_owned(), version: self.version.clone() }
    }

    /// Leads no more, whatever the record says.
    pub(super) fn resign(&mut self) {
        self.renewed = None;
    }

    /// Reports a change of [`Self::leads`].
    pub(super) fn announce(&mut self, name: &str, config: &Config, now: Time) -> Option<Effect> {
        let is_leader = self.leads(config, now);
        let before = std::mem::replace(&mut self.announced, is_leader);
        (before != is_leader).then(|| Effect::Lead { name: name.to_owned(), is_leader })
    }

    pub(super) fn holder(&self) -> Option<&str> {
        self.record.as_ref()?.holder.as_deref()
    }

    fn write(
        &mut self,
        name: &str,
        holder: Option<String>,
        transitions: Term,
        config: &Config,
        now: Time,
    ) -> Effect {
        let duration = config.duration;
        let record = Record { holder, transitions, duration, renewed: String::new() };
        self.sent = Some(Sent { at: now, record: Some(record.clone()) });
        let replaces = self.exists.then(|| self.version.clone());
        Effect::Write { name: name.to_owned(), record, replaces }
    }
}
