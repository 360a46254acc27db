//! Scripted worlds: each is one way in which an operator could fail.

use istio_cloud_map_core::service_entry::OWNER_LABEL;
use istio_cloud_map_core::translate::{Conflicts, HealthMode};
use serde_json::{Value, json};

use crate::cloud::{Bucket, ServiceRef};
use crate::cluster::{Key, set};
use crate::driver::{ReadFault, Settings, What, WriteFault};
use crate::faults::{Fault, Lie, Of};
use crate::random::{settings, settle};
use crate::time::{MS, S, Us};
use crate::world::{Latency, World};

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
    Scenario::new("calm", "a quiet account with a few rollouts", calm),
    Scenario::new("o1", "every service of adoptable entries has one empty response", o1),
    Scenario::new("o2-twice", "12 services lose 3, and a minute later 9", o2_twice),
    Scenario::new("o2-empty", "400 services become empty", o2_empty),
    Scenario::new("o2-lists", "100 services in 50 namespaces are deleted", o2_lists),
    Scenario::new("o3-lost", "a create succeeds, but its response is lost", o3_lost),
    Scenario::new("o3-rejected", "an entry is rejected, and its service is deleted", o3_rejected),
    Scenario::new("o3-race", "a create loses a race against another client's entry", o3_race),
    Scenario::new(
        "o3-not-found",
        "a delete succeeds, its response is lost, and the second one finds nothing",
        o3_not_found,
    ),
    Scenario::new("o3-once", "a single pass, and the response to its write is lost", o3_once),
    Scenario::new("o4", "new services appear while others are being emptied", o4),
    Scenario::new(
        "o5",
        "3,000 services in 3 namespaces, ListServices at 2 a second with pages of 100",
        o5,
    ),
    Scenario::new("o5-many", "5 namespaces with 1,000 services, pages of 100", o5_many),
    Scenario::new("o6", "a new service appears more often than all are read", o6),
    Scenario::new("o7", "the response to a create arrives after its entry was deleted", o7),
    Scenario::new(
        "o7-anew",
        "the response to a delete arrives after another client has recreated the entry",
        o7_anew,
    ),
    Scenario::new(
        "o7-deleted",
        "a late deletion arrives after the entry was recreated",
        o7_deleted,
    ),
    Scenario::new("o7-list", "an older list arrives after the response to a create", o7_list),
    Scenario::new("o8", "a TCP service is drained", o8),
    Scenario::new("o8-none", "a TCP service loses its instances", o8_none),
    Scenario::new("o9", "a controller reverts a field 10 ms after each repair", o9),
    Scenario::new("o9-two", "two processes with the same id and different options", o9_two),
    Scenario::new(
        "o2-kind",
        "entries that are emptied while nothing can be written are to be deleted when it can",
        o2_kind,
    ),
    Scenario::new("o11", "a namespace is recreated, and its first lists are throttled", o11),
    Scenario::new("o12", "one complete but empty ListServices response", o12),
    Scenario::new(
        "o12-namespaces",
        "one complete but empty ListNamespaces response",
        o12_namespaces,
    ),
    Scenario::new("o13", "a slow API server, 100 flapping services, and a change of zzz", o13),
    Scenario::new("o15", "the first-ranked claimant of a host can't be read", o15),
    Scenario::new("o16", "no permission to write 400 entries", o16),
    Scenario::new(
        "o16-retry-after",
        "the API server asks to wait, while writes to one namespace are forbidden",
        o16_retry_after,
    ),
    Scenario::new(
        "o16-late-success",
        "the API server asks to wait, and then answers an earlier write",
        o16_late_success,
    ),
    Scenario::new(
        "o17-lost",
        "empty entries get endpoints, the responses are lost, and they are empty again",
        o17_lost,
    ),
    Scenario::new("hints", "users set attributes and tags, and change them", hints),
    Scenario::new("hints-restart", "a restart while hints can't be read", hints_restart),
    Scenario::new(
        "merge",
        "two sources share a host, and one can't be read after a restart",
        merge,
    ),
    Scenario::new("quota", "two sources of one account and region, both busy", quota),
    Scenario::new("stop", "a stop while writes are in flight, and others wait", stop),
    Scenario::new("stop-silent", "a stop while responses to writes are lost", stop_silent),
    Scenario::new("o17", "a user edits 12 of 20 drained entries", o17),
    Scenario::new("o18", "a service alternates between some instances and none", o18),
    Scenario::new("o21", "two operators with one id and a source each", o21),
    Scenario::new(
        "o21-host",
        "two operators with one id, a source each, and one host in both",
        o21_host,
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

fn calm(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    for at in &all {
        let id = world.register(at, None);
        world.run_for(20 * S);
        world.deregister(at, &id);
    }
    settle(world);
}

fn o1(world: &mut World) {
    let namespace = account(world);
    let all = services(world, &namespace, "web", 20);
    for at in &all {
        let key = world.key(at);
        let spec = world
            .truth
            .expected
            .get(&key)
            .map(|expected| expected.spec.clone())
            .unwrap_or_default();
        world.edit(&key, "another tool", |object| set(object, &["spec"], spec));
        world.faults.lie(Lie {
            source: "default".to_owned(),
            what: What::Instances { service: at.service.clone() },
        });
    }
    world.add_process(Settings { adopt: true, ..default_settings() });
    world.run_for(30 * S);
    settle(world);
}

fn o2_twice(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 12);
    for at in all.iter().take(3) {
        world.remove_service(at);
    }
    world.run_for(90 * S);
    for at in all.iter().skip(3) {
        world.remove_service(at);
    }
    world.run_for(90 * S);
    settle(world);
}

