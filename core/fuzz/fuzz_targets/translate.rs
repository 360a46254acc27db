//! A request for a translation: the answer is JSON, the same each time, and its entries are valid
//! and have one name each.
#![no_main]

use std::collections::BTreeSet;

use istio_cloud_map_core::api::translate;
use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::service_entry::validate::validate;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|request: &[u8]| {
    let text = translate(request);
    assert_eq!(text, translate(request));
    let answer: Value = serde_json::from_str(&text).expect("an answer is JSON");
    let Some(answer) = answer.get("ok") else {
        assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
        return;
    };
    let mut names = BTreeSet::new();
    for entry in answer["serviceEntries"].as_array().expect("entries") {
        assert!(names.insert(entry["metadata"]["name"].as_str().expect("a name")), "two entries of one name: {entry}");
        let errors: Vec<_> = validate(entry).into_iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:?}\n{entry}");
    }
});
