//! What the world promises, whatever the operator does.

use crate::random;
use crate::scenarios;

#[test]
fn a_seed_is_one_world() {
    let told = |seed| {
        let world = random::run(seed, false);
        (world.now, world.steps, world.check.calls, world.check.writes, format!("{:?}", world.check.violations))
    };
    for seed in 0..4 {
        assert_eq!(told(seed), told(seed), "seed {seed}");
    }
}

#[test]
fn a_calm_account_violates_nothing() {
    let calm = scenarios::ALL.iter().find(|scenario| scenario.name == "calm").map(|scenario| scenario.run(false).1);
    let violations = calm.map(|world| world.check.violations.iter().map(|violation| violation.what.clone()).collect::<Vec<_>>());
    assert_eq!(violations, Some(Vec::new()));
}