fn o2_empty(world: &mut World) {
    let (_, all) = settled(world, Settings { data_rate: 30, ..default_settings() }, 400);
    for at in &all {
        world.deregister_all(at);
    }
    world.run_for(120 * S);
    settle(world);
}

fn o2_lists(world: &mut World) {
    account(world);
    let mut all = Vec::new();
    for number in 0..50 {
        let namespace = world.cloud.add_namespace("default", &format!("ns-{number}"));
        all.extend(services(world, &namespace, "web", 2));
    }
    world.add_process(default_settings());
    world.run_for(180 * S);
    for at in &all {
        world.remove_service(at);
    }
    world.run_for(180 * S);
    settle(world);
}

fn o3_lost(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    world.faults.add(world.now, until(world, 60 * S), Fault::LostAnswers { percent: 100 });
    services(world, &namespace, "new", 1);
    world.run_for(90 * S);
    settle(world);
}

fn o3_rejected(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    let at = world.add_service("default", &namespace, "new", false);
    world.faults.add(
        world.now,
        until(world, 200 * S),
        Fault::Write { key: Some(world.key(&at)), how: WriteFault::Rejected, percent: 100 },
    );
    world.register(&at, None);
    world.run_for(50 * S);
    world.remove_service(&at);
    world.run_for(120 * S);
    settle(world);
}

/// An unowned entry with the name of an owned one, as another tool would create it.
fn foreign(object: &mut Value) {
    set(object, &["metadata", "labels", OWNER_LABEL], "somebody".into());
    set(object, &["spec", "hosts"], json!(["other.example"]));
    set(object, &["spec", "resolution"], "NONE".into());
}

fn o3_race(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    // The create is on its way for two seconds.
    world.net.next_writes.push_back((2 * S, 10 * MS));
    let at = services(world, &namespace, "new", 1);
    let Some(key) = at.first().map(|at| world.key(at)) else { return };
    while world.net.next_writes.front().is_some() && world.now < 200 * S {
        world.run_for(100 * MS);
    }
    world.edit(&key, "another client", foreign);
    world.run_for(60 * S);
    settle(world);
}

