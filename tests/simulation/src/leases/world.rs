//! Replicas, the API server with their leases, and the network between them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use fastrand::Rng;
use istio_cloud_map_core::lease::{
    Config, Effect, Election, Event, Record, Term, Time, Version, WriteFailure,
};

use crate::time::{MS, S, Us, show};

/// The host's time limit for a write.
const WRITE_LIMIT: Us = 4 * S;
/// The time limit for a replica to stop.
const STOP_LIMIT: Us = 5 * S;
/// More ticks of a replica at one instant are a busy loop.
const MOST_TICKS_AT_ONCE: u32 = 30;

/// A process. A restart makes another one, which may have the same identity.
struct Replica {
    identity: String,
    election: Election,
    started: Us,
    /// How much faster than true time its clock runs, in millionths.
    drift: i64,
    /// What the host believes, by the last `Lead`.
    leads: BTreeSet<String>,
    ended: bool,
    stopping: Option<Us>,
    paused_until: Us,
    cut_off_until: Us,
    /// Counts the watches. What an earlier one has under way is lost.
    watch: u32,
    /// A watch delivers in order.
    watched_until: Us,
    writes: u64,
    tick: Option<Us>,
    last_tick: (Us, u32),
}

impl Replica {
    /// The time by its own clock.
    fn clock(&self, now: Us) -> Time {
        let elapsed = i64::try_from(now - self.started).unwrap_or(i64::MAX);
        let elapsed = elapsed + elapsed * self.drift / 1_000_000;
        Duration::from_micros(elapsed.unsigned_abs())
    }

    /// When its clock shows this time, or a little later.
    fn at(&self, time: Time) -> Us {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let mut at = self.started + (micros * 1_000_000 / (1_000_000 + self.drift)).unsigned_abs();
        while self.clock(at) < time {
            at += 1;
        }
        at
    }
}

enum What {
    /// A write arrives at the API server.
    Request {
        from: usize,
        write: u64,
        effect: Effect,
    },
    /// Its answer, or the end of the wait for one.
    Answer {
        to: usize,
        write: u64,
        name: String,
        result: Result<Version, WriteFailure>,
    },
    /// A replica lists the leases, and watches from there.
    List {
        of: usize,
    },
    Watch {
        to: usize,
        watch: u32,
        event: Event,
    },
    Tick {
        of: usize,
    },
}

struct Scheduled {
    at: Us,
    seq: u64,
    what: What,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.seq) == (other.at, other.seq)
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.seq).cmp(&(other.at, other.seq))
    }
}

pub struct World {
    pub now: Us,
    pub rng: Rng,
    pub violations: Vec<String>,
    /// Whether answers are lost and writes delayed.
    pub lossy: bool,
    /// How often leadership has begun or ended, and how many writes have arrived.
    pub changes: u32,
    pub writes: u32,
    leases: Vec<String>,
    server: BTreeMap<String, (Record, Version)>,
    revision: u64,
    replicas: Vec<Replica>,
    queue: BinaryHeap<Reverse<Scheduled>>,
    seq: u64,
    /// Writes whose answer is awaited.
    open: BTreeSet<(usize, u64)>,
    /// Who has led a lease in a term; by the uid of the lease too, since a new one counts anew.
    terms: BTreeMap<(String, String, Term), usize>,
    trace: bool,
}

impl World {
    pub fn new(seed: u64, sources: usize, trace: bool) -> Self {
        Self {
            now: 0,
            rng: Rng::with_seed(seed),
            violations: Vec::new(),
            lossy: false,
            changes: 0,
            writes: 0,
            leases: (0..sources).map(|source| format!("source-{source:02}")).collect(),
            server: BTreeMap::new(),
            revision: 0,
            replicas: Vec::new(),
            queue: BinaryHeap::new(),
            seq: 0,
            open: BTreeSet::new(),
            terms: BTreeMap::new(),
            trace,
        }
    }

    /// The replicas that have not ended.
    pub fn running(&self) -> Vec<usize> {
        let running = |(at, replica): (usize, &Replica)| (!replica.ended).then_some(at);
        self.replicas.iter().enumerate().filter_map(running).collect()
    }

