//! Which replica writes the entries of which source: leases without IO.
//!
//! Each source has a lease (`coordination.k8s.io`), and only its leader writes the source's entries.
//! [`Election::handle`] takes events and the time, and returns effects, as the operator does. A host
//! lists and watches the leases, and writes them.
//!
//! # Life cycle of a lease
//!
//! ```text
//!           this replica, below its quota             another replica
//!        ┌──────────────────────────────── free ────────────────────────────┐
//!        │                                  ▲ ▲                             │
//!        ▼                                  │ │                             ▼
//!     claimed                               │ │     released, or      held by another
//!        │                                  │ └─────────────────────────────┘  ▲
//!        │ written                          │     unchanged for its duration   │
//!        ▼         above the quota, or stop │     since we observed it         │
//!     LEADING ──────────────────────────────┤                                  │
//!      ▲   │                                │                                  │
//!      │   │ not renewed within             │                                  │
//!      │   │ the renew deadline             │                                  │
//!      │   ▼                                │                                  │
//!     lapsed ───────────────────────────────┘                                  │
//!        │                                            another has taken it     │
//!        └─────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! # Why there are never two leaders
//!
//! The rules are those of client-go's leader election, and no times of two machines are compared:
//!
//! - A leader counts the renew deadline (10 s) from when it **sent** its last successful write.
//!   Others count the duration (15 s) from when they **observed** that write, which is later. So the
//!   leader has stopped before another starts, as long as one clock is not half as fast again as the
//!   other. A process that was paused finds at its first event that it leads no more.
//! - Each write replaces the state that was observed, or is refused. So a replica that takes a
//!   lease knows the last write of the leader, however late its watch is, and of two that try one
//!   succeeds. A write that is delayed on its way does no harm.
//! - A lease that a person or another program deletes counts as held for its duration by those that
//!   have observed it. A replica that starts within that time has not, and creates it: do not delete
//!   the lease of a leader. Nor empty its holder.
//!
//! A task that writes entries asks [`Election::term`] right before each write, with the time of then:
//! the process may have been paused since the last event. Identities must be unique.
//!
//! # Sharing
//!
//! Each replica also renews a lease of its own. Those that are live, by the same rules, are the
//! members, and each member has a quota: an equal share of the sources, where those that have more
//! already, and then the first in order of identity, have one more. A replica below its quota takes
//! free leases. One above it releases, the last by name first; one at a time, so that a member that
//! is slow to take it leaves one source without a leader and not many. It never takes a lease that
//! its holder renews.

mod event;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

pub use event::{Effect, Event, Record, Term, WriteFailure};

use self::view::Lease;
pub use crate::operator::{Time, Version};

/// How long a stop tries to release.
const STOP_LIMIT: Duration = Duration::from_secs(3);
/// How many durations after its expiry the lease of a member is deleted.
const STALE_MEMBER: u32 = 4;

/// The settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of this replica, as no other process has it.
    pub identity: String,
    /// The names of the leases of the sources.
    pub leases: Vec<String>,
    /// With the identity, the name of this replica's own lease.
    pub member_prefix: String,
    /// How long a record that does not change is respected.
    pub duration: Duration,
    /// How often a lease is renewed.
    pub renew: Duration,
    /// How long a leader leads without a successful renewal. Well below the duration.
    pub renew_deadline: Duration,
    /// The pause after a write that failed.
    pub retry: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            identity: String::new(),
            leases: Vec::new(),
            member_prefix: "member-".to_owned(),
            duration: Duration::from_secs(15),
            renew: Duration::from_secs(5),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first list is awaited.
    Starting,
    Running,
    /// Everything is released, until this time.
    Stopping(Time),
    Stopped,
}

/// The state of a replica.
#[derive(Debug, Clone)]
pub struct Election {
    config: Config,
    phase: Phase,
    /// By the name of the lease.
    sources: BTreeMap<String, Lease>,
    /// Those of sources that there are no more, until they are released.
    retired: BTreeMap<String, Lease>,
    /// By identity; this replica is one of them.
    members: BTreeMap<String, Lease>,
    /// When the last round of renewals began. One for all leases, so that those of a replica that
    /// dies expire together.
    round: Time,
    /// The time of the last event.
    now: Time,
    /// Collected during one call of [`Self::handle`].
    effects: Vec<Effect>,
}

impl Election {
    /// A replica that has observed nothing yet. The first [`Event::Listed`] starts it.
    #[must_use]
    pub fn new(config: Config, now: Time) -> Self {
        let leases = |names: &[String]| {
            names.iter().map(|name| (name.clone(), Lease::default())).collect::<BTreeMap<_, _>>()
        };
        Self {
            sources: leases(&config.leases),
            members: leases(std::slice::from_ref(&config.identity)),
            retired: BTreeMap::new(),
            phase: Phase::Starting,
            round: now,
            now,
            effects: Vec::new(),
            config,
        }
    }

