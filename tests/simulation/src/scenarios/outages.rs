//! Scenarios of writes that fail for a while, and of a stop.

use serde_json::json;

use super::{account, default_settings, roll_out, services, settled, until};
use crate::cluster::{Key, set};
use crate::driver::{Settings, WriteFault};
use crate::faults::Fault;
use crate::settle::settle;
use crate::time::{MS, S};
use crate::world::{Latency, World};

pub(super) fn o16(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 400);
    world.faults.add(
        0,
        90 * S,
        Fault::Write { key: None, how: WriteFault::Forbidden, percent: 100 },
    );
    world.add_process(default_settings());
    world.run_for(90 * S);
    settle(world);
}

pub(super) fn o16_retry_after(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 100);
    world.faults.add(
        0,
        20 * S,
        Fault::Write { key: None, how: WriteFault::Forbidden, percent: 100 },
    );
    world.faults.add(
        20 * S,
        40 * S,
        Fault::Write { key: None, how: WriteFault::Throttled(9 * S), percent: 100 },
    );
    world.add_process(default_settings());
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o16_late_success(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    let keys: Vec<Key> = all.iter().map(|at| world.key(at)).collect();
    let [slow, failing, others @ ..] = keys.as_slice() else { return };
    world.net.watch = Latency::steady(10 * MS, 10 * MS);
    let start = world.now;
    let fault = |key: &Key, how| Fault::Write { key: Some(key.clone()), how, percent: 100 };
    world.faults.add(start, start + 3 * S, fault(slow, WriteFault::Throttled(9 * S)));
    world.faults.add(start, start + 200 * MS, fault(failing, WriteFault::Throttled(0)));
    // One write is refused after two seconds, with a time to wait. Meanwhile another fails at once,
    // and its second try succeeds, but is answered after that.
    world.net.next_writes.extend([(2 * S, 10 * MS), (10 * MS, 10 * MS), (10 * MS, 3 * S)]);
    for key in [slow, failing].into_iter().chain(others) {
        world.edit(key, "a user", |object| set(object, &["spec", "endpoints"], json!([])));
        world.run_for(if key == failing { 50 * MS } else { 20 * MS });
    }
    world.run_for(30 * S);
    settle(world);
}

pub(super) fn stop(world: &mut World) {
    let settings = Settings { writes_in_flight: 4, ..default_settings() };
    let (_, all) = settled(world, settings, 40);
    world.net.write = Latency::steady(2 * S, 4 * S);
    for at in &all {
        roll_out(world, at);
    }
    world.run_for(6 * S);
    world.stop(0, 5 * S);
    world.run_for(30 * S);
    world.net.write = Latency::steady(10 * MS, 40 * MS);
    settle(world);
}

pub(super) fn stop_silent(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    world.faults.add(world.now, until(world, 40 * S), Fault::LostAnswers { percent: 100 });
    for at in &all {
        roll_out(world, at);
    }
    world.run_for(6 * S);
    world.stop(0, 5 * S);
    world.run_for(60 * S);
    settle(world);
}
