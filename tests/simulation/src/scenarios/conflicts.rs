//! Scenarios of several writers of an entry, and of several claimants of a host.

use istio_cloud_map_core::translate::Conflicts;
use serde_json::json;

use super::{account, default_settings, roll_out, services, settled, until};
use crate::cloud::Bucket;
use crate::cluster::set;
use crate::driver::ReadFault;
use crate::faults::{Fault, Of};
use crate::random::settings;
use crate::settle::settle;
use crate::time::{MS, S};
use crate::world::World;

pub(super) fn o9(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 5);
    let Some(key) = all.first().map(|at| world.key(at)) else { return };
    world.fighters.insert(key.clone(), (10 * MS, until(world, 120 * S)));
    world.edit(&key, "a controller", |object| set(object, &["spec", "resolution"], "NONE".into()));
    world.run_for(120 * S);
    settle(world);
}

pub(super) fn o9_two(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 5);
    world.add_process(default_settings());
    let mut other = default_settings();
    other.translate.location = serde_json::from_value(json!("MESH_INTERNAL")).ok();
    world.add_process(other);
    world.run_for(120 * S);
}

pub(super) fn o15(world: &mut World) {
    let mut refs = Vec::new();
    for source in ["a", "b"] {
        world.cloud.add_account(source, Bucket::new(2, 10), Bucket::new(1_000, 2_000));
        world.truth.targets.insert(source.to_owned(), "default".to_owned());
        let namespace = world.cloud.add_namespace(source, "ns");
        if source == "b" {
            let at = world.add_service(source, &namespace, "web", false);
            world.register(&at, None);
            refs.push(at);
        }
    }
    world.add_process(settings(&[("a", "default"), ("b", "default")]));
    world.run_for(60 * S);
    let Some(b) = refs.first() else { return };
    // Now the first-ranked source has a service of this host, and can't read it.
    let namespace = world
        .cloud
        .accounts
        .get("a")
        .and_then(|account| account.namespaces.keys().next().cloned())
        .unwrap_or_default();
    let a = world.add_service("a", &namespace, "web", false);
    let fault = Fault::Read {
        source: None,
        of: Of::Service(a.service.clone()),
        how: ReadFault::AccessDenied,
        percent: 100,
    };
    world.faults.add(world.now, until(world, 180 * S), fault);
    world.run_for(60 * S);
    world.register(b, None);
    world.run_for(60 * S);
    let expected = world.cloud.service(b).map_or(0, |service| service.instances.len());
    let has = world.stored(b).map_or(0, |stored| stored.endpoints.len());
    if expected != has {
        world.violate("live.frozen", format!("{b} has {expected} instances, and its entry {has} endpoints for a minute: {a} can't be read"));
    }
    world.remove_service(&a);
    settle(world);
}

pub(super) fn merge(world: &mut World) {
    world.truth.options.conflicts = Conflicts::Merge;
    let mut settings = settings(&[("a", "default"), ("b", "default")]);
    settings.translate.conflicts = Conflicts::Merge;
    let mut all = Vec::new();
    for source in ["a", "b"] {
        world.cloud.add_account(source, Bucket::new(2, 10), Bucket::new(1_000, 2_000));
        world.truth.targets.insert(source.to_owned(), "default".to_owned());
        let namespace = world.cloud.add_namespace(source, "ns");
        for number in 0..6 {
            let at = world.add_service(source, &namespace, &format!("web{number}"), false);
            world.register(&at, None);
            all.push(at);
        }
    }
    world.add_process(settings);
    world.run_for(90 * S);
    let (a, b) = all.split_at(6);
    // The first-ranked is read again, the other is not.
    for at in b.iter().take(3) {
        let of = Of::Service(at.service.clone());
        let fault = Fault::Read { source: None, of, how: ReadFault::AccessDenied, percent: 100 };
        world.faults.add(world.now, until(world, 90 * S), fault);
    }
    world.restart(0, S);
    world.run_for(30 * S);
    for at in a {
        world.register(at, None);
    }
    world.run_for(90 * S);
    for at in b {
        roll_out(world, at);
    }
    world.run_for(30 * S);
    if let Some(at) = b.first() {
        world.remove_service(at);
    }
    settle(world);
}

pub(super) fn o21(world: &mut World) {
    for source in ["east", "west"] {
        world.cloud.add_account(source, Bucket::new(2, 10), Bucket::new(1_000, 2_000));
        world.truth.targets.insert(source.to_owned(), "default".to_owned());
        let namespace = world.cloud.add_namespace(source, source);
        for number in 0..4 {
            let at = world.add_service(source, &namespace, &format!("web{number}"), false);
            world.register(&at, None);
        }
    }
    world.add_process(settings(&[("east", "default")]));
    world.run_for(20 * S);
    world.add_process(settings(&[("west", "default")]));
    world.run_for(60 * S);
    settle(world);
}

pub(super) fn o21_host(world: &mut World) {
    for source in ["east", "west"] {
        world.cloud.add_account(source, Bucket::new(2, 10), Bucket::new(1_000, 2_000));
        world.truth.targets.insert(source.to_owned(), "default".to_owned());
        let namespace = world.cloud.add_namespace(source, "ns");
        let at = world.add_service(source, &namespace, "web", false);
        world.register(&at, None);
    }
    world.add_process(settings(&[("east", "default")]));
    world.run_for(20 * S);
    world.add_process(settings(&[("west", "default")]));
    world.run_for(120 * S);
    let owners: Vec<_> = world
        .cluster
        .entries
        .values()
        .map(|stored| stored.source.clone().unwrap_or_default())
        .collect();
    if owners != ["east"] {
        world.violate("safe.source", format!("the entry of east is now of {owners:?}"));
    }
}
