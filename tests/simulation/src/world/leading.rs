//! Replicas that share the sources out by leases.
//!
//! This mirrors host/src/driver: `leading`, and what `mod` does with it in one turn of its loop. What
//! runs as a task there is an event here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use istio_cloud_map_core::lease::{Config, Effect, Election, Event as LeaseEvent, Record, Term};
use istio_cloud_map_core::lease::{Time, Version, WriteFailure};
use istio_cloud_map_core::translate::Conflicts;

use crate::cluster::Key;
use crate::driver::{Input, Settings, WriteCall};
use crate::faults::Fault;
use crate::time::{S, Us, show};
use crate::world::{Event, World};

/// The host's time limit for a call about leases.
const CALL_LIMIT: Us = 4 * S;
/// How long a release waits for the writes of its sources that are in flight.
const LONGEST_WRITES: Us = 4 * S;
/// How long a stop takes at most.
const LONGEST_STOP: Us = 4 * S;
const LIST_EVERY: Us = S;

/// What a replica knows of the leases.
#[derive(Debug)]
pub struct Leading {
    election: Election,
    started: Us,
    /// How much faster than true time its clock runs, in millionths.
    drift: i64,
    /// The sources of each lease.
    groups: BTreeMap<String, Vec<String>>,
    /// The sources that the operator was told to read, and since when.
    pub led: BTreeMap<String, Us>,
    /// Writes of entries that are in flight, and the lease that permits them.
    writes: BTreeMap<u64, String>,
    /// Releases that wait for these.
    releases: BTreeMap<String, Effect>,
    /// Calls about leases whose answers are awaited.
    open: BTreeSet<u64>,
    last_call: u64,
    list: List,
    stopping: bool,
    stopped: bool,
}

#[derive(Debug, Default)]
struct List {
    next: Us,
    running: bool,
    /// A write was answered since the list began.
    outdated: bool,
}

/// A call about leases.
#[derive(Debug, Clone)]
pub enum Call {
    List,
    /// A write or a deletion.
    Write(Effect),
}

/// What the API server answers.
#[derive(Debug, Clone)]
pub enum Answer {
    Listed(Option<Vec<(String, Record, Version)>>),
    Written(String, Result<Version, WriteFailure>),
}

/// The leases of the API server.
#[derive(Debug, Default)]
pub struct Leases {
    stored: BTreeMap<String, (Record, Version)>,
    revision: u64,
}

impl Leases {
    fn list(&self) -> Vec<(String, Record, Version)> {
        let lease = |(name, (record, version)): (&String, &(Record, Version))| {
            (name.clone(), record.clone(), version.clone())
        };
        self.stored.iter().map(lease).collect()
    }

    fn apply(&mut self, effect: &Effect, now: Us) -> Result<Version, WriteFailure> {
        match effect {
            Effect::Write { name, record, replaces } => {
                let stored = self.stored.get(name).map(|(_, version)| version);
                if stored != replaces.as_ref() {
                    return Err(WriteFailure::Conflict);
                }
                self.revision += 1;
                let uid = stored.and_then(|version| version.uid.clone());
                let version = Version {
                    uid: uid.or_else(|| Some(format!("lease-{}", self.revision))),
                    resource_version: Some(self.revision.to_string()),
                };
                let record = Record { renewed: show(now), ..record.clone() };
                self.stored.insert(name.clone(), (record, version.clone()));
                Ok(version)
            }
            Effect::Delete { name, version } => {
                if self.stored.get(name).is_some_and(|(_, stored)| stored != version) {
                    return Err(WriteFailure::Conflict);
                }
                self.stored.remove(name);
                Ok(version.clone())
            }
            Effect::Lead { .. } | Effect::Stopped => Err(WriteFailure::Failed),
        }
    }
}

/// The lease of a source.
fn lease_of(settings: &Settings, source: &str) -> String {
    // An entry that is merged from several sources has one writer.
    if settings.translate.conflicts == Conflicts::Merge {
        "sources".to_owned()
    } else {
        format!("source-{source}")
    }
}

