//! An admission request and the settings of a policy to a verdict, as Kubewarden asks for one.
//!
//! What is asked, in this order, of a `ServiceEntry` that is made, changed or deleted:
//!
//! 1. [`Settings::protected_hosts`]: does it hold, or did it hold, a host that only trusted users
//!    may?
//! 2. [`Settings::source`]: is its spec what the Cloud Map JSON in its annotation says? Or shall it
//!    become that? A host that comes of it is asked for again.
//! 3. [`Settings::reject_invalid`]: would Istio or the API server reject it?
//!
//! A request is held to what it changes: an update that leaves spec and Cloud Map JSON as they are
//! is not asked 2 and 3 of them again, and one that only takes finalizers from an entry that is
//! being deleted is let through.
//!
//! Everything else than a `ServiceEntry` is accepted. What is not understood is rejected: settings
//! that can't be read, a request that is none, an operation or a version that is not known, a
//! request that says nothing of its user where that decides.

mod cloud_map;
mod difference;
mod fill;
mod host_name;
mod judge;
mod protection;
mod request;
mod settings;
#[cfg(test)]
mod tests;
mod validity;
mod verdict;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use host_name::{InvalidProtectedHost, ProtectedHost};
pub use settings::{Empty, Name, Settings, SourceMode};
pub use verdict::{AuditKey, Reason, Verdict};

use request::Request;
use verdict::Rejection;

/// Judges `{"request": AdmissionRequest, "settings": {...}}`; the answer is a [`Verdict`] as JSON.
/// Whatever is wrong with the payload is a rejection, never a failure.
#[must_use]
pub fn validate(payload: &[u8]) -> String {
    let verdict = verdict_on(payload).unwrap_or_else(Verdict::rejected);
    written(&verdict, r#"{"accepted":false,"message":"the verdict can't be written as JSON"}"#)
}

/// Whether settings can be used: JSON in, `{"valid": true}` or `{"valid": false, "message": "..."}`
/// out.
#[must_use]
pub fn validate_settings(payload: &[u8]) -> String {
    let message = text(payload).and_then(Settings::read).err();
    let answer = SettingsAnswer { valid: message.is_none(), message };
    written(&answer, r#"{"valid":false,"message":"the answer can't be written as JSON"}"#)
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    #[serde(borrow)]
    settings: &'a RawValue,
}

#[derive(Serialize)]
struct SettingsAnswer {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

fn verdict_on(payload: &[u8]) -> Result<Verdict, Rejection> {
    let malformed = |message| Rejection::new(Reason::Malformed, message);
    let payload: Payload<'_> = serde_json::from_str(text(payload).map_err(malformed)?)
        .map_err(|error| malformed(format!("the payload: {error}")))?;
    let settings = Settings::read(payload.settings.get())
        .map_err(|message| Rejection::new(Reason::Settings, message))?;
    match Request::read(payload.request.get()).map_err(malformed)? {
        Request::Exempt(why) => Ok(Verdict::exempt(why)),
        Request::Write(write) => judge::judge(&write, &settings),
    }
}

fn text(payload: &[u8]) -> Result<&str, String> {
    str::from_utf8(payload).map_err(|error| format!("the payload is no UTF-8: {error}"))
}

fn written(answer: &impl Serialize, otherwise: &str) -> String {
    serde_json::to_string(answer).unwrap_or_else(|_| otherwise.to_owned())
}
