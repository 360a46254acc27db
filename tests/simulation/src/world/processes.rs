//! Processes: their starts and ends, their inputs and effects.

use serde_json::Value;

use super::WRITE_LIMIT;
use crate::driver::{Answer, Input, Operator, Output, Settings, WriteCall};
use crate::faults::Fault;
use crate::time::{MS, S, Us};
use crate::world::{Event, Process, World};

/// The time limit for a process to stop: its last write may also have been delayed on its way.
const STOP_LIMIT: Us = 2 * WRITE_LIMIT;
/// The maximum time between two iterations of the host's loop.
const LONGEST_SLEEP: Us = 5 * S;
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

    pub(super) fn started(&mut self, process: usize) {
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

    /// Passes an input to a process, and executes its effects.
    pub(super) fn handle(&mut self, process: usize, input: Input) {
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