fn o3_not_found(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 12);
    world.faults.add(world.now, until(world, 80 * S), Fault::LostAnswers { percent: 100 });
    for at in all.iter().take(1) {
        world.remove_service(at);
    }
    world.run_for(120 * S);
    settle(world);
}

fn o3_once(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 5);
    world.faults.add(world.now, until(world, 3 * S), Fault::LostAnswers { percent: 100 });
    world.add_process(Settings { once: true, ..default_settings() });
    world.run_for(30 * S);
    settle(world);
}

fn o4(world: &mut World) {
    let settings =
        Settings { max_delete_percent: 100, catalogue_interval: 10 * S, ..default_settings() };
    let (namespace, all) = settled(world, settings, 40);
    world.net.read = Latency::steady(900 * MS, 1_800 * MS);
    for (number, at) in all.iter().enumerate() {
        world.deregister_all(at);
        services(world, &namespace, &format!("new{number}-"), 1);
        world.run_for(5 * S + 300 * MS);
    }
    world.run_for(60 * S);
    settle(world);
}

fn o5(world: &mut World) {
    world.cloud.page_size = 100;
    world.cloud.add_account("default", Bucket::new(2, 10), Bucket::new(1_000, 2_000));
    world.truth.targets.insert("default".to_owned(), "default".to_owned());
    for name in ["a", "b", "c"] {
        let namespace = world.cloud.add_namespace("default", name);
        services(world, &namespace, "web", 1_000);
    }
    world.add_process(default_settings());
    world.run_for(300 * S);
    settle_large(world);
}

fn o5_many(world: &mut World) {
    world.cloud.page_size = 100;
    world.cloud.add_account("default", Bucket::new(2, 10), Bucket::new(1_000, 2_000));
    world.truth.targets.insert("default".to_owned(), "default".to_owned());
    for name in ["a", "b", "c", "d", "e"] {
        let namespace = world.cloud.add_namespace("default", name);
        services(world, &namespace, "web", 200);
    }
    world.add_process(default_settings());
    world.run_for(60 * S);
    // Ten pages a namespace are 25 s of the budget for all five; each must be read again within
    // minutes.
    let late: Vec<String> = world
        .cloud
        .accounts
        .values()
        .flat_map(|account| account.namespaces.keys().cloned())
        .collect();
    for namespace in &late {
        services(world, namespace, "late", 1);
    }
    world.run_for(180 * S);
    let missing = world.differences().len();
    if missing > 0 {
        world.violate(
            "fair.lists",
            format!("{missing} of 5 new services have no entry 180 s later"),
        );
    }
    settle_large(world);
}

/// Settles, and counts the differences instead of listing thousands.
fn settle_large(world: &mut World) {
    world.run_for(120 * S);
    let differences = world.differences();
    if let Some(first) = differences.first() {
        let entries = world.cluster.entries.len();
        world.violate(
            "live.converge",
            format!("{} differences at {entries} entries; the first: {first}", differences.len()),
        );
    }
}

