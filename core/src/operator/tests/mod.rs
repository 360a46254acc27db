#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod filtering;
mod istio;
mod labelling;
mod reconfiguring;
mod reporting;
mod transforming;
mod world;

use std::time::Duration;

use serde_json::json;

use self::world::{World, key, source};
use super::{Config, Event, Options, ReadFailure, SourceConfig, WriteFailure};
use crate::diagnostic::Code;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// `count` services that are in the cluster already.
fn settled(count: usize) -> World {
    let mut world = World::with_services(Config::default(), count);
    world.start();
    world.run(seconds(10));
    assert_eq!(world.cluster.len(), count);
    world.writes.clear();
    world.calls.clear();
    world
}

#[test]
fn every_service_becomes_an_entry() {
    let world = settled(250);
    assert_eq!(world.endpoints("s249"), Some(1));
    assert!(world.operator.status().ready);
}

#[test]
fn an_idle_minute_costs_revisions_only_and_writes_nothing() {
    let mut world = settled(20);
    world.run(seconds(60));
    assert_eq!(world.writes, []);
    assert_eq!(world.calls("DiscoverInstances"), 0);
    assert_eq!(world.calls("DiscoverInstancesRevision"), 20 * 12);
    assert_eq!((world.calls("ListNamespaces"), world.calls("ListServices")), (2 * 2, 2));
}

#[test]
fn a_service_with_a_health_check_is_discovered_every_interval() {
    let mut world = World::with_services(Config::default(), 1);
    world.register("ns", "s000", "i-2", "10.0.0.2");
    world.health_checked.insert("s000".to_owned());
    world.start();
    world.run(seconds(1));
    assert_eq!(world.endpoints("s000"), Some(2));
    world.unhealthy.insert("i-2".to_owned());
    world.run(seconds(6));
    assert_eq!(world.endpoints("s000"), Some(1));
}

#[test]
fn a_new_instance_is_written_within_an_interval() {
    let mut world = settled(3);
    world.register("ns", "s001", "i-2", "10.0.9.9");
    world.run(seconds(5));
    assert_eq!(world.writes, [(key("s001"), "update")]);
    assert_eq!(world.endpoints("s001"), Some(2));
}

#[test]
fn an_edit_and_a_deletion_by_a_person_are_undone_at_once() {
    let mut world = settled(2);
    let mut edited = world.cluster[&key("s000")].clone();
    *edited.pointer_mut("/spec/hosts/0").unwrap() = json!("evil.example.com");
    world.put(&key("s000"), edited);
    world.delete(&key("s001"));
    assert_eq!(world.writes, [(key("s000"), "update"), (key("s001"), "create")]);
}

#[test]
fn a_deleted_service_loses_its_entry_when_two_lists_show_it() {
    let mut world = settled(12);
    world.delete_service("ns", "s003");
    world.run(seconds(29));
    assert_eq!(world.endpoints("s003"), Some(0));
    world.run(seconds(16));
    assert_eq!(world.writes, [(key("s003"), "empty"), (key("s003"), "delete")]);
}

#[test]
fn a_service_that_answers_empty_is_emptied_only_when_a_later_read_confirms_it() {
    let mut world = settled(12);
    world.deregister_all("ns", "s003");
    world.run(seconds(9));
    assert_eq!(world.endpoints("s003"), Some(1));
    world.run(seconds(11));
    assert_eq!(world.writes, [(key("s003"), "empty")]);
}

#[test]
fn a_service_that_is_empty_for_a_moment_is_never_emptied() {
    let mut world = settled(12);
    world.deregister_all("ns", "s003");
    world.run(seconds(7));
    world.register("ns", "s003", "i-1", "10.0.0.4");
    world.run(seconds(60));
    assert_eq!(world.writes, []);
}

