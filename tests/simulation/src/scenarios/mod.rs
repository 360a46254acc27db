//! Scripted worlds: each is one way in which an operator could fail.

mod conflicts;
mod contents;
mod load;
mod outages;
mod removals;
mod responses;

use crate::cloud::{Bucket, ServiceRef};
use crate::driver::Settings;
use crate::random::settings;
use crate::time::{S, Us};
use crate::world::World;

/// A scripted world.
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    script: fn(&mut World),
}

impl Scenario {
    const fn new(name: &'static str, about: &'static str, script: fn(&mut World)) -> Self {
        Self { name, about, script }
    }

    pub fn run(&self, trace: bool) -> (String, World) {
        let mut world = World::new(1, trace);
        (self.script)(&mut world);
        (format!("{}: {}", self.name, self.about), world)
    }
}

pub const ALL: [Scenario; 42] = [
    Scenario::new("calm", "a quiet account with a few rollouts", load::calm),
    Scenario::new("o1", "every service of adoptable entries has one empty response", removals::o1),
    Scenario::new("o2-twice", "12 services lose 3, and a minute later 9", removals::o2_twice),
    Scenario::new("o2-empty", "400 services become empty", removals::o2_empty),
    Scenario::new("o2-lists", "100 services in 50 namespaces are deleted", removals::o2_lists),
    Scenario::new("o3-lost", "a create succeeds, but its response is lost", responses::o3_lost),
    Scenario::new(
        "o3-rejected",
        "an entry is rejected, and its service is deleted",
        responses::o3_rejected,
    ),
    Scenario::new(
        "o3-race",
        "a create loses a race against another client's entry",
        responses::o3_race,
    ),
    Scenario::new(
        "o3-not-found",
        "a delete succeeds, its response is lost, and the second one finds nothing",
        responses::o3_not_found,
    ),
    Scenario::new(
        "o3-once",
        "a single pass, and the response to its write is lost",
        responses::o3_once,
    ),
    Scenario::new("o4", "new services appear while others are being emptied", removals::o4),
    Scenario::new(
        "o5",
        "3,000 services in 3 namespaces, ListServices at 2 a second with pages of 100",
        load::o5,
    ),
    Scenario::new("o5-many", "5 namespaces with 1,000 services, pages of 100", load::o5_many),
    Scenario::new("o6", "a new service appears more often than all are read", load::o6),
    Scenario::new(
        "o7",
        "the response to a create arrives after its entry was deleted",
        responses::o7,
    ),
    Scenario::new(
        "o7-anew",
        "the response to a delete arrives after another client has recreated the entry",
        responses::o7_anew,
    ),
    Scenario::new(
        "o7-deleted",
        "a late deletion arrives after the entry was recreated",
        responses::o7_deleted,
    ),
    Scenario::new(
        "o7-list",
        "an older list arrives after the response to a create",
        responses::o7_list,
    ),
    Scenario::new("o8", "a TCP service is drained", contents::o8),
    Scenario::new("o8-none", "a TCP service loses its instances", contents::o8_none),
    Scenario::new("o9", "a controller reverts a field 10 ms after each repair", conflicts::o9),
    Scenario::new(
        "o9-two",
        "two processes with the same id and different options",
        conflicts::o9_two,
    ),
    Scenario::new(
        "o2-kind",
        "entries that are emptied while nothing can be written are to be deleted when it can",
        removals::o2_kind,
    ),
    Scenario::new(
        "o11",
        "a namespace is recreated, and its first lists are throttled",
        removals::o11,
    ),
    Scenario::new("o12", "one complete but empty ListServices response", removals::o12),
    Scenario::new(
        "o12-namespaces",
        "one complete but empty ListNamespaces response",
        removals::o12_namespaces,
    ),
    Scenario::new(
        "o13",
        "a slow API server, 100 flapping services, and a change of zzz",
        load::o13,
    ),
    Scenario::new("o15", "the first-ranked claimant of a host can't be read", conflicts::o15),
    Scenario::new("o16", "no permission to write 400 entries", outages::o16),
    Scenario::new(
        "o16-retry-after",
        "the API server asks to wait, while writes to one namespace are forbidden",
        outages::o16_retry_after,
    ),
    Scenario::new(
        "o16-late-success",
        "the API server asks to wait, and then answers an earlier write",
        outages::o16_late_success,
    ),
    Scenario::new(
        "o17-lost",
        "empty entries get endpoints, the responses are lost, and they are empty again",
        removals::o17_lost,
    ),
    Scenario::new("hints", "users set attributes and tags, and change them", contents::hints),
    Scenario::new("hints-restart", "a restart while hints can't be read", contents::hints_restart),
    Scenario::new(
        "merge",
        "two sources share a host, and one can't be read after a restart",
        conflicts::merge,
    ),
    Scenario::new("quota", "two sources of one account and region, both busy", load::quota),
    Scenario::new("stop", "a stop while writes are in flight, and others wait", outages::stop),
    Scenario::new("stop-silent", "a stop while responses to writes are lost", outages::stop_silent),
    Scenario::new("o17", "a user edits 12 of 20 drained entries", removals::o17),
    Scenario::new("o18", "a service alternates between some instances and none", load::o18),
    Scenario::new("o21", "two operators with one id and a source each", conflicts::o21),
    Scenario::new(
        "o21-host",
        "two operators with one id, a source each, and one host in both",
        conflicts::o21_host,
    ),
];

fn default_settings() -> Settings {
    settings(&[("default", "default")])
}

/// One account with AWS's budgets, and one namespace.
fn account(world: &mut World) -> String {
    world.cloud.page_size = 100;
    world.cloud.add_account("default", Bucket::new(2, 10), Bucket::new(1_000, 2_000));
    world.truth.targets.insert("default".to_owned(), "default".to_owned());
    world.cloud.add_namespace("default", "ns")
}

/// Services with one instance each.
fn services(world: &mut World, namespace: &str, prefix: &str, count: usize) -> Vec<ServiceRef> {
    let one = |number| {
        let at = world.add_service("default", namespace, &format!("{prefix}{number:04}"), false);
        world.register(&at, None);
        at
    };
    (0..count).map(one).collect()
}

/// An account, services, and an operator that has settled.
fn settled(world: &mut World, settings: Settings, count: usize) -> (String, Vec<ServiceRef>) {
    let namespace = account(world);
    let all = services(world, &namespace, "web", count);
    world.add_process(settings);
    world.run_for(70 * S);
    (namespace, all)
}

fn until(world: &World, time: Us) -> Us {
    world.now + time
}

/// All instances are replaced.
fn roll_out(world: &mut World, at: &ServiceRef) {
    let before: Vec<String> = world
        .cloud
        .service(at)
        .into_iter()
        .flat_map(|service| service.instances.keys().cloned())
        .collect();
    world.register(at, None);
    for id in before {
        world.deregister(at, &id);
    }
}