fn o6(world: &mut World) {
    let (namespace, all) = settled(world, Settings { data_rate: 10, ..default_settings() }, 400);
    world.run_for(60 * S);
    for round in 0..60 {
        services(world, &namespace, &format!("new{round}-"), 1);
        if let Some(at) = all.get(round).filter(|_| round < 10) {
            roll_out(world, at);
        }
        if let Some(at) = all.get(100).filter(|_| round == 10) {
            world.remove_service(at);
        }
        world.run_for(7 * S);
    }
    let landed = all.iter().take(10).filter(|at| {
        let key = world.key(at);
        world.stored(at).map(|stored| &stored.endpoints)
            == world.truth.expected.get(&key).map(|expected| &expected.endpoints)
    });
    let landed = landed.count();
    if landed < 10 {
        world.violate(
            "fair.rollouts",
            format!("{landed} of 10 rollouts have landed after six minutes"),
        );
    }
    settle(world);
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

fn o7(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    world.net.watch = Latency::steady(10 * MS, 20 * MS);
    world.net.next_writes.push_back((10 * MS, 3 * S));
    let Some(key) = services(world, &namespace, "new", 1).first().map(|at| world.key(at)) else {
        return;
    };
    let end = world.now + 60 * S;
    while !world.cluster.entries.contains_key(&key) && world.now < end {
        world.run_for(10 * MS);
    }
    world.run_for(500 * MS);
    world.delete_entry(&key);
    world.run_for(60 * S);
    settle(world);
}

fn o7_anew(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 12);
    world.net.watch = Latency::steady(10 * MS, 20 * MS);
    let Some(at) = all.first() else { return };
    let key = world.key(at);
    world.remove_service(at);
    let end = world.now + 120 * S;
    world.net.write = Latency::steady(3 * S, 3 * S);
    while world.cluster.entries.contains_key(&key) && world.now < end {
        // The emptying, and then the deletion: there at once, back late.
        world.net.next_writes.clear();
        world.net.next_writes.push_back((10 * MS, 3 * S));
        world.run_for(10 * MS);
    }
    world.run_for(100 * MS);
    world.edit(&key, "another client", foreign);
    world.run_for(S);
    let again = world.add_service("default", &at.namespace, "web0000", false);
    world.register(&again, None);
    world.run_for(60 * S);
    settle(world);
}

fn o7_deleted(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 5);
    let Some(at) = all.first() else { return };
    let key = world.key(at);
    // The watch lags by four seconds: the operator's own write conflicts, or is answered before the
    // deletion is seen.
    world.net.watch = Latency::steady(4 * S, 4 * S);
    world.register(at, None);
    world.run_for(6 * S);
    world.delete_entry(&key);
    world.run_for(S);
    world.register(at, None);
    world.run_for(60 * S);
    world.net.watch = Latency::steady(10 * MS, 20 * MS);
    settle(world);
}

fn o7_list(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 5);
    // Lists are read continuously, and delivered two seconds later.
    world.net.list = Latency::steady(2 * S, 2 * S);
    for round in 0..6 {
        let Some(key) =
            services(world, &namespace, &format!("new{round}-"), 1).first().map(|at| world.key(at))
        else {
            return;
        };
        let end = world.now + 60 * S;
        while !world.cluster.entries.contains_key(&key) && world.now < end {
            world.relist(0, 0);
            world.run_for(3_500 * MS);
        }
        world.run_for(5 * S);
    }
    world.run_for(30 * S);
    settle(world);
}

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

fn o8(world: &mut World) {
    let (at, ids) = tcp(world);
    let before = world.stored(&at).map(|stored| stored.spec().clone()).unwrap_or_default();
    for id in &ids {
        world.set_health(&at, id, true);
    }
    world.run_for(40 * S);
    keeps_its_ports(world, &at, &before);
    settle(world);
}

fn o8_none(world: &mut World) {
    let (at, _) = tcp(world);
    let before = world.stored(&at).map(|stored| stored.spec().clone()).unwrap_or_default();
    world.deregister_all(&at);
    world.run_for(40 * S);
    keeps_its_ports(world, &at, &before);
    settle(world);
}

fn o9(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 5);
    let Some(key) = all.first().map(|at| world.key(at)) else { return };
    world.fighters.insert(key.clone(), (10 * MS, until(world, 120 * S)));
    world.edit(&key, "a controller", |object| set(object, &["spec", "resolution"], "NONE".into()));
    world.run_for(120 * S);
    settle(world);
}

fn o9_two(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 5);
    world.add_process(default_settings());
    let mut other = default_settings();
    other.translate.location = serde_json::from_value(json!("MESH_INTERNAL")).ok();
    world.add_process(other);
    world.run_for(120 * S);
}

