//! The core for JavaScript. Texts cross the border, in one piece each way; `package/lib/calls.js`
//! makes objects of them, and typed errors of what is thrown here, which is `KIND: message`.

use istio_cloud_map_core::call::{Error, text};
use wasm_bindgen::prelude::wasm_bindgen;

/// See [`text::translate`].
///
/// # Errors
/// Those of the call, as text.
#[wasm_bindgen]
pub fn translate(input: &str, options: &str) -> Result<String, String> {
    text::translate(input, options).map_err(|error| thrown(&error))
}

/// See [`text::plan`].
///
/// # Errors
/// Those of the call, as text.
#[wasm_bindgen]
pub fn plan(input: &str, options: &str) -> Result<String, String> {
    text::plan(input, options).map_err(|error| thrown(&error))
}

/// See [`text::validate`].
///
/// # Errors
/// Those of the call, as text.
#[wasm_bindgen]
pub fn validate(input: &str) -> Result<String, String> {
    text::validate(input).map_err(|error| thrown(&error))
}

fn thrown(error: &Error) -> String {
    format!("{}: {error}", error.kind())
}
