//! The simulated world: Cloud Map, a cluster, processes, and one queue of events.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;

use fastrand::Rng;
use serde_json::Value;

use crate::check::Check;
use crate::cloud::{Cloud, CloudInstance, CloudService, ServiceRef};
use crate::cluster::{Change, Cluster, Key, Stored, set};
use crate::driver::{
    Answer, Call, Input, Operator, Output, ReadFault, Settings, WriteCall, WriteFault,
};
use crate::faults::{Fault, Faults};
use crate::time::{MS, S, Us, show};
use crate::truth::Truth;

/// The host's time limits for a call to Cloud Map, and to the API server.
const READ_LIMIT: Us = 3 * S;
const WRITE_LIMIT: Us = 10 * S;
/// The time limit for a process to stop: its last write may also have been delayed on its way.
const STOP_LIMIT: Us = 2 * WRITE_LIMIT;
/// The maximum time between two iterations of the host's loop.
const LONGEST_SLEEP: Us = 5 * S;
/// More wake-ups at one instant are a busy loop.
const MOST_WAKES_AT_ONCE: u32 = 30;

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
    /// Counts its starts: an event for an earlier run is lost.
    life: u32,
    pub started: Us,
    wake: u64,
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
    /// Whether the guard has reported a refusal.
    pub refused: bool,
    pub ready: bool,
}

