//! The first difference of two JSON values.

use serde_json::Value;

use crate::order;

/// The first path, in the order of fields and items, at which `found` is not `expected`, with both
/// values; none if they are equal. A null and an empty list or object are equal to no field.
pub(super) fn first(path: &str, found: &Value, expected: &Value) -> Option<String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let mut keys: Vec<&String> = found.keys().chain(expected.keys()).collect();
            order::sort(&mut keys);
            keys.dedup();
            let of = |map: &serde_json::Map<String, Value>, key: &str| {
                map.get(key).cloned().unwrap_or_default()
            };
            keys.into_iter().find_map(|key| {
                first(&format!("{path}.{key}"), &of(found, key), &of(expected, key))
            })
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            let mut pairs = found.iter().zip(expected).enumerate();
            pairs.find_map(|(index, (found, expected))| {
                first(&format!("{path}[{index}]"), found, expected)
            })
        }
        (Value::Array(found), Value::Array(expected))
            if !found.is_empty() && !expected.is_empty() =>
        {
            Some(format!("{path} has {} items, expected {}", found.len(), expected.len()))
        }
        _ if is_none(found) && is_none(expected) || found == expected => None,
        _ => Some(format!("{path} is {}, expected {}", shown(found), shown(expected))),
    }
}

fn is_none(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    if is_none(value) {
        return "absent".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}..."),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_place_that_differs_is_named_with_both_values() {
        for (name, found, expected, message) in [
            ("equal", json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 2}]}), None),
            ("empty and absent", json!({"a": [], "b": {}, "c": null}), json!({}), None),
            (
                "a value",
                json!({"a": [1, {"b": 2}]}),
                json!({"a": [1, {"b": 3}]}),
                Some("spec.a[1].b is 2, expected 3"),
            ),
            (
                "a field too many",
                json!({"a": "x"}),
                json!({}),
                Some(r#"spec.a is "x", expected absent"#),
            ),
            (
                "a field too few",
                json!({}),
                json!({"a": "x"}),
                Some(r#"spec.a is absent, expected "x""#),
            ),
            (
                "a longer list",
                json!({"a": [1, 2]}),
                json!({"a": [1]}),
                Some("spec.a has 2 items, expected 1"),
            ),
            (
                "no list",
                json!({"a": []}),
                json!({"a": [1]}),
                Some("spec.a is absent, expected [1]"),
            ),
            (
                "another type",
                json!({"a": "80"}),
                json!({"a": 80}),
                Some(r#"spec.a is "80", expected 80"#),
            ),
            (
                "zero is not nothing",
                json!({"a": 0}),
                json!({}),
                Some("spec.a is 0, expected absent"),
            ),
        ] {
            assert_eq!(first("spec", &found, &expected).as_deref(), message, "{name}");
        }
    }
}