impl Leading {
    pub(super) fn new(identity: String, settings: &Settings, drift: i64, now: Us) -> Self {
        let mut groups = BTreeMap::<String, Vec<String>>::new();
        for source in &settings.sources {
            groups.entry(lease_of(settings, &source.name)).or_default().push(source.name.clone());
        }
        let config =
            Config { identity, leases: groups.keys().cloned().collect(), ..Config::default() };
        Self {
            election: Election::new(config, Time::ZERO),
            started: now,
            drift,
            groups,
            led: BTreeMap::new(),
            writes: BTreeMap::new(),
            releases: BTreeMap::new(),
            open: BTreeSet::new(),
            last_call: 0,
            list: List { next: now, ..List::default() },
            stopping: false,
            stopped: false,
        }
    }

    /// The time by its own clock.
    fn clock(&self, now: Us) -> Time {
        let elapsed = i64::try_from(now - self.started).unwrap_or(i64::MAX);
        Duration::from_micros((elapsed + elapsed * self.drift / 1_000_000).unsigned_abs())
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

    pub(super) fn deadline(&self) -> Option<Us> {
        let list = (!self.list.running && !self.stopped).then_some(self.list.next);
        self.election.deadline().map(|at| self.at(at)).into_iter().chain(list).min()
    }

    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The lease, and its term, by which a source may be written now.
    fn permit(&self, source: &str, now: Us) -> Option<(String, Term)> {
        let (name, _) =
            self.groups.iter().find(|(_, sources)| sources.iter().any(|s| s == source))?;
        let term = self.election.term(name, self.clock(now))?;
        (!self.releases.contains_key(name)).then(|| (name.clone(), term))
    }
}

impl World {
    fn leading(&mut self, process: usize) -> Option<&mut Leading> {
        self.processes.get_mut(process)?.leading.as_mut()
    }

    /// What comes first in each turn of the loop, since the process may have been paused.
    pub(super) fn tick_leases(&mut self, process: usize) -> Vec<Input> {
        let now = self.now;
        let Some(leading) = self.leading(process) else { return Vec::new() };
        if !leading.list.running && !leading.stopped && now >= leading.list.next {
            leading.list = List { next: now + LIST_EVERY, running: true, outdated: false };
            self.ask(process, Call::List);
        }
        self.handle_leases(process, LeaseEvent::Tick)
    }

    /// Takes in an answer.
    pub(super) fn lease_answered(&mut self, process: usize, answer: Answer) -> Vec<Input> {
        let Some(leading) = self.leading(process) else { return Vec::new() };
        let event = match answer {
            Answer::Listed(leases) => {
                leading.list.running = false;
                match leases.filter(|_| !leading.list.outdated) {
                    Some(leases) => LeaseEvent::Listed { leases },
                    None => return Vec::new(),
                }
            }
            Answer::Written(name, result) => {
                leading.list.outdated = true;
                LeaseEvent::Written { name, result }
            }
        };
        self.handle_leases(process, event)
    }

    /// The operator has finished: releases everything.
    pub(super) fn stop_leading(&mut self, process: usize) {
        if let Some(leading) = self.leading(process)
            && !std::mem::replace(&mut leading.stopping, true)
        {
            drop(self.handle_leases(process, LeaseEvent::Stop));
        }
    }

    fn handle_leases(&mut self, process: usize, event: LeaseEvent) -> Vec<Input> {
        let now = self.now;
        let Some(leading) = self.leading(process) else { return Vec::new() };
        let mut inputs = Vec::new();
        for effect in leading.election.handle(event, leading.clock(now)) {
            match &effect {
                Effect::Lead { name, is_leader } => {
                    inputs.extend(self.lead(process, name, *is_leader));
                }
                Effect::Stopped => {
                    self.log(|| format!("p{process} has released its leases"));
                    if let Some(leading) = self.leading(process) {
                        leading.stopped = true;
                    }
                }
                Effect::Write { name, record, .. } => {
                    let Some(leading) = self.leading(process) else { break };
                    let waits = record.holder.is_none()
                        && leading.writes.values().any(|permitted| permitted == name);
                    if waits {
                        leading.releases.insert(name.clone(), effect.clone());
                        let (life, name) = (self.life(process), name.clone());
                        let event = Event::ReleaseLimit { process, life, name };
                        self.schedule(now + LONGEST_WRITES, event);
                    } else {
                        self.ask(process, Call::Write(effect));
                    }
                }
                Effect::Delete { .. } => self.ask(process, Call::Write(effect)),
            }
        }
        inputs
    }