impl Process {
    pub const fn runs(&self) -> bool {
        self.operator.is_some()
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
            Event::Heartbeat { process, life } => self.heartbeat(process, life),
            Event::Probe { key, service, address, since } => {
                self.probe(&key, &service, &address, since);
            }
        }
    }

    // Processes.

    pub fn add_process(&mut self, settings: Settings) -> usize {
        for source in &settings.sources {
            self.truth.targets.insert(source.name.clone(), source.target_namespace.clone());
        }
        self.processes.push(Process {
            settings,
            operator: None,
            life: 0,
            started: 0,
            wake: 0,
            wakes_at_once: (0, 0),
            wakes_a_second: (0, 0),
            spins: false,
            watch_epoch: 0,
            watching: false,
            watched_until: 0,
            finished: None,
            stopping: None,
            refused: false,
            ready: false,
        });
        let process = self.processes.len() - 1;
        self.schedule(self.now, Event::Start { process });
        process
    }

    fn started(&mut self, process: usize) {
        let settings =
            self.processes.get(process).map(|p| p.settings.describe()).unwrap_or_default();
        self.log(|| format!("p{process} starts: {settings}"));
        let now = self.now;
        let Some(p) = self.processes.get_mut(process) else { return };
        p.life += 1;
        p.started = now;
        p.operator = Some(Operator::new(&p.settings, now));
        (p.finished, p.refused, p.ready, p.spins) = (None, false, false, false);
        p.stopping = None;
        let life = p.life;
        // A new process knows what it finds, not what the last one wrote: where another writer has
        // added endpoints meanwhile, a repair counts as a removal.
        if let Some(p) = self.processes.get(process) {
            for stored in self.cluster.entries.values_mut().filter(|stored| p.owns(stored)) {
                stored.last_written_endpoints = stored.endpoints.is_empty().then_some(0);
            }
        }
        let namespaces = self
            .cloud
            .accounts
            .values()
            .flat_map(|account| account.namespaces.keys().cloned())
            .collect();
        self.check.start(process, namespaces, now);
        self.note_owned();
        self.relist(process, 0);
        self.schedule(now + S, Event::Heartbeat { process, life });
        self.handle(process, Input::Tick);
    }

    /// Kills a process and restarts it a little later. Its calls in flight continue without it.
    pub fn restart(&mut self, process: usize, pause: Us) {
        self.log(|| format!("p{process} is killed"));
        self.faults.add(self.now, self.now + pause + 60 * S, Fault::Disturbance);
        self.end(process);
        self.schedule(self.now + pause, Event::Start { process });
    }

    /// Asks a process to stop: its writes in flight end, and no other call starts. It is restarted
    /// a little later.
    pub fn stop(&mut self, process: usize, pause: Us) {
        let Some(p) = self.processes.get_mut(process).filter(|p| p.runs()) else { return };
        p.stopping = Some(pause);
        let life = p.life;
        self.faults.add(self.now, self.now + WRITE_LIMIT + pause + 60 * S, Fault::Disturbance);
        self.check.stop(process);
        self.schedule(self.now + STOP_LIMIT, Event::Stopped { process, life });
        self.handle(process, Input::Stop);
    }

    fn end(&mut self, process: usize) {
        let Some(p) = self.processes.get_mut(process) else { return };
        p.operator = None;
        p.life += 1;
        p.watching = false;
        p.wake += 1;
    }

    fn count_wake(&mut self, process: usize) {
        let now = self.now;
        let Some(p) = self.processes.get_mut(process) else { return };
        let count = |(at, count): (Us, u32), unit: Us| {
            if at / unit == now / unit { (at, count + 1) } else { (now, 1) }
        };
        p.wakes_at_once = count(p.wakes_at_once, 1);
        p.wakes_a_second = count(p.wakes_a_second, S);
        if (p.wakes_at_once.1 > MOST_WAKES_AT_ONCE || p.wakes_a_second.1 > 1_500) && !p.spins {
            p.spins = true;
            self.violate(
                "quiet.spin",
                format!("p{process} wakes itself repeatedly without any effect"),
            );
        }
    }

    /// Passes an input to a process, and executes its effects.
    fn handle(&mut self, process: usize, input: Input) {
        if !matches!(input, Input::Tick) {
            self.log(|| format!("p{process} <- {}", describe(&input)));
        }
        let now = self.now;
        self.check.observe(process, &input, now);
        let Some(p) = self.processes.get_mut(process) else { return };
        let Some(operator) = &mut p.operator else { return };
        let Some(outputs) = operator.handle(input, now) else { return };
        self.steps += 1;
        let mut wake = now + LONGEST_SLEEP;
        for output in outputs {
            match output {
                Output::WakeAt(at) => wake = wake.min(at),
                Output::Call(call) => self.call(process, call),
                Output::Write(write) => {
                    let started = self.processes.get(process).map_or(0, |p| p.started);
                    self.send(process, WriteCall { started, ..write });
                }
                Output::Report(diagnostic) => {
                    self.log(|| format!("p{process} reports {diagnostic}"));
                    self.check.reports += 1;
                    self.check_fight_reported(process, &diagnostic);
                    if diagnostic.code.as_str() == "DeletesRefused"
                        && let Some(p) = self.processes.get_mut(process)
                    {
                        p.refused = diagnostic.severity.as_str() != "info";
                    }
                }
                Output::Finished { failed } => {
                    self.log(|| format!("p{process} finished, failed: {failed}"));
                    self.check_finished(process);
                    self.end(process);
                    let Some(p) = self.processes.get_mut(process) else { return };
                    match p.stopping.filter(|_| !p.settings.once) {
                        Some(pause) => self.schedule(now + pause, Event::Start { process }),
                        None => p.finished = Some(failed),
                    }
                    return;
                }
            }
        }
        let Some(p) = self.processes.get_mut(process) else { return };
        p.wake += 1;
        let at = wake.max(if p.spins { now + 100 * MS } else { now });
        let wake = p.wake;
        self.schedule(at, Event::Wake { process, wake });
    }

    fn life(&self, process: usize) -> u32 {
        self.processes.get(process).map_or(0, |p| p.life)
    }

    fn heartbeat(&mut self, process: usize, life: u32) {
        let Some(p) = self.processes.get_mut(process).filter(|p| p.life == life) else { return };
        let Some(operator) = &p.operator else { return };
        if operator.is_ready() {
            p.ready = true;
            self.log(|| format!("p{process} is ready"));
            self.check_ready(process);
        } else {
            self.schedule(self.now + S, Event::Heartbeat { process, life });
        }
    }

    // Reads.

    fn call(&mut self, process: usize, call: Call) {
        self.log(|| {
            format!(
                "p{process} -> {} {:?} {}",
                call.source,
                call.what,
                call.token.as_deref().unwrap_or_default()
            )
        });
        self.check_call(process, &call);
        let latency = self.net.read.draw(&mut self.rng) + self.faults.delay(self.now).0;
        let there = self.rng.u64(0..=latency);
        let life = self.life(process);
        if latency >= READ_LIMIT {
            let input = Input::Read { id: call.id, result: Err(ReadFault::TimedOut) };
            return self.schedule(self.now + READ_LIMIT, Event::Deliver { process, life, input });
        }
        self.schedule(
            self.now + there,
            Event::Serve { process, life, call, back: latency - there },
        );
    }

    fn serve(&mut self, process: usize, life: u32, call: &Call, back: Us) {
        let roll = self.rng.u8(0..100);
        let fault = self.faults.of_read(&call.source, &call.what, roll, self.now);
        let mut result = match fault {
            Some(fault) => Err(fault),
            None => self.cloud.answer(&call.source, &call.what, call.token.as_ref(), self.now),
        };
        if result.is_ok()
            && call.token.is_none()
            && self.faults.take_lie(&call.source, &call.what, self.now)
        {
            self.log(|| format!("Cloud Map answers wrongly about {} {:?}", call.source, call.what));
            self.check.lies.push(self.now);
            match &mut result {
                Ok(Answer::Namespaces { items, next }) => (*items, *next) = (Vec::new(), None),
                Ok(Answer::Services { items, next }) => (*items, *next) = (Vec::new(), None),
                Ok(Answer::Instances { items, .. }) => items.clear(),
                _ => {}
            }
        }
        if matches!(
            result,
            Ok(Answer::Namespaces { next: None, .. } | Answer::Services { next: None, .. })
        ) {
            self.check_list(process, call);
        }
        let wait = if fault == Some(ReadFault::TimedOut) { READ_LIMIT } else { back };
        self.schedule(
            self.now + wait,
            Event::Deliver { process, life, input: Input::Read { id: call.id, result } },
        );
    }

    // Writes.

    fn send(&mut self, process: usize, write: WriteCall) {
        self.log(|| {
            let endpoints = write
                .object
                .as_deref()
                .map(|json| json.matches("\"address\"").count())
                .unwrap_or_default();
            format!(
                "p{process} -> {} {} ({endpoints} endpoints) over {:?}",
                write.action,
                write.key,
                write.replaces.as_ref().map(|r| &r.1)
            )
        });
        self.check_attempt(process, &write);
        let latency = self.net.write.draw(&mut self.rng) + self.faults.delay(self.now).1;
        let there = self.rng.u64(0..=latency);
        let (there, back) = self.net.next_writes.pop_front().unwrap_or((there, latency - there));
        let life = self.life(process);
        self.schedule(self.now + there, Event::Arrive { process, life, write, back });
    }

    fn arrive(&mut self, process: usize, life: u32, write: &WriteCall, back: Us) {
        let roll = self.rng.u8(0..100);
        let lost = self.faults.loses_answer(roll, self.now);
        let fault = self.faults.of_write(&write.key, roll, self.now);
        let mut wait = back;
        let result = match fault {
            Some(WriteFault::Unreachable) => {
                wait = wait.max(S);
                Err(WriteFault::Unreachable)
            }
            Some(fault) => Err(fault),
            None => self.cluster.write(write).map(|taken| {
                self.log(|| format!("the API server accepts {} of {}", write.action, write.key));
                self.check_taken(process, write, &taken);
                if let Some(change) = taken.change {
                    self.broadcast(&change);
                }
                if let Some((delay, _)) = self.fighters.get(&write.key) {
                    self.schedule(self.now + delay, Event::Fight { key: write.key.clone() });
                }
                taken.after.map(|stored| stored.object)
            }),
        };
        let result = if lost || back >= WRITE_LIMIT {
            wait = WRITE_LIMIT;
            Err(WriteFault::Unreachable)
        } else {
            result
        };
        self.schedule(
            self.now + wait,
            Event::Deliver { process, life, input: Input::Written { id: write.id, result } },
        );
    }

    /// A user or a controller changes or creates an entry.
    pub fn edit(&mut self, key: &Key, who: &str, edit: impl FnOnce(&mut Value)) {
        self.log(|| format!("{who} edits {key}"));
        let owned = self.cluster.entries.get(key).is_some_and(|stored| stored.owner.is_some());
        if let Some(change) = self.cluster.edit(key, edit) {
            self.broadcast(&change);
        }
        if owned {
            self.check.touched(key, self.now);
        }
        self.note_owned();
    }

    pub fn delete_entry(&mut self, key: &Key) {
        self.log(|| format!("a user deletes {key}"));
        self.check.touched(key, self.now);
        if let Some(change) = self.cluster.remove(key) {
            self.broadcast(&change);
        }
    }

    fn broadcast(&mut self, change: &Change) {
        for process in 0..self.processes.len() {
            let delay = self.net.watch.draw(&mut self.rng);
            let now = self.now;
            let Some(p) = self.processes.get_mut(process).filter(|p| p.watching) else { continue };
            p.watched_until = p.watched_until.max(now + delay);
            let input = match change.clone() {
                Change::Applied(object) => Input::Applied(object),
                Change::Deleted(key, last) => Input::Deleted(key, last),
            };
            let event = Event::Watched { process, life: p.life, epoch: p.watch_epoch, input };
            let at = p.watched_until;
            self.schedule(at, event);
        }
    }

    /// Interrupts a watch: events that it has not delivered are lost, and after a pause everything
    /// is listed again.
    pub fn relist(&mut self, process: usize, pause: Us) {
        let delay = self.net.list.draw(&mut self.rng) / 2;
        let now = self.now;
        let Some(p) = self.processes.get_mut(process) else { return };
        p.watch_epoch += 1;
        p.watching = false;
        let event = Event::List { process, life: p.life, epoch: p.watch_epoch };
        self.schedule(now + pause + delay, event);
    }

    fn list(&mut self, process: usize, life: u32, epoch: u32) {
        let delay = self.net.list.draw(&mut self.rng);
        let now = self.now;
        let all = self.cluster.entries.values().map(|stored| stored.object.clone()).collect();
        let version = self.cluster.version();
        let Some(p) =
            self.processes.get_mut(process).filter(|p| p.life == life && p.watch_epoch == epoch)
        else {
            return;
        };
        p.watching = true;
        p.watched_until = now + delay;
        self.schedule(
            now + delay,
            Event::Watched { process, life, epoch, input: Input::Listed(all, version) },
        );
    }

    // What happens in Cloud Map.

    pub fn add_service(
        &mut self,
        source: &str,
        namespace: &str,
        name: &str,
        health_check: bool,
    ) -> ServiceRef {
        let id = format!("srv-{:06}", self.cloud.next_number());
        self.log(|| format!("Cloud Map: service {source}/{namespace}/{name} is {id}"));
        let service = CloudService {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            health_check,
            created: self.now,
            instances: BTreeMap::new(),
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
            revision: 1,
        };
        if let Some(account) = self.cloud.accounts.get_mut(source) {
            account.services.insert(id.clone(), service);
        }
        let at =
            ServiceRef { source: source.to_owned(), namespace: namespace.to_owned(), service: id };
        self.truth.update(&self.cloud, &at, self.now);
        at
    }

    pub fn remove_service(&mut self, at: &ServiceRef) {
        self.log(|| format!("Cloud Map: {at} is deleted"));
        if let Some(account) = self.cloud.accounts.get_mut(&at.source) {
            account.services.remove(&at.service);
        }
        self.truth.update(&self.cloud, at, self.now);
    }

    pub fn remove_namespace(&mut self, source: &str, namespace: &str) {
        self.log(|| format!("Cloud Map: namespace {source}/{namespace} is deleted"));
        for at in self.cloud.services() {
            if at.source == source && at.namespace == namespace {
                self.remove_service(&at);
            }
        }
        if let Some(account) = self.cloud.accounts.get_mut(source) {
            account.namespaces.remove(namespace);
        }
    }

    /// Registers a new instance with an address of its own.
    pub fn register(&mut self, at: &ServiceRef, port: Option<u16>) -> String {
        let number = self.cloud.next_number();
        let address = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
        let id = format!("i-{number}");
        self.log(|| format!("Cloud Map: {at} gets {id} {address}"));
        let new = CloudInstance { address: address.clone(), port, unhealthy: false };
        let Some(service) = self.cloud.service_mut(at) else { return id };
        service.instances.insert(id.clone(), new);
        service.revision += 1;
        self.truth.update(&self.cloud, at, self.now);
        if let Some(key) = self.truth.key(at).cloned()
            && let Some(bound) = self.fair_bound(&key, at)
        {
            let (service, since) = (at.clone(), self.now);
            self.schedule(since + bound, Event::Probe { key, service, address, since });
        }
        id
    }

    /// A user sets the location of a service by a tag or a service attribute, or removes it.
    pub fn hint(&mut self, at: &ServiceRef, tags: bool, location: Option<&str>) {
        self.log(|| format!("Cloud Map: {at} has the location {location:?} (a tag: {tags})"));
        let Some(service) = self.cloud.service_mut(at) else { return };
        let values = if tags { &mut service.tags } else { &mut service.attributes };
        values.clear();
        let hint = |location: &str| ("istio-cloud-map/location".to_owned(), location.to_owned());
        values.extend(location.map(hint));
        self.truth.update(&self.cloud, at, self.now);
    }

    pub fn deregister(&mut self, at: &ServiceRef, id: &str) {
        self.log(|| format!("Cloud Map: {at} loses {id}"));
        let Some(service) = self.cloud.service_mut(at) else { return };
        service.instances.remove(id);
        service.revision += 1;
        self.truth.update(&self.cloud, at, self.now);
    }

    pub fn deregister_all(&mut self, at: &ServiceRef) {
        let ids: Vec<String> = self
            .cloud
            .service(at)
            .into_iter()
            .flat_map(|service| service.instances.keys().cloned())
            .collect();
        for id in ids {
            self.deregister(at, &id);
        }
    }

    /// Changes the health, if there is a check. The revision does not change.
    pub fn set_health(&mut self, at: &ServiceRef, id: &str, unhealthy: bool) {
        self.log(|| format!("Cloud Map: {at} {id} unhealthy: {unhealthy}"));
        let checked = self.cloud.service_mut(at).filter(|service| service.health_check);
        let Some(instance) = checked.and_then(|service| service.instances.get_mut(id)) else {
            return;
        };
        instance.unhealthy = unhealthy;
        self.truth.update(&self.cloud, at, self.now);
    }

    pub fn key(&self, at: &ServiceRef) -> Key {
        self.truth.key(at).cloned().unwrap_or(Key { namespace: String::new(), name: String::new() })
    }

    pub fn stored(&self, at: &ServiceRef) -> Option<&Stored> {
        self.cluster.entries.get(self.truth.key(at)?)
    }
}

