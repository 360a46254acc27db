//! Tests of the simulation itself, and of the operator in it.

use crate::random;
use crate::scenarios;

/// A part of what `tests/run sim` runs, for a plain `cargo test`.
const SEEDS: u64 = 24;

#[test]
fn a_seed_is_one_world() {
    let seen = |seed| {
        let world = random::run(seed, false);
        (
            world.now,
            world.steps,
            world.check.calls,
            world.check.writes,
            format!("{:?}", world.check.violations),
        )
    };
    for seed in 0..4 {
        assert_eq!(seen(seed), seen(seed), "seed {seed}");
    }
}

#[test]
fn no_seed_violates_an_invariant() {
    for seed in 0..SEEDS {
        let world = random::run(seed, false);
        assert!(world.check.violations.is_empty(), "seed {seed}: {:?}", world.check.violations);
    }
}

#[test]
fn replicas_violate_no_invariant() {
    for seed in 0..SEEDS / 3 {
        let world = random::replicas::run(seed, false);
        assert!(world.check.violations.is_empty(), "seed {seed}: {:?}", world.check.violations);
    }
}

/// One test for each scenario, named after the fault that it detects.
macro_rules! scenarios {
    ($($(#[$attribute:meta])* $test:ident: $name:literal,)+) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $test() {
                let scenario = scenarios::ALL.iter().find(|scenario| scenario.name == $name).map(|scenario| scenario.run(false).1);
                let violations = scenario.map(|world| world.check.violations.iter().map(|v| v.what.clone()).collect::<Vec<_>>());
                assert_eq!(violations, Some(Vec::new()));
            }
        )+

        #[test]
        fn every_scenario_is_a_test() {
            let tested = [$($name),+];
            let untested: Vec<_> = scenarios::ALL.iter().map(|scenario| scenario.name).filter(|name| !tested.contains(name)).collect();
            assert_eq!(untested, Vec::<&str>::new());
        }
    };
}

scenarios! {
    a_calm_account_violates_nothing: "calm",
    adopted_entries_are_not_emptied_on_one_answer: "o1",
    two_waves_of_deletes_are_judged_together: "o2-twice",
    emptyings_that_come_one_by_one_are_judged_together: "o2-empty",
    deletes_in_many_namespaces_are_judged_together: "o2-lists",
    a_lost_answer_to_a_create_ends: "o3-lost",
    a_rejected_entry_whose_service_goes_is_dropped: "o3-rejected",
    a_create_that_loses_a_race_ends: "o3-race",
    a_delete_that_finds_nothing_ends: "o3-not-found",
    a_single_pass_ends_though_an_answer_is_lost: "o3-once",
    an_allowed_emptying_is_no_allowed_deletion: "o2-kind",
    an_emptying_is_not_lost_when_services_appear: "o4",
    #[ignore = "takes a minute without optimisation; part of tests/run sim"]
    lists_of_many_pages_are_read_within_the_budget: "o5",
    #[ignore = "takes a minute without optimisation; part of tests/run sim"]
    many_namespaces_are_listed_fairly: "o5-many",
    services_that_keep_appearing_hold_nobody_back: "o6",
    a_deletion_that_overtakes_the_answer_to_a_create_is_repaired: "o7",
    a_late_answer_to_a_delete_does_not_remove_what_was_made_anew: "o7-anew",
    a_late_deletion_does_not_remove_a_newer_entry: "o7-deleted",
    an_older_list_does_not_remove_a_newer_entry: "o7-list",
    a_drained_tcp_service_keeps_its_addresses: "o8",
    a_tcp_service_without_instances_keeps_its_ports: "o8-none",
    a_fight_with_a_controller_slows_down: "o9",
    a_fight_of_two_operators_slows_down: "o9-two",
    a_namespace_made_anew_keeps_its_entries: "o11",
    one_empty_list_of_services_deletes_nothing: "o12",
    one_empty_list_of_namespaces_deletes_nothing: "o12-namespaces",
    #[ignore = "takes a minute without optimisation; part of tests/run sim"]
    the_oldest_change_is_written_first: "o13",
    a_claimant_that_cannot_be_read_freezes_nobody: "o15",
    an_outage_of_writes_costs_few_attempts: "o16",
    a_wait_that_the_api_server_asks_for_is_kept: "o16-retry-after",
    a_success_does_not_end_a_wait_that_a_later_answer_asks_for: "o16-late-success",
    a_repair_after_a_lost_answer_may_be_a_removal: "o17-lost",
    hints_are_applied_as_people_change_them: "hints",
    entries_keep_what_hints_asked_for_while_those_cannot_be_read: "hints-restart",
    merged_entries_keep_the_endpoints_of_a_service_that_cannot_be_read: "merge",
    sources_of_one_account_share_its_budget: "quota",
    a_stop_lets_writes_in_flight_end_and_starts_no_others: "stop",
    a_stop_ends_though_answers_are_lost: "stop-silent",
    a_repair_is_no_removal: "o17",
    a_flapping_service_is_not_listed_again_and_again: "o18",
    two_operators_of_one_id_and_two_sources_keep_to_their_own: "o21",
    an_entry_of_another_operator_is_left_to_it: "o21-host",
}
