//! The end of a world: all faults end, and the cluster must converge.

use crate::time::{S, Us};
use crate::world::{Process, World};

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
