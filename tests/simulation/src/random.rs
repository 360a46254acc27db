//! A world generated from a seed.

use std::collections::BTreeMap;

use fastrand::Rng;
use istio_cloud_map_core::service_entry::OWNER_LABEL;
use istio_cloud_map_core::translate::{self, Conflicts};
use serde_json::json;

use crate::cloud::{Bucket, ServiceRef};
use crate::cluster::{Key, set};
use crate::driver::{Change, ReadFault, Settings, Source, What, WriteFault};
use crate::faults::{Fault, Lie, Of};
use crate::time::{MS, S, Us};
use crate::world::{Latency, Process, World};

/// The default settings.
pub fn settings(sources: &[(&str, &str)]) -> Settings {
    let source = |(name, target): &(&str, &str)| Source {
        name: (*name).to_owned(),
        target_namespace: (*target).to_owned(),
        quota: (*name).to_owned(),
    };
    Settings {
        owner: "operator".to_owned(),
        sources: sources.iter().map(source).collect(),
        translate: translate::Options::default(),
        policy: Change::Sync,
        adopt: false,
        max_delete_percent: 30,
        interval: 5 * S,
        empty_grace: 10 * S,
        catalogue_interval: 30 * S,
        reads_in_flight: 32,
        writes_in_flight: 16,
        data_rate: 300,
        list_rate: 2,
        hints: (false, false),
        once: false,
    }
}

/// The time within which the cluster must converge after the last fault.
const SETTLE: Us = 420 * S;
/// How long it is then checked for unnecessary writes.
const QUIET: Us = 40 * S;

/// Ends all faults, lets the cluster settle, and checks the final invariants.
pub fn settle(world: &mut World) {
    world.faults.end(world.now);
    world.log(|| "all faults end; nothing changes any more".to_owned());
    let end = world.now + SETTLE;
    let mut calm = 0;
    while world.now < end && calm < 3 {
        world.run_for(5 * S);
        let passing = world.processes.iter().any(|p| p.settings.once && p.finished.is_none());
        calm = if world.differences().is_empty() && !passing { calm + 1 } else { 0 };
        // A single pass ends by itself.
        if !world.processes.is_empty() && world.processes.iter().all(|p| p.finished.is_some()) {
            break;
        }
    }
    if let Some(unfinished) =
        world.processes.iter().position(|p| p.settings.once && p.finished.is_none())
    {
        world.violate("live.once", format!("p{unfinished} has not finished"));
    }
    // A single pass reports its failure, or could not know that a response was wrong.
    if world.processes.iter().any(|p| {
        p.finished == Some(true)
            || p.finished.is_some() && !world.faults.none_between(p.started, world.now)
    }) {
        return;
    }
    let differences = world.differences();
    let converged = differences.is_empty();
    for difference in differences {
        world.violate("live.converge", difference);
    }
    if converged && world.fighters.values().all(|(_, until)| *until <= world.now) {
        // Entries that are excused from convergence may still wait for a list, or for hints.
        world.run_for(20 * S + hints_round(world));
        world.check.quiet = true;
        world.run_for(QUIET);
        world.check.quiet = false;
    }
}

/// How long it takes to list everything and to read all hints, where those are read.
fn hints_round(world: &World) -> Us {
    let round = |p: &Process| {
        let s = &p.settings;
        let calls = 4 * world.cloud.services().len() as u64 * S / u64::from(s.list_rate.max(1));
        if s.hints == (false, false) { 0 } else { calls + 2 * s.catalogue_interval }
    };
    world.processes.iter().map(round).max().unwrap_or(0)
}

pub fn run(seed: u64, trace: bool) -> World {
    let mut world = World::new(seed, trace);
    let mut plan = Plan::draw(&mut world);
    plan.act(&mut world);
    settle(&mut world);
    world
}

/// The random parameters of a world.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Plan {
    sources: Vec<String>,
    once: bool,
    until: Us,
    /// Mean time between two changes.
    pace: Us,
    faults: bool,
    meddling: bool,
    restarts: bool,
}

fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> Option<T> {
    rng.choice(from).cloned()
}

