//! Entries as text: YAML documents as kubectl prints them, or one JSON `List`.
//!
//! serde-saphyr quotes whatever a reader of YAML 1.1 (kubectl's `sigs.k8s.io/yaml`, `PyYAML`) would
//! take for something else than a string: `"80"`, `"on"`, `"012"`, `"1_000"`, `"12:30:45"`. Lines
//! are never folded and nothing is anchored, so that a change of a value is a change of its line.

mod document;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use document::Document;

/// The line between two documents.
pub const SEPARATOR: &str = "---\n";

/// One document, ending in a newline.
pub fn document(value: &impl Serialize) -> Result<String, serde_saphyr::ser::Error> {
    let options = serde_saphyr::ser_options! {
        indent_step: 2,
        compact_list_indent: true,
        prefer_block_scalars: false,
    };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, value, options)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Documents with [`SEPARATOR`] between them; nothing at all, if there are none.
pub fn stream<T: Serialize>(
    values: impl IntoIterator<Item = T>,
) -> Result<String, serde_saphyr::ser::Error> {
    let documents: Result<Vec<String>, _> =
        values.into_iter().map(|value| document(&value)).collect();
    documents.map(|documents| documents.join(SEPARATOR))
}

/// One JSON document that `kubectl apply -f -` takes: `kind: List`.
pub fn json_list<T: Serialize>(items: &[T]) -> Result<String, serde_json::Error> {
    let list = List { api_version: "v1", items, kind: "List", metadata: Nothing {} };
    serde_json::to_string_pretty(&list).map(|text| text + "\n")
}

/// As kubectl writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a, T> {
    api_version: &'static str,
    items: &'a [T],
    kind: &'static str,
    metadata: Nothing,
}

#[derive(Serialize)]
struct Nothing {}
