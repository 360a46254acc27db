use istio_cloud_map_tests::bed::Judge;
use serde_json::{Value, json};

use crate::tutorial;

/// The tutorial's entry with other fields in its `spec`, or without those that are null.
fn tutorial_with(change: Value) -> Value {
    let mut entry = tutorial();
    let spec = entry.get_mut("spec").and_then(Value::as_object_mut).expect("a spec");
    let Value::Object(change) = change else { return entry };
    spec.extend(change);
    // The CRD's rules tell an empty list from an absent one.
    spec.retain(|_, value| !value.is_null());
    entry
}

#[tokio::test]
async fn the_tutorials_entry_is_accepted_without_a_warning() {
    let judge = Judge::start().await;
    judge.assert_accepts(&[tutorial()]).await;
    let verdicts = judge.verdicts(&[tutorial()]).await;
    let [verdict] = verdicts.as_slice() else { unreachable!("one verdict an entry") };
    assert_eq!(verdict.name, "cloudmap-getistio-external-service.my-namespace");
    assert!(verdict.warnings.is_empty(), "{verdict:?}");
}

#[tokio::test]
async fn what_istio_or_the_crd_forbids_is_rejected_by_whom_it_concerns() {
    let cases = [
        ("a wildcard for all hosts", json!({"hosts": ["*"]}), "admission: "),
        ("an underscore in a host", json!({"hosts": ["a_b.example.com"]}), "admission: "),
        (
            "a host name as a STATIC endpoint",
            json!({"endpoints": [{"address": "a.example.com"}]}),
            "admission: ",
        ),
        ("a CIDR under DNS", json!({"addresses": ["10.0.0.0/8"], "resolution": "DNS"}), "crd: "),
        ("a field that does not exist", json!({"host": "a.example.com"}), "crd: "),
    ];
    let judge = Judge::start().await;
    for (name, change, whose) in cases {
        let verdicts = judge.verdicts(&[tutorial_with(change)]).await;
        let errors: Vec<&String> = verdicts.iter().flat_map(|verdict| &verdict.errors).collect();
        assert!(errors.iter().any(|error| error.starts_with(whose)), "{name}: {errors:?}");
    }
}

#[tokio::test]
async fn a_hint_is_a_warning_and_no_error() {
    let judge = Judge::start().await;
    let entry = tutorial_with(json!({
        "addresses": null,
        "endpoints": null,
        "ports": [{"name": "tcp", "number": 5432, "protocol": "TCP"}],
        "resolution": "NONE",
    }));
    let verdicts = judge.verdicts(&[entry]).await;
    let [verdict] = verdicts.as_slice() else { unreachable!("one verdict an entry") };
    assert_eq!((verdict.errors.len(), verdict.warnings.len()), (0, 1), "{verdict:?}");
}

#[tokio::test]
#[should_panic(expected = "invalid host *")]
async fn an_assertion_names_what_was_rejected() {
    let judge = Judge::start().await;
    judge.assert_accepts(&[tutorial_with(json!({"hosts": ["*"]}))]).await;
}

#[tokio::test]
async fn a_thousand_entries_of_a_hundred_endpoints_are_judged_in_their_order() {
    let endpoints: Vec<Value> =
        (1..=100).map(|last| json!({"address": format!("10.0.0.{last}")})).collect();
    let entry = tutorial_with(json!({"endpoints": endpoints}));
    let entries: Vec<Value> = (0..1000)
        .map(|number| {
            let mut entry = entry.clone();
            entry["metadata"]["name"] = json!(format!("entry-{number}"));
            entry
        })
        .collect();
    let judge = Judge::start().await;
    let verdicts = judge.verdicts(&entries).await;
    let in_order = verdicts.iter().enumerate().all(|(number, verdict)| {
        verdict.name == format!("entry-{number}") && verdict.errors.is_empty()
    });
    assert!(in_order);
}