fn o11(world: &mut World) {
    let (namespace, all) =
        settled(world, Settings { max_delete_percent: 100, ..default_settings() }, 9);
    let names: Vec<String> = all
        .iter()
        .filter_map(|at| world.cloud.service(at))
        .map(|service| service.name.clone())
        .collect();
    world.remove_namespace("default", &namespace);
    let anew = world.cloud.add_namespace("default", "ns");
    for name in names {
        let at = world.add_service("default", &anew, &name, false);
        world.register(&at, None);
    }
    let fault = Fault::Read {
        source: None,
        of: Of::Services(anew),
        how: ReadFault::Throttled,
        percent: 100,
    };
    world.faults.add(world.now, until(world, 60 * S), fault);
    world.run_for(90 * S);
    settle(world);
}

fn o12(world: &mut World) {
    let (namespace, _) = settled(world, default_settings(), 9);
    world.faults.lie(Lie { source: "default".to_owned(), what: What::Services { namespace } });
    world.run_for(90 * S);
    settle(world);
}

fn o12_namespaces(world: &mut World) {
    settled(world, default_settings(), 9);
    world.faults.lie(Lie { source: "default".to_owned(), what: What::Namespaces { own: true } });
    world.run_for(90 * S);
    settle(world);
}

fn o13(world: &mut World) {
    let namespace = account(world);
    let all = services(world, &namespace, "aaa", 100);
    let zzz = services(world, &namespace, "zzz", 1);
    world.add_process(Settings { writes_in_flight: 4, ..default_settings() });
    world.run_for(30 * S);
    world.net.write = Latency::steady(S, 2 * S);
    for round in 0..150 {
        for at in &all {
            roll_out(world, at);
        }
        if round == 40 {
            for at in &zzz {
                world.register(at, None);
            }
        }
        world.run_for(2 * S);
    }
    settle(world);
}

fn o15(world: &mut World) {
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

fn o16(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 400);
    world.faults.add(
        0,
        90 * S,
        Fault::Write { key: None, how: WriteFault::Forbidden, percent: 100 },
    );
    world.add_process(default_settings());
    world.run_for(90 * S);
    settle(world);
}

fn o16_retry_after(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "web", 100);
    world.faults.add(
        0,
        20 * S,
        Fault::Write { key: None, how: WriteFault::Forbidden, percent: 100 },
    );
    world.faults.add(
        20 * S,
        40 * S,
        Fault::Write { key: None, how: WriteFault::Throttled(9 * S), percent: 100 },
    );
    world.add_process(default_settings());
    world.run_for(60 * S);
    settle(world);
}

fn o16_late_success(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    let keys: Vec<Key> = all.iter().map(|at| world.key(at)).collect();
    let [slow, failing, others @ ..] = keys.as_slice() else { return };
    world.net.watch = Latency::steady(10 * MS, 10 * MS);
    let start = world.now;
    let fault = |key: &Key, how| Fault::Write { key: Some(key.clone()), how, percent: 100 };
    world.faults.add(start, start + 3 * S, fault(slow, WriteFault::Throttled(9 * S)));
    world.faults.add(start, start + 200 * MS, fault(failing, WriteFault::Throttled(0)));
    // One write is refused after two seconds, with a time to wait. Meanwhile another fails at once,
    // and its second try succeeds, but is answered after that.
    world.net.next_writes.extend([(2 * S, 10 * MS), (10 * MS, 10 * MS), (10 * MS, 3 * S)]);
    for key in [slow, failing].into_iter().chain(others) {
        world.edit(key, "a user", |object| set(object, &["spec", "endpoints"], json!([])));
        world.run_for(if key == failing { 50 * MS } else { 20 * MS });
    }
    world.run_for(30 * S);
    settle(world);
}

