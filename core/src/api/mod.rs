//! The core as calls of JSON, for hosts that exchange nothing else: one request, one response, both
//! UTF-8. A failure is a response too.
//!
//! A request is `{"input": ..., "options"?: {...}}`, a response `{"ok": ...}` or `{"error": {"kind":
//! ..., "message": ...}}`, with `path`, `line` and `column` where they are known: [`translate`], [`plan`], [`validate`]. A host whose language has JSON and
//! exceptions takes the calls in [`text`], without that envelope. In Rust, use the types:
//! [`Translation`], [`PlanInput`] and [`crate::service_entry::validate::validate`].

mod plan;
#[cfg(test)]
mod tests;
mod translate;

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

pub use plan::{NamespaceInput, PlanInput, PlanOptions, ScopesInput};
pub use translate::{Explanation, TranslateOptions, Translation};

use crate::cloud_map::InputError;
use crate::json::{self, Misread, Position};
use crate::service_entry::validate::{Finding, validate as findings};
use crate::sorted::SortedMap;

/// Why a call has no result. The caller can fix each of them.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[error("{message}")]
pub struct Error {
    /// Which part of the request is wrong.
    pub kind: ErrorKind,
    /// What is wrong, where, and what was expected.
    pub message: String,
    /// The path of what is wrong, `services[0].instances` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where the text stops being JSON.
    #[serde(flatten)]
    pub position: Option<Position>,
}

/// Which part of a request is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ErrorKind {
    /// The request is not an object with `input` and `options`.
    InvalidRequest,
    /// The input has none of the shapes that the call accepts.
    InvalidInput,
    /// An option is unknown or has a bad value.
    InvalidOptions,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), path: None, position: None }
    }

    fn request(problem: &dyn fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidRequest, format!("the request: {problem}"))
    }

    fn input(misread: Misread) -> Self {
        Self::misread(ErrorKind::InvalidInput, misread.to_string(), misread)
    }

    fn options(misread: Misread) -> Self {
        Self::misread(ErrorKind::InvalidOptions, format!("options: {misread}"), misread)
    }

    /// With the path and the position of what could not be read.
    fn misread(kind: ErrorKind, message: String, misread: Misread) -> Self {
        let path = Some(misread.path).filter(|path| !path.is_empty());
        Self { kind, message, path, position: misread.position }
    }

    /// `{"kind": ..., "message": ..., "path"?, "line"?, "column"?}`
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { kind, message, .. } = self;
        serde_json::to_string(self).unwrap_or_else(|_| format!("{kind:?}: {message}"))
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        let message = error.to_string();
        let (path, position) = match error {
            InputError::Syntax { position, .. } => (None, Some(position)),
            InputError::Shape { path, .. } => (path, None),
            InputError::Text(_) | InputError::Unnamed { .. } => (None, None),
        };
        Self { kind: ErrorKind::InvalidInput, message, path, position }
    }
}

/// Translates. The input is Cloud Map JSON, the options are [`TranslateOptions`], the result is
/// `{"serviceEntries": [...], "diagnostics": [...]}`.
#[must_use]
pub fn translate(request: &[u8]) -> String {
    let translation = Request::parse(request).and_then(|request| {
        Translation::parse(request.input.get(), TranslateOptions::parse(request.options())?)
    });
    let length = translation.as_ref().map_or(0, Translation::length_hint);
    response(translation, length)
}

/// Plans. The input is a [`PlanInput`], the options are [`PlanOptions`], the result is a
/// [`crate::operator::Plan`].
#[must_use]
pub fn plan(request: &[u8]) -> String {
    let plan = Request::parse(request).and_then(|request| {
        let input = PlanInput::parse(request.input.get())?;
        input.plan(&PlanOptions::parse(request.options())?)
    });
    response(plan, 0)
}