    fn lead(&mut self, process: usize, name: &str, is_leader: bool) -> Vec<Input> {
        let now = self.now;
        self.log(|| {
            format!("p{process} {} {name}", if is_leader { "leads" } else { "leads no more" })
        });
        // A source that is being taken over is read anew.
        self.faults.add(now, now + 60 * S, Fault::Disturbance);
        let Some(leading) = self.leading(process) else { return Vec::new() };
        let sources = leading.groups.get(name).cloned().unwrap_or_default();
        for source in &sources {
            if is_leader {
                leading.led.insert(source.clone(), now);
            } else {
                leading.led.remove(source);
            }
        }
        self.check.led(process, &sources, is_leader, now);
        if is_leader {
            self.forget_written(process, Some(&sources));
        }
        self.note_owned();
        let Some(p) = self.processes.get(process) else { return Vec::new() };
        let of = |name: String| {
            if !is_leader {
                return Some(Input::SourceStopped(name));
            }
            let source = p.settings.sources.iter().find(|source| source.name == name)?;
            Some(Input::SourceStarted(Box::new(source.clone()), Box::new(p.settings.clone())))
        };
        sources.into_iter().filter_map(of).collect()
    }

    /// Allows a write, and notes by which term; none, if the process does not lead its source.
    pub(super) fn permit(&mut self, process: usize, mut write: WriteCall) -> Option<WriteCall> {
        let now = self.now;
        let p = self.processes.get_mut(process)?;
        (write.sent, write.started) = (now, p.started);
        let Some(leading) = &mut p.leading else { return Some(write) };
        let (lease, term) = leading.permit(&write.source, now)?;
        leading.writes.insert(write.id, lease.clone());
        write.started = leading.led.get(&write.source).copied().unwrap_or(now);
        write.led = leading.led.keys().cloned().collect();
        write.term = Some((lease, term));
        Some(write)
    }

    /// A write of an entry has ended, and a release may have waited for it.
    pub(super) fn end_permit(&mut self, process: usize, id: u64) {
        let Some(leading) = self.leading(process) else { return };
        let Some(name) = leading.writes.remove(&id) else { return };
        if !leading.writes.values().any(|permitted| *permitted == name)
            && let Some(release) = leading.releases.remove(&name)
        {
            self.ask(process, Call::Write(release));
        }
    }

    /// A release has waited for too long; it counts as a write that failed.
    pub(super) fn release_limit(&mut self, process: usize, name: &str) -> Option<Answer> {
        self.leading(process)?.releases.remove(name)?;
        Some(Answer::Written(name.to_owned(), Err(WriteFailure::Failed)))
    }

    fn ask(&mut self, process: usize, call: Call) {
        let latency = self.net.write.draw(&mut self.rng) + self.faults.delay(self.now).1;
        let there = self.rng.u64(0..=latency);
        let (life, now) = (self.life(process), self.now);
        let Some(leading) = self.leading(process) else { return };
        leading.last_call += 1;
        let number = leading.last_call;
        leading.open.insert(number);
        let failed = match &call {
            Call::Write(Effect::Write { name, .. } | Effect::Delete { name, .. }) => {
                Answer::Written(name.clone(), Err(WriteFailure::Failed))
            }
            _ => Answer::Listed(None),
        };
        let back = latency - there;
        let arrive = Event::LeaseCall { process, life, number, call, back };
        self.schedule(now + there, arrive);
        let limit = Event::LeaseAnswer { process, life, number, answer: failed, is_limit: true };
        self.schedule(now + CALL_LIMIT, limit);
    }

    /// A call about leases arrives at the API server.
    pub(super) fn lease_call(
        &mut self,
        process: usize,
        life: u32,
        number: u64,
        call: &Call,
        back: Us,
    ) {
        if self.is_cut_off(process, life) {
            return;
        }
        let roll = self.rng.u8(0..100);
        let key = Key { namespace: String::new(), name: String::new() };
        let fails = self.faults.of_write(&key, roll, self.now).is_some();
        let answer = match call {
            Call::List if fails => Answer::Listed(None),
            Call::List => Answer::Listed(Some(self.leases.list())),
            Call::Write(effect) => {
                let (Effect::Write { name, .. } | Effect::Delete { name, .. }) = effect else {
                    return;
                };
                let result = if fails {
                    Err(WriteFailure::Failed)
                } else {
                    let result = self.leases.apply(effect, self.now);
                    if result.is_ok() {
                        self.check_lease(process, life, effect);
                    }
                    result
                };
                Answer::Written(name.clone(), result)
            }
        };
        if !self.faults.loses_answer(roll, self.now) {
            self.schedule(
                self.now + back,
                Event::LeaseAnswer { process, life, number, answer, is_limit: false },
            );
        }
    }

