//! Changes of entries by others, and the watch and the lists by which processes observe entries.

use serde_json::Value;

use crate::cluster::{Change, Key};
use crate::driver::Input;
use crate::time::{S, Us};
use crate::world::{Event, World};

impl World {
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

    pub(super) fn broadcast(&mut self, change: &Change) {
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

    pub(super) fn list(&mut self, process: usize, life: u32, epoch: u32) {
        if self.is_cut_off(process, life) {
            return self.schedule(self.now + S, Event::List { process, life, epoch });
        }
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
}