    pub fn identity(&self, replica: usize) -> Option<&str> {
        self.replicas.get(replica).map(|replica| replica.identity.as_str())
    }

    pub fn start(&mut self, identity: &str) {
        let config = Config {
            identity: identity.to_owned(),
            leases: self.leases.clone(),
            ..Config::default()
        };
        self.replicas.push(Replica {
            identity: identity.to_owned(),
            election: Election::new(config, Time::ZERO),
            started: self.now,
            drift: self.rng.i64(-5_000..=5_000),
            leads: BTreeSet::new(),
            ended: false,
            stopping: None,
            paused_until: 0,
            cut_off_until: 0,
            watch: 0,
            watched_until: 0,
            writes: 0,
            tick: None,
            last_tick: (0, 0),
        });
        let of = self.replicas.len() - 1;
        self.log(|| format!("r{of} starts as {identity}"));
        self.list_soon(of);
    }

    /// SIGTERM.
    pub fn stop(&mut self, of: usize) {
        self.log(|| format!("r{of} is to stop"));
        let now = self.now;
        if let Some(replica) = self.replicas.get_mut(of)
            && replica.stopping.is_none()
            && replica.paused_until <= now
        {
            replica.stopping = Some(now);
            self.handle(of, Event::Stop);
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self, of: usize) {
        self.log(|| format!("r{of} is killed"));
        if let Some(replica) = self.replicas.get_mut(of) {
            replica.ended = true;
        }
    }

    pub fn pause(&mut self, of: usize, length: Us) {
        self.log(|| format!("r{of} is paused for {length} us"));
        if let Some(replica) = self.replicas.get_mut(of) {
            replica.paused_until = replica.paused_until.max(self.now + length);
        }
    }

    /// Cuts it off from the API server; a short time only breaks the watch.
    pub fn cut_off(&mut self, of: usize, length: Us) {
        self.log(|| format!("r{of} is cut off for {length} us"));
        let until = self.now + length;
        if let Some(replica) = self.replicas.get_mut(of) {
            replica.cut_off_until = replica.cut_off_until.max(until);
            replica.watch += 1;
        }
        self.schedule(until, What::List { of });
    }

    /// A person deletes the lease of a source.
    pub fn delete(&mut self, source: usize) {
        let Some(name) = self.leases.get(source % self.leases.len().max(1)).cloned() else {
            return;
        };
        self.log(|| format!("{name} is deleted"));
        self.remove(&name);
    }

    pub fn run_until(&mut self, end: Us) {
        while self.queue.peek().is_some_and(|next| next.0.at <= end) && self.violations.is_empty() {
            let Some(Reverse(next)) = self.queue.pop() else { break };
            self.now = next.at;
            self.step(next.what);
            self.check();
        }
        self.now = self.now.max(end);
    }

    /// The number of sources that each running replica leads, and the sources without a leader.
    pub fn shares(&self) -> (Vec<usize>, Vec<String>) {
        let running = || self.replicas.iter().filter(|replica| !replica.ended);
        let led: BTreeSet<&String> = running().flat_map(|replica| &replica.leads).collect();
        let unled = self.leases.iter().filter(|name| !led.contains(name)).cloned().collect();
        (running().map(|replica| replica.leads.len()).collect(), unled)
    }

    /// The leases that are neither a source's nor a running replica's.
    pub fn stale_members(&self) -> Vec<String> {
        let running = |name: &str| {
            self.running().iter().any(|at| self.identity(*at) == name.strip_prefix("member-"))
        };
        let stale = |name: &&String| !self.leases.contains(name) && !running(name);
        self.server.keys().filter(stale).cloned().collect()
    }

    pub fn violate(&mut self, what: impl std::fmt::Display) {
        self.log(|| format!("VIOLATED: {what}"));
        self.violations.push(format!("{} {what}", show(self.now)));
    }

    pub fn log(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{} {}", show(self.now), what());
        }
    }

    fn schedule(&mut self, at: Us, what: What) {
        self.seq += 1;
        self.queue.push(Reverse(Scheduled { at, seq: self.seq, what }));
    }

    fn latency(&mut self) -> Us {
        self.rng.u64(MS..100 * MS)
    }

