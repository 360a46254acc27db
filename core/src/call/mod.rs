//! Calls for hosts that speak JSON and nothing else: a request in, an answer out, both UTF-8.
//! Nothing fails but by its answer.
//!
//! A request is `{"input": ..., "options"?: {...}}`, an answer `{"ok": ...}` or `{"error": {"kind":
//! ..., "message": ...}}`. A host that has values of its own takes the typed calls:
//! [`Translation`], [`planned`], [`crate::service_entry::validate::validate`]; one with texts and
//! exceptions, [`text`].

mod options;
mod plan;
#[cfg(test)]
mod tests;
pub mod text;
mod translate;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

pub use plan::{PlanInput, PlanOptions, ScopesInput, planned};
pub use translate::{TranslateOptions, Translation};

use crate::json::{self, Misread};
use crate::service_entry::validate::{Finding, validate as findings};

/// Why a call has no result. All three are the caller's to mend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The request is no object of `input` and `options`.
    #[error("the request: {0}")]
    InvalidRequest(String),
    /// The input is not of a shape that the call takes.
    #[error("{0}")]
    InvalidInput(String),
    /// An option is unknown or has a bad value.
    #[error("options: {0}")]
    InvalidOptions(String),
}

impl Error {
    fn input(misread: Misread) -> Self {
        Self::InvalidInput(misread.into())
    }

    fn options(misread: Misread) -> Self {
        Self::InvalidOptions(misread.into())
    }

    /// The name of what is wrong: `InvalidRequest`, `InvalidInput` or `InvalidOptions`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::InvalidInput(_) => "InvalidInput",
            Self::InvalidOptions(_) => "InvalidOptions",
        }
    }
}

/// Translates: Cloud Map JSON as `input`, [`TranslateOptions`] as `options`, `{"serviceEntries":
/// [...], "diagnostics": [...]}` as the answer.
#[must_use]
pub fn translate(request: &[u8]) -> String {
    let translation = Request::read(request).and_then(|request| {
        Translation::of(request.input.get(), TranslateOptions::read(request.options())?)
    });
    let length = translation.as_ref().map_or(0, Translation::length_hint);
    answer(translation, length)
}

/// Plans: [`PlanInput`] as `input`, [`PlanOptions`] as `options`, [`crate::operator::Plan`] as the
/// answer.
#[must_use]
pub fn plan(request: &[u8]) -> String {
    answer(
        Request::read(request).and_then(|request| {
            planned(&PlanInput::read(request.input.get())?, &PlanOptions::read(request.options())?)
        }),
        0,
    )
}

/// Validates: a `ServiceEntry` of anybody's as `input`, no `options`, a list of [`Finding`]s as the
/// answer.
#[must_use]
pub fn validate(request: &[u8]) -> String {
    let found = |request: Request<'_>| -> Result<Vec<Finding>, Error> {
        let NoOptions {} = json::read(request.options()).map_err(Error::options)?;
        Ok(findings(&json::read(request.input.get()).map_err(Error::input)?))
    };
    answer(Request::read(request).and_then(found), 0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    options: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}

impl<'a> Request<'a> {
    fn read(request: &'a [u8]) -> Result<Self, Error> {
        let text =
            str::from_utf8(request).map_err(|error| Error::InvalidRequest(error.to_string()))?;
        serde_json::from_str(text).map_err(|error| Error::InvalidRequest(error.to_string()))
    }

    /// Those that are given, else none.
    fn options(&self) -> &'a str {
        self.options.map_or("{}", RawValue::get)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Ok(T),
    Error(ErrorAnswer),
}

#[derive(Serialize)]
struct ErrorAnswer {
    kind: &'static str,
    message: String,
}

fn answer<T: Serialize>(result: Result<T, Error>, length: usize) -> String {
    let answer = match result {
        Ok(value) => Answer::Ok(value),
        Err(error) => Answer::Error(ErrorAnswer { kind: error.kind(), message: error.to_string() }),
    };
    to_json(&answer, length)
        .unwrap_or_else(|error| format!(r#"{{"error":{{"kind":"InvalidRequest","message":"the answer can't be written: {error}"}}}}"#))
}

/// JSON that is about `length` bytes long.
fn to_json<T: Serialize>(value: &T, length: usize) -> Result<String, serde_json::Error> {
    let mut text = Vec::with_capacity(length);
    serde_json::to_writer(&mut text, value)?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}
