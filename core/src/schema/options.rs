//! The JSON Schema of the translation's options.

use schemars::Schema;
use schemars::generate::SchemaSettings;

use crate::translate::Options;

/// Of what is read as [`Options`]: nothing that is refused passes it, save what no schema can say
/// (two ports of one number).
#[must_use]
pub fn translation_options() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Options>()
}
