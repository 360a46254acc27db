//! What Istio reports about entries in their status.

use serde_json::{Value, json};

use super::world::{World, key};
use super::{Config, seconds};
use crate::diagnostic::Code;

/// Services in the cluster, with the label of a waypoint and no addresses.
fn bound(services: usize) -> World {
    let translate = json!({"mesh": "ambient", "entryLabels": {"istio.io/use-waypoint": "w"}});
    let translate = serde_json::from_value(translate).unwrap();
    let mut world = World::with_services(Config { translate, ..Config::default() }, services);
    world.start();
    world.run(seconds(10));
    assert_eq!(world.cluster.len(), services);
    world.writes.clear();
    world
}

/// Istio writes the status of an entry.
fn report(world: &mut World, service: &str, status: Value) {
    let mut entry = world.cluster[&key(service)].clone();
    entry["status"] = status;
    world.put(&key(service), entry);
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "NotReady", "message": "no such gateway"})
}

/// What Istio writes about an entry without a problem.
fn good() -> Value {
    json!({
        "conditions": [condition("istio.io/WaypointBound", "True")],
        "addresses": [{"value": "2001:2::1"}, {"value": "240.240.0.1"}],
    })
}

/// How many diagnostics of these codes hold now: a waypoint, an address, another condition.
fn holding(world: &World) -> [usize; 3] {
    let holding = world.operator.status().diagnostics;
    let codes = [Code::WaypointNotBound, Code::NoAllocatedAddress, Code::IstioCondition];
    codes.map(|code| holding.get(&code).copied().unwrap_or_default())
}

#[test]
fn a_false_condition_is_reported_once_with_its_reason_until_it_is_true() {
    for (kind, expected) in [("istio.io/WaypointBound", [1, 0, 0]), ("Accepted", [0, 0, 1])] {
        let mut world = bound(1);
        report(&mut world, "s000", json!({"conditions": [condition(kind, "False")]}));
        assert_eq!(holding(&world), expected);
        let message = &world.reports.last().unwrap().message;
        assert!(message.ends_with(&format!("{kind} as false: NotReady: no such gateway")));
        world.run(seconds(1000));
        assert_eq!(world.reports.iter().filter(|r| r.message.contains("as false")).count(), 1);
        report(&mut world, "s000", json!({"conditions": [condition(kind, "True")]}));
        assert_eq!(holding(&world), [0, 0, 0]);
    }
}

#[test]
fn a_status_is_not_written_and_no_reason_to_write() {
    let mut world = bound(2);
    report(&mut world, "s000", good());
    report(
        &mut world,
        "s001",
        json!({"conditions": [condition("istio.io/WaypointBound", "False")]}),
    );
    world.run(seconds(1000));
    assert_eq!(world.writes, []);
}

#[test]
fn what_istio_has_not_reported_after_minutes_is_missing_if_it_has_for_another_entry() {
    let mut world = bound(2);
    report(&mut world, "s000", good());
    world.run(seconds(240));
    assert_eq!(holding(&world), [0, 0, 0], "it is early");
    world.run(seconds(400));
    assert_eq!(holding(&world), [1, 1, 0]);
    world.run(seconds(1000));
    assert_eq!(
        (world.reported(Code::WaypointNotBound), world.reported(Code::NoAllocatedAddress)),
        (1, 1)
    );
    report(&mut world, "s001", good());
    assert_eq!(holding(&world), [0, 0, 0]);
}

#[test]
fn where_istio_reports_nothing_about_any_entry_nothing_is_missing() {
    let mut world = bound(2);
    world.run(seconds(2000));
    assert_eq!(world.reports, []);
}

#[test]
fn what_has_an_address_or_names_no_waypoint_needs_no_report() {
    let mut world = World::with_services(Config::default(), 2);
    world.start();
    world.run(seconds(10));
    report(&mut world, "s000", good());
    world.run(seconds(2000));
    assert_eq!(holding(&world), [0, 0, 0]);
}

#[test]
fn an_allocation_without_an_ipv4_address_is_reported_at_once() {
    let mut world = bound(2);
    report(&mut world, "s000", json!({"addresses": [{"value": "2001:2::1"}]}));
    assert_eq!(holding(&world), [0, 1, 0]);
}

#[test]
fn an_address_that_bypasses_the_waypoint_of_the_namespace_is_reported() {
    let mut world = World::with_services(Config::default(), 1);
    world.start();
    world.run(seconds(10));
    assert_eq!(world.cluster[&key("s000")]["spec"]["addresses"], json!(["10.0.0.1"]));
    report(&mut world, "s000", good());
    assert_eq!(world.reported(Code::WaypointBypassed), 1);
    report(&mut world, "s000", json!({}));
    assert_eq!(world.operator.status().diagnostics, [].into());
}
