//! Other settings while the operator runs.

use super::{seconds, settled};
use crate::operator::{Config, Event, Options, SourceConfig};
use crate::translate;

fn config() -> Config {
    Config { sources: vec![SourceConfig::default()], ..Config::default() }
}

#[test]
fn the_same_settings_change_nothing_and_read_nothing_anew() {
    let mut world = settled(20);
    world.send(Event::Reconfigured(Box::new(config())));
    world.run(seconds(4));
    assert_eq!((world.calls("ListNamespaces"), world.calls("DiscoverInstances")), (0, 0));
    assert_eq!(world.writes, []);
}

#[test]
fn settings_of_the_translation_rewrite_only_the_entries_that_differ() {
    let mut world = settled(20);
    for n in 0..3 {
        world.register("ns", &format!("s{n:03}"), "i-2", "10.9.9.9");
    }
    world.run(seconds(10));
    world.writes.clear();
    // One address only for entries of one endpoint.
    let addresses = serde_json::from_value(serde_json::json!({"addresses": "endpoints"})).unwrap();
    let changed = Config { translate: addresses, ..config() };
    assert_ne!(changed.translate, translate::Options::default());
    world.send(Event::Reconfigured(Box::new(changed)));
    world.run(seconds(60));
    assert_eq!(world.writes.len(), 3, "{:?}", world.writes);
    assert_eq!(world.cluster.len(), 20);
}

#[test]
fn a_source_that_starts_anew_has_no_new_quota() {
    let mut world = settled(20);
    for n in 0..3 {
        let source = SourceConfig { max_requests_per_second: 8, ..SourceConfig::default() };
        let plan = Options { max_delete_percent: 30 + n, ..Options::default() };
        world.send(Event::Reconfigured(Box::new(Config {
            sources: vec![source],
            plan,
            ..config()
        })));
    }
    world.run(seconds(1));
    // Eight a second, and a fourth of it at once.
    assert!(world.calls("DiscoverInstances") <= 10, "{}", world.calls("DiscoverInstances"));
}

#[test]
fn a_source_that_is_left_out_keeps_its_entries_and_one_that_is_added_is_read() {
    let mut world = settled(12);
    world.send(Event::Reconfigured(Box::default()));
    for n in 0..12 {
        world.delete_service("ns", &format!("s{n:03}"));
    }
    world.run(seconds(60));
    assert_eq!((world.cluster.len(), world.writes.len()), (12, 0));
    world.send(Event::Reconfigured(Box::new(config())));
    world.run(seconds(60));
    assert_eq!(world.cluster.len(), 12, "the guard holds for what is read again");
    assert_eq!(world.operator.status().refused.map(|refused| refused.removals.deletes), Some(12));
}

#[test]
fn a_confirmation_in_the_settings_lets_refused_removals_pass() {
    let mut world = settled(12);
    for n in 0..12 {
        world.delete_service("ns", &format!("s{n:03}"));
    }
    world.run(seconds(60));
    assert_eq!(world.cluster.len(), 12);
    let plan = Options { force_deletes: true, ..Options::default() };
    world.send(Event::Reconfigured(Box::new(Config { plan, ..config() })));
    world.run(seconds(120));
    assert_eq!(world.cluster.len(), 0);
}