    /// Handles an event, at a time that never goes back, and returns what to do.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Time) -> Vec<Effect> {
        self.now = now;
        // First of all, because the process may have been paused.
        self.announce(now);
        match event {
            Event::Tick => {}
            Event::Configured { leases } => self.configured(&leases, now),
            Event::Listed { leases } => self.listed(leases, now),
            Event::Observed { name, record, version } => {
                self.observed(&name, record, version, now);
            }
            Event::Written { name, result } => self.written(&name, result, now),
            Event::Stop => self.stop(now),
        }
        self.announce(now);
        match self.phase {
            Phase::Starting | Phase::Stopped => {}
            Phase::Running => self.run(now),
            Phase::Stopping(until) => self.release_all(until, now),
        }
        std::mem::take(&mut self.effects)
    }

    /// When the next [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let until = match self.phase {
            Phase::Starting | Phase::Stopped => return None,
            Phase::Running => self.round + self.config.renew,
            Phase::Stopping(until) => until,
        };
        let sources = self.sources.values().chain(self.retired.values());
        let leases = sources.chain(self.members.values());
        let timers = leases.flat_map(|lease| lease.timers(&self.config)).flatten();
        timers.chain([until]).filter(|at| *at > self.now).min()
    }

    /// The term in which this replica leads a source at this time; none, if it does not.
    #[must_use]
    pub fn term(&self, name: &str, now: Time) -> Option<Term> {
        let lease = self.sources.get(name)?;
        lease.leads(&self.config, now).then(|| lease.term())
    }

    /// The replica that leads a source, as far as this one has observed; none, if none does.
    #[must_use]
    pub fn leader(&self, name: &str, now: Time) -> Option<&str> {
        let lease = self.sources.get(name)?;
        let is_led = lease.leads(&self.config, now) || lease.is_led_by_another(&self.config, now);
        lease.holder().filter(|_| is_led)
    }

    /// The name of this replica.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.config.identity
    }

    /// Whether each source has a leader, as far as this replica has observed.
    #[must_use]
    pub fn is_decided(&self, now: Time) -> bool {
        let config = &self.config;
        let has_leader =
            |lease: &Lease| lease.leads(config, now) || lease.is_led_by_another(config, now);
        self.phase != Phase::Starting && self.sources.values().all(has_leader)
    }

    fn announce(&mut self, now: Time) {
        for (name, lease) in &mut self.sources {
            if self.phase != Phase::Running {
                lease.resign();
            }
            self.effects.extend(lease.announce(name, &self.config, now));
        }
    }

    fn listed(&mut self, leases: Vec<(String, Record, Version)>, now: Time) {
        let mut missing: Vec<String> = self.sources.keys().cloned().collect();
        missing.extend(self.members.keys().map(|identity| self.member(identity)));
        missing.retain(|name| leases.iter().all(|(listed, _, _)| listed != name));
        for (name, record, version) in leases {
            self.observed(&name, Some(record), version, now);
        }
        for name in missing {
            if let Some((lease, config)) = self.lease(&name) {
                lease.unlisted(config, now);
            }
        }
        self.drop_deleted_members();
        if self.phase == Phase::Starting {
            self.phase = Phase::Running;
        }
    }

    fn observed(&mut self, name: &str, record: Option<Record>, version: Version, now: Time) {
        let identity = name.strip_prefix(&self.config.member_prefix);
        if let Some(identity) = identity.filter(|_| !self.sources.contains_key(name)) {
            self.members.entry(identity.to_owned()).or_default();
        }
        if let Some((lease, config)) = self.lease(name) {
            lease.observe(record, version, config, now);
        }
        self.drop_deleted_members();
    }

    fn written(&mut self, name: &str, result: Result<Version, WriteFailure>, now: Time) {
        if let Some((lease, config)) = self.lease(name) {
            lease.written(result, config, now);
        }
        self.drop_deleted_members();
    }

    fn drop_deleted_members(&mut self) {
        let own = &self.config.identity;
        self.members.retain(|identity, lease| identity == own || lease.exists());
    }

    fn configured(&mut self, leases: &[String], now: Time) {
        for name in leases {
            let lease = self.retired.remove(name).unwrap_or_default();
            self.sources.entry(name.clone()).or_insert(lease);
        }
        let (kept, gone) = std::mem::take(&mut self.sources)
            .into_iter()
            .partition(|(name, _)| leases.contains(name));
        self.sources = kept;
        for (name, mut lease) in gone {
            lease.resign();
            self.effects.extend(lease.announce(&name, &self.config, now));
            self.retired.insert(name, lease);
        }
    }

    /// Gives up what is retired, and forgets what has been given up.
    fn release_retired(&mut self, now: Time) {
        let config = &self.config;
        self.retired.retain(|_, lease| !lease.is_released(config));
        for (name, lease) in self.retired.iter_mut().filter(|(_, lease)| lease.is_writable(now)) {
            self.effects.extend(release(name, lease, config, now));
        }
    }

    fn stop(&mut self, now: Time) {
        if matches!(self.phase, Phase::Starting | Phase::Running) {
            self.phase = Phase::Stopping(now + STOP_LIMIT);
        }
    }

    /// Renews, releases and takes what is due.
    fn run(&mut self, now: Time) {
        if now >= self.round + self.config.renew {
            self.round = now;
        }
        self.release_retired(now);
        let (quota, config) = (self.quota(now), &self.config);
        self.effects.extend(renew_members(&mut self.members, config, self.round, now));

        let mut claimed = self.sources.values().filter(|lease| lease.is_claimed(config)).count();
        let is_free = |lease: &Lease| !lease.is_claimed(config) && lease.is_free(config, now);
        let is_changing_hands =
            |lease: &Lease| is_free(lease) || lease.is_held(config) && !lease.is_claimed(config);
        if claimed > quota && !self.sources.values().any(is_changing_hands) {
            let last = self.sources.iter_mut().rfind(|(_, lease)| lease.is_claimed(config));
            if let Some((name, lease)) = last.filter(|(_, lease)| lease.is_writable(now)) {
                self.effects.extend(release(name, lease, config, now));
            }
        }
        for (name, lease) in &mut self.sources {
            let due = lease.is_held(config) && lease.is_due(self.round, config, now);
            if due && lease.is_writable(now) {
                self.effects.push(lease.claim(name, config, now));
            }
        }
        // Others count on this replica only while its own lease is live.
        if !self.members.get(&config.identity).is_some_and(|own| own.leads(config, now)) {
            return;
        }
        for (name, lease) in &mut self.sources {
            if claimed < quota && is_free(lease) && lease.is_writable(now) {
                self.effects.push(lease.claim(name, config, now));
                claimed += 1;
            }
        }
    }

    /// How many sources this replica is to lead.
    fn quota(&self, now: Time) -> usize {
        let (config, own) = (&self.config, &self.config.identity);
        let is_live =
            |(identity, lease): &(&String, &Lease)| *identity == own || lease.is_live(config, now);
        let members: Vec<&str> =
            self.members.iter().filter(is_live).map(|(identity, _)| identity.as_str()).collect();
        let share = self.sources.len() / members.len().max(1);
        // Those that have more than the others keep it, so that a new replica moves no more sources
        // than needed.
        let order = |identity: &str| {
            let is_of = |lease: &&Lease| lease.is_claimed_by(identity);
            let held = self.sources.values().filter(is_of).count();
            (held <= share, identity.to_owned())
        };
        let own = order(own);
        let rank = members.iter().filter(|identity| order(identity) < own).count();
        share + usize::from(rank < self.sources.len() % members.len().max(1))
    }

    /// Releases what the stop has to release, and finishes.
    fn release_all(&mut self, until: Time, now: Time) {
        let (config, member) = (&self.config, self.member(&self.config.identity));
        for (name, lease) in self.sources.iter_mut().chain(&mut self.retired) {
            if !lease.is_released(config) && lease.is_writable(now) {
                self.effects.extend(release(name, lease, config, now));
            }
        }
        let own = self.members.get_mut(&config.identity);
        if let Some(own) = own.filter(|own| !own.is_released(config) && own.is_writable(now)) {
            self.effects.push(own.delete(&member, now));
        }
        let own = self.members.get(&config.identity);
        let mut leases = self.sources.values().chain(self.retired.values()).chain(own);
        if leases.all(|lease| lease.is_released(config)) || now >= until {
            self.phase = Phase::Stopped;
            self.effects.push(Effect::Stopped);
        }
    }

    /// The name of a member's lease.
    fn member(&self, identity: &str) -> String {
        format!("{}{identity}", self.config.member_prefix)
    }

    fn lease(&mut self, name: &str) -> Option<(&mut Lease, &Config)> {
        let config = &self.config;
        if let Some(source) = self.sources.get_mut(name).or_else(|| self.retired.get_mut(name)) {
            return Some((source, config));
        }
        let identity = name.strip_prefix(&config.member_prefix)?;
        self.members.get_mut(identity).map(|member| (member, config))
    }
}

/// Renews the lease of this replica, and deletes those that expired long ago.
fn renew_members(
    members: &mut BTreeMap<String, Lease>,
    config: &Config,
    round: Time,
    now: Time,
) -> Vec<Effect> {
    let stale = config.duration * STALE_MEMBER;
    let mut effects = Vec::new();
    for (identity, lease) in members.iter_mut().filter(|(_, lease)| lease.is_writable(now)) {
        let name = format!("{}{identity}", config.member_prefix);
        if *identity == config.identity {
            if !lease.exists() || !lease.is_held(config) || lease.is_due(round, config, now) {
                effects.push(lease.claim(&name, config, now));
            }
        } else if now >= lease.expires(config).saturating_add(stale) {
            effects.push(lease.delete(&name, now));
        }
    }
    effects
}

/// Stops leading, then gives the lease up.
fn release(name: &str, lease: &mut Lease, config: &Config, now: Time) -> Vec<Effect> {
    lease.resign();
    let resigned = lease.announce(name, config, now);
    let written = lease.release(name, config, now);
    resigned.into_iter().chain([written]).collect()
}
