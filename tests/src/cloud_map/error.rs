//! What the stand-in answers when it refuses.

use std::fmt;

use serde_json::{Map, Value};

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

    /// The HTTP status: only the type tells one refusal from another.
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
