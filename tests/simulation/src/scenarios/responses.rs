//! Scenarios of responses and watch events that are lost, late or out of order.

use istio_cloud_map_core::service_entry::OWNER_LABEL;
use serde_json::{Value, json};

use super::{account, default_settings, services, settled, until};
use crate::cluster::set;
use crate::driver::{Settings, WriteFault};
use crate::faults::Fault;
use crate::settle::settle;
use crate::time::{MS, S};
use crate::world::{Latency, World};

pub(super) fn o3_lost(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    world.faults.add(world.now, until(world, 60 * S), Fault::LostAnswers { percent: 100 });
    services(world, &namespace, "new", 1);
    world.run_for(90 * S);
    settle(world);
}

pub(super) fn o3_rejected(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    let at = world.add_service("default", &namespace, "new", false);
    world.faults.add(
        world.now,
        until(world, 200 * S),
        Fault::Write { key: Some(world.key(&at)), how: WriteFault::Rejected, percent: 100 },
    );
    world.register(&at, None);
    world.run_for(50 * S);
    world.remove_service(&at);
    world.run_for(120 * S);
    settle(world);
}

/// An unowned entry with the name of an owned one, as another tool would create it.
fn foreign(object: &mut Value) {
    set(object, &["metadata", "labels", OWNER_LABEL], "somebody".into());
    set(object, &["spec", "hosts"], json!(["other.example"]));
    set(object, &["spec", "resolution"], "NONE".into());
}

pub(super) fn o3_race(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    // The create is on its way for two seconds.
    world.net.next_writes.push_back((2 * S, 10 * MS));
    let at = services(world, &namespace, "new", 1);
    let Some(key) = at.first().map(|at| world.key(at)) else { return };
    while world.net.next_writes.front().is_some() && world.now < 200 * S {
        world.run_for(100 * MS);
    }
    world.edit(&key, "another client", foreign);
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o3_not_found(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 12);
    world.faults.add(world.now, until(world, 80 * S), Fault::LostAnswers { percent: 100 });
    for at in all.iter().take(1) {
        world.remove_service(at);
    }
    world.run_for(120 * S);
    settle(world);
}

pub(super) fn o3_once(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 5);
    world.faults.add(world.now, until(world, 3 * S), Fault::LostAnswers { percent: 100 });
    world.add_process(Settings { once: true, ..default_settings() });
    world.run_for(30 * S);
    settle(world);
}

pub(super) fn o7(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    world.net.watch = Latency::steady(10 * MS, 20 * MS);
    world.net.next_writes.push_back((10 * MS, 3 * S));
    let Some(key) = services(world, &namespace, "new", 1).first().map(|at| world.key(at)) else {
        return;
    };
    let end = world.now + 60 * S;
    while !world.cluster.entries.contains_key(&key) && world.now < end {
        world.run_for(10 * MS);
    }
    world.run_for(500 * MS);
    world.delete_entry(&key);
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o7_anew(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 12);
    world.net.watch = Latency::steady(10 * MS, 20 * MS);
    let Some(at) = all.first() else { return };
    let key = world.key(at);
    world.remove_service(at);
    let end = world.now + 120 * S;
    world.net.write = Latency::steady(3 * S, 3 * S);
    while world.cluster.entries.contains_key(&key) && world.now < end {
        // The emptying, and then the deletion: there at once, back late.
        world.net.next_writes.clear();
        world.net.next_writes.push_back((10 * MS, 3 * S));
        world.run_for(10 * MS);
    }
    world.run_for(100 * MS);
    world.edit(&key, "another client", foreign);
    world.run_for(S);
    let again = world.add_service("default", &at.namespace, "web0000", false);
    world.register(&again, None);
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o7_deleted(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 5);
    let Some(at) = all.first() else { return };
    let key = world.key(at);
    // The watch lags by four seconds: the operator's own write conflicts, or is answered before the
    // deletion is seen.
    world.net.watch = Latency::steady(4 * S, 4 * S);
    world.register(at, None);
    world.run_for(6 * S);
    world.delete_entry(&key);
    world.run_for(S);
    world.register(at, None);
    world.run_for(60 * S);
    world.net.watch = Latency::steady(10 * MS, 20 * MS);
    settle(world);
}

pub(super) fn o7_list(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    // Lists are read continuously, and delivered two seconds later.
    world.net.list = Latency::steady(2 * S, 2 * S);
    for round in 0..6 {
        let Some(key) =
            services(world, &namespace, &format!("new{round}-"), 1).first().map(|at| world.key(at))
        else {
            return;
        };
        let end = world.now + 60 * S;
        while !world.cluster.entries.contains_key(&key) && world.now < end {
            world.relist(0, 0);
            world.run_for(3_500 * MS);
        }
        world.run_for(5 * S);
    }
    world.run_for(30 * S);
    settle(world);
}