#[test]
fn a_throttle_of_everything_changes_nothing_and_ends_within_two_intervals() {
    let mut world = settled(50);
    world.fault = |_, _| Some(ReadFailure::Throttled);
    world.register("ns", "s001", "i-2", "10.0.9.9");
    world.delete_service("ns", "s002");
    world.run(seconds(60));
    assert_eq!(world.writes, []);
    assert_eq!(world.reported(Code::ReadFailed), 1);
    world.fault = |_, _| None;
    world.run(seconds(10));
    assert_eq!(world.endpoints("s001"), Some(2));
    world.run(seconds(30));
    assert!(world.writes.contains(&(key("s002"), "delete")));
    assert_eq!(world.reported(Code::ReadFailed), 2);
}

#[test]
fn a_service_that_is_denied_costs_only_itself() {
    let mut world = World::with_services(Config::default(), 12);
    world.fault = |_, name| (name == "s003").then_some(ReadFailure::AccessDenied);
    world.start();
    world.run(seconds(10));
    assert_eq!(world.cluster.len(), 11);
    assert!(world.operator.status().ready);
    world.delete_service("ns", "s004");
    world.register("ns", "s005", "i-2", "10.0.9.9");
    world.run(seconds(35));
    assert_eq!((world.endpoints("s004"), world.endpoints("s005")), (None, Some(2)));
    assert_eq!(world.reported(Code::ReadFailed), 1);
}

#[test]
fn after_a_restart_nothing_is_deleted_while_something_was_not_read() {
    let mut world = settled(12);
    world.fault = |operation, _| (operation == "ListServices").then_some(ReadFailure::TimedOut);
    world.delete_service("ns", "s003");
    world.restart(Config::default());
    world.start();
    world.run(seconds(120));
    assert_eq!(world.writes, []);
    world.fault = |_, _| None;
    world.run(seconds(35));
    assert_eq!(world.writes, [(key("s003"), "delete")]);
}

#[test]
fn a_service_that_was_denied_since_the_start_keeps_the_entry_of_the_last_run() {
    let mut world = settled(12);
    world.fault = |operation, name| {
        (operation == "DiscoverInstances" && name == "s003").then_some(ReadFailure::AccessDenied)
    };
    world.restart(Config::default());
    world.start();
    world.run(seconds(60));
    assert_eq!(world.writes, []);
    assert_eq!(world.endpoints("s003"), Some(1));
}

#[test]
fn a_mass_deletion_is_refused_and_the_rest_goes_on_until_the_data_recovers() {
    let mut world = settled(20);
    for n in 0..10 {
        world.delete_service("ns", &format!("s{n:03}"));
    }
    world.register("ns", "new", "i-1", "10.0.9.9");
    world.run(seconds(120));
    assert_eq!(world.writes, [(key("new"), "create")]);
    assert_eq!(
        world.reported(Code::DeletesRefused),
        2,
        "first they are empty, then they are deleted"
    );
    assert_eq!(world.operator.status().refused.unwrap().removals.deletes, 10);
    for n in 0..10 {
        world.register("ns", &format!("s{n:03}"), "i-1", &format!("10.0.0.{}", n + 1));
    }
    world.run(seconds(60));
    assert_eq!(world.operator.status().refused, None);
    assert_eq!(world.writes.len(), 1);
}

#[test]
fn a_mass_emptying_is_refused_too() {
    let mut world = settled(20);
    for n in 0..10 {
        world.deregister_all("ns", &format!("s{n:03}"));
    }
    world.run(seconds(120));
    assert_eq!(world.writes, []);
    assert_eq!(world.operator.status().refused.unwrap().removals.emptyings, 10);
}

#[test]
fn force_deletes_confirms_it() {
    let mut world = settled(20);
    for n in 0..10 {
        world.delete_service("ns", &format!("s{n:03}"));
    }
    let plan = Options { force_deletes: true, ..Options::default() };
    world.restart(Config { plan, ..Config::default() });
    world.start();
    world.run(seconds(35));
    assert_eq!(world.cluster.len(), 10);
}

