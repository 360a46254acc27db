//! Which namespaces and services are read, and the namespace of their entries.

use super::world::{World, key};
use super::{seconds, settled};
use crate::diagnostic::Code;
use crate::operator::{Config, NameFilter, SourceConfig};
use crate::translate::Glob;

fn excluding(glob: &str) -> NameFilter {
    NameFilter { include: Vec::new(), exclude: vec![Glob::from(glob)] }
}

fn config(source: SourceConfig) -> Config {
    Config { sources: vec![source], ..Config::default() }
}

#[test]
fn an_excluded_service_is_not_read_and_loses_its_entry() {
    let mut world = settled(12);
    world.restart(config(SourceConfig { services: excluding("s000"), ..SourceConfig::default() }));
    world.start();
    world.run(seconds(60));
    assert_eq!(world.writes, [(key("s000"), "delete")]);
    assert_eq!(world.operator.status().sources["default"].services, 11);
    assert_eq!(world.calls("DiscoverInstances"), 11);
    assert_eq!(world.reported(Code::Excluded), 1);
}

#[test]
fn an_excluded_namespace_is_not_listed_and_its_entries_are_deleted() {
    let mut world = settled(12);
    world.register("lab", "db", "i-1", "10.1.0.1");
    world.run(seconds(60));
    assert_eq!(world.cluster.len(), 13);
    (world.calls, world.writes) = Default::default();
    world.restart(config(SourceConfig { namespaces: excluding("l*"), ..SourceConfig::default() }));
    world.start();
    world.run(seconds(20));
    assert_eq!(world.cluster.len(), 12);
    assert_eq!(world.writes.len(), 1, "{:?}", world.writes);
    assert_eq!(world.calls("DiscoverInstances"), 12);
    assert!(world.operator.status().ready);
}

#[test]
fn a_filter_that_excludes_more_than_the_guard_allows_deletes_nothing() {
    let mut world = settled(12);
    world.restart(config(SourceConfig { services: excluding("*"), ..SourceConfig::default() }));
    world.start();
    world.run(seconds(120));
    assert_eq!((world.cluster.len(), world.writes.len()), (12, 0));
    assert!(world.operator.status().refused.is_some());
}

#[test]
fn a_template_gives_each_entry_its_namespace_and_a_bad_one_costs_only_its_service() {
    let source =
        SourceConfig { target_namespace: "team-{namespace}".to_owned(), ..SourceConfig::default() };
    let mut world = World::new(config(source));
    for namespace in ["shop", "lab", "shop.local"] {
        world.register(namespace, &format!("web-{}", namespace.len()), "i-1", "10.0.0.1");
    }
    world.start();
    world.run(seconds(10));
    let keys: Vec<String> = world.cluster.keys().map(ToString::to_string).collect();
    assert_eq!(keys, ["team-lab/cloudmap-web-3.lab", "team-shop/cloudmap-web-4.shop"]);
    assert_eq!(world.reported(Code::InvalidNamespace), 1);
    world.writes.clear();
    world.run(seconds(60));
    assert_eq!(world.writes, []);
}