/// Whether hints are read, and whether services of one host are merged.
fn draw_hints_and_merging(world: &mut World, rng: &mut Rng, settings: &mut Settings) {
    settings.hints = pick(rng, &[(false, false), (false, false), (true, false), (true, true)])
        .unwrap_or_default();
    world.truth.hints = settings.hints;
    if rng.u8(0..3) == 0 {
        settings.translate.conflicts = Conflicts::Merge;
        world.truth.options.conflicts = Conflicts::Merge;
    }
}

impl Plan {
    #[expect(clippy::too_many_lines, reason = "one drawing after another")]
    fn draw(world: &mut World) -> Self {
        let mut rng = Rng::with_seed(world.rng.u64(..));
        let sources: Vec<String> = ["east", "west", "south"]
            .iter()
            .take(rng.usize(1..=3))
            .map(|name| (*name).to_owned())
            .collect();
        let slow_one_in = pick(&mut rng, &[0, 50, 200]).unwrap_or(0);
        let mut latency = |max: &[Us]| {
            let max = pick(&mut rng, max).unwrap_or(50 * MS);
            Latency { min: max / 10, max, slow_one_in, slowest: 2_500 * MS }
        };
        world.net.read = latency(&[30 * MS, 100 * MS, 300 * MS]);
        world.net.write = latency(&[30 * MS, 100 * MS, 600 * MS]);
        world.net.watch = latency(&[20 * MS, 200 * MS, 1_500 * MS]);
        world.net.list = latency(&[100 * MS, 1_000 * MS, 2_000 * MS]);
        let data_rate = pick(&mut rng, &[30, 100, 300]).unwrap_or(300);
        let once = rng.u8(0..10) == 0;
        let one_target = rng.bool();
        let targets: Vec<(String, String)> = sources
            .iter()
            .map(|name| {
                (
                    name.clone(),
                    if one_target { "default".to_owned() } else { format!("mesh-{name}") },
                )
            })
            .collect();
        let mut settings = settings(
            &targets
                .iter()
                .map(|(name, target)| (name.as_str(), target.as_str()))
                .collect::<Vec<_>>(),
        );
        settings.adopt = rng.u8(0..4) == 0;
        settings.policy = pick(
            &mut rng,
            &[
                Change::Sync,
                Change::Sync,
                Change::Sync,
                Change::Sync,
                Change::UpsertOnly,
                Change::CreateOnly,
            ],
        )
        .unwrap_or(Change::Sync);
        settings.interval = pick(&mut rng, &[S, 2 * S, 5 * S]).unwrap_or(5 * S);
        settings.empty_grace = pick(&mut rng, &[5 * S, 10 * S, 20 * S]).unwrap_or(10 * S);
        settings.catalogue_interval = pick(&mut rng, &[10 * S, 30 * S]).unwrap_or(30 * S);
        settings.max_delete_percent = pick(&mut rng, &[10, 30, 30, 50, 100]).unwrap_or(30);
        settings.reads_in_flight = pick(&mut rng, &[2, 8, 32]).unwrap_or(32);
        settings.writes_in_flight = pick(&mut rng, &[1, 4, 16]).unwrap_or(16);
        settings.data_rate = data_rate;
        settings.once = once;
        draw_hints_and_merging(world, &mut rng, &mut settings);
        // Two sources of one account and region.
        let is_shared = sources.len() > 1 && rng.u8(0..3) == 0;
        let sharing = if is_shared { 2 } else { 0 };
        for source in settings.sources.iter_mut().take(sharing) {
            "account".clone_into(&mut source.quota);
        }
        let quotas: Vec<String> =
            settings.sources.iter().map(|source| source.quota.clone()).collect();
        // Two operators: of one id with other sources, or of another id with the same ones.
        let pair = if once { 9 } else { rng.u8(0..10) };
        let mut all = vec![settings.clone()];
        if pair == 0 {
            all.push(Settings { owner: "another".to_owned(), ..settings });
        } else if pair == 1 && sources.len() > 1 {
            let others =
                all.first_mut().map(|first| first.sources.split_off(1)).unwrap_or_default();
            all.push(Settings { sources: others, ..settings });
        }
        for settings in &all {
            for source in &settings.sources {
                world.truth.targets.insert(source.name.clone(), source.target_namespace.clone());
            }
        }
        let shares = if pair == 0 || pair == 1 && is_shared { 2 } else { 1 };
        let services = rng.usize(5..=40);
        for (source, quota) in sources.iter().zip(&quotas) {
            let rate = u64::from(data_rate) * shares;
            world.cloud.add_quota(
                quota,
                Bucket::new(2 * shares, 10 * shares),
                Bucket::new(rate, rate),
            );
            world.cloud.add_source(source, quota);
            for number in 0..rng.usize(1..=4) {
                // Sometimes two sources have the same name, and thus services that claim the same
                // host.
                let name = if number == 0 && rng.u8(0..4) == 0 && pair != 1 {
                    "shared".to_owned()
                } else {
                    format!("{source}-{number}")
                };
                world.cloud.add_namespace(source, &name);
            }
        }
        let plan = Self {
            once,
            until: rng.u64(90..=240) * S,
            pace: pick(&mut rng, &[300 * MS, S, 4 * S]).unwrap_or(S),
            faults: rng.u8(0..10) < 6,
            meddling: rng.u8(0..10) < 5,
            restarts: rng.u8(0..10) < 3,
            sources,
        };
        world.rng = rng;
        for _ in 0..services {
            plan.make_service(world);
        }
        for at in world.cloud.services().iter().step_by(3) {
            plan.hint(world, at);
        }
        if world.rng.bool() {
            plan.foreign(world);
        }
        for settings in all {
            world.add_process(settings);
        }
        plan
    }

