//! Replicas that share sources out by leases, in a simulated world of their own.
//!
//! A seed determines the number of replicas and sources, the rates of their clocks, and what
//! happens: writes that are delayed or whose answers are lost, partitions, paused processes, kills,
//! restarts, deleted leases. It is checked after each step that no lease has two leaders; and after
//! the faults, that each has one, that the shares are equal, and that nothing changes any more.

mod world;

use self::world::World;
use crate::time::{S, Us};

/// How long after the last fault each lease has a leader: the duration, and a few retries.
const LED_WITHIN: Us = 25 * S;
/// How long until the shares are equal.
const SHARED_WITHIN: Us = 40 * S;
const QUIET: Us = 30 * S;
/// How long after that the leases of replicas that have ended are deleted.
const TIDY_WITHIN: Us = 20 * S;

/// What has happened in a world.
pub struct Outcome {
    pub violations: Vec<String>,
    pub simulated: Us,
}

pub fn run(seed: u64, trace: bool) -> Outcome {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x1ea5e);
    let (replicas, sources) = (rng.usize(2..=3), rng.usize(1..=10));
    let mut world = World::new(seed, sources, trace);
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names.iter().take(replicas) {
        let pause = if rng.bool() { 0 } else { rng.u64(0..8 * S) };
        world.start(name);
        world.run_until(world.now + pause);
    }
    world.run_until(20 * S);
    // A replica that starts cannot know that a lease was deleted, so there is one or the other.
    let deletions = rng.u8(0..4) == 0;
    world.lossy = rng.bool();
    let faults_end = world.now + rng.u64(30 * S..120 * S);
    let mut dead: Vec<String> = Vec::new();
    while world.now < faults_end {
        world.run_until(world.now + rng.u64(S / 10..12 * S));
        let running = world.running();
        let Some(&one) = rng.choice(&running) else { break };
        // Short faults cut watches and delay; long ones outlast a lease.
        let length = if rng.bool() { rng.u64(S / 10..4 * S) } else { rng.u64(4 * S..40 * S) };
        let length = length.min(faults_end.saturating_sub(world.now));
        match rng.u8(0..6) {
            0 | 1 => world.pause(one, length),
            2 | 3 => world.cut_off(one, length),
            4 if deletions => {
                // Perhaps its leader cannot recreate it.
                if rng.bool() {
                    world.cut_off(one, length);
                }
                world.delete(rng.usize(0..sources));
            }
            4 | 5 if !deletions && running.len() > 1 => {
                dead.push(world.identity(one).unwrap_or_default().to_owned());
                if rng.bool() { world.stop(one) } else { world.kill(one) }
            }
            _ if !deletions && running.len() < 3 => {
                // By its old name, as in a StatefulSet, or a new one, as in a Deployment.
                let used =
                    |name: &str| world.running().iter().any(|at| world.identity(*at) == Some(name));
                let old = dead.pop().filter(|name| !used(name));
                let unused = names.iter().copied().find(|name| !used(name)).map(str::to_owned);
                if let Some(name) = old.or(unused) {
                    world.start(&name);
                }
            }
            _ => {}
        }
    }
    world.lossy = false;
    // What was delayed arrives meanwhile.
    world.run_until(world.now.max(faults_end) + 12 * S);
    world.log(|| "all faults end".to_owned());
    // The last one may have been killed while the other was stopping.
    if world.running().is_empty() {
        world.start("g");
    }
    settle(&mut world);
    Outcome { violations: world.violations, simulated: world.now }
}

/// Checks what is true without faults.
fn settle(world: &mut World) {
    world.run_until(world.now + LED_WITHIN);
    let (_, unled) = world.shares();
    if !unled.is_empty() {
        world.violate(format!("no replica leads {}", unled.join(", ")));
    }
    world.run_until(world.now + SHARED_WITHIN - LED_WITHIN);
    let (shares, unled) = world.shares();
    let (least, most) = (shares.iter().min(), shares.iter().max());
    if least.zip(most).is_none_or(|(least, most)| most - least > 1) || !unled.is_empty() {
        world.violate(format!("the shares are {shares:?}, without a leader: {unled:?}"));
    }
    (world.changes, world.writes) = (0, 0);
    world.run_until(world.now + QUIET);
    if world.changes > 0 {
        world.violate(format!("{} changes of leaders in calm times", world.changes));
    }
    // A renewal of each lease every 5 s, and a deletion of each member that has ended.
    let leases = shares.iter().sum::<usize>() + shares.len();
    let most = 7 * u32::try_from(leases).unwrap_or(u32::MAX) + 6;
    if world.writes > most {
        world.violate(format!("{} writes in calm times, expected at most {most}", world.writes));
    }
    world.run_until(world.now + TIDY_WITHIN);
    let stale = world.stale_members();
    if !stale.is_empty() {
        world.violate(format!("the leases of replicas that have ended remain: {stale:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::world::World;
    use crate::time::S;

    fn calm(replicas: &[&str], sources: usize) -> World {
        let mut world = World::new(7, sources, false);
        for name in replicas {
            world.start(name);
        }
        world.run_until(20 * S);
        world
    }

    #[test]
    fn no_seed_has_two_leaders_or_none() {
        for seed in 0..100 {
            let outcome = super::run(seed, false);
            assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
        }
    }

    #[test]
    fn two_replicas_lead_five_of_ten_sources_each() {
        assert_eq!(calm(&["a", "b"], 10).shares(), (vec![5, 5], vec![]));
    }

    #[test]
    fn three_replicas_share_ten_sources_as_equally_as_possible() {
        let (mut shares, unled) = calm(&["a", "b", "c"], 10).shares();
        shares.sort_unstable();
        assert_eq!((shares, unled), (vec![3, 3, 4], vec![]));
    }

    #[test]
    fn a_stop_hands_every_source_over_within_a_second() {
        let mut world = calm(&["a", "b"], 10);
        world.stop(0);
        world.run_until(world.now + S);
        assert_eq!(world.shares(), (vec![10], vec![]));
    }

    #[test]
    fn the_sources_of_a_killed_replica_are_taken_over_within_the_duration() {
        let mut world = calm(&["a", "b"], 10);
        world.kill(0);
        world.run_until(world.now + 8 * S);
        assert_eq!(world.shares().0, [5]);
        world.run_until(world.now + 8 * S);
        assert_eq!(world.shares(), (vec![10], vec![]));
    }

    #[test]
    fn a_replica_that_joins_takes_its_sources_one_by_one() {
        let mut world = calm(&["a"], 10);
        world.start("b");
        for _ in 0..500 {
            world.run_until(world.now + S / 100);
            // The next is released when the last is taken, which may be before its taker knows.
            assert!(world.shares().1.len() <= 2);
        }
        assert_eq!(world.shares(), (vec![5, 5], vec![]));
    }
}
