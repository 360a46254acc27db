//! An entry with some fields of its spec replaced, and all else as it stands.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

type Fields = BTreeMap<String, Box<RawValue>>;

/// The entry with these fields in its spec; null: without the field. Values that are not replaced
/// keep their bytes.
pub(super) fn filled(
    entry: &str,
    fields: &Map<String, Value>,
) -> Result<Box<RawValue>, serde_json::Error> {
    let mut entry: Fields = serde_json::from_str(entry)?;
    let spec = entry.get("spec").map(|spec| Option::<Fields>::deserialize(&**spec)).transpose()?;
    let mut spec = spec.flatten().unwrap_or_default();
    for (name, value) in fields {
        if value.is_null() {
            spec.remove(name);
        } else {
            spec.insert(name.clone(), to_raw_value(value)?);
        }
    }
    entry.insert("spec".to_owned(), to_raw_value(&spec)?);
    to_raw_value(&entry)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_replaced_keeps_its_bytes() {
        let entry = r#"{"metadata":{"b":1.50,"a":123456789012345678901234567890},"spec":{"hosts":["old"],"resolution":"DNS","subjectAltNames":[ "x" ]}}"#;
        let fields = json!({"hosts": ["new"], "resolution": null, "ports": [{"number": 80}]});
        let text = filled(entry, fields.as_object().unwrap()).unwrap();
        assert_eq!(
            text.get(),
            r#"{"metadata":{"b":1.50,"a":123456789012345678901234567890},"spec":{"hosts":["new"],"ports":[{"number":80}],"subjectAltNames":[ "x" ]}}"#
        );
    }

    #[test]
    fn an_entry_without_a_spec_gets_one() {
        let fields = json!({"hosts": ["new"]});
        for entry in ["{}", r#"{"spec":null}"#] {
            assert_eq!(
                filled(entry, fields.as_object().unwrap()).unwrap().get(),
                r#"{"spec":{"hosts":["new"]}}"#
            );
        }
        assert!(filled(r#"{"spec":[]}"#, fields.as_object().unwrap()).is_err());
    }
}