    fn act(&mut self, world: &mut World) {
        if self.once {
            if self.faults {
                self.fault(world);
                self.fault(world);
            }
            return world.run_for(30 * S);
        }
        // The first pass is mostly without faults.
        let start = world.rng.u64(0..=40);
        world.run_for(start * S);
        while world.now < self.until {
            let pause = world.rng.u64(0..=2 * self.pace);
            world.run_for(pause);
            match world.rng.u8(0..100) {
                0..80 => self.churn(world),
                80..88 if self.faults => self.fault(world),
                88..96 if self.meddling => self.meddle(world),
                96.. if self.restarts => self.disturb(world),
                _ => {}
            }
        }
    }

    fn make_service(&self, world: &mut World) {
        let Some(source) = pick(&mut world.rng, &self.sources) else { return };
        let namespaces: Vec<String> = world
            .cloud
            .accounts
            .get(&source)
            .into_iter()
            .flat_map(|a| a.namespaces.keys().cloned())
            .collect();
        let Some(namespace) = pick(&mut world.rng, &namespaces) else { return };
        let name = format!("svc-{}", world.rng.u8(0..60));
        let taken = world.cloud.accounts.get(&source).is_some_and(|account| {
            account
                .services
                .values()
                .any(|service| service.namespace == namespace && service.name == name)
        });
        if taken {
            return;
        }
        let check = world.rng.u8(0..3) == 0;
        let at = world.add_service(&source, &namespace, &name, check);
        for _ in 0..world.rng.usize(0..=4) {
            self.register(world, &at);
        }
    }

    #[expect(clippy::unused_self, reason = "beside the other actors")]
    fn register(&self, world: &mut World, at: &ServiceRef) {
        let port = pick(&mut world.rng, &[None, Some(8080), Some(5432)]).flatten();
        world.register(at, port);
    }

