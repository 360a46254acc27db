#![expect(clippy::panic, reason = "a test fails by panicking")]

use super::{Config, Effect, Election, Event, Record, Time, Version, WriteFailure};

const fn at(seconds: u64) -> Time {
    Time::from_secs(seconds)
}

fn version(number: u32) -> Version {
    Version { uid: None, resource_version: Some(number.to_string()) }
}

fn record(holder: &str, renewed: &str) -> Record {
    Record {
        holder: (!holder.is_empty()).then(|| holder.to_owned()),
        transitions: 3,
        duration: at(15),
        renewed: renewed.to_owned(),
    }
}

fn listed(leases: &[(&str, Record)]) -> Event {
    let lease = |(name, record): &(&str, Record)| ((*name).to_owned(), record.clone(), version(1));
    Event::Listed { leases: leases.iter().map(lease).collect() }
}

fn observed(name: &str, record: Option<Record>, number: u32) -> Event {
    Event::Observed { name: name.to_owned(), record, version: version(number) }
}

fn written(name: &str, number: u32) -> Event {
    Event::Written { name: name.to_owned(), result: Ok(version(number)) }
}

fn failed(name: &str, failure: WriteFailure) -> Event {
    Event::Written { name: name.to_owned(), result: Err(failure) }
}

fn lead(name: &str, is_leader: bool) -> Effect {
    Effect::Lead { name: name.to_owned(), is_leader }
}

/// The lease and the holder of each write.
fn writes(effects: &[Effect]) -> Vec<(&str, &str)> {
    let mut writes = Vec::new();
    for effect in effects {
        if let Effect::Write { name, record, .. } = effect {
            writes.push((name.as_str(), record.holder.as_deref().unwrap_or("")));
        }
    }
    writes
}

/// The replica `me`, which its own lease shows, beside these leases.
fn replica(sources: &[&str], leases: &[(&str, Record)]) -> (Election, Vec<Effect>) {
    let config = Config {
        identity: "me".to_owned(),
        leases: sources.iter().map(|name| (*name).to_owned()).collect(),
        ..Config::default()
    };
    let mut election = Election::new(config, at(0));
    let effects = election.handle(listed(leases), at(0));
    assert_eq!(writes(&effects), [("member-me", "me")]);
    let effects = election.handle(written("member-me", 2), at(0));
    (election, effects)
}

/// The leader of `a`, by a write of second 0.
fn leader() -> Election {
    let (mut election, effects) = replica(&["a"], &[]);
    assert_eq!(writes(&effects), [("a", "me")]);
    assert_eq!(election.handle(written("a", 3), at(0)), [lead("a", true)]);
    election
}

#[test]
fn nothing_is_written_before_the_first_list() {
    let config = Config { identity: "me".to_owned(), ..Config::default() };
    let mut election = Election::new(config, at(0));
    assert_eq!(election.handle(Event::Tick, at(60)), []);
    assert_eq!(election.deadline(), None);
}

#[test]
fn a_lease_that_does_not_exist_is_created() {
    let (_, effects) = replica(&["a"], &[]);
    let Some(Effect::Write { record, replaces, .. }) = effects.first() else { panic!("no write") };
    assert_eq!((record.transitions, replaces), (0, &None));
}

#[test]
fn a_released_lease_is_taken_at_once_in_a_new_term() {
    let (mut election, effects) = replica(&["a"], &[("a", record("", "1"))]);
    let Some(Effect::Write { record, replaces, .. }) = effects.first() else { panic!("no write") };
    assert_eq!((record.transitions, replaces), (4, &Some(version(1))));
    assert_eq!(election.term("a", at(0)), None);
    assert_eq!(election.handle(written("a", 3), at(1)), [lead("a", true)]);
    assert_eq!(election.term("a", at(1)), Some(4));
}

