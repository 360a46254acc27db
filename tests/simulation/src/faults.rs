//! Faults and their durations.

use crate::cluster::Key;
use crate::driver::{ReadFault, What, WriteFault};
use crate::time::Us;

/// A temporary fault.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Reads of one source, or all sources, fail.
    Read { source: Option<String>, of: Of, how: ReadFault, percent: u8 },
    /// Writes are refused, of one entry or of all.
    Write { key: Option<Key>, how: WriteFault, percent: u8 },
    /// Writes are executed, but their responses are lost.
    LostAnswers { percent: u8 },
    /// Every call takes this much longer.
    Slow { reads: Us, writes: Us },
    /// Not a failure, but an excuse for slowness: a restart, an interrupted watch.
    Disturbance,
}

/// Which reads.
#[derive(Debug, Clone)]
pub enum Of {
    All,
    Namespaces,
    Services(String),
    Service(String),
    Hints,
}

impl Of {
    fn matches(&self, what: &What) -> bool {
        match (self, what) {
            (Self::All, _)
            | (Self::Namespaces, What::Namespaces { .. })
            | (Self::Hints, What::Hint { .. }) => true,
            (Self::Services(of), What::Services { namespace }) => of == namespace,
            (Self::Service(of), What::Revision { service } | What::Instances { service }) => {
                of == service
            }
            _ => false,
        }
    }
}

/// One complete response that is wrongly empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lie {
    pub source: String,
    pub what: What,
}

#[derive(Debug, Default)]
pub struct Faults {
    spans: Vec<(Us, Us, Fault)>,
    lies: Vec<Lie>,
}

impl Faults {
    pub fn add(&mut self, from: Us, until: Us, fault: Fault) {
        self.spans.push((from, until, fault));
    }

    pub fn lie(&mut self, lie: Lie) {
        self.lies.push(lie);
    }

    /// Whether this read gets a wrong response, which happens once for each lie.
    pub fn take_lie(&mut self, source: &str, what: &What, now: Us) -> bool {
        let found = self.lies.iter().position(|lie| lie.source == source && lie.what == *what);
        if let Some(at) = found {
            self.lies.remove(at);
            self.add(now, now, Fault::Disturbance);
        }
        found.is_some()
    }

    /// Ends all faults.
    pub fn end(&mut self, now: Us) {
        self.lies.clear();
        for (_, until, _) in &mut self.spans {
            *until = now.min(*until);
        }
    }

    /// Whether there was no fault in this time.
    pub fn none_between(&self, from: Us, until: Us) -> bool {
        self.spans.iter().all(|(start, end, _)| *end < from || *start > until)
    }

    fn active(&self, now: Us) -> impl Iterator<Item = &Fault> {
        self.spans
            .iter()
            .filter(move |(from, until, _)| *from <= now && now < *until)
            .map(|(_, _, fault)| fault)
    }

    pub fn of_read(&self, source: &str, what: &What, roll: u8, now: Us) -> Option<ReadFault> {
        self.active(now).find_map(|fault| match fault {
            Fault::Read { source: only, of, how, percent }
                if only.as_deref().is_none_or(|only| only == source)
                    && of.matches(what)
                    && roll < *percent =>
            {
                Some(*how)
            }
            _ => None,
        })
    }

    pub fn of_write(&self, key: &Key, roll: u8, now: Us) -> Option<WriteFault> {
        self.active(now).find_map(|fault| match fault {
            Fault::Write { key: only, how, percent }
                if only.as_ref().is_none_or(|only| only == key) && roll < *percent =>
            {
                Some(*how)
            }
            _ => None,
        })
    }

    pub fn loses_answer(&self, roll: u8, now: Us) -> bool {
        self.active(now)
            .any(|fault| matches!(fault, Fault::LostAnswers { percent } if roll < *percent))
    }

    /// How much longer reads and writes take.
    pub fn delay(&self, now: Us) -> (Us, Us) {
        self.active(now).fold((0, 0), |(reads, writes), fault| match fault {
            Fault::Slow { reads: r, writes: w } => (reads + r, writes + w),
            _ => (reads, writes),
        })
    }
}
