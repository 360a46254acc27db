//! The report for a person.

use super::world::{World, key};
use super::{seconds, settled};
use crate::cloud_map::{Health, Instance};
use crate::diagnostic::Code;
use crate::operator::{
    Config, EntryState, InstanceCounts, ReadFailure, Removal, ServiceReport, StatusReport,
    WriteFailure,
};

fn report(world: &World) -> StatusReport {
    world.operator.status_report(world.now)
}

fn service<'a>(report: &'a StatusReport, name: &str) -> &'a ServiceReport {
    report.services.iter().find(|service| service.name == name).unwrap()
}

#[test]
fn a_source_is_reported_with_its_age_and_each_service_with_its_entry() {
    let mut world = settled(20);
    world.run(seconds(20));
    let report = report(&world);
    assert!(report.ready && report.outages.is_empty() && report.refused.is_none());
    let source = &report.sources[0];
    assert_eq!((source.services, source.namespaces, source.failing), (20, 1, 0));
    assert!(source.complete);
    assert!(source.listed_seconds_ago.is_some_and(|age| age <= 30), "{source:?}");
    assert_eq!((source.data_plane.rate, source.data_plane.limit), (300, 300));
    let web = service(&report, "s003");
    assert_eq!((web.endpoints, web.hosts.as_slice()), (Some(1), &["s003.ns".to_owned()][..]));
    let counts = web.instances.unwrap();
    assert_eq!((counts.total, counts.healthy, counts.unhealthy), (1, 0, 0), "without a check");
    let entry = web.entry.as_ref().unwrap();
    assert_eq!(
        (&entry.key, entry.state, entry.endpoints),
        (&key("s003"), EntryState::Settled, Some(1))
    );
}

#[test]
fn instances_are_counted_by_their_health() {
    let instance = |health_status| Instance { health_status, ..Instance::default() };
    let instances = [Health::Healthy, Health::Unhealthy, Health::Unknown, Health::Healthy];
    let counts = InstanceCounts::from_instances(&instances.map(instance));
    assert_eq!((counts.total, counts.healthy, counts.unhealthy), (4, 2, 1));
}

#[test]
fn a_read_that_fails_is_reported_with_its_message_and_since_when() {
    let mut world = settled(3);
    world.fault = |_, name| (name == "s001").then_some(ReadFailure::AccessDenied);
    world.run(seconds(60));
    let failing = report(&world);
    let failure = service(&failing, "s001").failure.as_ref().unwrap();
    assert_eq!(failure.failure, "access_denied");
    assert!((50..=60).contains(&failure.since_seconds_ago), "{failure:?}");
    assert!(failure.attempts > 1 && !failure.message.is_empty());
    let source = &failing.sources[0];
    assert_eq!((source.failing, source.failures[0].of.as_str()), (1, "ns/s001"));
    world.fault = |_, _| None;
    world.run(seconds(60));
    assert_eq!(report(&world).sources[0].failing, 0);
}

#[test]
fn refused_removals_are_reported_with_the_command_that_confirms_them() {
    let mut world = settled(20);
    for n in 0..10 {
        world.deregister_all("ns", &format!("s{n:03}"));
    }
    world.run(seconds(120));
    let report = report(&world);
    let refused = report.refused.as_ref().unwrap();
    assert_eq!((refused.emptyings, refused.removals.len()), (10, 10));
    assert_eq!(refused.removals[0].removal, Removal::Emptying);
    let status = world.operator.status().refused.unwrap();
    let expected = format!(
        "kubectl annotate --overwrite serviceentry {} --namespace {} istio-cloud-map/confirm-removals={}",
        key("s000").name,
        key("s000").namespace,
        status.token
    );
    assert_eq!(refused.command, expected);
    let entry = service(&report, "s000").entry.as_ref().unwrap();
    assert_eq!(entry.state, EntryState::AwaitingGuard);
}

#[test]
fn an_outage_and_a_rejected_write_are_reported_with_when_they_are_tried_again() {
    let mut world = settled(3);
    world.write_fault = Some(WriteFailure::Rejected);
    world.register("ns", "s001", "i-2", "10.0.9.9");
    world.run(seconds(6));
    let rejected = report(&world);
    let entry = service(&rejected, "s001").entry.as_ref().unwrap();
    assert_eq!(entry.state, EntryState::Backoff);
    assert!(entry.retry_in_seconds.is_some() && entry.reason.is_some());
    assert_eq!(service(&rejected, "s001").diagnostics[0].code, Code::WriteFailed);
    world.write_fault = Some(WriteFailure::Unreachable);
    world.register("ns", "s002", "i-2", "10.0.9.8");
    world.run(seconds(6));
    let unreachable = report(&world);
    assert_eq!(unreachable.outages.len(), 1);
    assert_eq!(service(&unreachable, "s002").entry.as_ref().unwrap().state, EntryState::Waiting);
}

#[test]
fn a_service_that_was_not_read_yet_is_unread() {
    let mut world = World::with_services(Config::default(), 3);
    world.fault = |_, name| (name == "s001").then_some(ReadFailure::TimedOut);
    world.start();
    world.run(seconds(3));
    let report = report(&world);
    assert!(!report.services.is_empty());
    assert_eq!(service(&report, "s001").entry.as_ref().unwrap().state, EntryState::Unread);
}
