//! The operator with a user's own transformation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::{World, key};
use super::{Config, seconds, settled};
use crate::diagnostic::Code;
use crate::translate::Transform;

/// What it does is said by the first instance of each service, by its id.
struct Obeys;

impl fmt::Debug for Obeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Obeys")
    }
}

impl Transform for Obeys {
    fn call(&self, request: &str) -> Result<Vec<u8>, String> {
        let mut request: Value = serde_json::from_str(request).unwrap();
        let order = request["input"]["records"][0]["instances"][0]["InstanceId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let entry = &mut request["input"]["serviceEntry"];
        entry["spec"]["exportTo"] = json!(["team-a"]);
        match order.as_str() {
            "a-fail" => return Err("trapped".to_owned()),
            "a-drop" => return Ok(br#"{"ok": null}"#.to_vec()),
            "a-empty" => entry["spec"]["endpoints"] = json!([]),
            "a-rename" => entry["spec"]["hosts"] = json!(["s001.ns"]),
            _ => {}
        }
        Ok(json!({"ok": {"serviceEntry": entry}}).to_string().into_bytes())
    }
}

fn obeying() -> Config {
    Config { transform: Some(Arc::new(Obeys)), ..Config::default() }
}

/// `count` services, transformed and in the cluster.
fn transformed(count: usize) -> World {
    let mut world = World::with_services(obeying(), count);
    world.start();
    world.run(seconds(10));
    assert_eq!(world.cluster.len(), count);
    world.writes.clear();
    world
}

#[test]
fn each_entry_is_written_as_it_was_changed() {
    let world = transformed(3);
    assert_eq!(world.cluster[&key("s001")].pointer("/spec/exportTo"), Some(&json!(["team-a"])));
}

#[test]
fn a_service_whose_transformation_fails_keeps_its_last_state_until_it_works_again() {
    for order in ["a-fail", "a-rename"] {
        let mut world = transformed(12);
        world.register("ns", "s003", order, "10.0.9.9");
        world.register("ns", "s004", "i-2", "10.0.9.8");
        world.run(seconds(60));
        assert_eq!(world.writes, [(key("s004"), "update")], "{order}");
        assert_eq!(world.reported(Code::TransformFailed), 1, "{order}");
        assert_eq!(world.operator.status().diagnostics.get(&Code::TransformFailed), Some(&1));

        world.deregister_all("ns", "s003");
        world.register("ns", "s003", "i-2", "10.0.9.9");
        world.run(seconds(5));
        assert_eq!(
            world.cluster[&key("s003")].pointer("/spec/endpoints/0/address"),
            Some(&json!("10.0.9.9")),
            "{order}"
        );
        assert_eq!(world.operator.status().diagnostics.get(&Code::TransformFailed), None);
    }
}

#[test]
fn a_service_that_failed_since_the_start_keeps_the_entry_of_the_last_run() {
    let mut world = transformed(12);
    world.register("ns", "s003", "a-fail", "10.0.9.9");
    world.restart(obeying());
    world.start();
    world.run(seconds(60));
    assert_eq!(world.writes, []);
    assert_eq!(world.endpoints("s003"), Some(1));
}

#[test]
fn a_dropped_service_loses_its_entry_and_gets_it_back() {
    let mut world = transformed(12);
    world.register("ns", "s003", "a-drop", "10.0.9.9");
    world.run(seconds(10));
    assert_eq!(world.writes, [(key("s003"), "delete")]);
    assert_eq!((world.reported(Code::Excluded), world.reported(Code::TransformFailed)), (1, 0));
    world.deregister_all("ns", "s003");
    world.register("ns", "s003", "i-1", "10.0.9.9");
    world.run(seconds(10));
    assert_eq!(world.endpoints("s003"), Some(1));
}

#[test]
fn a_module_that_drops_too_many_is_held_back_by_the_guard() {
    let mut world = transformed(20);
    for n in 0..10 {
        world.register("ns", &format!("s{n:03}"), "a-drop", "10.0.9.9");
    }
    world.run(seconds(60));
    assert_eq!(world.writes, []);
    assert_eq!(world.operator.status().refused.unwrap().removals.deletes, 10);
}

#[test]
fn a_module_that_empties_an_entry_is_confirmed_as_late_as_cloud_map() {
    let mut world = transformed(12);
    world.register("ns", "s003", "a-empty", "10.0.9.9");
    world.run(seconds(9));
    assert_eq!(world.writes, []);
    world.run(seconds(11));
    assert_eq!(world.writes, [(key("s003"), "empty")]);
}

#[test]
fn a_single_pass_fails_where_a_transformation_did() {
    let mut world = World::with_services(Config { once: true, ..obeying() }, 3);
    world.register("ns", "s001", "a-fail", "10.0.9.9");
    world.start();
    world.run(seconds(1));
    assert_eq!((world.finished, world.cluster.len()), (Some(true), 2));
}

#[test]
fn a_new_transformation_changes_what_is_there_after_a_restart() {
    let mut world = settled(12);
    world.restart(obeying());
    world.start();
    world.run(Duration::from_secs(10));
    assert_eq!(world.writes.len(), 12);
    assert!(world.writes.iter().all(|(_, verb)| *verb == "update"));
}
