//! Processes: their starts and ends, their inputs and effects.

use std::collections::VecDeque;

use serde_json::Value;

use super::WRITE_LIMIT;
use super::leading::{Answer as LeaseAnswer, Leading};
use crate::cluster::Stored;
use crate::driver::{Answer, Input, Operator, Output, Settings, WriteFault};
use crate::faults::Fault;
use crate::time::{MS, S, Us};
use crate::world::{Event, Process, World};

/// The time limit for a process to stop: its last write may also have been delayed on its way.
const STOP_LIMIT: Us = 2 * WRITE_LIMIT;
/// The maximum time between two iterations of the host's loop.
const LONGEST_SLEEP: Us = 5 * S;
/// How long after a change of settings a write by the former ones may arrive.
const SETTINGS_REMEMBERED: Us = 180 * S;
/// More wake-ups at one instant are a busy loop.
const MOST_WAKES_AT_ONCE: u32 = 30;

impl World {
    pub fn add_process(&mut self, settings: Settings) -> usize {
        for source in &settings.sources {
            self.truth.targets.insert(source.name.clone(), source.target_namespace.clone());
        }
        self.processes.push(Process {
            settings,
            operator: None,
            leading: None,
            life: 0,
            started: 0,
            wake: 0,
            operator_wakes: 0,
            paused_until: 0,
            cut_off_until: 0,
            wakes_at_once: (0, 0),
            wakes_a_second: (0, 0),
            spins: false,
            watch_epoch: 0,
            watching: false,
            watched_until: 0,
            finished: None,
            stopping: None,
            before: None,
            refused: false,
            ready: false,
        });
        let process = self.processes.len() - 1;
        self.schedule(self.now, Event::Start { process });
        process
    }

