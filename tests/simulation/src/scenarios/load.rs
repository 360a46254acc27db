//! Scenarios of many services and of many changes: fairness and quotas.

use super::{account, default_settings, roll_out, services, settled};
use crate::cloud::Bucket;
use crate::driver::Settings;
use crate::random::settings;
use crate::settle::settle;
use crate::time::S;
use crate::world::{Latency, World};

pub(super) fn calm(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    for at in &all {
        let id = world.register(at, None);
        world.run_for(20 * S);
        world.deregister(at, &id);
    }
    settle(world);
}

pub(super) fn o5(world: &mut World) {
    world.cloud.page_size = 100;
    world.cloud.add_account("default", Bucket::new(2, 10), Bucket::new(1_000, 2_000));
    world.truth.targets.insert("default".to_owned(), "default".to_owned());
    for name in ["a", "b", "c"] {
        let namespace = world.cloud.add_namespace("default", name);
        services(world, &namespace, "web", 1_000);
    }
    world.add_process(default_settings());
    world.run_for(300 * S);
    settle_large(world);
}

pub(super) fn o5_many(world: &mut World) {
    world.cloud.page_size = 100;
    world.cloud.add_account("default", Bucket::new(2, 10), Bucket::new(1_000, 2_000));
    world.truth.targets.insert("default".to_owned(), "default".to_owned());
    for name in ["a", "b", "c", "d", "e"] {
        let namespace = world.cloud.add_namespace("default", name);
        services(world, &namespace, "web", 200);
    }
    world.add_process(default_settings());
    world.run_for(60 * S);
    // Ten pages a namespace are 25 s of the budget for all five; each must be read again within
    // minutes.
    let late: Vec<String> = world
        .cloud
        .accounts
        .values()
        .flat_map(|account| account.namespaces.keys().cloned())
        .collect();
    for namespace in &late {
        services(world, namespace, "late", 1);
    }
    world.run_for(180 * S);
    let missing = world.differences().len();
    if missing > 0 {
        world.violate(
            "fair.lists",
            format!("{missing} of 5 new services have no entry 180 s later"),
        );
    }
    settle_large(world);
}

/// Settles, and counts the differences instead of listing thousands.
fn settle_large(world: &mut World) {
    world.run_for(120 * S);
    let differences = world.differences();
    if let Some(first) = differences.first() {
        let entries = world.cluster.entries.len();
        world.violate(
            "live.converge",
            format!("{} differences at {entries} entries; the first: {first}", differences.len()),
        );
    }
}

pub(super) fn o6(world: &mut World) {
    let (namespace, all) = settled(world, Settings { data_rate: 10, ..default_settings() }, 400);
    world.run_for(60 * S);
    for round in 0..60 {
        services(world, &namespace, &format!("new{round}-"), 1);
        if let Some(at) = all.get(round).filter(|_| round < 10) {
            roll_out(world, at);
        }
        if let Some(at) = all.get(100).filter(|_| round == 10) {
            world.remove_service(at);
        }
        world.run_for(7 * S);
    }
    let landed = all.iter().take(10).filter(|at| {
        let key = world.key(at);
        world.stored(at).map(|stored| &stored.endpoints)
            == world.truth.expected.get(&key).map(|expected| &expected.endpoints)
    });
    let landed = landed.count();
    if landed < 10 {
        world.violate(
            "fair.rollouts",
            format!("{landed} of 10 rollouts have landed after six minutes"),
        );
    }
    settle(world);
}

pub(super) fn o13(world: &mut World) {
    let namespace = account(world);
    let all = services(world, &namespace, "aaa", 100);
    let zzz = services(world, &namespace, "zzz", 1);
    world.add_process(Settings { writes_in_flight: 4, ..default_settings() });
    world.run_for(30 * S);
    world.net.write = Latency::steady(S, 2 * S);
    for round in 0..150 {
        for at in &all {
            roll_out(world, at);
        }
        if round == 40 {
            for at in &zzz {
                world.register(at, None);
            }
        }
        world.run_for(2 * S);
    }
    settle(world);
}

pub(super) fn o18(world: &mut World) {
    let (_, all) = settled(world, Settings { interval: S, ..default_settings() }, 12);
    let Some(at) = all.first() else { return };
    for _ in 0..120 {
        world.deregister_all(at);
        world.run_for(2 * S);
        world.register(at, None);
        world.run_for(3 * S);
    }
    settle(world);
}

pub(super) fn quota(world: &mut World) {
    world.cloud.add_quota("account", Bucket::new(2, 10), Bucket::new(30, 40));
    let mut settings = Settings { data_rate: 30, ..settings(&[("a", "mesh-a"), ("b", "mesh-b")]) };
    for source in &mut settings.sources {
        "account".clone_into(&mut source.quota);
        world.cloud.add_source(&source.name, "account");
        world.truth.targets.insert(source.name.clone(), source.target_namespace.clone());
        for number in 0..3 {
            let namespace = world.cloud.add_namespace(&source.name, &format!("ns-{number}"));
            for number in 0..20 {
                let name = format!("web{number}");
                let at = world.add_service(&source.name, &namespace, &name, false);
                world.register(&at, None);
            }
        }
    }
    world.add_process(settings);
    world.run_for(120 * S);
    for at in world.cloud.services() {
        roll_out(world, &at);
    }
    settle(world);
}
