//! A request for a plan: each entry is changed or refused at most once, and nothing but a known
//! entry is.
#![no_main]

use std::collections::BTreeSet;

use istio_cloud_map_core::api::plan;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|request: &[u8]| {
    let text = plan(request);
    assert_eq!(text, plan(request));
    let answer: Value = serde_json::from_str(&text).expect("an answer is JSON");
    let Some(answer) = answer.get("ok") else {
        assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
        return;
    };
    // A key that is passed over may hold half of a surrogate pair, which a value can't.
    let Ok(request) = serde_json::from_slice::<Value>(request) else { return };
    let known: BTreeSet<&str> = ["desired", "observed"]
        .iter()
        .flat_map(|list| request["input"][list].as_array().into_iter().flatten())
        .map(|entry| entry["metadata"]["name"].as_str().unwrap_or_default())
        .collect();
    let mut seen = BTreeSet::new();
    for item in ["changes", "refusals"].iter().flat_map(|list| answer[list].as_array().expect("a list")) {
        let (namespace, name) = (item["namespace"].as_str().expect("a namespace"), item["name"].as_str().expect("a name"));
        assert!(known.contains(name), "{item}");
        assert!(seen.insert((namespace, name)), "twice: {item}");
    }
});
