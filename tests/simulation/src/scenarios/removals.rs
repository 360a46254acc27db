//! Scenarios of removals: what is deleted or emptied, how much at once, and on which answers.

use serde_json::json;

use super::{account, default_settings, services, settled, until};
use crate::cloud::ServiceRef;
use crate::cluster::set;
use crate::driver::{ReadFault, Settings, What, WriteFault};
use crate::faults::{Fault, Lie, Of};
use crate::settle::settle;
use crate::time::{MS, S};
use crate::world::{Latency, World};

pub(super) fn o1(world: &mut World) {
    let namespace = account(world);
    let all = services(world, &namespace, "web", 20);
    for at in &all {
        let key = world.key(at);
        let spec = world
            .truth
            .expected
            .get(&key)
            .map(|expected| expected.spec.clone())
            .unwrap_or_default();
        world.edit(&key, "another tool", |object| set(object, &["spec"], spec));
        world.faults.lie(Lie {
            source: "default".to_owned(),
            what: What::Instances { service: at.service.clone() },
        });
    }
    world.add_process(Settings { adopt: true, ..default_settings() });
    world.run_for(30 * S);
    settle(world);
}

pub(super) fn o2_twice(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 12);
    for at in all.iter().take(3) {
        world.remove_service(at);
    }
    world.run_for(90 * S);
    for at in all.iter().skip(3) {
        world.remove_service(at);
    }
    world.run_for(90 * S);
    settle(world);
}

pub(super) fn o2_empty(world: &mut World) {
    let (_, all) = settled(world, Settings { data_rate: 30, ..default_settings() }, 400);
    for at in &all {
        world.deregister_all(at);
    }
    world.run_for(120 * S);
    settle(world);
}

pub(super) fn o2_lists(world: &mut World) {
    account(world);
    let mut all = Vec::new();
    for number in 0..50 {
        let namespace = world.cloud.add_namespace("default", &format!("ns-{number}"));
        all.extend(services(world, &namespace, "web", 2));
    }
    world.add_process(default_settings());
    world.run_for(180 * S);
    for at in &all {
        world.remove_service(at);
    }
    world.run_for(180 * S);
    settle(world);
}

pub(super) fn o2_kind(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    let begun = world.now;
    world.faults.add(
        begun + 5 * S,
        begun + 60 * S,
        Fault::Write { key: None, how: WriteFault::Unreachable, percent: 100 },
    );
    all.iter().take(6).for_each(|at| world.deregister_all(at));
    world.run_for(25 * S);
    all.iter().take(6).for_each(|at| world.remove_service(at));
    world.run_for(60 * S);
    all.iter().skip(6).take(6).for_each(|at| world.remove_service(at));
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o4(world: &mut World) {
    let settings =
        Settings { max_delete_percent: 100, catalogue_interval: 10 * S, ..default_settings() };
    let (namespace, all) = settled(world, settings, 40);
    world.net.read = Latency::steady(900 * MS, 1_800 * MS);
    for (number, at) in all.iter().enumerate() {
        world.deregister_all(at);
        services(world, &namespace, &format!("new{number}-"), 1);
        world.run_for(5 * S + 300 * MS);
    }
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o11(world: &mut World) {
    let (namespace, all) =
        settled(world, Settings { max_delete_percent: 100, ..default_settings() }, 9);
    let names: Vec<String> = all
        .iter()
        .filter_map(|at| world.cloud.service(at))
        .map(|service| service.name.clone())
        .collect();
    world.remove_namespace("default", &namespace);
    let anew = world.cloud.add_namespace("default", "ns");
    for name in names {
        let at = world.add_service("default", &anew, &name, false);
        world.register(&at, None);
    }
    let fault = Fault::Read {
        source: None,
        of: Of::Services(anew),
        how: ReadFault::Throttled,
        percent: 100,
    };
    world.faults.add(world.now, until(world, 60 * S), fault);
    world.run_for(90 * S);
    settle(world);
}

pub(super) fn o12(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 9);
    world.faults.lie(Lie { source: "default".to_owned(), what: What::Services { namespace } });
    world.run_for(90 * S);
    settle(world);
}

pub(super) fn o12_namespaces(world: &mut World) {
    settled(world, default_settings(), 9);
    world.faults.lie(Lie { source: "default".to_owned(), what: What::Namespaces { own: true } });
    world.run_for(90 * S);
    settle(world);
}

pub(super) fn o17(world: &mut World) {
    let namespace = account(world);
    let all: Vec<ServiceRef> = (0..20)
        .map(|number| world.add_service("default", &namespace, &format!("web{number}"), false))
        .collect();
    world.add_process(default_settings());
    world.run_for(90 * S);
    for at in all.iter().take(12) {
        let key = world.key(at);
        world.edit(&key, "a user", |object| {
            set(object, &["spec", "endpoints"], json!([{"address": "192.0.2.1"}]));
        });
    }
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o17_lost(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "full", 8);
    let empty: Vec<ServiceRef> = (0..6)
        .map(|number| world.add_service("default", &namespace, &format!("web{number}"), false))
        .collect();
    world.add_process(default_settings());
    world.run_for(90 * S);
    world.faults.add(world.now, until(world, 7 * S), Fault::LostAnswers { percent: 100 });
    for at in &empty {
        world.register(at, None);
    }
    world.run_for(7 * S);
    for at in &empty {
        world.deregister_all(at);
    }
    world.run_for(60 * S);
    settle(world);
}
