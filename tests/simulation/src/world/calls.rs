//! Calls to Cloud Map and writes to the API server, which take time and may fail.

use super::WRITE_LIMIT;
use crate::driver::{Answer, Call, Input, ReadFault, WriteCall, WriteFault};
use crate::time::{S, Us};
use crate::world::{Event, World};

/// The host's time limit for a call to Cloud Map.
const READ_LIMIT: Us = 3 * S;

impl World {
    pub(super) fn call(&mut self, process: usize, call: Call) {
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

    pub(super) fn serve(&mut self, process: usize, life: u32, call: &Call, back: Us) {
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

    pub(super) fn send(&mut self, process: usize, write: WriteCall) {
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
        self.check.sent(process, self.life(process), &write);
        let latency = self.net.write.draw(&mut self.rng) + self.faults.delay(self.now).1;
        let there = self.rng.u64(0..=latency);
        let (there, back) = self.net.next_writes.pop_front().unwrap_or((there, latency - there));
        let life = self.life(process);
        self.schedule(self.now + there, Event::Arrive { process, life, write, back });
    }

    pub(super) fn arrive(&mut self, process: usize, life: u32, write: &WriteCall, back: Us) {
        self.check.arrived(process, life, write.id);
        if self.is_cut_off(process, life) {
            let input = Input::Written { id: write.id, result: Err(WriteFault::Unreachable) };
            return self.schedule(self.now + S, Event::Deliver { process, life, input });
        }
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
        let is_cut = self.processes.get(process).is_some_and(|p| p.cut_off_until > self.now + wait);
        let result = if lost || is_cut || back >= WRITE_LIMIT {
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
}