#[test]
fn a_lease_is_taken_when_it_has_not_changed_for_its_duration() {
    let (mut election, effects) = replica(&["a"], &[("a", record("other", "1"))]);
    assert_eq!(effects, []);
    let _ = election.handle(observed("a", Some(record("other", "2")), 5), at(4));
    // Renewing the own lease meanwhile.
    for second in 5..19 {
        let effects = election.handle(Event::Tick, at(second));
        assert!(writes(&effects).iter().all(|(name, _)| *name == "member-me"), "at {second}");
        let _ = election.handle(written("member-me", 10), at(second));
    }
    assert_eq!(writes(&election.handle(Event::Tick, at(19))), [("a", "me")]);
}

#[test]
fn an_edit_that_is_no_renewal_does_not_prolong_a_lease() {
    let (mut election, _) = replica(&["a"], &[("a", record("other", "1"))]);
    let _ = election.handle(observed("a", Some(record("other", "1")), 5), at(14));
    let effects = election.handle(written("member-me", 10), at(14));
    assert_eq!(writes(&effects), []);
    let _ = election.handle(Event::Tick, at(14));
    let _ = election.handle(written("member-me", 11), at(14));
    let effects = election.handle(Event::Tick, at(15));
    assert!(
        matches!(effects.as_slice(), [Effect::Write { replaces, .. }] if *replaces == Some(version(5)))
    );
}

#[test]
fn a_lease_of_a_longer_duration_is_respected_for_it() {
    let long = Record { duration: at(60), ..record("other", "1") };
    let (mut election, _) = replica(&["a"], &[("a", long)]);
    let _ = election.handle(Event::Tick, at(59));
    assert_eq!(writes(&election.handle(written("member-me", 3), at(59))), []);
    assert_eq!(writes(&election.handle(Event::Tick, at(60))), [("a", "me")]);
}

#[test]
fn the_renew_deadline_counts_from_when_the_write_was_sent() {
    let (mut election, _) = replica(&["a"], &[]);
    assert_eq!(election.handle(written("a", 3), at(4)).first(), Some(&lead("a", true)));
    assert_eq!((election.term("a", at(9)), election.term("a", at(10))), (Some(0), None));
    let effects = election.handle(Event::Tick, at(10));
    assert_eq!(effects.first(), Some(&lead("a", false)));
}

#[test]
fn an_answer_that_comes_after_the_renew_deadline_makes_no_leader() {
    let (mut election, _) = replica(&["a"], &[]);
    let effects = election.handle(written("a", 3), at(10));
    assert!(!effects.contains(&lead("a", true)));
    assert_eq!(election.term("a", at(10)), None);
}

#[test]
fn a_paused_process_finds_first_that_it_leads_no_more() {
    let mut election = leader();
    let effects = election.handle(written("member-me", 9), at(20));
    assert_eq!(effects.first(), Some(&lead("a", false)));
}

#[test]
fn a_leader_renews_every_five_seconds_and_retries_after_two() {
    let mut election = leader();
    assert_eq!(election.deadline(), Some(at(5)));
    let effects = election.handle(Event::Tick, at(5));
    assert_eq!(writes(&effects), [("member-me", "me"), ("a", "me")]);
    let _ = election.handle(written("member-me", 8), at(5));
    assert_eq!(election.handle(failed("a", WriteFailure::Failed), at(6)), []);
    assert_eq!(election.deadline(), Some(at(8)));
    assert_eq!(writes(&election.handle(Event::Tick, at(8))), [("a", "me")]);
    assert_eq!(election.handle(written("a", 9), at(9)), []);
    assert_eq!(election.term("a", at(17)), Some(0));
}

#[test]
fn a_leader_stops_at_once_when_another_has_the_lease() {
    let mut election = leader();
    let effects = election.handle(observed("a", Some(record("other", "1")), 9), at(1));
    assert_eq!(effects, [lead("a", false)]);
}

#[test]
fn an_older_state_that_is_observed_late_changes_nothing() {
    let mut election = leader();
    assert_eq!(election.handle(observed("a", Some(record("other", "1")), 1), at(1)), []);
    assert_eq!(election.handle(observed("a", None, 2), at(1)), []);
    assert_eq!(election.term("a", at(1)), Some(0));
}