#[test]
fn an_unowned_entry_is_left_alone_and_reported_once() {
    let mut world = World::with_services(Config::default(), 2);
    let theirs = json!({"metadata": {"name": "cloudmap-s000.ns", "namespace": "default", "resourceVersion": "1"}, "spec": {"hosts": ["x.y"]}});
    world.cluster.insert(key("s000"), theirs.clone());
    world.start();
    world.run(seconds(60));
    assert_eq!(world.cluster[&key("s000")], theirs);
    assert_eq!(world.writes, [(key("s001"), "create")]);
    assert_eq!(world.reported(Code::Conflict), 1);
    world.delete(&key("s000"));
    assert_eq!(world.writes[1], (key("s000"), "create"));
}

#[test]
fn while_the_api_server_is_away_nothing_is_lost() {
    let mut world = settled(12);
    world.write_fault = Some(WriteFailure::Unreachable);
    for n in 0..12 {
        world.register("ns", &format!("s{n:03}"), "i-2", &format!("10.0.9.{n}"));
    }
    world.run(seconds(20));
    assert_eq!(world.reported(Code::WriteFailed), 1);
    world.write_fault = None;
    world.run(seconds(5));
    assert_eq!(world.writes.len(), 12);
}

#[test]
fn nothing_is_written_before_the_cluster_was_listed() {
    let mut world = World::with_services(Config::default(), 3);
    world.send(Event::Tick);
    world.run(seconds(20));
    assert_eq!(world.writes, []);
    world.list();
    world.run(seconds(1));
    assert_eq!(world.writes.len(), 3);
}

#[test]
fn a_source_that_reports_a_change_is_read_at_once() {
    let mut world = settled(3);
    world.register("ns", "s001", "i-2", "10.0.9.9");
    world.register("ns", "new", "i-1", "10.0.9.8");
    world.send(Event::SourceChanged { source: source() });
    world.run(Duration::ZERO);
    assert_eq!(world.writes.len(), 2);
}

#[test]
fn two_services_of_one_host_make_one_entry_and_the_second_is_reported() {
    let mut world = World::new(Config::default());
    world.register("ns", "Web", "i-1", "10.0.0.1");
    world.register("ns", "web", "i-1", "10.0.0.2");
    world.start();
    world.run(seconds(60));
    assert_eq!(world.cluster.len(), 1);
    assert_eq!(
        world.cluster[&key("web")].pointer("/spec/endpoints/0/address"),
        Some(&json!("10.0.0.1"))
    );
    assert_eq!(world.reported(Code::HostConflict), 1);
}

#[test]
fn a_merged_entry_is_created_once_with_the_endpoints_of_all_its_services() {
    let translate = serde_json::from_value(json!({"conflicts": "merge"})).unwrap();
    let mut world = World::new(Config { translate, ..Config::default() });
    world.register("ns", "Web", "i-1", "10.0.0.1");
    world.register("ns", "web", "i-1", "10.0.0.2");
    world.start();
    world.run(seconds(10));
    assert_eq!((world.endpoints("web"), world.writes.len()), (Some(2), 1));
}

#[test]
fn a_service_that_joins_the_host_of_another_is_merged_with_it_though_that_one_has_not_changed() {
    let translate = serde_json::from_value(json!({"conflicts": "merge"})).unwrap();
    let mut world = World::new(Config { translate, ..Config::default() });
    world.register("ns", "Web", "i-1", "10.0.0.1");
    world.start();
    world.run(seconds(10));
    assert_eq!(world.endpoints("web"), Some(1));
    world.register("ns", "web", "i-1", "10.0.0.2");
    world.run(seconds(60));
    assert_eq!(world.endpoints("web"), Some(2));
}

#[test]
fn a_merged_entry_keeps_the_endpoints_of_a_service_that_a_new_process_has_not_listed_yet() {
    let translate = serde_json::from_value(json!({"conflicts": "merge"})).unwrap();
    let config = Config { translate, ..Config::default() };
    let mut world = World::new(config.clone());
    world.register("NS", "Web", "i-1", "10.0.0.1");
    world.register("ns", "web", "i-1", "10.0.0.2");
    world.start();
    world.run(seconds(10));
    assert_eq!(world.endpoints("web"), Some(2));
    world.restart(config);
    world.fault =
        |call, name| (call == "ListServices" && name == "NS").then_some(ReadFailure::Unreachable);
    world.start();
    world.run(seconds(60));
    assert_eq!(world.endpoints("web"), Some(2));
    world.fault = |_, _| None;
    world.deregister_all("ns", "web");
    world.run(seconds(60));
    assert_eq!(world.endpoints("web"), Some(1));
}