fn o17_lost(world: &mut World) {
    let namespace = account(world);
    services(world, &namespace, "full", 8);
    let empty: Vec<ServiceRef> = (0..6)
        .map(|number| world.add_service("default", &namespace, &format!("web{number}"), false))
        .collect();
    world.add_process(default_settings());
    world.run_for(90 * S);
    world.faults.add(world.now, until(world, 7 * S), Fault::LostAnswers { percent: 100 });
    for at in &empty {
        world.register(at, None);
    }
    world.run_for(7 * S);
    for at in &empty {
        world.deregister_all(at);
    }
    world.run_for(60 * S);
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

fn hints(world: &mut World) {
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

fn hints_restart(world: &mut World) {
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

fn merge(world: &mut World) {
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

fn quota(world: &mut World) {
    world.cloud.add_quota("account", Bucket::new(2, 10), Bucket::new(30, 40));
    let mut settings = Settings { data_rate: 30, ..settings(&[("a", "mesh-a"), ("b", "mesh-b")]) };
    for source in &mut settings.sources {
        "account".clone_into(&mut source.quota);
        world.cloud.add_source(&source.name, "account");
        world.truth.targets.insert(source.name.clone(), source.target_namespace.clone());
        for number in 0..3 {
            let namespace = world.cloud.add_namespace(&source.name, &format!("ns-{number}"));
            for number in 0..20 {
                let name = format!("web{number}");
                let at = world.add_service(&source.name, &namespace, &name, false);
                world.register(&at, None);
            }
        }
    }
    world.add_process(settings);
    world.run_for(120 * S);
    for at in world.cloud.services() {
        roll_out(world, &at);
    }
    settle(world);
}

fn stop(world: &mut World) {
    let settings = Settings { writes_in_flight: 4, ..default_settings() };
    let (_, all) = settled(world, settings, 40);
    world.net.write = Latency::steady(2 * S, 4 * S);
    for at in &all {
        roll_out(world, at);
    }
    world.run_for(6 * S);
    world.stop(0, 5 * S);
    world.run_for(30 * S);
    world.net.write = Latency::steady(10 * MS, 40 * MS);
    settle(world);
}

fn stop_silent(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    world.faults.add(world.now, until(world, 40 * S), Fault::LostAnswers { percent: 100 });
    for at in &all {
        roll_out(world, at);
    }
    world.run_for(6 * S);
    world.stop(0, 5 * S);
    world.run_for(60 * S);
    settle(world);
}

fn o17(world: &mut World) {
    let namespace = account(world);
    let all: Vec<ServiceRef> = (0..20)
        .map(|number| world.add_service("default", &namespace, &format!("web{number}"), false))
        .collect();
    world.add_process(default_settings());
    world.run_for(90 * S);
    for at in all.iter().take(12) {
        let key = world.key(at);
        world.edit(&key, "a user", |object| {
            set(object, &["spec", "endpoints"], json!([{"address": "192.0.2.1"}]));
        });
    }
    world.run_for(60 * S);
    settle(world);
}

fn o2_kind(world: &mut World) {
    let (_, all) = settled(world, default_settings(), 20);
    let begun = world.now;
    world.faults.add(
        begun + 5 * S,
        begun + 60 * S,
        Fault::Write { key: None, how: WriteFault::Unreachable, percent: 100 },
    );
    all.iter().take(6).for_each(|at| world.deregister_all(at));
    world.run_for(25 * S);
    all.iter().take(6).for_each(|at| world.remove_service(at));
    world.run_for(60 * S);
    all.iter().skip(6).take(6).for_each(|at| world.remove_service(at));
    world.run_for(60 * S);
    settle(world);
}

fn o18(world: &mut World) {
    let (_, all) = settled(world, Settings { interval: S, ..default_settings() }, 12);
    let Some(at) = all.first() else { return };
    for _ in 0..120 {
        world.deregister_all(at);
        world.run_for(2 * S);
        world.register(at, None);
        world.run_for(3 * S);
    }
    settle(world);
}

fn o21(world: &mut World) {
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

fn o21_host(world: &mut World) {
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
