//! Replicas with one id, which share the sources out: they are killed, stopped and paused, and cut
//! off from the API server, while Cloud Map changes and calls fail.

use fastrand::Rng;
use istio_cloud_map_core::translate::Conflicts;

use super::{Plan, pick, settings};
use crate::cloud::Bucket;
use crate::settle::settle;
use crate::time::{MS, S, Us};
use crate::world::{Latency, World};

/// How long after a hand-over nothing may have been written.
const QUIET: Us = 40 * S;
/// The longest time for which a process stands still.
const LONGEST_PAUSE: Us = 30 * S;

pub fn run(seed: u64, trace: bool) -> World {
    let mut world = World::new(seed ^ 0x5ea5, trace);
    let mut rng = Rng::with_seed(world.rng.u64(..));
    let plan = draw(&mut world, &mut rng);
    world.rng = rng;
    for _ in 0..world.rng.usize(5..=40) {
        plan.make_service(&mut world);
    }
    let start = world.rng.u64(0..=40);
    world.run_for(start * S);
    while world.now < plan.until {
        let pause = world.rng.u64(0..=2 * plan.pace);
        world.run_for(pause);
        match world.rng.u8(0..100) {
            0..75 => plan.churn(&mut world),
            75..82 if plan.faults => plan.fault(&mut world),
            82..85 if plan.meddling => meddle(&mut world),
            85.. if plan.restarts => disturb(&mut world),
            _ => {}
        }
    }
    // Nobody is away when the faults end.
    world.run_for(LONGEST_PAUSE + 5 * S);
    settle(&mut world);
    if world.check.violations.is_empty() {
        hand_over(&mut world);
    }
    world
}

fn draw(world: &mut World, rng: &mut Rng) -> Plan {
    let names = ["east", "west", "south", "north"];
    let count = rng.usize(1..=names.len());
    let targets: Vec<(&str, &str)> =
        names.iter().take(count).map(|name| (*name, "default")).collect();
    let mut settings = settings(&targets);
    settings.shares = true;
    let slow_one_in = pick(rng, &[0, 50, 200]).unwrap_or(0);
    let mut latency = |max: &[Us]| {
        let max = pick(rng, max).unwrap_or(50 * MS);
        Latency { min: max / 10, max, slow_one_in, slowest: 2_500 * MS }
    };
    world.net.read = latency(&[30 * MS, 300 * MS]);
    world.net.write = latency(&[30 * MS, 600 * MS]);
    world.net.watch = latency(&[20 * MS, 1_500 * MS]);
    world.net.list = latency(&[100 * MS, 2_000 * MS]);
    settings.interval = pick(rng, &[S, 5 * S]).unwrap_or(S);
    settings.empty_grace = pick(rng, &[5 * S, 10 * S, 20 * S]).unwrap_or(S);
    settings.catalogue_interval = pick(rng, &[10 * S, 30 * S]).unwrap_or(30 * S);
    settings.max_delete_percent = pick(rng, &[10, 30, 30, 100]).unwrap_or(30);
    settings.writes_in_flight = pick(rng, &[1, 4, 16]).unwrap_or(16);
    settings.data_rate = pick(rng, &[30, 300]).unwrap_or(300);
    if rng.u8(0..4) == 0 {
        settings.translate.conflicts = Conflicts::Merge;
        world.truth.options.conflicts = Conflicts::Merge;
    }
    if count > 1 && rng.u8(0..3) == 0 {
        for source in settings.sources.iter_mut().take(2) {
            "account".clone_into(&mut source.quota);
        }
    }
    let replicas = rng.usize(2..=3);
    // One more, while those that end and those that take their place overlap.
    let budgets = replicas as u64 + 1;
    let rate = u64::from(settings.data_rate) * budgets;
    for source in &settings.sources {
        let control = Bucket::new(2 * budgets, 10 * budgets);
        world.cloud.add_quota(&source.quota, control, Bucket::new(rate, rate));
        world.cloud.add_source(&source.name, &source.quota);
        for number in 0..rng.usize(1..=3) {
            // An entry that two sources claim has one writer only where they have one lease.
            let is_merged = settings.translate.conflicts == Conflicts::Merge;
            let name = if number == 0 && is_merged { "shared" } else { source.name.as_str() };
            world.cloud.add_namespace(&source.name, &format!("{name}-{number}"));
        }
    }
    for _ in 0..replicas {
        world.add_process(settings.clone());
    }
    Plan {
        sources: settings.sources.iter().map(|source| source.name.clone()).collect(),
        once: false,
        until: rng.u64(60..=140) * S,
        pace: pick(rng, &[300 * MS, S, 3 * S]).unwrap_or(S),
        faults: rng.bool(),
        meddling: rng.bool(),
        restarts: rng.u8(0..10) < 9,
    }
}

/// A user deletes an entry.
fn meddle(world: &mut World) {
    let keys: Vec<_> = world.cluster.entries.keys().cloned().collect();
    if let Some(key) = pick(&mut world.rng, &keys) {
        world.delete_entry(&key);
    }
}

/// Something happens to a replica.
fn disturb(world: &mut World) {
    let process = world.rng.usize(0..world.processes.len().max(1));
    let long = world.rng.bool();
    let length = world.rng.u64(100 * MS..=if long { LONGEST_PAUSE } else { 4 * S });
    match world.rng.u8(0..7) {
        0 => world.restart(process, length),
        1 => world.stop(process, length),
        2 | 3 => world.pause(process, length),
        4 | 5 => world.cut_off(process, length),
        _ => super::reconfigure(world),
    }
}

/// In calm times sources change hands, which changes nothing in the cluster.
fn hand_over(world: &mut World) {
    // The faults ended more than a minute ago.
    world.check_shares();
    world.check.quiet = true;
    let process = world.rng.usize(0..world.processes.len().max(1));
    let pause = world.rng.u64(S..=10 * S);
    let stops = world.rng.bool();
    if stops {
        world.stop(process, pause);
        world.run_for(S.max(pause).min(5 * S));
        let (leaders, _) = world.leaders();
        if pause > 5 * S && leaders.values().any(|by| by.len() != 1) {
            world.violate("live.hand-over", format!("after a stop the leaders are {leaders:?}"));
        }
    } else {
        world.restart(process, pause);
    }
    world.run_for(pause + QUIET);
    world.check_shares();
    world.check.quiet = false;
}
