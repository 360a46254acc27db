//! A world generated from a seed.

mod cloud_map;
mod disturbances;
mod draw;
pub mod replicas;

use fastrand::Rng;
use istio_cloud_map_core::translate;

use crate::driver::{Change, Settings, Source};
use crate::settle::settle;
use crate::time::{S, Us};
use crate::world::World;

/// The default settings.
pub fn settings(sources: &[(&str, &str)]) -> Settings {
    let source = |(name, target): &(&str, &str)| Source {
        name: (*name).to_owned(),
        target_namespace: (*target).to_owned(),
        quota: (*name).to_owned(),
    };
    Settings {
        owner: "operator".to_owned(),
        sources: sources.iter().map(source).collect(),
        translate: translate::Options::default(),
        policy: Change::Sync,
        adopt: false,
        max_delete_percent: 30,
        interval: 5 * S,
        empty_grace: 10 * S,
        catalogue_interval: 30 * S,
        reads_in_flight: 32,
        writes_in_flight: 16,
        data_rate: 300,
        list_rate: 2,
        hints: (false, false),
        once: false,
        shares: false,
    }
}

pub fn run(seed: u64, trace: bool) -> World {
    let mut world = World::new(seed, trace);
    let mut plan = Plan::draw(&mut world);
    plan.act(&mut world);
    settle(&mut world);
    world
}

/// Other settings for all processes that share theirs.
fn reconfigure(world: &mut World) {
    let rng = &mut world.rng;
    let interval = pick(rng, &[S, 5 * S]).unwrap_or(S);
    let grace = pick(rng, &[5 * S, 10 * S, 20 * S]).unwrap_or(S);
    let catalogue = pick(rng, &[10 * S, 30 * S]).unwrap_or(S);
    let percent = pick(rng, &[10, 30, 50]).unwrap_or(30);
    let kind = rng.u8(0..5);
    for process in 0..world.processes.len() {
        let Some(mut settings) = world.processes.get(process).map(|p| p.settings.clone()) else {
            continue;
        };
        match kind {
            // The same again.
            0 => {}
            1 => settings.interval = interval,
            2 => settings.empty_grace = grace,
            // Each source starts anew, and in the last case the entries are decided about anew.
            3 => settings.catalogue_interval = catalogue,
            _ => settings.max_delete_percent = percent,
        }
        world.reconfigure(process, settings);
    }
}

/// The random parameters of a world.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Plan {
    sources: Vec<String>,
    once: bool,
    until: Us,
    /// Mean time between two changes.
    pace: Us,
    faults: bool,
    meddling: bool,
    restarts: bool,
}

fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> Option<T> {
    rng.choice(from).cloned()
}

impl Plan {
    fn act(&mut self, world: &mut World) {
        if self.once {
            if self.faults {
                self.fault(world);
                self.fault(world);
            }
            return world.run_for(30 * S);
        }
        // The first pass is mostly without faults.
        let start = world.rng.u64(0..=40);
        world.run_for(start * S);
        while world.now < self.until {
            let pause = world.rng.u64(0..=2 * self.pace);
            world.run_for(pause);
            match world.rng.u8(0..100) {
                0..80 => self.churn(world),
                80..88 if self.faults => self.fault(world),
                88..96 if self.meddling => self.meddle(world),
                96.. if self.restarts => self.disturb(world),
                _ => {}
            }
        }
    }
}
