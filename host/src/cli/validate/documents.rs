//! The documents of a file.

use anyhow::{Context as _, ensure};
use serde_json::{Deserializer, Value};

/// Deeper documents end the stack, and no entry is nearly so deep.
const DEEPEST: usize = 64;

/// All documents of YAML or JSON text, empty ones left out.
pub(super) fn of(text: &str) -> anyhow::Result<Vec<Value>> {
    let documents = if text.trim_start().starts_with(['{', '[']) { json(text) } else { None };
    let documents = documents.map_or_else(|| yaml(text), Ok)?;
    ensure!(documents.iter().all(|document| document.is_object() || document.is_array()), "it is no YAML or JSON of objects");
    // `kubectl get -o json | jq .items` gives a bare list.
    let flat = documents.into_iter().flat_map(|document| match document {
        Value::Array(items) => items,
        other => vec![other],
    });
    Ok(flat.collect())
}

/// Tabs may indent JSON, but not YAML. What begins like JSON may yet be YAML.
fn json(text: &str) -> Option<Vec<Value>> {
    Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()
}

fn yaml(text: &str) -> anyhow::Result<Vec<Value>> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // The file is the user's own, and a cluster's entries are more than the default takes.
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            max_documents: usize::MAX,
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
        },
    };
    serde_saphyr::from_multiple_with_options(text, options).context("it is no YAML")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails panics")]

    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_and_json_are_told_apart_by_themselves() {
        let all = vec![json!({"a": 1}), json!({"b": [true]})];
        for text in [
            "a: 1\n---\nb: [true]\n",
            "{\"a\": 1}\n{\"b\": [true]}\n",
            "{a: 1}\n---\n{b: [yes]}",
            "[{\"a\": 1},\n\t{\"b\": [true]}]",
            "---\na: 1\n---\n---\n# nothing\n---\nb:\n- on\n",
        ] {
            assert_eq!(of(text).unwrap(), all, "{text}");
        }
    }

    #[test]
    fn nothing_is_no_document() {
        for text in ["", "\n", "# nothing\n", "---\n---\n"] {
            assert_eq!(of(text).unwrap(), Vec::<Value>::new(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_an_error() {
        for text in ["a: b: c", "a: [", "{\"a\": ", "just words", "a: 1\na: 2\n"] {
            assert!(of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_of_many_entries_is_no_bomb() {
        let many = "- {a: 1, b: 2, c: 3, d: 4}\n".repeat(30_000);
        assert_eq!(of(&many).unwrap().len(), 30_000);
        assert!(of(&"[".repeat(10_000)).is_err());
    }
}
