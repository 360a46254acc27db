//! Objects as large as an API server takes.

use serde_json::{Map, Value, json};

use crate::guest::{Policy, create, entry};

/// The message of a verdict on an entry that Istio would not take.
fn refusal(policy: &Policy, entry: &Value) -> String {
    let verdict = policy.validate(&create("alice", entry), &json!({}));
    assert_eq!(verdict["accepted"], json!(false));
    verdict["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_largest_entries_get_a_short_answer() {
    let policy = Policy::start();
    let unknown: Map<String, Value> =
        (0..80_000).map(|number| (format!("field{number}"), json!(1))).collect();
    let mut one_object = entry(&["web.shop"]);
    one_object["spec"].as_object_mut().unwrap().extend(unknown);
    one_object["spec"]["hosts"] = json!([]);
    let mut many_objects = entry(&["web.shop"]);
    many_objects["spec"]["endpoints"] =
        (0..80_000).map(|number| json!({format!("f{number}"): 1})).collect();
    let mut empty_endpoints = entry(&["web.shop"]);
    empty_endpoints["spec"]["endpoints"] = vec![json!({}); 400_000].into();
    for (name, entry, words) in [
        ("one object", one_object, "spec.hosts"),
        ("many objects", many_objects, "it has 80000 items, but at most"),
        ("empty endpoints", empty_endpoints, "it has 400000 items, but at most"),
    ] {
        let message = refusal(&policy, &entry);
        assert!(
            message.contains(words) && message.len() < 10_000,
            "{name}: {} bytes: {message:.2000}",
            message.len()
        );
    }
}
