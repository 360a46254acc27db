//! The simulated world: Cloud Map, a cluster, processes, and one queue of events.

mod calls;
mod cloud_map;
mod leading;
mod processes;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;

use fastrand::Rng;

use crate::check::Check;
use crate::cloud::{Cloud, ServiceRef};
use crate::cluster::{Cluster, Key, Stored, set};
use crate::driver::{Call, Input, Operator, Settings, Source, WriteCall};
use crate::faults::Faults;
use crate::time::{MS, S, Us, show};
use crate::truth::Truth;

use self::leading::{Answer, Leading, Leases};

/// The host's time limit for a write to the API server.
const WRITE_LIMIT: Us = 10 * S;

/// How long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub min: Us,
    pub max: Us,
    /// One of this many takes up to `slowest`; none if zero.
    pub slow_one_in: u32,
    pub slowest: Us,
}

impl Latency {
    pub const fn steady(min: Us, max: Us) -> Self {
        Self { min, max, slow_one_in: 0, slowest: max }
    }

    fn draw(self, rng: &mut Rng) -> Us {
        if self.slow_one_in > 0 && rng.u32(0..self.slow_one_in) == 0 {
            return rng.u64(self.max..=self.slowest.max(self.max));
        }
        rng.u64(self.min..=self.max)
    }
}

/// How long everything takes.
#[derive(Debug)]
pub struct Net {
    pub read: Latency,
    pub write: Latency,
    pub watch: Latency,
    pub list: Latency,
    /// The exact latencies of the next writes, for the request and the response.
    pub next_writes: VecDeque<(Us, Us)>,
}

impl Default for Net {
    fn default() -> Self {
        let calm = Latency::steady(5 * MS, 40 * MS);
        Self { read: calm, write: calm, watch: calm, list: calm, next_writes: VecDeque::new() }
    }
}

/// An operator that is running or being restarted.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Process {
    pub settings: Settings,
    operator: Option<Operator>,
    /// None, where it has its sources for itself.
    pub leading: Option<Leading>,
    /// Counts its starts: an event for an earlier run is lost.
    life: u32,
    pub started: Us,
    wake: u64,
    /// When the operator wants to be woken.
    operator_wakes: Us,
    paused_until: Us,
    /// From the API server.
    cut_off_until: Us,
    wakes_at_once: (Us, u32),
    wakes_a_second: (Us, u32),
    spins: bool,
    watch_epoch: u32,
    watching: bool,
    /// A watch's events come in order.
    watched_until: Us,
    pub finished: Option<bool>,
    /// It was asked to stop, and is restarted this long after its end.
    stopping: Option<Us>,
    /// What its settings were before, and until when writes by these may arrive.
    before: Option<(Us, Settings)>,
    /// Whether the guard has reported a refusal.
    pub refused: bool,
    pub ready: bool,
}

impl Process {
    pub const fn runs(&self) -> bool {
        self.operator.is_some()
    }

    /// All that its settings allow, where these have changed a short while ago: what was sent before
    /// may still arrive.
    pub fn lenient(&self, now: Us) -> Settings {
        let mut settings = self.settings.clone();
        let Some((_, before)) = self.before.as_ref().filter(|(until, _)| *until > now) else {
            return settings;
        };
        settings.max_delete_percent = settings.max_delete_percent.max(before.max_delete_percent);
        settings.empty_grace = settings.empty_grace.min(before.empty_grace);
        settings.catalogue_interval = settings.catalogue_interval.min(before.catalogue_interval);
        settings.data_rate = settings.data_rate.max(before.data_rate);
        settings.list_rate = settings.list_rate.max(before.list_rate);
        let is_new = |source: &&Source| settings.sources.iter().all(|s| s.name != source.name);
        let former: Vec<Source> = before.sources.iter().filter(is_new).cloned().collect();
        settings.sources.extend(former);
        settings
    }
}

/// An event.
#[derive(Debug)]
pub enum Event {
    Start {
        process: usize,
    },
    Wake {
        process: usize,
        wake: u64,
    },
    Serve {
        process: usize,
        life: u32,
        call: Call,
        back: Us,
    },
    Arrive {
        process: usize,
        life: u32,
        write: WriteCall,
        back: Us,
    },
    Deliver {
        process: usize,
        life: u32,
        input: Input,
    },
    List {
        process: usize,
        life: u32,
        epoch: u32,
    },
    Watched {
        process: usize,
        life: u32,
        epoch: u32,
        input: Input,
    },
    /// It must have ended by now.
    Stopped {
        process: usize,
        life: u32,
    },
    /// A call about leases arrives at the API server.
    LeaseCall {
        process: usize,
        life: u32,
        number: u64,
        call: leading::Call,
        back: Us,
    },
    /// Its answer, or the end of the wait for it.
    LeaseAnswer {
        process: usize,
        life: u32,
        number: u64,
        answer: Answer,
        is_limit: bool,
    },
    /// A release waits no longer.
    ReleaseLimit {
        process: usize,
        life: u32,
        name: String,
    },
    /// A replica waits no longer for its end.
    StopLimit {
        process: usize,
        life: u32,
    },
    Fight {
        key: Key,
    },
    Heartbeat {
        process: usize,
        life: u32,
    },
    Probe {
        key: Key,
        service: ServiceRef,
        address: String,
        since: Us,
    },
}

