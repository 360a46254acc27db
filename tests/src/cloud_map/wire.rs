//! Bytes to requests, and answers and errors to bytes, in both of AWS's protocols for this service.
//!
//! The SDK for Rust speaks JSON 1.1, boto3 and the AWS CLI speak CBOR where the service model
//! offers it.

use std::fmt;

use axum::http::{HeaderMap, Uri};
use ciborium::Value as Cbor;
use serde_json::{Map, Value};

use super::answers::Answer;
use super::calls::Operation;
use super::model;

const TARGET: &str = "Route53AutoNaming_v20170314";

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Json,
    Cbor,
}

impl Wire {
    /// The protocol that a request speaks, and the operation's name.
    pub(super) fn from_request<'request>(
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
            Self::Cbor => decode_cbor(body),
        };
        decoded.map_err(|error| Refusal::new(ErrorKind::Serialization, error))
    }

    pub(super) fn encode(self, answer: &Answer) -> Vec<u8> {
        match (self, answer) {
            (Self::Json, Answer::Text(text)) => text.clone().into_bytes(),
            (Self::Json, Answer::Members(members)) => members.to_string().into_bytes(),
            (Self::Cbor, Answer::Text(text)) => {
                encode_cbor(&serde_json::from_str(text).unwrap_or_default())
            }
            (Self::Cbor, Answer::Members(members)) => encode_cbor(members),
        }
    }
}

/// The members that the service model types as time stamps.
const TIMESTAMPS: [&str; 2] = ["CreateDate", "UpdateDate"];

fn decode_cbor(body: &[u8]) -> Result<Value, String> {
    ciborium::from_reader(body).map_err(|error| error.to_string())
}

fn encode_cbor(answer: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail, and every value below is one that CBOR has.
    let _ = ciborium::into_writer(&to_cbor(answer), &mut bytes);
    bytes
}

fn to_cbor(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(bool) => Cbor::Bool(*bool),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Cbor::Integer(integer.into()),
            None => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(values) => Cbor::Array(values.iter().map(to_cbor).collect()),
        Value::Object(members) => Cbor::Map(
            members
                .iter()
                .map(|(name, value)| {
                    let converted = to_cbor(value);
                    let tagged = value.is_number() && TIMESTAMPS.contains(&name.as_str());
                    let converted =
                        if tagged { Cbor::Tag(1, Box::new(converted)) } else { converted };
                    (Cbor::Text(name.clone()), converted)
                })
                .collect(),
        ),
    }
}

/// A request whose members are known to have the model's types.
#[derive(Debug, Clone)]
pub(super) struct Request(Map<String, Value>);

impl Request {
    pub(super) fn parse(operation: Operation, body: Value) -> Result<Self, Refusal> {
        model::check(model::input(operation), &body)?;
        match body {
            Value::Object(members) => Ok(Self(members)),
            _ => Ok(Self(Map::new())),
        }
    }

    /// A member that may be absent; null is absent, as AWS has it.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.member(name).and_then(Value::as_str)
    }

    /// A member that the model requires.
    pub(super) fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.member(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
    }

    pub(super) fn list(&self, name: &str) -> &[Value] {
        self.member(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The pairs of a map of strings.
    pub(super) fn pairs(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = self.member(name).and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// The pairs of a list of tags.
    pub(super) fn tags(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.list(name)
            .iter()
            .filter_map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value")?.as_str()?)))
    }
}

/// Why a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The caller may not.
    AccessDenied,
    /// The service has no custom health check.
    CustomHealthNotFound,
    /// The credentials have run out.
    ExpiredToken,
    /// No such instance.
    InstanceNotFound,
    /// HTTP 500.
    InternalFailure,
    /// The request breaks a constraint of the model.
    InvalidInput,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// There is one of this name.
    NamespaceAlreadyExists,
    /// No such namespace.
    NamespaceNotFound,
    /// No such operation to ask after.
    OperationNotFound,
    /// The data plane's throttle.
    RequestLimitExceeded,
    /// Something is still in it.
    ResourceInUse,
    /// A quota is used up.
    ResourceLimitExceeded,
    /// No such ARN.
    ResourceNotFound,
    /// The body cannot be read as the request that it claims to be.
    Serialization,
    /// There is one of this name.
    ServiceAlreadyExists,
    /// More than 30 attributes.
    ServiceAttributesLimitExceeded,
    /// No such service.
    ServiceNotFound,
    /// HTTP 503.
    ServiceUnavailable,
    /// The control plane's throttle.
    Throttling,
    /// No such operation to call.
    UnknownOperation,
}

impl ErrorKind {
    /// The type on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::CustomHealthNotFound => "CustomHealthNotFound",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::InstanceNotFound => "InstanceNotFound",
            Self::InternalFailure => "InternalFailure",
            Self::InvalidInput => "InvalidInput",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::NamespaceAlreadyExists => "NamespaceAlreadyExists",
            Self::NamespaceNotFound => "NamespaceNotFound",
            Self::OperationNotFound => "OperationNotFound",
            Self::RequestLimitExceeded => "RequestLimitExceeded",
            Self::ResourceInUse => "ResourceInUse",
            Self::ResourceLimitExceeded => "ResourceLimitExceeded",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Serialization => "SerializationException",
            Self::ServiceAlreadyExists => "ServiceAlreadyExists",
            Self::ServiceAttributesLimitExceeded => "ServiceAttributesLimitExceededException",
            Self::ServiceNotFound => "ServiceNotFound",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::Throttling => "ThrottlingException",
            Self::UnknownOperation => "UnknownOperationException",
        }
    }

    /// The HTTP status: only the type distinguishes refusals.
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::InternalFailure => 500,
            Self::ServiceUnavailable => 503,
            _ => 400,
        }
    }

    /// Whether the service model has a shape for it. AWS's front end, which makes the others,
    /// spells `message` in lower case.
    const fn is_modelled(self) -> bool {
        !matches!(
            self,
            Self::AccessDenied
                | Self::ExpiredToken
                | Self::InternalFailure
                | Self::MissingAuthenticationToken
                | Self::Serialization
                | Self::ServiceUnavailable
                | Self::Throttling
                | Self::UnknownOperation
        )
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) kind: ErrorKind,
    message: String,
    members: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), members: Vec::new() }
    }

    pub(super) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Adds a member that the model has beside the message.
    pub(super) fn with(mut self, member: &'static str, value: &str) -> Self {
        self.members.push((member, value.to_owned()));
        self
    }

    pub(super) fn body(&self) -> Value {
        let message = if self.kind.is_modelled() { "Message" } else { "message" };
        let mut body = Map::new();
        body.insert("__type".to_owned(), self.kind.name().into());
        body.insert(message.to_owned(), self.message.clone().into());
        for (member, value) in &self.members {
            body.insert((*member).to_owned(), value.clone().into());
        }
        Value::Object(body)
    }
}
