//! The JSON Schema of the translation's options.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;

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

/// Puts each paragraph of a description on one line: where the source wraps it says nothing.
fn unwrap_description(schema: &mut Schema) {
    if let Some(text) = schema.get("description").and_then(|text| text.as_str()) {
        let paragraphs: Vec<String> =
            text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        schema.insert("description".to_owned(), paragraphs.join("\n\n").into());
    }
}
