//! Bytes to requests and answers to bytes, in both of AWS's protocols for this service.
//!
//! The SDK for Rust speaks JSON 1.1, boto3 and the AWS CLI speak CBOR where the service model
//! offers it.

mod cbor;
mod constraints;
mod model;
mod request;

use axum::http::{HeaderMap, Uri};
use serde_json::Value;

use super::answers::Answer;
use super::error::{ErrorKind, Refusal};
pub(super) use request::Request;

const TARGET: &str = "Route53AutoNaming_v20170314";

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Json,
    Cbor,
}

impl Wire {
    /// The protocol that a request speaks, and the operation's name.
    pub(super) fn of<'request>(
        uri: &'request Uri,
        headers: &'request HeaderMap,
    ) -> (Self, &'request str) {
        if let Some(path) = uri.path().strip_prefix("/service/") {
            let operation =
                path.strip_prefix(TARGET).and_then(|rest| rest.strip_prefix("/operation/"));
            return (Self::Cbor, operation.unwrap_or_default());
        }
        let target =
            headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let operation = target.strip_prefix(TARGET).and_then(|rest| rest.strip_prefix('.'));
        (Self::Json, operation.unwrap_or_default())
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/cbor",
        }
    }

    pub(super) fn decode(self, body: &[u8]) -> Result<Value, Refusal> {
        let decoded = match self {
            _ if body.is_empty() => Ok(Value::Object(serde_json::Map::new())),
            Self::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
            Self::Cbor => cbor::decode(body),
        };
        decoded.map_err(|error| Refusal::new(ErrorKind::Serialization, error))
    }

    pub(super) fn encode(self, answer: &Answer) -> Vec<u8> {
        match (self, answer) {
            (Self::Json, Answer::Text(text)) => text.clone().into_bytes(),
            (Self::Json, Answer::Members(members)) => members.to_string().into_bytes(),
            (Self::Cbor, Answer::Text(text)) => {
                cbor::encode(&serde_json::from_str(text).unwrap_or_default())
            }
            (Self::Cbor, Answer::Members(members)) => cbor::encode(members),
        }
    }
}
