//! The JSON Schema of the translation's options.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use crate::translate::Options;

/// Of what is read as [`Options`]: nothing that is refused passes it, save what no schema can say
/// (two ports of one number).
#[must_use]
pub fn translation_options() -> Schema {
    SchemaSettings::draft2020_12()
        .with_transform(RecursiveTransform(unwrap_description))
        .into_generator()
        .into_root_schema_for::<Options>()
}

/// What a reader wants to know of an option beside its description: a line for each of several values
/// that it takes, and its default.
#[must_use]
pub fn notes(schema: &Schema, name: &str) -> Vec<String> {
    let schema = schema.as_value();
    let Some(option) = schema.pointer(&format!("/properties/{name}")) else { return Vec::new() };
    let definition = option.get("$ref").and_then(Value::as_str);
    let definition = definition.and_then(|at| schema.pointer(at.trim_start_matches('#')));
    let values = definition.and_then(|definition| definition.get("oneOf")?.as_array());
    let mut notes: Vec<String> = values
        .into_iter()
        .flatten()
        .filter_map(|value| {
            let description = value.get("description")?.as_str()?.replace('\n', " ");
            Some(format!("- `{}`: {description}", value.get("const")?.as_str()?))
        })
        .collect();
    notes.extend(option.get("default").map(|default| format!("@default {default}")));
    notes
}

/// The options as a page in Markdown.
#[must_use]
pub fn options_page() -> String {
    let schema = translation_options();
    let mut page = "<!-- Generated from the Rust types by `UPDATE_GOLDEN=1 cargo test`: do not edit. -->\n\n\
        # Translation options\n\n\
        `--set NAME=VALUE` in `serve` and `translate`, `options` of the WebAssembly modules. The forms of \
        values are in [translation-options.schema.json](translation-options.schema.json).\n"
        .to_owned();
    page.push_str(&section(&schema, "/properties"));
    page.push_str(
        "\n## `overrides`\n\nEach has any of these fields; without `source`, `namespace` and `service` it is for all services.\n",
    );
    page.push_str(&section(&schema, "/$defs/Override/properties"));
    page
}

fn section(schema: &Schema, at: &str) -> String {
    let row = |(name, option): (&String, &Value)| {
        let description = option.get("description").and_then(Value::as_str).unwrap_or_default();
        let default =
            option.get("default").map(|default| format!("`{default}`")).unwrap_or_default();
        let values = notes(schema, name);
        let values = values.iter().filter_map(|note| note.strip_prefix("- "));
        let text: Vec<&str> = std::iter::once(description).chain(values).collect();
        let text = text.join("<br>").replace('\n', " ").replace('|', "\\|");
        format!("| `{name}` | {} | {text} |\n", default.replace('|', "\\|"))
    };
    let properties = schema.as_value().pointer(at).and_then(Value::as_object);
    let rows = properties.into_iter().flatten().map(row);
    std::iter::once("\n| option | default | |\n|---|---|---|\n".to_owned()).chain(rows).collect()
}

/// Puts each paragraph of a description on one line: where the source wraps it says nothing.
fn unwrap_description(schema: &mut Schema) {
    if let Some(text) = schema.get("description").and_then(|text| text.as_str()) {
        let paragraphs: Vec<String> =
            text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        schema.insert("description".to_owned(), paragraphs.join("\n\n").into());
    }
}
