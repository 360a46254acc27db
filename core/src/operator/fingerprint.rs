//! Fingerprints of JSON values that do not depend on the order of keys.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::order;

/// The fingerprint of a value. Only compared with others of the same process, never stored.
pub(super) fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(b) => (1_u8, b).hash(hasher),
        Value::Number(n) => (2_u8, n.to_string()).hash(hasher),
        Value::String(s) => (3_u8, s).hash(hasher),
        Value::Array(items) => {
            (4_u8, items.len()).hash(hasher);
            for item in items {
                feed(item, hasher);
            }
        }
        Value::Object(map) => {
            (5_u8, map.len()).hash(hasher);
            // serde_json keeps keys sorted or in their order of insertion, as some other crate's
            // features decide.
            let mut keys: Vec<_> = map.iter().collect();
            order::sort_by(&mut keys, |(a, _), (b, _)| a.cmp(b));
            for (key, item) in keys {
                key.hash(hasher);
                feed(item, hasher);
            }
        }
    }
}