#[test]
fn after_a_conflict_a_newer_state_is_tried_at_once() {
    let (mut election, _) = replica(&["a"], &[("a", record("", "1"))]);
    assert_eq!(election.handle(failed("a", WriteFailure::Conflict), at(0)), []);
    assert_eq!(
        writes(&election.handle(observed("a", Some(record("", "2")), 7), at(1))),
        [("a", "me")]
    );
}

#[test]
fn a_write_that_succeeds_without_an_answer_is_repeated_before_it_counts() {
    let (mut election, _) = replica(&["a"], &[]);
    assert_eq!(election.handle(failed("a", WriteFailure::Failed), at(1)), []);
    let effects = election.handle(observed("a", Some(record("me", "1")), 7), at(1));
    assert_eq!(writes(&effects), [("a", "me")]);
    assert_eq!(election.handle(written("a", 8), at(1)), [lead("a", true)]);
    assert_eq!(election.term("a", at(1)), Some(4));
}

#[test]
fn a_leader_recreates_its_lease_at_once_and_stays_the_leader() {
    let mut election = leader();
    let effects = election.handle(observed("a", None, 9), at(1));
    assert!(matches!(effects.as_slice(), [Effect::Write { replaces: None, .. }]));
    assert_eq!(election.handle(written("a", 10), at(1)), []);
    assert_eq!(election.term("a", at(10)), Some(0));
}

#[test]
fn a_lapsed_leader_recreates_a_deleted_lease_only_after_its_duration() {
    let mut election = leader();
    let _ = election.handle(Event::Tick, at(11));
    let _ = election.handle(failed("a", WriteFailure::Failed), at(12));
    // Another may have taken it unobserved.
    let _ = election.handle(observed("a", None, 9), at(13));
    assert_eq!(writes(&election.handle(Event::Tick, at(27))), []);
    assert_eq!(writes(&election.handle(Event::Tick, at(28))), [("a", "me")]);
}

#[test]
fn a_deleted_lease_of_another_is_taken_only_after_its_duration() {
    let (mut election, _) = replica(&["a"], &[("a", record("other", "1"))]);
    assert_eq!(election.handle(observed("a", None, 9), at(1)), []);
    let _ = election.handle(Event::Tick, at(15));
    assert_eq!(writes(&election.handle(written("member-me", 10), at(15))), []);
    assert_eq!(writes(&election.handle(Event::Tick, at(16))), [("a", "me")]);
}

#[test]
fn a_replica_takes_no_more_than_its_share() {
    let other = [("member-other", record("other", "1"))];
    let (_, effects) = replica(&["a", "b", "c"], &other);
    assert_eq!(writes(&effects), [("a", "me"), ("b", "me")]);
    // The first by identity have one more.
    let first = [("member-first", record("first", "1"))];
    let (_, effects) = replica(&["a", "b", "c"], &first);
    assert_eq!(writes(&effects), [("a", "me")]);
}

#[test]
fn surplus_is_released_one_at_a_time_last_by_name_after_leading_ends() {
    let sources = ["a", "b", "c", "d"];
    let (mut election, _) = replica(&sources, &[]);
    for name in sources {
        let _ = election.handle(written(name, 3), at(0));
    }
    let joined = observed("member-other", Some(record("other", "1")), 9);
    let effects = election.handle(joined, at(1));
    assert_eq!((effects.first(), writes(&effects)), (Some(&lead("d", false)), vec![("d", "")]));
    assert_eq!(election.handle(Event::Tick, at(1)), []);
    assert_eq!(election.handle(written("d", 10), at(1)), []);
    let taken = observed("d", Some(record("other", "1")), 11);
    assert_eq!(writes(&election.handle(taken, at(2))), [("c", "")]);
}

#[test]
fn a_member_that_is_not_renewed_does_not_count() {
    let other = [("member-other", record("other", "1")), ("b", record("other", "1"))];
    let (mut election, _) = replica(&["a", "b"], &other);
    let _ = election.handle(written("a", 3), at(0));
    let _ = election.handle(Event::Tick, at(14));
    let _ = election.handle(written("member-me", 4), at(14));
    assert_eq!(writes(&election.handle(Event::Tick, at(15))), [("b", "me")]);
}

