//! Calls of texts, for hosts whose language has JSON and exceptions of its own: input and options
//! are a text each, and the result is returned without an envelope.

use super::{Error, PlanInput, PlanOptions, TranslateOptions, Translation, planned};
use crate::json;
use crate::operator::Plan;
use crate::service_entry::validate::{Finding, validate as findings};

/// Translates Cloud Map JSON. What comes out is what [`super::translate`] answers as `ok`.
///
/// # Errors
/// Where the input or the options are not what they must be.
pub fn translate(input: &str, options: &str) -> Result<String, Error> {
    Translation::of(input, TranslateOptions::read(options)?)?
        .to_json()
        .map_err(|error| unwritten(&error))
}

/// Plans.
///
/// # Errors
/// If the input or the options are not as expected.
pub fn plan(input: &str, options: &str) -> Result<Plan, Error> {
    let options = PlanOptions::read(options)?;
    planned(&PlanInput::read(input)?, &options)
}

/// Validates.
///
/// # Errors
/// If the input is not JSON.
pub fn validate(input: &str) -> Result<Vec<Finding>, Error> {
    Ok(findings(&json::read(input).map_err(Error::input)?))
}

/// Nothing is known that can be computed and not written.
fn unwritten(error: &serde_json::Error) -> Error {
    Error::InvalidInput(format!("the answer can't be written: {error}"))
}
