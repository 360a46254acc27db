//! Any JSON as a `ServiceEntry`: findings are the same each time, and each is one line.
#![no_main]

use istio_cloud_map_core::service_entry::validate::validate;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let Ok(entry) = serde_json::from_slice::<Value>(text) else { return };
    let findings = validate(&entry);
    assert_eq!(findings, validate(&entry));
    for finding in findings {
        let line = finding.to_string();
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(!finding.message.is_empty());
    }
});
