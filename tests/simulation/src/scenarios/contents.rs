//! Scenarios of what an entry keeps: ports and addresses of a drained service, and hints.

use istio_cloud_map_core::translate::HealthMode;
use serde_json::Value;

use super::{account, default_settings, services, settled, until};
use crate::cloud::ServiceRef;
use crate::driver::{ReadFault, Settings};
use crate::faults::{Fault, Of};
use crate::settle::settle;
use crate::time::S;
use crate::world::World;

/// A service on a TCP port with two instances that have health.
fn tcp(world: &mut World) -> (ServiceRef, Vec<String>) {
    world.truth.options.health = HealthMode::Healthy;
    let translate = world.truth.options.clone();
    let (namespace, _) = settled(world, Settings { translate, ..default_settings() }, 12);
    let at = world.add_service("default", &namespace, "postgres", true);
    let ids = vec![world.register(&at, Some(5432)), world.register(&at, Some(5432))];
    world.run_for(60 * S);
    (at, ids)
}

/// Reports a violation if a drained entry loses its ports or captures `0.0.0.0:port`.
fn keeps_its_ports(world: &mut World, at: &ServiceRef, before: &Value) {
    let Some(stored) = world.stored(at) else { return };
    let now = stored.spec().clone();
    if stored.endpoints.is_empty()
        && (now.get("ports") != before.get("ports")
            || now.get("addresses") != before.get("addresses"))
    {
        let part = |spec: &Value| {
            format!(
                "ports {} addresses {}",
                spec.get("ports").unwrap_or(&Value::Null),
                spec.get("addresses").unwrap_or(&Value::Null)
            )
        };
        world
            .violate("safe.drained", format!("{at}: had {}, and has {}", part(before), part(&now)));
    }
}

pub(super) fn o8(world: &mut World) {
    let (at, ids) = tcp(world);
    let before = world.stored(&at).map(|stored| stored.spec().clone()).unwrap_or_default();
    for id in &ids {
        world.set_health(&at, id, true);
    }
    world.run_for(40 * S);
    keeps_its_ports(world, &at, &before);
    settle(world);
}

pub(super) fn o8_none(world: &mut World) {
    let (at, _) = tcp(world);
    let before = world.stored(&at).map(|stored| stored.spec().clone()).unwrap_or_default();
    world.deregister_all(&at);
    world.run_for(40 * S);
    keeps_its_ports(world, &at, &before);
    settle(world);
}

/// Services with hints, and an operator that reads those.
fn hinted(world: &mut World) -> Vec<ServiceRef> {
    world.truth.hints = (true, true);
    let namespace = account(world);
    let all = services(world, &namespace, "web", 20);
    for (number, at) in all.iter().enumerate().step_by(2) {
        world.hint(at, number % 4 == 0, Some("MESH_INTERNAL"));
    }
    world.add_process(Settings { hints: (true, true), ..default_settings() });
    world.run_for(90 * S);
    all
}

pub(super) fn hints(world: &mut World) {
    let all = hinted(world);
    for at in &all {
        world.hint(at, true, Some("MESH_INTERNAL"));
    }
    world.run_for(120 * S);
    for at in &all {
        world.hint(at, false, None);
        world.hint(at, true, None);
    }
    settle(world);
}

pub(super) fn hints_restart(world: &mut World) {
    let all = hinted(world);
    let fault =
        Fault::Read { source: None, of: Of::Hints, how: ReadFault::AccessDenied, percent: 100 };
    world.faults.add(world.now, until(world, 120 * S), fault);
    world.restart(0, S);
    world.run_for(60 * S);
    let unhinted = all.iter().step_by(2).find(|at| {
        world.stored(at).is_none_or(|stored| {
            stored.spec().get("location").and_then(Value::as_str) != Some("MESH_INTERNAL")
        })
    });
    if let Some(at) = unhinted {
        world.violate("safe.hint", format!("{at} has lost what its hint asks for"));
    }
    settle(world);
}
