//! What went wrong with a call: which kind of failure, and in words what to do about it.

use std::time::Duration;

use ::kube::Error;
use ::kube::client::AuthError;
use ::kube::core::Status;
use istio_cloud_map_core::operator::EntryKey;
use istio_cloud_map_core::operator::{WriteError, WriteFailure};

use super::{GROUP, PLURAL, retry_after};

/// A call, for its error messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    verb: Verb,
    kind: &'static Kind,
    namespace: &'a str,
    name: &'a str,
}

/// What a call is about, as a role names it.
#[derive(Debug)]
struct Kind {
    plural: &'static str,
    group: &'static str,
}

const ENTRIES: Kind = Kind { plural: PLURAL, group: GROUP };
const EVENTS: Kind = Kind { plural: "events", group: "events.k8s.io" };
const LEASES: Kind = Kind { plural: "leases", group: "coordination.k8s.io" };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    /// A create that is no apply.
    Post,
    Apply,
    Delete,
    List,
    Watch,
}

impl Verb {
    /// As a role names it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Create | Self::Apply => "patch",
            Self::Post => "create",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Watch => "watch",
        }
    }
}

/// Makes a call that answers in time.
pub(super) async fn bounded<T>(
    call: Call<'_>,
    limit: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, WriteError> {
    attempt(limit, answer).await?.map_err(|failure| call.failed(&failure))
}

/// Makes a call that answers in time; a failure of the API server's with how long it asks to wait.
pub(super) async fn attempt<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<Result<T, Failure>, WriteError> {
    match tokio::time::timeout(limit, retry_after::observed(answer)).await {
        Ok((answer, retry_after)) => Ok(answer.map_err(|error| Failure { error, retry_after })),
        Err(_) => Err(no_answer(limit)),
    }
}

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// In the header `Retry-After`.
    pub(super) retry_after: Option<Duration>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None }
    }
}

/// Where entries are, in a message.
pub(super) fn place(namespace: &str) -> String {
    if namespace.is_empty() {
        "all namespaces".to_owned()
    } else {
        format!("namespace {namespace}")
    }
}

pub(super) fn no_answer(limit: Duration) -> WriteError {
    let message =
        format!("the API server can't be reached: no answer within {} s", limit.as_secs_f32());
    WriteError::new(WriteFailure::Unreachable, message)
}

impl<'a> Call<'a> {
    pub(super) const fn apply(key: &'a EntryKey, creating: bool) -> Self {
        Self::of_entry(if creating { Verb::Create } else { Verb::Apply }, key)
    }

    pub(super) const fn delete(key: &'a EntryKey) -> Self {
        Self::of_entry(Verb::Delete, key)
    }

    pub(super) const fn list(namespace: &'a str) -> Self {
        Self { verb: Verb::List, kind: &ENTRIES, namespace, name: "" }
    }

    pub(super) const fn watch(namespace: &'a str) -> Self {
        Self { verb: Verb::Watch, kind: &ENTRIES, namespace, name: "" }
    }

    pub(super) const fn list_leases(namespace: &'a str) -> Self {
        Self { verb: Verb::List, kind: &LEASES, namespace, name: "" }
    }

    pub(super) const fn create_lease(namespace: &'a str, name: &'a str) -> Self {
        Self { verb: Verb::Post, kind: &LEASES, namespace, name }
    }

    pub(super) const fn patch_lease(namespace: &'a str, name: &'a str) -> Self {
        Self { verb: Verb::Apply, kind: &LEASES, namespace, name }
    }

    pub(super) const fn delete_lease(namespace: &'a str, name: &'a str) -> Self {
        Self { verb: Verb::Delete, kind: &LEASES, namespace, name }
    }

    pub(super) const fn create_event(namespace: &'a str) -> Self {
        Self { verb: Verb::Post, kind: &EVENTS, namespace, name: "" }
    }

    const fn of_entry(verb: Verb, key: &'a EntryKey) -> Self {
        Self { verb, kind: &ENTRIES, namespace: key.namespace.as_str(), name: key.name.as_str() }
    }

    pub(super) fn failed(self, failure: &Failure) -> WriteError {
        let error = &failure.error;
        let (failure, message) = match error {
            Error::Api(status) => {
                let answered = self.answered(status);
                return WriteError {
                    retry_after: failure.retry_after.or(answered.retry_after),
                    ..answered
                };
            }
            Error::Auth(error) => (WriteFailure::Forbidden, no_credentials(error)),
            // Where it is a refresh that fails, between two calls.
            Error::Service(error) if error.is::<AuthError>() => (
                WriteFailure::Forbidden,
                error.downcast_ref().map(no_credentials).unwrap_or_default(),
            ),
            Error::HyperError(_) | Error::Service(_) | Error::ReadEvents(_) => (
                WriteFailure::Unreachable,
                format!("the API server can't be reached: {}", innermost(error)),
            ),
            Error::SerdeError(_) | Error::FromUtf8(_) => (
                WriteFailure::Other,
                format!("the API server's answer can't be read: {}", innermost(error)),
            ),
            error => (WriteFailure::Other, error.to_string()),
        };
        WriteError::new(failure, one_line(&message))
    }

