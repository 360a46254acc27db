//! `validate` agrees with Istio and the API server about any `ServiceEntry`.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

mod stored;
mod tally;

use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::service_entry::validate::{Finding, Rule, Source, validate};
use istio_cloud_map_tests::bed::{ApiServer, Judge};
use istio_cloud_map_tests::generated::Entries;
use istio_cloud_map_tests::golden;
use serde_json::Value;
use tally::Tally;

/// The intended differences between `validate` and the judge: a part of a message that identifies
/// the case, and the reason.
///
/// What the judge does not check is not a difference: the API server checks the object's name,
/// labels and annotations, see [`the_api_server_agrees`]. The judge gets the entry as it would be
/// stored: the API server drops unknown fields and nulls before validation.
const DIFFERENCES: &[(&str, &str)] = &[];

#[tokio::test]
async fn istio_agrees() {
    let judge = Judge::start().await;
    let mut tally = Tally::default();
    for entry in Entries::of_seed(1).take(8_000) {
        let verdict = stored::verdict(&judge, &entry).await;
        tally.compare(&entry, &verdict, |rule| rule.source() != Source::Kubernetes);
    }
    println!("checked by Istio and the CRD: {tally}");
    tally.assert_agreement(DIFFERENCES);
    tally.assert_both_sides(2_000);
    let unmet =
        tally.rules_never_alone(|rule| matches!(rule.source(), Source::Istio | Source::Crd));
    assert!(unmet.is_empty(), "no entry is rejected for these alone: {unmet:?}");
}

/// The API server itself, which checks the CRD's schema and the metadata, and then Istio's
/// admission.
#[tokio::test]
async fn the_api_server_agrees() {
    let (server, judge) = (ApiServer::start().await, Judge::start().await);
    let client = server.client().await;
    let mut tally = Tally::default();
    for entry in Entries::of_seed(2).take(1_000) {
        let mut verdict = stored::verdict(&judge, &entry).await;
        verdict.errors.retain(|error| error.starts_with("admission: "));
        verdict.errors.extend(stored::refusal(&client, &entry).await);
        tally.compare(&entry, &verdict, |_| true);
    }
    println!("judged by an API server and Istio: {tally}");
    tally.assert_agreement(&[]);
    tally.assert_both_sides(200);
    let unmet = tally.rules_never_alone(|rule| {
        matches!(rule, Rule::InvalidName | Rule::InvalidLabel | Rule::InvalidAnnotation)
    });
    assert!(unmet.is_empty(), "no entry is rejected for these alone: {unmet:?}");
}

#[test]
fn what_translate_writes_has_no_error() {
    let mut count = 0;
    for golden in golden::all() {
        let written: Value = serde_json::from_str(&golden.output).expect("JSON");
        for entry in written.get("serviceEntries").and_then(Value::as_array).into_iter().flatten() {
            let errors: Vec<String> = errors(entry).iter().map(ToString::to_string).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", golden.name);
            count += 1;
        }
    }
    assert!(count > 50, "{count} entries");
}

fn errors(entry: &Value) -> Vec<Finding> {
    validate(entry).into_iter().filter(|finding| finding.severity == Severity::Error).collect()
}

#[test]
fn a_seed_gives_the_same_entries_again() {
    let some = |seed| Entries::of_seed(seed).take(50).collect::<Vec<Value>>();
    assert!(some(1) == some(1) && some(1) != some(2));
}
