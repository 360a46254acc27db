//! A simulated Cloud Map, cluster and clock that check the operator's state machine over time.
//!
//! ```text
//! cargo run -p istio-cloud-map-simulation -- 42 --trace           one seed, with a trace
//! cargo run -p istio-cloud-map-simulation -- --seeds 0..2000      many seeds
//! cargo run -p istio-cloud-map-simulation -- --scenario o7        one scenario
//! cargo run -p istio-cloud-map-simulation -- --scenarios          all scenarios
//! cargo run -p istio-cloud-map-simulation -- --replicas 0..500    replicas that share sources out
//! cargo run -p istio-cloud-map-simulation -- --leases 0..500      the leases of replicas, by themselves
//! ```
//!
//! A seed determines everything: the same seed gives the same events in the same order. Build it
//! with `--profile simulation` to run many.

mod check;
mod cloud;
mod cluster;
mod driver;
mod faults;
mod leases;
mod random;
mod scenarios;
mod settle;
#[cfg(test)]
mod tests;
mod time;
mod truth;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::time::show;
use crate::world::World;

const USAGE: &str = "usage: istio-cloud-map-simulation (SEED | --seeds FROM..TO | --scenario NAME | --scenarios | --replicas FROM..TO | --replica SEED | --leases FROM..TO) [--trace]";
/// The maximum number of violations of one invariant that are printed for one world.
const MOST_SHOWN: usize = 3;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let all = args.len();
    args.retain(|arg| arg != "--trace");
    let trace = args.len() < all;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let holds = match args.as_slice() {
        ["--scenarios"] => {
            let violated =
                scenarios::ALL.iter().filter(|scenario| !report(&scenario.run(trace))).count();
            println!("{violated} of {} scenarios violated", scenarios::ALL.len());
            violated == 0
        }
        ["--scenario", name] => {
            let Some(scenario) = scenarios::ALL.iter().find(|scenario| scenario.name == *name)
            else {
                eprintln!(
                    "no scenario {name:?}; there are: {}",
                    scenarios::ALL.map(|scenario| scenario.name).join(", ")
                );
                return ExitCode::from(2);
            };
            report(&scenario.run(trace))
        }
        ["--seeds", range] => match parse(range) {
            Some((from, to)) => many(from, to, random::run),
            None => return usage(),
        },
        ["--replicas", range] => match parse(range) {
            Some((from, to)) => many(from, to, random::replicas::run),
            None => return usage(),
        },
        ["--replica", seed] => match seed.parse() {
            Ok(seed) => {
                report(&(format!("replicas, seed {seed}"), random::replicas::run(seed, trace)))
            }
            Err(_) => return usage(),
        },
        ["--leases", range] => match parse(range) {
            Some((from, to)) => many_leases(from, to, trace),
            None => return usage(),
        },
        [seed] => match seed.parse() {
            Ok(seed) => report(&(format!("seed {seed}"), random::run(seed, trace))),
            Err(_) => return usage(),
        },
        _ => return usage(),
    };
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn parse(range: &str) -> Option<(u64, u64)> {
    let (from, to) = range.split_once("..")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

/// Runs many worlds of replicas. Returns whether there are no violations.
fn many_leases(from: u64, to: u64, trace: bool) -> bool {
    let started = Instant::now();
    let (mut failing, mut simulated) = (0, 0);
    for seed in from..to {
        let outcome = leases::run(seed, trace);
        simulated += outcome.simulated;
        failing += u32::from(!outcome.violations.is_empty());
        for violation in outcome.violations.iter().filter(|_| failing <= 10).take(MOST_SHOWN) {
            println!("    seed {seed}: {violation}");
        }
    }
    println!(
        "leases: {failing} of {} seeds with violations ({} s simulated in {} ms)",
        to.saturating_sub(from),
        simulated / time::S,
        started.elapsed().as_millis()
    );
    failing == 0
}

/// Prints the violations in a world. Returns whether there are none.
fn report((name, world): &(String, World)) -> bool {
    let violations = &world.check.violations;
    let mut by_invariant: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for violation in violations {
        by_invariant.entry(violation.invariant).or_default().push(format!(
            "{} {}",
            show(violation.at),
            violation.what
        ));
    }
    let verdict = if violations.is_empty() { "pass" } else { "violated" };
    let counts = format!(
        "{} steps, {} calls, {} writes, {} probes",
        world.steps, world.check.calls, world.check.writes, world.check.probes
    );
    println!("{verdict:<9}{name} ({counts}; {} simulated)", show(world.now).trim());
    for (invariant, all) in by_invariant {
        println!("    {invariant}: {}", all.len());
        for what in all.iter().take(MOST_SHOWN) {
            println!("        {what}");
        }
    }
    violations.is_empty()
}

#[derive(Default)]
struct Totals {
    steps: u64,
    simulated: u64,
    writes: usize,
    calls: usize,
    probes: usize,
    /// By invariant: how many violations, in which seeds.
    violations: BTreeMap<&'static str, (usize, BTreeSet<u64>)>,
    failing: BTreeSet<u64>,
    slowest: (u128, u64),
}

/// Runs many seeds on all processors. Returns whether there are no violations.
fn many(from: u64, to: u64, run: fn(u64, bool) -> World) -> bool {
    let (next, totals) = (AtomicU64::new(from), Mutex::new(Totals::default()));
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= to {
                        return;
                    }
                    let begun = Instant::now();
                    let world = run(seed, false);
                    if let Ok(mut totals) = totals.lock() {
                        totals.add(seed, &world, begun.elapsed().as_millis());
                    }
                }
            });
        }
    });
    let Ok(totals) = totals.into_inner() else { return false };
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    let seeds = to.saturating_sub(from);
    println!("{seeds} seeds in {}.{:03} s on {threads} threads", millis / 1000, millis % 1000);
    println!(
        "{} steps ({} a second), {} s simulated",
        totals.steps,
        totals.steps * 1000 / millis,
        totals.simulated / time::S
    );
    println!(
        "{} calls, {} writes, {} probes of fairness",
        totals.calls, totals.writes, totals.probes
    );
    println!("slowest: seed {} with {} ms", totals.slowest.1, totals.slowest.0);
    println!("{} seeds with violations", totals.failing.len());
    for (invariant, (count, seeds)) in &totals.violations {
        let first: Vec<String> = seeds.iter().take(12).map(u64::to_string).collect();
        let more = if seeds.len() > first.len() { " ..." } else { "" };
        println!("    {invariant}: {count} in {} seeds: {}{more}", seeds.len(), first.join(" "));
    }
    totals.failing.is_empty()
}

impl Totals {
    fn add(&mut self, seed: u64, world: &World, millis: u128) {
        self.steps += world.steps;
        self.simulated += world.now;
        self.writes += world.check.writes;
        self.calls += world.check.calls;
        self.probes += world.check.probes;
        self.slowest = self.slowest.max((millis, seed));
        for violation in &world.check.violations {
            let (count, seeds) = self.violations.entry(violation.invariant).or_default();
            *count += 1;
            seeds.insert(seed);
            self.failing.insert(seed);
        }
    }
}