#[test]
fn the_lease_of_a_member_that_has_long_ended_is_deleted() {
    let (mut election, _) = replica(&[], &[("member-other", record("other", "1"))]);
    assert!(
        !election.handle(Event::Tick, at(74)).iter().any(|e| matches!(e, Effect::Delete { .. }))
    );
    let effects = election.handle(Event::Tick, at(75));
    let delete = Effect::Delete { name: "member-other".to_owned(), version: version(1) };
    assert_eq!(effects, [delete]);
}

#[test]
fn a_stop_releases_everything_and_then_finishes() {
    let mut election = leader();
    let effects = election.handle(Event::Stop, at(1));
    assert_eq!((effects.first(), writes(&effects)), (Some(&lead("a", false)), vec![("a", "")]));
    let delete = Effect::Delete { name: "member-me".to_owned(), version: version(2) };
    assert_eq!(effects.last(), Some(&delete));
    assert_eq!(election.handle(written("a", 8), at(1)), []);
    assert_eq!(election.handle(written("member-me", 9), at(1)), [Effect::Stopped]);
    assert_eq!((election.handle(Event::Tick, at(9)), election.deadline()), (vec![], None));
}

#[test]
fn a_lease_that_is_being_taken_at_a_stop_is_released_without_leading() {
    let (mut election, _) = replica(&["a"], &[]);
    let _ = election.handle(Event::Stop, at(1));
    assert_eq!(writes(&election.handle(written("a", 8), at(1))), [("a", "")]);
}

#[test]
fn a_stop_ends_though_no_answer_comes() {
    let mut election = leader();
    let _ = election.handle(Event::Stop, at(1));
    assert_eq!(election.deadline(), Some(at(4)));
    assert_eq!(election.handle(Event::Tick, at(4)), [Effect::Stopped]);
}

#[test]
fn a_stop_before_the_first_list_ends_at_once() {
    let mut election = Election::new(Config::default(), at(0));
    assert_eq!(election.handle(Event::Stop, at(0)), [Effect::Stopped]);
}

#[test]
fn a_new_member_takes_nothing_where_the_shares_are_as_even_as_they_can_be() {
    let mut election = leader();
    // First in order of identity, and one source can't be shared.
    let effects = election.handle(observed("member-aa", Some(record("aa", "1")), 9), at(1));
    assert_eq!(effects, []);
    let effects = election.handle(Event::Tick, at(2));
    assert_eq!(writes(&effects), []);
    assert!(election.term("a", at(2)).is_some());
}

#[test]
fn the_lease_of_a_source_that_is_left_out_is_released_and_that_of_a_new_one_is_taken() {
    let mut election = leader();
    let effects = election.handle(Event::Configured { leases: vec!["b".to_owned()] }, at(1));
    assert_eq!(effects.first(), Some(&lead("a", false)));
    assert_eq!(writes(&effects), [("a", ""), ("b", "me")]);
    assert_eq!(election.handle(written("b", 4), at(1)), [lead("b", true)]);
    assert_eq!(election.handle(written("a", 5), at(1)), []);
    // What another replica does with it is of no concern any more.
    assert_eq!(election.handle(observed("a", Some(record("other", "1")), 6), at(2)), []);
    assert!(election.term("a", at(2)).is_none() && election.term("b", at(2)).is_some());
}

#[test]
fn a_source_that_comes_back_before_its_lease_is_released_is_led_again() {
    let mut election = leader();
    let effects = election.handle(Event::Configured { leases: Vec::new() }, at(1));
    assert_eq!(writes(&effects), [("a", "")]);
    let effects = election.handle(Event::Configured { leases: vec!["a".to_owned()] }, at(1));
    assert_eq!(effects, []);
    let effects = election.handle(written("a", 4), at(2));
    assert_eq!(writes(&effects), [("a", "me")]);
    assert_eq!(election.handle(written("a", 5), at(2)), [lead("a", true)]);
}