/// Validates. The input is any `ServiceEntry`, of this project or not; there are no options; the
/// result is a list of [`Finding`]s.
#[must_use]
pub fn validate(request: &[u8]) -> String {
    let validated = |request: Request<'_>| -> Result<Vec<Finding>, Error> {
        let NoOptions {} = json::read(request.options()).map_err(Error::options)?;
        text::validate(request.input.get())
    };
    response(Request::parse(request).and_then(validated), 0)
}

/// Calls that take input and options as a text each and return the result without an envelope, for
/// hosts whose language has JSON and exceptions.
pub mod text {
    use super::{
        Error, ErrorKind, Explanation, Finding, PlanInput, PlanOptions, TranslateOptions,
        Translation, findings, json,
    };
    use crate::operator::Plan;

    /// Translates Cloud Map JSON. The text is what [`super::translate`] returns as `ok`.
    ///
    /// # Errors
    /// If the input or the options are not as expected.
    pub fn translate(input: &str, options: &str) -> Result<String, Error> {
        // No translation is known that can't be written as JSON.
        Translation::parse(input, TranslateOptions::parse(options)?)?.to_json().map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("the answer can't be written: {error}"))
        })
    }

    /// Explains a translation: for each service, the rule behind each part of its entry.
    ///
    /// # Errors
    /// If the input or the options are not as expected.
    pub fn explain(input: &str, options: &str) -> Result<Vec<Explanation>, Error> {
        Ok(Translation::parse(input, TranslateOptions::parse(options)?)?.explain())
    }

    /// Plans.
    ///
    /// # Errors
    /// If the input or the options are not as expected.
    pub fn plan(input: &str, options: &str) -> Result<Plan, Error> {
        let options = PlanOptions::parse(options)?;
        PlanInput::parse(input)?.plan(&options)
    }

    /// Validates.
    ///
    /// # Errors
    /// If the input is not JSON.
    pub fn validate(input: &str) -> Result<Vec<Finding>, Error> {
        Ok(findings(&json::read(input).map_err(Error::input)?))
    }
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
    fn parse(request: &'a [u8]) -> Result<Self, Error> {
        let text = str::from_utf8(request).map_err(|error| Error::request(&error))?;
        json::read(text).map_err(|misread| Error::request(&misread))
    }

    /// The given options, else an empty object.
    fn options(&self) -> &'a str {
        self.options.map_or("{}", RawValue::get)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Response<T> {
    Ok(T),
    Error(Error),
}

fn response<T: Serialize>(result: Result<T, Error>, length: usize) -> String {
    let response = match result {
        Ok(value) => Response::Ok(value),
        Err(error) => Response::Error(error),
    };
    to_json(&response, length)
        .unwrap_or_else(|error| format!(r#"{{"error":{{"kind":"InvalidRequest","message":"the answer can't be written: {error}"}}}}"#))
}

/// JSON that is about `length` bytes long.
fn to_json<T: Serialize>(value: &T, length: usize) -> Result<String, serde_json::Error> {
    let mut text = Vec::with_capacity(length);
    serde_json::to_writer(&mut text, value)?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// One object of options that belong to two types: those that only the call has, and those of a type
/// in the core.
struct CallOptions<'a>(SortedMap<String, &'a RawValue>);

impl<'a> CallOptions<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        json::read(text).map(Self).map_err(Error::options)
    }

    /// Removes an option and parses its value.
    fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        json::read(value.get()).map(Some).map_err(|misread| Error::options(misread.within(name)))
    }

    /// Parses the remaining options as the type in the core. An option that neither type has is an
    /// error; serde's `flatten` would ignore it.
    fn rest<T: DeserializeOwned>(self) -> Result<T, Error> {
        let mut text = String::from("{");
        for (key, value) in self.0.iter() {
            let comma = if text.len() > 1 { "," } else { "" };
            text.extend([
                comma,
                &serde_json::Value::from(key.as_str()).to_string(),
                ":",
                value.get(),
            ]);
        }
        text.push('}');
        json::read(&text).map_err(Error::options)
    }
}