    /// A failure that the API server itself reports.
    pub(super) fn answered(self, status: &Status) -> WriteError {
        let message = status.message.as_str();
        let (failure, message) = match status.code {
            401 => (
                WriteFailure::Forbidden,
                "the API server does not accept the credentials (401): renew the token, or check the user in the kubeconfig".to_owned(),
            ),
            403 => match lacking(message) {
                Some(verb) => (WriteFailure::Forbidden, self.rule(verb)),
                None if message.contains(" denied ") || message.contains("is forbidden: ") => (WriteFailure::Rejected, message.to_owned()),
                None => (WriteFailure::Forbidden, self.rule(self.verb.as_str())),
            },
            404 => self.missing(status),
            409 => (WriteFailure::Conflict, self.overtaken(message)),
            400 | 413 | 422 => (WriteFailure::Rejected, message.to_owned()),
            429 => (WriteFailure::Throttled, format!("the API server asks for fewer requests (429): {message}")),
            408 | 502 | 503 | 504 => (WriteFailure::Unreachable, format!("the API server can't answer now ({}): {message}", status.code)),
            // A field that the schema does not have, or more than etcd stores: no fault of the
            // server, although it says so.
            500 if message.starts_with("failed to create typed patch object") || message.contains("etcdserver: request is too large") => {
                (WriteFailure::Rejected, message.to_owned())
            }
            code => (WriteFailure::Other, format!("the API server answered {code}: {message}")),
        };
        let seconds = status
            .details
            .as_ref()
            .map(|details| details.retry_after_seconds)
            .filter(|seconds| *seconds > 0);
        WriteError {
            retry_after: seconds.map(|seconds| retry_after::bounded(seconds.into())),
            ..WriteError::new(failure, one_line(&message))
        }
    }

    fn rule(self, verb: &str) -> String {
        let role = if self.namespace.is_empty() { "ClusterRole" } else { "Role" };
        let place = place(self.namespace);
        let Kind { plural, group } = self.kind;
        format!(
            "not permitted to {verb} {plural}.{group} in {place}: \
             add to its {role} {{apiGroups: [{group}], resources: [{plural}], verbs: [{verb}]}}"
        )
    }

    fn missing(self, status: &Status) -> (WriteFailure, String) {
        match status.details.as_ref().map(|details| details.kind.as_str()) {
            Some("namespaces") => {
                let message = format!(
                    "namespace {} does not exist: create it, or choose another with --namespace",
                    self.namespace
                );
                (WriteFailure::NoNamespace, message)
            }
            Some(kind) if !kind.is_empty() && !self.name.is_empty() => (
                WriteFailure::NotFound,
                format!("{}/{} does not exist any more", self.namespace, self.name),
            ),
            _ => (
                WriteFailure::Other,
                format!(
                    "{PLURAL}.{GROUP} is no longer served: install Istio's CRDs again ({})",
                    status.message
                ),
            ),
        }
    }

    fn overtaken(self, message: &str) -> String {
        let Self { namespace, name, .. } = self;
        match self.verb {
            Verb::Create | Verb::Post => {
                format!("{namespace}/{name} was created by another client in the meantime")
            }
            _ => format!(
                "{namespace}/{name} was changed by another client in the meantime ({message})"
            ),
        }
    }
}

/// Without what a plugin has printed, which may be a token.
pub(super) fn no_credentials(error: &AuthError) -> String {
    let reason = match error {
        // Its command line may hold secrets too, and its own messages are on stderr already.
        AuthError::AuthExecRun { out, .. } => {
            format!("the kubeconfig's exec plugin failed ({})", out.status)
        }
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
            "the exec plugin's output is not an ExecCredential".to_owned()
        }
        AuthError::AuthExec(_) => "the exec plugin's output has no usable token".to_owned(),
        AuthError::AuthExecStart(error) => format!("the exec plugin can't be started: {error}"),
        error => innermost(error),
    };
    format!("no credentials for the API server: {reason}")
}

/// The verb that a role lacks, from the authorizer's message, which differs from the call's where
/// an apply has to create.
fn lacking(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" cannot ")?;
    rest.split_once(" resource ").map(|(verb, _)| verb)
}

/// What is at the bottom of an error: `Connection refused` rather than `client error (Connect)`.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A URL without user and password, wherever in a text it is.
fn without_userinfo(text: &str) -> String {
    let mut parts = text.split("://");
    let mut safe = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let authority = part
            .split(|c: char| matches!(c, '/' | '?' | '#' | '"' | '`') || c.is_whitespace())
            .next()
            .unwrap_or_default();
        let userinfo = authority.rfind('@').map_or(0, |at| at + 1);
        safe.push_str("://");
        safe.push_str(part.get(userinfo..).unwrap_or_default());
    }
    safe
}

/// Whatever it holds, on one line, no longer than a person reads, and without a password in a URL.
pub(super) fn one_line(text: &str) -> String {
    const MOST: usize = 1_000;
    let mut line = without_userinfo(text)
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if let Some((end, _)) = line.char_indices().nth(MOST) {
        line.truncate(end);
        line.push_str(" ...");
    }
    line
}