fn describe(input: &Input) -> String {
    let count = |count: usize, next: &Option<String>| {
        format!("{count} items{}", if next.is_some() { ", more follow" } else { "" })
    };
    match input {
        Input::Tick => "tick".to_owned(),
        Input::Stop => "stop".to_owned(),
        Input::Read { result: Err(fault), id } => format!("read {id}: {fault:?}"),
        Input::Read { result: Ok(answer), id } => match answer {
            Answer::Namespaces { items, next } => {
                format!("read {id}: namespaces, {}", count(items.len(), next))
            }
            Answer::Services { items, next } => {
                format!("read {id}: services, {}", count(items.len(), next))
            }
            Answer::Hint(values) => format!("read {id}: hints {values:?}"),
            Answer::Revision(revision) => format!("read {id}: revision {revision}"),
            Answer::Instances { items, revision } => {
                format!("read {id}: {} instances at revision {revision}", items.len())
            }
        },
        Input::Listed(all, _) => format!("{} entries listed", all.len()),
        Input::Applied(object) => format!("applied {}", version(object)),
        Input::Deleted(key, object) => format!("deleted {key} {}", version(object)),
        Input::Written { result: Err(fault), id } => format!("write {id}: {fault:?}"),
        Input::Written { result: Ok(stored), id } => {
            format!("write {id}: ok {}", stored.as_deref().map(version).unwrap_or_default())
        }
    }
}

fn version(object: &Value) -> String {
    let text = |field: &str| {
        object
            .get("metadata")
            .and_then(|m| m.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!("{} at {}", text("name"), text("resourceVersion"))
}
