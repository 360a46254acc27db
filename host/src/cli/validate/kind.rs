//! Which documents are service entries, and which would be if their kind were spelt right.

use istio_cloud_map_core::service_entry::validate::{Finding, Rule};
use serde_json::Value;

/// The kinds of `networking.istio.io`.
const KINDS: [&str; 9] = [
    "ServiceEntry",
    "VirtualService",
    "DestinationRule",
    "Gateway",
    "Sidecar",
    "EnvoyFilter",
    "WorkloadEntry",
    "WorkloadGroup",
    "ProxyConfig",
];
const GROUP: &str = "networking.istio.io";

/// What a document is.
pub(super) enum Kind {
    /// A service entry, or one whose kind is missing or nearly right: the rules report that.
    Entry,
    /// No kind that its API has.
    Misspelt(Finding),
    /// Nothing that is judged here.
    Other,
}

/// The items of a list, if the document is one: kubectl takes whatever has `items` for a list.
pub(super) fn items(document: &Value) -> Option<&[Value]> {
    text(document, "kind").filter(|kind| !kind.is_empty())?;
    document.get("items")?.as_array().map(Vec::as_slice)
}

/// What the API server answered instead of entries.
pub(super) fn error_of_the_api_server(document: &Value) -> Option<String> {
    let is_error =
        text(document, "kind") == Some("Status") && text(document, "status") == Some("Failure");
    is_error.then(|| {
        format!(
            "it is an error of the API server: {}",
            text(document, "message").unwrap_or("without a message")
        )
    })
}

fn text<'v>(document: &'v Value, key: &str) -> Option<&'v str> {
    document.get(key).and_then(Value::as_str)
}

pub(super) fn of(document: &Value) -> Kind {
    // Without a kind it may be an entry whose author forgot it.
    let Some(kind) = text(document, "kind").filter(|kind| !kind.is_empty()) else {
        return Kind::Entry;
    };
    let group = text(document, "apiVersion")
        .unwrap_or_default()
        .split('/')
        .next()
        .unwrap_or_default()
        .trim();
    let is_istio = group.eq_ignore_ascii_case(GROUP);
    if kind == "ServiceEntry" || is_like_service_entry(kind, is_istio) {
        return Kind::Entry;
    }
    if !is_istio
        || KINDS.iter().any(|known| kind == *known || kind.strip_suffix("List") == Some(known))
    {
        return Kind::Other;
    }
    let rule = Rule::UnknownValue;
    let kind: String = kind.chars().take(80).collect();
    let message = format!("it is `{kind}`, expected a kind of {GROUP}: {}", KINDS.join(", "));
    Kind::Misspelt(Finding { severity: rule.severity(), path: "kind".to_owned(), rule, message })
}

/// Letter case, spaces, hyphens and the plural aside; in Istio's own group also with a letter or
/// two wrong.
fn is_like_service_entry(kind: &str, is_istio: bool) -> bool {
    let letters: String = kind
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(40)
        .collect::<String>()
        .to_ascii_lowercase();
    matches!(letters.as_str(), "serviceentry" | "serviceentries" | "serviceentrys")
        || (is_istio && letters.starts_with("servi") && letters.contains("ent"))
}
