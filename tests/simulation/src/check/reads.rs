//! Invariants of what is read from Cloud Map.

use super::push_within;
use crate::driver::{Call, What};
use crate::time::S;
use crate::world::World;

impl World {
    pub fn check_call(&mut self, process: usize, call: &Call) {
        self.check.calls += 1;
        let Some(settings) = self.processes.get(process).map(|p| p.lenient(self.now)) else {
            return;
        };
        let Some(life) = self.check.lives.get_mut(&process) else { return };
        let control = call.what.is_control();
        let source = settings.sources.iter().find(|source| source.name == call.source);
        let quota = source.map_or_else(|| call.source.clone(), |source| source.quota.clone());
        let allowed = if control {
            2 * settings.list_rate
        } else {
            settings.data_rate + (settings.data_rate / 4).max(1)
        };
        let (invariant, plane) =
            if control { ("frugal.control", "control") } else { ("frugal.data", "data") };
        let times = life.calls.entry((quota.clone(), control)).or_default();
        let count = push_within(times, self.now, S);
        let mut found = life
            .stopping
            .then(|| ("safe.stop", format!("p{process} reads {:?} after a stop", call.what)));
        if count > allowed as usize {
            times.clear();
            found = Some((
                invariant,
                format!(
                    "p{process}: {count} {plane}-plane calls of the quota {quota} in one second, {allowed} allowed"
                ),
            ));
        }
        if let Some((invariant, what)) = found {
            self.violate(invariant, what);
        }
    }

    /// A list was read to its end.
    pub fn check_list(&mut self, process: usize, call: &Call) {
        let Some(settings) = self.processes.get(process).map(|p| p.lenient(self.now)) else {
            return;
        };
        let Some(life) = self.check.lives.get_mut(&process) else { return };
        let list = (call.source.clone(), call.what.clone());
        life.lists_read.insert(list.clone());
        let times = life.lists.entry(list).or_default();
        let count = push_within(times, self.now, 300 * S);
        // Each may be confirmed once, after the grace.
        let allowed =
            usize::try_from(2 * 300 * S / settings.catalogue_interval).unwrap_or(usize::MAX) + 10;
        if count > allowed {
            times.clear();
            let what = format!(
                "p{process}: {:?} of {} listed {count} times in 300 s, {allowed} allowed",
                call.what, call.source
            );
            self.violate("frugal.lists", what);
        }
    }

    /// Checks that a process that is ready has read every list.
    pub fn check_ready(&mut self, process: usize) {
        let Some((p, life)) = self.processes.get(process).zip(self.check.lives.get(&process))
        else {
            return;
        };
        // A replica may have taken sources over since.
        if p.leading.is_some() || !self.faults.none_between(life.started, self.now) {
            return;
        }
        let mut missing = Vec::new();
        for source in &p.settings.sources {
            let read = |what: What| life.lists_read.contains(&(source.name.clone(), what));
            if !read(What::Namespaces { own: true }) {
                missing.push(format!("the namespaces of {}", source.name));
            }
            let namespaces = self
                .cloud
                .accounts
                .get(&source.name)
                .into_iter()
                .flat_map(|account| account.namespaces.keys());
            let unread = namespaces
                .filter(|namespace| life.namespaces.contains(*namespace))
                .filter(|namespace| !read(What::Services { namespace: (*namespace).clone() }));
            missing.extend(
                unread.map(|namespace| format!("the services of {}/{namespace}", source.name)),
            );
        }
        if !missing.is_empty() {
            self.violate(
                "live.ready",
                format!("p{process} is ready, and never read {}", missing.join(", ")),
            );
        }
    }
}