    /// Whether an answer is still awaited; it is not any more, then.
    pub(super) fn take_open(
        &mut self,
        process: usize,
        life: u32,
        number: u64,
        is_limit: bool,
    ) -> bool {
        let arrives = is_limit || !self.is_cut_off(process, life);
        arrives
            && self.life(process) == life
            && self.leading(process).is_some_and(|leading| leading.open.remove(&number))
    }

    /// SIGTERM took too long.
    pub(super) const fn longest_stop() -> Us {
        LONGEST_STOP
    }

    /// Who leads each source, and the names of replicas that run.
    pub fn leaders(&self) -> (BTreeMap<String, Vec<usize>>, BTreeMap<usize, usize>) {
        let mut leaders = BTreeMap::<String, Vec<usize>>::new();
        let mut shares = BTreeMap::new();
        for (at, p) in self.processes.iter().enumerate() {
            let Some(leading) = &p.leading else { continue };
            let leases = leading.groups.values();
            shares.insert(
                at,
                leases.filter(|s| s.iter().any(|s| leading.led.contains_key(s))).count(),
            );
            for sources in leading.groups.values().flatten() {
                leaders.entry(sources.clone()).or_default();
            }
            for source in leading.led.keys() {
                leaders.entry(source.clone()).or_default().push(at);
            }
        }
        (leaders, shares)
    }

    /// Stops a process for a while: it does nothing, and its calls in flight may arrive late.
    pub fn pause(&mut self, process: usize, length: Us) {
        self.log(|| format!("p{process} is paused for {length} us"));
        self.faults.add(self.now, self.now + length + 60 * S, Fault::Disturbance);
        if let Some(p) = self.processes.get_mut(process) {
            p.paused_until = p.paused_until.max(self.now + length);
        }
    }

    /// Cuts a process off from the API server.
    pub fn cut_off(&mut self, process: usize, length: Us) {
        self.log(|| format!("p{process} is cut off for {length} us"));
        self.faults.add(self.now, self.now + length + 60 * S, Fault::Disturbance);
        let until = self.now + length;
        if let Some(p) = self.processes.get_mut(process) {
            p.cut_off_until = p.cut_off_until.max(until);
        }
        self.relist(process, length);
    }

    pub(super) fn is_cut_off_now(&self, process: usize) -> bool {
        self.processes.get(process).is_some_and(|p| p.cut_off_until > self.now)
    }

    /// What a process sent that has ended since is in the network already.
    pub(super) fn is_cut_off(&self, process: usize, life: u32) -> bool {
        self.life(process) == life && self.is_cut_off_now(process)
    }

    /// The process that an event is for, where it is paused: until when.
    pub(super) fn paused(&mut self, event: &Event) -> Option<Us> {
        let (process, life) = match event {
            Event::Deliver { process, life, .. }
            | Event::Watched { process, life, .. }
            | Event::List { process, life, .. }
            | Event::LeaseAnswer { process, life, .. }
            | Event::ReleaseLimit { process, life, .. }
            | Event::StopLimit { process, life }
            | Event::Arrive { process, life, .. }
            | Event::LeaseCall { process, life, .. }
            | Event::Heartbeat { process, life } => (*process, *life),
            Event::Wake { process, .. } => (*process, self.life(*process)),
            _ => return None,
        };
        let p = self.processes.get(process).filter(|p| p.life == life)?;
        let until = (p.paused_until > self.now).then_some(p.paused_until)?;
        let is_sent = matches!(event, Event::Arrive { .. } | Event::LeaseCall { .. });
        // Half of what was sent is in the network already.
        if is_sent && self.rng.bool() {
            return None;
        }
        Some(if is_sent { until + self.rng.u64(0..S) } else { until })
    }
}