#[derive(Debug)]
pub struct World {
    pub now: Us,
    pub rng: Rng,
    queue: BTreeMap<(Us, u64), Event>,
    queued: u64,
    pub cloud: Cloud,
    pub cluster: Cluster,
    pub leases: Leases,
    pub truth: Truth,
    pub net: Net,
    pub faults: Faults,
    pub processes: Vec<Process>,
    /// For each contended entry, the delay after which a field is reverted, and until when.
    pub fighters: BTreeMap<Key, (Us, Us)>,
    pub check: Check,
    pub trace: bool,
    /// Calls of the state machine.
    pub steps: u64,
}

impl World {
    pub fn new(seed: u64, trace: bool) -> Self {
        Self {
            now: 0,
            rng: Rng::with_seed(seed),
            queue: BTreeMap::new(),
            queued: 0,
            cloud: Cloud::new(7),
            cluster: Cluster::default(),
            leases: Leases::default(),
            truth: Truth::default(),
            net: Net::default(),
            faults: Faults::default(),
            processes: Vec::new(),
            fighters: BTreeMap::new(),
            check: Check::default(),
            trace,
            steps: 0,
        }
    }

    pub fn log(&self, what: impl FnOnce() -> String) {
        if self.trace {
            // The reader may close the pipe.
            drop(writeln!(std::io::stdout(), "{} {}", show(self.now), what()));
        }
    }

    pub fn violate(&mut self, invariant: &'static str, what: String) {
        self.log(|| format!("VIOLATION {invariant}: {what}"));
        self.check.violate(invariant, self.now, what);
    }

    pub fn schedule(&mut self, at: Us, event: Event) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), event);
    }

    /// Advances the time.
    pub fn run_until(&mut self, until: Us) {
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= until) {
            let Some(((at, _), event)) = self.queue.pop_first() else { break };
            self.now = at;
            self.happen(event);
        }
        self.now = until.max(self.now);
    }

    pub fn run_for(&mut self, time: Us) {
        self.run_until(self.now + time);
    }

    fn happen(&mut self, event: Event) {
        if let Some(until) = self.paused(&event) {
            return self.schedule(until, event);
        }
        match event {
            Event::Start { process } => self.started(process),
            Event::Wake { process, wake } => {
                if self.processes.get(process).is_some_and(|p| p.wake == wake) {
                    self.count_wake(process);
                    self.handle(process, Input::Tick);
                }
            }
            Event::Serve { process, life, call, back } => self.serve(process, life, &call, back),
            Event::Arrive { process, life, write, back } => {
                self.arrive(process, life, &write, back);
            }
            Event::Deliver { process, life, input } => {
                if self.processes.get(process).is_some_and(|p| p.life == life) {
                    self.handle(process, input);
                }
            }
            Event::List { process, life, epoch } => self.list(process, life, epoch),
            Event::Watched { process, life, epoch, input } => {
                if self
                    .processes
                    .get(process)
                    .is_some_and(|p| p.life == life && p.watch_epoch == epoch)
                {
                    self.handle(process, input);
                }
            }
            Event::Fight { key } => {
                if self.cluster.entries.contains_key(&key)
                    && self.fighters.get(&key).is_some_and(|(_, until)| self.now < *until)
                {
                    self.edit(&key, "a controller", |object| {
                        set(object, &["spec", "resolution"], "NONE".into());
                    });
                }
            }
            Event::Stopped { process, life } => {
                if self.life(process) == life {
                    self.violate("live.stop", format!("p{process} was asked to stop, and runs"));
                }
            }
            Event::LeaseCall { process, life, number, call, back } => {
                self.lease_call(process, life, number, &call, back);
            }
            Event::LeaseAnswer { process, life, number, answer, is_limit } => {
                if self.take_open(process, life, number, is_limit) {
                    self.answered(process, answer);
                }
            }
            Event::ReleaseLimit { process, life, name } => {
                if self.life(process) == life
                    && let Some(answer) = self.release_limit(process, &name)
                {
                    self.answered(process, answer);
                }
            }
            Event::StopLimit { process, life } => self.stop_limit(process, life),
            Event::Heartbeat { process, life } => self.heartbeat(process, life),
            Event::Probe { key, service, address, since } => {
                self.probe(&key, &service, &address, since);
            }
        }
    }

    pub fn key(&self, at: &ServiceRef) -> Key {
        self.truth.key(at).cloned().unwrap_or(Key { namespace: String::new(), name: String::new() })
    }

    pub fn stored(&self, at: &ServiceRef) -> Option<&Stored> {
        self.cluster.entries.get(self.truth.key(at)?)
    }
}
