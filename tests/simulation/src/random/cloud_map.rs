//! Changes in Cloud Map, by registrars and users.

use super::{Plan, pick};
use crate::cloud::ServiceRef;
use crate::time::{MS, S};
use crate::world::World;

impl Plan {
    pub(super) fn make_service(&self, world: &mut World) {
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
    pub(super) fn churn(&self, world: &mut World) {
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
    pub(super) fn hint(&self, world: &mut World, at: &ServiceRef) {
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
}
