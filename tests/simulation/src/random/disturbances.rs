//! Faults, changes of entries by others, and restarts.

use std::collections::BTreeMap;

use istio_cloud_map_core::service_entry::OWNER_LABEL;
use serde_json::json;

use super::{Plan, pick};
use crate::cluster::{Key, set};
use crate::driver::{ReadFault, What, WriteFault};
use crate::faults::{Fault, Lie, Of};
use crate::time::{MS, S};
use crate::world::World;

impl Plan {
    /// A fault begins.
    pub(super) fn fault(&self, world: &mut World) {
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
    pub(super) fn meddle(&self, world: &mut World) {
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
    pub(super) fn foreign(&self, world: &mut World) {
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

    /// A restart, other settings, or an interrupted watch.
    #[expect(clippy::unused_self, reason = "beside the other actors")]
    pub(super) fn disturb(&self, world: &mut World) {
        let process = world.rng.usize(0..world.processes.len().max(1));
        let pause = world.rng.u64(100 * MS..=5 * S);
        match world.rng.u8(0..5) {
            0 => return world.restart(process, pause),
            1 => return world.stop(process, pause),
            2 => return super::reconfigure(world),
            _ => {}
        }
        world.log(|| format!("the watch of p{process} is cut"));
        world.faults.add(world.now, world.now + pause + 5 * S, Fault::Disturbance);
        world.relist(process, pause);
    }
}