    fn list_soon(&mut self, of: usize) {
        let at = self.now + self.latency();
        self.schedule(at, What::List { of });
    }

    fn is_cut_off(&self, replica: usize) -> bool {
        self.replicas.get(replica).is_some_and(|replica| replica.cut_off_until > self.now)
    }

    fn step(&mut self, what: What) {
        let (What::Answer { to: of, .. } | What::Watch { to: of, .. } | What::Tick { of }) = what
        else {
            return self.serve(what);
        };
        let Some(replica) = self.replicas.get_mut(of).filter(|replica| !replica.ended) else {
            return;
        };
        if replica.paused_until > self.now {
            let at = replica.paused_until;
            return self.schedule(at, what);
        }
        match what {
            What::Answer { write, name, result, .. } => {
                if self.open.remove(&(of, write)) {
                    self.handle(of, Event::Written { name, result });
                }
            }
            What::Watch { watch, event, .. } => {
                if replica.watch == watch {
                    self.handle(of, event);
                }
            }
            _ => {
                replica.tick = None;
                let (at, count) = replica.last_tick;
                let count = if at == self.now { count + 1 } else { 0 };
                replica.last_tick = (self.now, count);
                if count > MOST_TICKS_AT_ONCE {
                    self.violate(format!("r{of} ticks and ticks"));
                }
                self.handle(of, Event::Tick);
            }
        }
    }

    /// What happens at the API server.
    fn serve(&mut self, what: What) {
        match what {
            What::Request { from, write, effect } => {
                if self.is_cut_off(from) {
                    return;
                }
                self.writes += 1;
                let (name, result) = self.apply(effect);
                self.log(|| format!("  write of r{from} to {name}: {result:?}"));
                let lost = self.lossy && self.rng.u8(0..12) == 0;
                let at = self.now + self.latency();
                if !lost && !self.is_cut_off(from) {
                    self.schedule(at, What::Answer { to: from, write, name, result });
                }
            }
            What::List { of } => {
                let Some(replica) = self.replicas.get(of) else { return };
                // The later one of two that overlap lists.
                if replica.cut_off_until > self.now || replica.ended {
                    return;
                }
                let lease = |(name, (record, version)): (&String, &(Record, Version))| {
                    (name.clone(), record.clone(), version.clone())
                };
                let leases = self.server.iter().map(lease).collect();
                self.deliver(of, Event::Listed { leases });
            }
            _ => {}
        }
    }

    /// Sends an event on the watch.
    fn deliver(&mut self, to: usize, event: Event) {
        let at = self.now + self.latency();
        let Some(replica) = self.replicas.get_mut(to) else { return };
        replica.watched_until = replica.watched_until.max(at);
        let (at, watch) = (replica.watched_until, replica.watch);
        self.schedule(at, What::Watch { to, watch, event });
    }

    fn publish(&mut self, event: &Event) {
        for to in self.running() {
            if !self.is_cut_off(to) {
                self.deliver(to, event.clone());
            }
        }
    }

    fn apply(&mut self, effect: Effect) -> (String, Result<Version, WriteFailure>) {
        match effect {
            Effect::Write { name, record, replaces } => {
                let stored = self.server.get(&name).map(|(_, version)| version.clone());
                if stored != replaces {
                    return (name, Err(WriteFailure::Conflict));
                }
                self.revision += 1;
                let uid = stored.and_then(|version| version.uid);
                let version = Version {
                    uid: uid.or_else(|| Some(format!("uid-{}", self.revision))),
                    resource_version: Some(self.revision.to_string()),
                };
                let record = Record { renewed: show(self.now), ..record };
                self.server.insert(name.clone(), (record.clone(), version.clone()));
                self.publish(&Event::Observed {
                    name: name.clone(),
                    record: Some(record),
                    version: version.clone(),
                });
                (name, Ok(version))
            }
            Effect::Delete { name, version } => {
                if self.server.get(&name).is_some_and(|(_, stored)| *stored != version) {
                    return (name, Err(WriteFailure::Conflict));
                }
                let version = self.remove(&name);
                (name, Ok(version))
            }
            Effect::Lead { name, .. } => (name, Err(WriteFailure::Failed)),
            Effect::Stopped => (String::new(), Err(WriteFailure::Failed)),
        }
    }