    /// A registrar makes a change.
    fn churn(&self, world: &mut World) {
        let services = world.cloud.services();
        let Some(at) = pick(&mut world.rng, &services) else { return self.make_service(world) };
        let instances: Vec<String> = world
            .cloud
            .service(&at)
            .into_iter()
            .flat_map(|s| s.instances.keys().cloned())
            .collect();
        let one = pick(&mut world.rng, &instances);
        match world.rng.u8(0..100) {
            0..30 => self.register(world, &at),
            30..50 => {
                if let Some(id) = one {
                    world.deregister(&at, &id);
                }
            }
            // A rollout: a new instance is registered, an old one is deregistered.
            50..60 => {
                self.register(world, &at);
                world.run_for(S);
                if let Some(id) = one {
                    world.deregister(&at, &id);
                }
            }
            60..70 => {
                if let Some(id) = one {
                    let unhealthy = world.rng.bool();
                    world.set_health(&at, &id, unhealthy);
                }
            }
            // A flap, shorter or longer than the grace.
            70..77 => {
                world.deregister_all(&at);
                let pause = world.rng.u64(0..=15 * S);
                world.run_for(pause);
                self.register(world, &at);
            }
            77..80 => world.deregister_all(&at),
            80..86 => self.make_service(world),
            86..90 => world.remove_service(&at),
            // Deleted and recreated.
            90..94 => {
                let before = world.cloud.service(&at).cloned();
                world.remove_service(&at);
                let pause = world.rng.u64(0..=20 * S);
                world.run_for(pause);
                if let Some(before) = before
                    && !world.cloud.services().iter().any(|s| {
                        s.namespace == at.namespace
                            && world
                                .cloud
                                .service(s)
                                .is_some_and(|service| service.name == before.name)
                    })
                {
                    let at = world.add_service(
                        &at.source,
                        &at.namespace,
                        &before.name,
                        before.health_check,
                    );
                    self.register(world, &at);
                }
            }
            94..96 => self.masses(world, &services),
            96..97 => self.remake_namespace(world, &at),
            _ => self.hint(world, &at),
        }
    }

    /// A user sets or removes the hint for a location.
    #[expect(clippy::unused_self, reason = "beside the other actors")]
    fn hint(&self, world: &mut World, at: &ServiceRef) {
        let tags = world.rng.bool();
        let location = pick(&mut world.rng, &[None, Some("MESH_INTERNAL"), Some("MESH_EXTERNAL")]);
        world.hint(at, tags, location.flatten());
    }

    /// Many services are deleted, or lose all their instances.
    #[expect(clippy::unused_self, reason = "beside the other actors")]
    fn masses(&self, world: &mut World, services: &[ServiceRef]) {
        let (share, delete) = (world.rng.u8(10..=100), world.rng.bool());
        for at in services {
            if world.rng.u8(0..100) >= share {
                continue;
            }
            if delete {
                world.remove_service(at);
            } else {
                world.deregister_all(at);
            }
            if world.rng.bool() {
                world.run_for(300 * MS);
            }
        }
    }

    /// A namespace is deleted and recreated: the same name, another id.
    #[expect(clippy::unused_self, reason = "beside the other actors")]
    fn remake_namespace(&self, world: &mut World, at: &ServiceRef) {
        let Some(account) = world.cloud.accounts.get(&at.source) else { return };
        let Some(name) = account.namespaces.get(&at.namespace).cloned() else { return };
        let services: Vec<_> = account
            .services
            .values()
            .filter(|service| service.namespace == at.namespace)
            .cloned()
            .collect();
        world.remove_namespace(&at.source, &at.namespace);
        let namespace = world.cloud.add_namespace(&at.source, &name);
        for service in services {
            let made =
                world.add_service(&at.source, &namespace, &service.name, service.health_check);
            for instance in service.instances.values() {
                world.register(&made, instance.port);
            }
        }
    }

    /// A fault begins.
    fn fault(&self, world: &mut World) {
        let services = world.cloud.services();
        let Some(at) = pick(&mut world.rng, &services) else { return };
        let Some(source) = pick(&mut world.rng, &self.sources) else { return };
        let until = world.now + world.rng.u64(S..=60 * S);
        let how = pick(
            &mut world.rng,
            &[
                ReadFault::AccessDenied,
                ReadFault::Unreachable,
                ReadFault::TimedOut,
                ReadFault::Throttled,
            ],
        )
        .unwrap_or(ReadFault::Unreachable);
        let strikes = pick(
            &mut world.rng,
            &[
                WriteFault::Forbidden,
                WriteFault::Throttled(0),
                WriteFault::Throttled(7 * S),
                WriteFault::Unreachable,
            ],
        )
        .unwrap_or(WriteFault::Unreachable);
        let percent = pick(&mut world.rng, &[20, 100]).unwrap_or(100);
        let services_of = What::Services { namespace: at.namespace.clone() };
        let fault = match world.rng.u8(0..12) {
            10 => Fault::Read { source: Some(source), of: Of::Hints, how, percent },
            0 => Fault::Read { source: Some(source), of: Of::All, how, percent },
            1 => Fault::Read {
                source: Some(at.source),
                of: Of::Service(at.service),
                how,
                percent: 100,
            },
            2 => Fault::Read {
                source: Some(at.source),
                of: Of::Services(at.namespace),
                how,
                percent,
            },
            3 => Fault::Read { source: Some(source), of: Of::Namespaces, how, percent },
            4 => return world.faults.lie(Lie { source: at.source, what: services_of }),
            5 => return world.faults.lie(Lie { source, what: What::Namespaces { own: true } }),
            6 => {
                return world
                    .faults
                    .lie(Lie { source: at.source, what: What::Instances { service: at.service } });
            }
            7 => Fault::Write { key: None, how: strikes, percent },
            8 => {
                Fault::Write { key: Some(world.key(&at)), how: WriteFault::Rejected, percent: 100 }
            }
            9 => Fault::LostAnswers { percent },
            _ => Fault::Slow { reads: world.rng.u64(0..=2 * S), writes: world.rng.u64(0..=4 * S) },
        };
        world.log(|| format!("until {}: {fault:?}", crate::time::show(until)));
        world.faults.add(world.now, until, fault);
    }

