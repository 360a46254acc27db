//! Worlds with a script: each is one way in which an operator has failed, or could.

use crate::random::{settings, settle};
use crate::time::S;
use crate::world::World;

/// A scripted world.
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    script: fn(&mut World),
}

impl Scenario {
    pub fn run(&self, trace: bool) -> (String, World) {
        let mut world = World::new(1, trace);
        (self.script)(&mut world);
        (format!("{}: {}", self.name, self.about), world)
    }
}

pub const ALL: [Scenario; 1] = [Scenario { name: "calm", about: "nothing goes wrong", script: calm }];

fn calm(world: &mut World) {
    let _ = settings;
    world.run_for(S);
    settle(world);
}