#[test]
fn a_single_pass_ends_when_all_is_written_and_reports_whether_anything_failed() {
    let once = || Config { once: true, ..Config::default() };
    let mut world = World::with_services(once(), 30);
    world.start();
    world.run(seconds(1));
    assert_eq!((world.finished, world.cluster.len()), (Some(false), 30));

    let mut world = World::with_services(once(), 3);
    world.fault = |_, name| (name == "s001").then_some(ReadFailure::AccessDenied);
    world.start();
    world.run(seconds(10));
    assert_eq!((world.finished, world.cluster.len()), (Some(true), 2));
}

#[test]
fn a_single_pass_does_not_wait_for_ever_for_a_cluster_that_can_not_be_listed() {
    let mut world = World::with_services(Config { once: true, ..Config::default() }, 3);
    world.send(Event::Tick);
    world.run(seconds(59));
    assert_eq!((world.finished, world.calls("ListNamespaces")), (None, 0));
    world.run(seconds(1));
    assert_eq!(world.finished, Some(true));
}

#[test]
fn a_single_pass_deletes_what_was_deleted_and_confirms_what_is_empty() {
    let mut world = settled(12);
    world.delete_service("ns", "s000");
    world.deregister_all("ns", "s001");
    world.restart(Config { once: true, ..Config::default() });
    world.start();
    world.run(seconds(1));
    assert_eq!(world.finished, None);
    world.run(seconds(10));
    assert_eq!(world.finished, Some(false));
    assert_eq!(world.writes, [(key("s000"), "delete"), (key("s001"), "empty")]);
}

#[test]
fn bookkeeping_is_left_out_by_name_and_never_asked_for() {
    let mut world = World::with_services(Config::default(), 2);
    world.register("ns", "aws-ecs-sc.client.7f3c.s000", "i-1", "10.0.0.1");
    world.start();
    world.run(seconds(60));
    assert_eq!(world.cluster.len(), 2);
    assert_eq!((world.calls("DiscoverInstances"), world.reported(Code::Excluded)), (2, 1));
}

#[test]
fn a_service_that_is_deleted_before_the_list_shows_it_is_not_reported() {
    let mut world = settled(12);
    world.fault = |operation, name| {
        (operation == "DiscoverInstancesRevision" && name == "s003")
            .then_some(ReadFailure::NotFound)
    };
    world.run(seconds(7));
    assert_eq!(world.reported(Code::ReadFailed), 0);
    world.run(seconds(60));
    assert_eq!(world.reported(Code::ReadFailed), 1);
}

#[test]
fn what_was_rejected_is_tried_again_when_it_changes() {
    let mut world = settled(2);
    world.write_fault = Some(WriteFailure::Rejected);
    world.register("ns", "s001", "i-2", "10.0.9.9");
    world.run(seconds(6));
    world.write_fault = None;
    world.run(seconds(5));
    assert_eq!(world.endpoints("s001"), Some(1));
    world.register("ns", "s001", "i-3", "10.0.9.8");
    world.run(seconds(5));
    assert_eq!(world.endpoints("s001"), Some(3));
}

#[test]
fn what_is_rejected_for_good_is_sent_ever_more_rarely() {
    let mut world = settled(2);
    world.write_fault = Some(WriteFailure::Rejected);
    world.register("ns", "s001", "i-2", "10.0.9.9");
    world.refused = 0;
    world.run(seconds(600));
    assert!((2..=8).contains(&world.refused), "sent {} times in ten minutes", world.refused);
    assert_eq!(world.reported(Code::WriteFailed), 1);
}