    pub(super) fn started(&mut self, process: usize) {
        let settings =
            self.processes.get(process).map(|p| p.settings.describe()).unwrap_or_default();
        self.log(|| format!("p{process} starts: {settings}"));
        let now = self.now;
        let Some(p) = self.processes.get_mut(process) else { return };
        p.life += 1;
        p.started = now;
        p.operator = Some(Operator::new(&p.settings, now));
        let shares = p.settings.shares;
        let identity = format!("p{process}-{}", p.life);
        p.leading =
            shares.then(|| Leading::new(identity, &p.settings, self.rng.i64(-5_000..=5_000), now));
        (p.paused_until, p.before) = (0, None);
        (p.finished, p.refused, p.ready, p.spins) = (None, false, false, false);
        p.stopping = None;
        let life = p.life;
        if !shares {
            self.forget_written(process, None);
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

    /// A new process knows what it finds, not what the last one wrote: where another writer has
    /// added endpoints meanwhile, a repair counts as a removal. The same holds for sources that it
    /// takes over.
    pub(super) fn forget_written(&mut self, process: usize, of: Option<&[String]>) {
        let Some(p) = self.processes.get(process) else { return };
        let is_of = |stored: &Stored| {
            of.is_none_or(|of| stored.source.as_ref().is_some_and(|source| of.contains(source)))
        };
        for stored in self.cluster.entries.values_mut() {
            if p.owns(stored) && is_of(stored) {
                stored.last_written_endpoints = stored.endpoints.is_empty().then_some(0);
            }
        }
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
        let now = self.now;
        let able = |p: &&mut Process| {
            p.runs() && (!p.settings.shares || p.stopping.is_none() && p.paused_until <= now)
        };
        let Some(p) = self.processes.get_mut(process).filter(able) else { return };
        let shares = p.settings.shares;
        p.stopping = Some(pause);
        let life = p.life;
        self.faults.add(self.now, self.now + WRITE_LIMIT + pause + 60 * S, Fault::Disturbance);
        self.check.stop(process);
        if shares {
            self.schedule(self.now + Self::longest_stop(), Event::StopLimit { process, life });
        } else {
            self.schedule(self.now + STOP_LIMIT, Event::Stopped { process, life });
        }
        self.handle(process, Input::Stop);
    }

    fn end(&mut self, process: usize) {
        let Some(p) = self.processes.get_mut(process) else { return };
        p.operator = None;
        if p.leading.take().is_some() {
            p.refused = false;
        }
        p.life += 1;
        p.watching = false;
        p.wake += 1;
    }

    pub(super) fn count_wake(&mut self, process: usize) {
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

    /// Runs a process with other settings from now on.
    pub fn reconfigure(&mut self, process: usize, settings: Settings) {
        let now = self.now;
        self.log(|| format!("p{process} is reconfigured: {}", settings.describe()));
        let able = |p: &&mut Process| p.runs() && p.paused_until <= now;
        let Some(p) = self.processes.get_mut(process).filter(able) else { return };
        p.before = Some((now + SETTINGS_REMEMBERED, p.lenient(now)));
        p.settings = settings.clone();
        self.faults.add(now, now + 60 * S, Fault::Disturbance);
        self.check.relists(process);
        self.note_owned();
        let Some(p) = self.processes.get(process) else { return };
        let reads = |name: &String| p.leading.as_ref().is_none_or(|l| l.led.contains_key(name));
        let read =
            settings.sources.iter().map(|source| source.name.clone()).filter(reads).collect();
        self.handle(process, Input::Reconfigured(Box::new(settings), read));
    }

    /// Passes an input to a process, and executes its effects.
    pub(super) fn handle(&mut self, process: usize, input: Input) {
        if !matches!(input, Input::Tick) {
            self.log(|| format!("p{process} <- {}", describe(&input)));
        }
        if !self.processes.get(process).is_some_and(Process::runs) {
            return;
        }
        let mut inputs: VecDeque<Input> = self.tick_leases(process).into();
        inputs.push_back(input);
        self.turn(process, inputs);
    }

    /// Passes an answer about leases to a process.
    pub(super) fn answered(&mut self, process: usize, answer: LeaseAnswer) {
        let mut inputs: VecDeque<Input> = self.tick_leases(process).into();
        inputs.extend(self.lease_answered(process, answer));
        self.turn(process, inputs);
    }

    /// One turn of the host's loop.
    fn turn(&mut self, process: usize, mut inputs: VecDeque<Input>) {
        let now = self.now;
        while let Some(input) = inputs.pop_front() {
            self.check.observe(process, &input, now);
            if let Input::Written { id, .. } = &input {
                self.end_permit(process, *id);
            }
            let Some(p) = self.processes.get_mut(process) else { return };
            let Some(operator) = &mut p.operator else { return };
            let Some(outputs) = operator.handle(input, now) else { continue };
            p.operator_wakes = now + LONGEST_SLEEP;
            self.steps += 1;
            for output in outputs {
                if let Some(input) = self.execute(process, output) {
                    inputs.push_back(input);
                }
            }
        }
        let Some(p) = self.processes.get_mut(process) else { return };
        if p.leading.as_ref().is_some_and(Leading::is_stopped) {
            return self.ended(process);
        }
        if !p.runs() {
            return;
        }
        p.wake += 1;
        let leases = p.leading.as_ref().and_then(Leading::deadline);
        let at = leases.into_iter().chain([p.operator_wakes]).min().unwrap_or(now);
        let at = at.max(if p.spins { now + 100 * MS } else { now });
        let wake = p.wake;
        self.schedule(at, Event::Wake { process, wake });
    }

    /// Executes an effect. Returns what comes of it at once.
    fn execute(&mut self, process: usize, output: Output) -> Option<Input> {
        match output {
            Output::WakeAt(at) => {
                let p = self.processes.get_mut(process)?;
                p.operator_wakes = p.operator_wakes.min(at);
            }
            Output::Call(call) => self.call(process, call),
            Output::Write(write) => {
                let id = write.id;
                let Some(write) = self.permit(process, write) else {
                    return Some(Input::Written { id, result: Err(WriteFault::Conflict) });
                };
                self.send(process, write);
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
                let p = self.processes.get_mut(process)?;
                if p.leading.is_some() {
                    self.stop_leading(process);
                    return None;
                }
                if p.settings.once || p.stopping.is_none() {
                    p.finished = Some(failed);
                }
                self.ended(process);
            }
        }
        None
    }

    /// A process has ended by itself, and is restarted a little later if it was asked to stop.
    fn ended(&mut self, process: usize) {
        self.end(process);
        let Some(p) = self.processes.get(process).filter(|p| p.finished.is_none()) else { return };
        if let Some(pause) = p.stopping {
            self.schedule(self.now + pause, Event::Start { process });
        }
    }

    /// A replica that was asked to stop does not wait for what is in flight any longer.
    pub(super) fn stop_limit(&mut self, process: usize, life: u32) {
        if self.life(process) == life {
            self.log(|| format!("p{process} ends with writes in flight"));
            self.ended(process);
        }
    }

    pub(super) fn life(&self, process: usize) -> u32 {
        self.processes.get(process).map_or(0, |p| p.life)
    }

    pub(super) fn heartbeat(&mut self, process: usize, life: u32) {
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
}

fn describe(input: &Input) -> String {
    let count = |count: usize, next: &Option<String>| {
        format!("{count} items{}", if next.is_some() { ", more follow" } else { "" })
    };
    match input {
        Input::Tick => "tick".to_owned(),
        Input::Stop => "stop".to_owned(),
        Input::SourceStarted(source, _) => format!("source {} started", source.name),
        Input::SourceStopped(name) => format!("source {name} stopped"),
        Input::Reconfigured(..) => "reconfigured".to_owned(),
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
