//! Calls of texts, for hosts whose language has JSON and exceptions of its own: input and options
//! each a text, the result alone as the answer.

use super::{Error, PlanInput, PlanOptions, TranslateOptions, Translation, planned, to_json};
use crate::json;
use crate::service_entry::validate::validate as findings;

/// Translates Cloud Map JSON. What comes out is what [`super::translate`] answers as `ok`.
///
/// # Errors
/// Where the input or the options are not what they must be.
pub fn translate(input: &str, options: &str) -> Result<String, Error> {
    Translation::of(input, TranslateOptions::read(options)?)?
        .to_json()
        .map_err(|error| unwritten(&error))
}

/// Plans. What comes out is what [`super::plan`] answers as `ok`.
///
/// # Errors
/// Where the input or the options are not what they must be.
pub fn plan(input: &str, options: &str) -> Result<String, Error> {
    let options = PlanOptions::read(options)?;
    to_json(&planned(&PlanInput::read(input)?, &options)?, 0).map_err(|error| unwritten(&error))
}

/// Validates. What comes out is what [`super::validate`] answers as `ok`.
///
/// # Errors
/// Where the input is no JSON.
pub fn validate(input: &str) -> Result<String, Error> {
    to_json(&findings(&json::read(input).map_err(Error::input)?), 0)
        .map_err(|error| unwritten(&error))
}

/// Nothing is known that can be computed and not written.
fn unwritten(error: &serde_json::Error) -> Error {
    Error::InvalidInput(format!("the answer can't be written: {error}"))
}
