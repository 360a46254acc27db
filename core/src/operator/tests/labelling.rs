//! Labels and annotations that options set.

use serde_json::{Value, json};

use super::world::{World, key};
use super::{Config, SourceConfig, seconds};
use crate::cloud_map::Tag;

fn labelling(translate: Value) -> Config {
    let source = SourceConfig { read_tags: true, ..SourceConfig::default() };
    let translate = serde_json::from_value(translate).unwrap();
    Config { sources: vec![source], translate, ..Config::default() }
}

fn team_and_environment() -> Config {
    labelling(json!({
        "entryLabels": {"team": "payments", "env": {"tag": "Environment"}},
        "entryAnnotations": {"note": "x"},
    }))
}

/// Two services with a tag, in the cluster with their labels.
fn labelled() -> World {
    let mut world = World::with_services(team_and_environment(), 2);
    for service in ["s000", "s001"] {
        tag(&mut world, service, "prod");
    }
    world.start();
    world.run(seconds(10));
    assert_eq!(labels(&world), [json!("payments"), json!("prod"), Value::Null]);
    world.writes.clear();
    world
}

fn tag(world: &mut World, service: &str, value: &str) {
    let tag = Tag { key: "Environment".to_owned(), value: value.to_owned() };
    world.tags.insert(service.to_owned(), vec![tag]);
}

/// The labels `team`, `env` and `theirs` of the first entry.
fn labels(world: &World) -> [Value; 3] {
    let labels = &world.cluster[&key("s000")]["metadata"]["labels"];
    ["team", "env", "theirs"].map(|name| labels[name].clone())
}

/// A person edits a part of the metadata of the first entry.
fn edit(world: &mut World, part: &str, name: &str, value: Value) {
    let mut entry = world.cluster[&key("s000")].clone();
    entry["metadata"][part][name] = value;
    world.put(&key("s000"), entry);
}

#[test]
fn labels_that_are_as_configured_are_not_written_again_even_after_a_restart() {
    let mut world = labelled();
    world.run(seconds(120));
    world.restart(team_and_environment());
    world.start();
    world.run(seconds(120));
    assert_eq!(world.writes, []);
}

#[test]
fn a_changed_tag_is_one_write_of_its_entry() {
    let mut world = labelled();
    tag(&mut world, "s000", "test");
    world.run(seconds(60));
    assert_eq!(world.writes, [(key("s000"), "update")]);
    assert_eq!(labels(&world), [json!("payments"), json!("test"), Value::Null]);
    world.tags.clear();
    world.run(seconds(60));
    assert_eq!(labels(&world), [json!("payments"), Value::Null, Value::Null]);
    assert_eq!(world.writes.len(), 3, "each entry has lost its label once");
}

#[test]
fn a_configured_label_or_annotation_that_a_person_changes_is_repaired_at_once() {
    for (part, name) in [("labels", "team"), ("labels", "env"), ("annotations", "note")] {
        for value in [json!("theirs"), Value::Null] {
            let mut world = labelled();
            edit(&mut world, part, name, value);
            assert_eq!(world.writes, [(key("s000"), "update")], "{part} {name}");
            assert_eq!(labels(&world), [json!("payments"), json!("prod"), Value::Null]);
        }
    }
}

#[test]
fn what_a_person_adds_is_left_alone() {
    let mut world = labelled();
    edit(&mut world, "labels", "theirs", json!("x"));
    edit(&mut world, "annotations", "theirs", json!("x"));
    world.run(seconds(60));
    assert_eq!(world.writes, []);
    world.restart(team_and_environment());
    world.start();
    world.run(seconds(60));
    assert_eq!((world.writes.len(), &labels(&world)[2]), (0, &json!("x")));
}

#[test]
fn what_is_no_longer_configured_goes_away_with_one_write() {
    let mut world = labelled();
    world.restart(labelling(json!({"entryLabels": {"team": "payments"}})));
    world.start();
    world.run(seconds(60));
    assert_eq!(world.writes, [(key("s000"), "update"), (key("s001"), "update")]);
    assert_eq!(labels(&world), [json!("payments"), Value::Null, Value::Null]);
    world.writes.clear();
    world.restart(Config::default());
    world.start();
    world.run(seconds(60));
    assert_eq!(world.writes.len(), 2);
    let metadata = &world.cluster[&key("s000")]["metadata"];
    assert_eq!(metadata["labels"].as_object().map(serde_json::Map::len), Some(2));
    let list = |part: &str| &metadata["annotations"][format!("istio-cloud-map/entry-{part}")];
    assert_eq!((list("labels"), list("annotations")), (&Value::Null, &Value::Null));
}

#[test]
fn tags_that_can_not_be_read_after_a_restart_cost_no_label() {
    let mut world = labelled();
    world.fault = |operation, _| {
        (operation == "ListTagsForResource").then_some(super::ReadFailure::AccessDenied)
    };
    world.restart(team_and_environment());
    world.start();
    world.run(seconds(60));
    assert_eq!(world.writes, []);
}
