//! The core gives the same bytes wherever it runs. The modules are those that `cargo wasm plain
//! policy` has built.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod cases;
#[path = "../policy/guest.rs"]
#[expect(dead_code, reason = "the policy's own tests use more of it")]
mod guest;
mod package;
mod plain;
mod policy;
mod runner;

use cases::Case;
use runner::compare;

/// How many translations are generated.
const TRANSLATIONS: u64 = 300;
/// How many plans, and how many validations.
const OTHERS: u64 = 100;
/// How many differences are printed.
const PRINTED: usize = 3;

/// `FIRST_SEED=10000` tries others.
#[test]
fn every_host_translates_to_the_same_bytes() {
    let first: u64 = std::env::var("FIRST_SEED").map_or(0, |seed| seed.parse().unwrap());
    let mut cases = cases::golden();
    let golden = cases.len();
    cases.extend((first..first + TRANSLATIONS).map(cases::translation));
    let one_in = |part: usize| cases.len() / part;
    assert!(answered(&cases, r#"{"ok":{"serviceEntries":[{"#) > one_in(2), "too few have an entry");
    assert!(answered(&cases, r#"{"error":"#) > one_in(100), "too few are wrong");
    assert!(
        cases.iter().filter(|case| case.options.is_some()).count() > one_in(2),
        "too few have options"
    );
    assert_same(&format!("{golden} golden and {TRANSLATIONS} generated translations"), &cases);
}

#[test]
fn every_host_plans_and_validates_to_the_same_bytes() {
    let mut cases: Vec<Case> = (0..OTHERS).map(cases::plan).collect();
    assert!(answered(&cases, r#"{"ok":{"changes":[{"#) > cases.len() / 2, "too few plan something");
    let found = cases::validations(usize::try_from(OTHERS).unwrap());
    assert!(answered(&found, r#"{"ok":[{"#) > found.len() / 2, "too few have findings");
    cases.extend(found);
    assert_same(&format!("{OTHERS} plans and {OTHERS} validations"), &cases);
}

/// How many answers begin like this.
fn answered(cases: &[Case], beginning: &str) -> usize {
    let natives = cases.iter().filter_map(|case| Some(&case.request.as_ref()?.native));
    natives.filter(|native| native.starts_with(beginning.as_bytes())).count()
}

fn assert_same(what: &str, cases: &[Case]) {
    let of_all: Vec<_> = runner::all(&plain::path())
        .iter()
        .map(|runner| compare(&**runner, cases))
        .filter(|one| one.compared > 0)
        .collect();
    let compared: usize = of_all.iter().map(|one| one.compared).sum();
    let differing: Vec<&str> =
        of_all.iter().flat_map(|one| &one.differing).map(String::as_str).collect();
    println!(
        "parity: {what}, {} hosts beside the native build: {compared} answers, {} differ",
        of_all.len(),
        differing.len()
    );
    for one in &of_all {
        println!("{one}");
    }
    assert!(compared > cases.len() * 4 * 9 / 10, "too few were asked");
    let shown = &differing[..differing.len().min(PRINTED)];
    assert!(
        differing.is_empty(),
        "{} answers differ, {PRINTED} of them at most here:\n{}",
        differing.len(),
        shown.join("\n")
    );
}