#[test]
fn a_restart_after_every_endpoint_has_changed_evaluates_each_entry_a_few_times() {
    let decisions = |count: usize| {
        let mut world = settled(count);
        for number in 0..count {
            world.deregister_all("ns", &format!("s{number:03}"));
            world.register(
                "ns",
                &format!("s{number:03}"),
                "i-9",
                &format!("10.9.{}.{}", number / 250, number % 250 + 1),
            );
        }
        world.restart(Config::default());
        world.start();
        world.run(seconds(60));
        assert_eq!(world.writes.len(), count, "each is written once");
        world.operator.status().decisions
    };
    let (few, many) = (decisions(20), decisions(200));
    assert!(many <= 12 * few, "{few} decisions for 20 services, {many} for 200");
    assert!(many <= 6 * 200, "{many} decisions for 200 services");
}

#[test]
fn a_new_diagnostic_is_reported_alone() {
    let mut world = settled(1);
    for number in 0..50 {
        world.register("ns", "s000", &format!("bad-{number}"), "nowhere");
    }
    world.run(seconds(10));
    let before = world.reports.len();
    assert!(before >= 50, "each bad instance is reported: {before}");
    world.register("ns", "s000", "bad-50", "nowhere");
    world.run(seconds(10));
    assert_eq!(world.reports.len(), before + 1);
}

#[test]
fn a_stop_ends_at_once_when_nothing_is_in_flight() {
    let mut world = settled(3);
    world.send(Event::Stop);
    assert_eq!(world.finished, Some(false));
    world.run(seconds(60));
    assert_eq!(world.calls("DiscoverInstancesRevision"), 0);
}

#[test]
fn what_another_process_has_filled_meanwhile_is_not_emptied_on_one_answer() {
    let mut world = settled(20);
    let full = world.cluster[&key("s001")].clone();
    world.deregister_all("ns", "s001");
    world.run(seconds(60));
    assert_eq!(world.endpoints("s001"), Some(0));
    world.send(Event::SourceStopped { source: source() });
    world.put(&key("s001"), full);
    world.send(Event::SourceStarted(Box::default()));
    world.run(seconds(3));
    assert_eq!(world.endpoints("s001"), Some(1));
    world.run(seconds(60));
    assert_eq!(world.endpoints("s001"), Some(0));
}

#[test]
fn a_source_that_stops_leaves_its_entries_alone_and_is_not_read_any_more() {
    let mut world = settled(20);
    world.send(Event::SourceStopped { source: source() });
    world.calls.clear();
    for n in 0..20 {
        world.delete_service("ns", &format!("s{n:03}"));
    }
    world.delete(&key("s003"));
    world.run(seconds(120));
    assert_eq!((world.cluster.len(), world.writes.len()), (19, 0));
    assert_eq!(world.calls.values().sum::<usize>(), 0);
    let status = world.operator.status();
    assert!(status.ready && status.sources.is_empty());
}

#[test]
fn a_source_that_starts_again_is_read_from_the_beginning() {
    let mut world = settled(20);
    world.send(Event::SourceStopped { source: source() });
    world.register("ns", "s001", "i-2", "10.9.9.9");
    world.delete_service("ns", "s002");
    world.delete(&key("s003"));
    world.run(seconds(60));
    world.send(Event::SourceStarted(Box::default()));
    // Nothing is deleted after one list.
    world.run(seconds(3));
    assert_eq!((world.endpoints("s001"), world.endpoints("s002")), (Some(2), Some(1)));
    assert_eq!(world.endpoints("s003"), Some(1));
    world.run(seconds(60));
    assert_eq!((world.cluster.len(), world.endpoints("s002")), (19, None));
}

#[test]
fn a_source_with_other_settings_starts_anew_and_one_with_the_same_goes_on() {
    let mut world = settled(5);
    world.send(Event::SourceStarted(Box::default()));
    world.run(seconds(4));
    assert_eq!(world.calls("ListNamespaces"), 0);
    let slower = SourceConfig { max_requests_per_second: 1, ..SourceConfig::default() };
    world.send(Event::SourceStarted(Box::new(slower)));
    world.run(seconds(60));
    assert!(world.calls("ListNamespaces") >= 2);
    assert!(world.calls("DiscoverInstancesRevision") <= 65);
    assert_eq!(world.writes, []);
}
