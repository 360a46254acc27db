//! The SDK's errors in the core's words.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_servicediscovery::config::http::HttpResponse;
use aws_sdk_servicediscovery::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_sdk_servicediscovery::operation::RequestId;
use istio_cloud_map_core::operator::{ReadError, ReadFailure};

use super::calls::{Call, one_line};
use super::role::RoleError;

/// What a failed call means, and the message for it.
pub(super) fn read_error<E>(call: Call<'_>, error: &SdkError<E>) -> ReadError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let (failure, what) = match error {
        SdkError::ServiceError(answer) => service_error(answer.err().meta(), answer.raw()),
        SdkError::ResponseError(answer) => response_error(answer.raw(), error),
        // Whatever the answer of STS: it concerns every read, and no permission of Cloud Map's.
        _ if let Some(role) = find::<RoleError>(error) => {
            let message = format!("{call}: no credentials: {role}");
            return ReadError { failure: ReadFailure::Credentials, message };
        }
        _ if find::<CredentialsError>(error).is_some() => {
            (ReadFailure::Credentials, format!("no credentials: {}", causes(error)))
        }
        SdkError::TimeoutError(_) => {
            (ReadFailure::TimedOut, format!("no answer in time: {}", causes(error)))
        }
        SdkError::DispatchFailure(cause) if cause.is_timeout() => {
            (ReadFailure::TimedOut, format!("no answer in time: {}", causes(error)))
        }
        SdkError::DispatchFailure(_) => (ReadFailure::Unreachable, causes(error)),
        _ => (ReadFailure::Other, causes(error)),
    };
    let advice = advice(failure, &what, call.operation);
    ReadError { failure, message: format!("{call}: {}{advice}", what.trim_end_matches('.')) }
}

/// An error that AWS reports in its own terms. Nearly all have the status 400, so only the code
/// tells them apart.
fn service_error(meta: &ErrorMetadata, raw: &HttpResponse) -> (ReadFailure, String) {
    let code = meta.code().unwrap_or_default();
    let unknown = || {
        if raw.status().is_server_error() { ReadFailure::ServerError } else { ReadFailure::Other }
    };
    (by_code(code).unwrap_or_else(unknown), described(meta))
}

/// Code, message and request id.
pub(super) fn described(meta: &ErrorMetadata) -> String {
    let mut what = one_line(meta.code().unwrap_or_default());
    if let Some(message) = meta.message() {
        what = format!("{what}: {}", one_line(message));
    }
    if let Some(id) = meta.request_id() {
        what = format!("{what} (request id {})", one_line(id));
    }
    what
}

/// An answer that could not be read: torn, cut off, or not from AWS at all (a proxy's error page).
/// The status is then all there is to go by.
fn response_error(raw: &HttpResponse, error: &(dyn Error + 'static)) -> (ReadFailure, String) {
    let status = raw.status();
    let failure = match status.as_u16() {
        _ if find::<std::io::Error>(error).is_some() => ReadFailure::Unreachable,
        429 => ReadFailure::Throttled,
        500.. => ReadFailure::ServerError,
        _ => ReadFailure::Malformed,
    };
    (failure, format!("the answer (HTTP {}) can't be read: {}", status.as_u16(), causes(error)))
}

/// What an error code of AWS means; both the modelled types and those that any AWS service may
/// send.
pub(super) fn by_code(code: &str) -> Option<ReadFailure> {
    Some(match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "SlowDown" => ReadFailure::Throttled,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "OptInRequired" => {
            ReadFailure::AccessDenied
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClient"
        | "UnrecognizedClientException" => ReadFailure::Credentials,
        "NamespaceNotFound" | "ServiceNotFound" | "ResourceNotFoundException" => {
            ReadFailure::NotFound
        }
        "RequestTimeout" | "RequestTimeoutException" => ReadFailure::TimedOut,
        "InternalFailure"
        | "InternalServerError"
        | "InternalServerException"
        | "InternalError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => ReadFailure::ServerError,
        _ => return None,
    })
}

/// What a person can do about it.
fn advice(failure: ReadFailure, what: &str, operation: &str) -> String {
    match failure {
        ReadFailure::AccessDenied if what.starts_with("OptInRequired") => "; enable the region for the account".to_owned(),
        ReadFailure::AccessDenied => {
            format!("; allow the IAM action servicediscovery:{operation} to the identity that these credentials belong to")
        }
        ReadFailure::Credentials => {
            "; check the credentials (keys, profile, IRSA or Pod Identity), and that this machine's clock is right".to_owned()
        }
        ReadFailure::Unreachable if let Some(advice) = certificate_advice(what) => advice.to_owned(),
        ReadFailure::Unreachable => "; check the region, DNS, the route to AWS, HTTPS_PROXY and NO_PROXY, and the endpoint if one is set".to_owned(),
        _ => String::new(),
    }
}

/// What to do about a certificate that is not trusted.
pub(super) fn certificate_advice(what: &str) -> Option<&'static str> {
    what.contains("UnknownIssuer").then_some(
        "; the certificate is signed by an authority that is not trusted here: if it is that of a proxy or a private endpoint, give the authority's \
         certificate (PEM) with AWS_CA_BUNDLE",
    )
}

/// The error's causes on one line, each once. The outermost only names the kind of failure; it is
/// left out if there is more to say, and so is the SDK's `other`.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = one_line(&cause.to_string());
        if text != "other" && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() { one_line(&error.to_string()) } else { texts.join(": ") }
}

/// The first cause of a type.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    error.downcast_ref().or_else(|| error.source().and_then(find))
}
