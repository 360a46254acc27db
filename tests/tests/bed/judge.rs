//! The judge accepts and rejects as Istio and its CRD do.

use istio_cloud_map_tests::bed::Judge;
use serde_json::{Value, json};

use crate::tutorial;

/// The tutorial's entry with other fields in its `spec`, or without those that are null.
fn tutorial_with(change: Value) -> Value {
    let mut entry = tutorial();
    let spec = entry.get_mut("spec").and_then(Value::as_object_mut).expect("a spec");
    let Value::Object(change) = change else { return entry };
    spec.extend(change);
    // The CRD's rules distinguish an empty list from an absent one.
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
async fn what_istio_or_the_crd_forbids_is_rejected_by_the_one_that_forbids_it() {
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
#[should_panic(expected = "invalid host *")]
async fn an_assertion_names_what_was_rejected() {
    let judge = Judge::start().await;
    judge.assert_accepts(&[tutorial_with(json!({"hosts": ["*"]}))]).await;
}