    /// Changes by users and controllers.
    fn meddle(&self, world: &mut World) {
        let keys: Vec<Key> = world.cluster.entries.keys().cloned().collect();
        let Some(key) = pick(&mut world.rng, &keys) else { return };
        match world.rng.u8(0..6) {
            0 => world.delete_entry(&key),
            1 => {
                world.edit(&key, "a user", |object| set(object, &["spec", "endpoints"], json!([])));
            }
            2 => world.edit(&key, "a user", |object| {
                set(object, &["spec", "endpoints"], json!([{"address": "192.0.2.1"}]));
            }),
            3 => world.edit(&key, "a user", |object| {
                set(object, &["metadata", "labels", "team"], "a".into());
            }),
            4 => {
                let (delay, until) =
                    (world.rng.u64(5 * MS..=500 * MS), world.now + world.rng.u64(10 * S..=60 * S));
                world.log(|| format!("a controller fights over {key}"));
                world.check.touched.insert(key.clone());
                world.fighters.insert(key.clone(), (delay, until));
                world.edit(&key, "a controller", |object| {
                    set(object, &["spec", "resolution"], "NONE".into());
                });
            }
            _ => self.foreign(world),
        }
    }

    /// Another owner's entry with the name or a host of an owned entry.
    #[expect(clippy::unused_self, reason = "beside the other actors")]
    fn foreign(&self, world: &mut World) {
        let expected: BTreeMap<Key, String> = world
            .truth
            .expected
            .iter()
            .filter_map(|(key, expected)| {
                let host = expected.spec.get("hosts")?.get(0)?.as_str()?;
                Some((key.clone(), host.to_owned()))
            })
            .collect();
        let all: Vec<(Key, String)> = expected.into_iter().collect();
        let Some((key, host)) = pick(&mut world.rng, &all) else { return };
        let (owner, same_name) = (world.rng.bool(), world.rng.bool());
        let key =
            if same_name { key } else { Key { name: format!("by-hand-{}", key.name), ..key } };
        if world.cluster.entries.contains_key(&key) {
            return;
        }
        world.check.touched.insert(key.clone());
        world.edit(&key, "another client", |object| {
            if owner {
                set(object, &["metadata", "labels", OWNER_LABEL], "somebody".into());
            }
            set(object, &["spec", "hosts"], json!([host]));
            set(object, &["spec", "resolution"], "STATIC".into());
            set(object, &["spec", "endpoints"], json!([{"address": "192.0.2.9"}]));
        });
    }

    /// A restart, or an interrupted watch.
    #[expect(clippy::unused_self, reason = "beside the other actors")]
    fn disturb(&self, world: &mut World) {
        let process = world.rng.usize(0..world.processes.len().max(1));
        let pause = world.rng.u64(100 * MS..=5 * S);
        match world.rng.u8(0..4) {
            0 => return world.restart(process, pause),
            1 => return world.stop(process, pause),
            _ => {}
        }
        world.log(|| format!("the watch of p{process} is cut"));
        world.faults.add(world.now, world.now + pause + 5 * S, Fault::Disturbance);
        world.relist(process, pause);
    }
}