    fn remove(&mut self, name: &str) -> Version {
        self.revision += 1;
        let Some((_, version)) = self.server.remove(name) else { return Version::default() };
        let version = Version { resource_version: Some(self.revision.to_string()), ..version };
        let (name, record) = (name.to_owned(), None);
        self.publish(&Event::Observed { name, record, version: version.clone() });
        version
    }

    /// A replica handles an event, and its host the effects.
    fn handle(&mut self, of: usize, event: Event) {
        let now = self.now;
        let Some(replica) = self.replicas.get_mut(of) else { return };
        let effects = replica.election.handle(event, replica.clock(now));
        for effect in effects {
            match effect {
                Effect::Lead { name, is_leader } => self.lead(of, &name, is_leader),
                Effect::Stopped => {
                    self.log(|| format!("r{of} has stopped"));
                    if let Some(replica) = self.replicas.get_mut(of) {
                        replica.ended = true;
                    }
                }
                Effect::Write { ref name, .. } | Effect::Delete { ref name, .. } => {
                    let name = name.clone();
                    self.send(of, name, effect);
                }
            }
        }
        let Some(replica) = self.replicas.get_mut(of) else { return };
        let stopping = replica.stopping.filter(|since| !replica.ended && now > since + STOP_LIMIT);
        let tick = replica.election.deadline().map(|at| replica.at(at).max(now));
        let tick = tick.filter(|at| replica.tick.is_none_or(|planned| *at < planned));
        if let Some(at) = tick {
            replica.tick = Some(at);
            self.schedule(at, What::Tick { of });
        }
        if stopping.is_some_and(|_| self.replicas.get(of).is_some_and(|r| r.paused_until == 0)) {
            self.violate(format!("r{of} does not stop"));
        }
    }

    fn send(&mut self, from: usize, name: String, effect: Effect) {
        let Some(replica) = self.replicas.get_mut(from) else { return };
        replica.writes += 1;
        let write = replica.writes;
        self.open.insert((from, write));
        let late = self.lossy && self.rng.u8(0..15) == 0;
        let latency = if late { self.rng.u64(S..12 * S) } else { self.latency() };
        if !self.is_cut_off(from) {
            self.schedule(self.now + latency, What::Request { from, write, effect });
        }
        let result = Err(WriteFailure::Failed);
        self.schedule(self.now + WRITE_LIMIT, What::Answer { to: from, write, name, result });
    }

    fn lead(&mut self, of: usize, name: &str, is_leader: bool) {
        self.log(|| format!("r{of} {} {name}", if is_leader { "leads" } else { "leads no more" }));
        self.changes += 1;
        let Some(replica) = self.replicas.get_mut(of) else { return };
        let changed = if is_leader {
            replica.leads.insert(name.to_owned())
        } else {
            replica.leads.remove(name)
        };
        if !changed {
            self.violate(format!("r{of} reports for {name} what it has reported"));
        }
    }

    /// No lease has two leaders, and no term either.
    fn check(&mut self) {
        let mut violations = Vec::new();
        for name in &self.leases {
            let mut writers = 0;
            let mut believers = 0;
            for (at, replica) in self.replicas.iter().enumerate().filter(|(_, r)| !r.ended) {
                let term = replica.election.term(name, replica.clock(self.now));
                writers += u32::from(term.is_some());
                // One that is paused cannot act on it.
                let acts = replica.leads.contains(name) && replica.paused_until < self.now;
                believers += u32::from(acts);
                if acts && term.is_none() {
                    violations.push(format!("r{at} has not noticed that {name} is lost"));
                }
                if replica.stopping.is_some() && term.is_some() {
                    violations.push(format!("r{at} leads {name} after it was stopped"));
                }
                let uid = self.server.get(name).and_then(|(_, version)| version.uid.clone());
                if let Some((term, uid)) = term.zip(uid)
                    && *self.terms.entry((name.clone(), uid, term)).or_insert(at) != at
                {
                    violations.push(format!("term {term} of {name} has two leaders"));
                }
            }
            if writers > 1 || believers > 1 {
                violations.push(format!("{name} has two leaders"));
            }
        }
        for violation in violations {
            self.violate(violation);
        }
    }
}
