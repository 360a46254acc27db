//! The core for JavaScript. Input and options are JSON texts. `translate` returns a text, the
//! others return objects. What is thrown is an error's JSON, of which
//! `package/lib/calls.js` makes a typed error.

use istio_cloud_map_core::api::{Error, text};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// See [`text::translate`].
///
/// # Errors
/// Those of the call, as JSON.
#[wasm_bindgen]
pub fn translate(input: &str, options: &str) -> Result<String, String> {
    text::translate(input, options).map_err(|error| error.to_json())
}

/// See [`text::explain`].
///
/// # Errors
/// Those of the call, as JSON.
#[wasm_bindgen]
pub fn explain(input: &str, options: &str) -> Result<JsValue, String> {
    object(text::explain(input, options))
}

/// See [`text::plan`].
///
/// # Errors
/// Those of the call, as JSON.
#[wasm_bindgen]
pub fn plan(input: &str, options: &str) -> Result<JsValue, String> {
    object(text::plan(input, options))
}

/// See [`text::validate`].
///
/// # Errors
/// Those of the call, as JSON.
#[wasm_bindgen]
pub fn validate(input: &str) -> Result<JsValue, String> {
    object(text::validate(input))
}

fn object<T: Serialize>(result: Result<T, Error>) -> Result<JsValue, String> {
    let value = result.map_err(|error| error.to_json())?;
    value.serialize(&Serializer::json_compatible()).map_err(|error| error.to_string())
}
