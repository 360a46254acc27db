//! Calls for hosts that speak JSON and nothing else: a request in, an answer out, both UTF-8. Nothing fails but by its answer.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::cloud_map::{DEFAULT_SOURCE, InputOptions, parse};
use crate::diagnostic::Diagnostic;
use crate::service_entry::ServiceEntry;
use crate::translate::{Options, translate_all};

/// What a call is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    /// Cloud Map JSON, in one of its three shapes.
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(default)]
    options: CallOptions,
}

/// The options of a call: those of the translation, and what the input itself may not say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct CallOptions {
    /// The Cloud Map namespace's name.
    namespace: Option<String>,
    /// The Cloud Map service's name.
    service: Option<String>,
    /// The name of the source.
    source: Option<String>,
    /// The AWS region.
    region: Option<String>,
    /// [`Options`]
    translation: Options,
}

/// What a translation gives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Translated {
    service_entries: Vec<ServiceEntry>,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Ok(T),
    Error { message: String },
}

/// Translates: `{"input": CLOUD MAP JSON, "options": {"namespace"?, "service"?, "source"?, "region"?, "translation"?: {...}}}` to
/// `{"ok": {"serviceEntries": [...], "diagnostics": [...]}}` or `{"error": {"message": "..."}}`.
#[must_use]
pub fn translate(request: &[u8]) -> String {
    let answer = match translated(request) {
        Ok(translated) => Answer::Ok(translated),
        Err(message) => Answer::Error { message },
    };
    serde_json::to_string(&answer).unwrap_or_else(|error| format!(r#"{{"error":{{"message":"the answer is no JSON: {error}"}}}}"#))
}

fn translated(request: &[u8]) -> Result<Translated, String> {
    let request: Request<'_> = serde_json::from_slice(request).map_err(|error| format!("the request: {error}"))?;
    let CallOptions { namespace, service, source, region, translation } = request.options;
    let names = InputOptions { source: source.unwrap_or_else(|| DEFAULT_SOURCE.to_owned()), region, namespace, service };
    let input = parse(request.input.get(), &names).map_err(|error| error.to_string())?;
    let translated = translate_all(&input.records, &translation);
    let mut diagnostics = input.diagnostics;
    diagnostics.extend(translated.diagnostics);
    Ok(Translated { service_entries: translated.entries, diagnostics })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(request: &Value) -> Value {
        serde_json::from_str(&translate(request.to_string().as_bytes())).unwrap_or_default()
    }

    #[test]
    fn what_list_instances_prints_becomes_an_entry() {
        let input = json!({"Instances": [{"Id": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]});
        let options = json!({"namespace": "ns", "service": "web", "translation": {"addresses": "none"}});
        let answer = call(&json!({"input": input, "options": options}));
        assert_eq!(answer.pointer("/ok/serviceEntries/0/spec/hosts/0"), Some(&json!("web.ns")), "{answer}");
        assert_eq!(answer.pointer("/ok/diagnostics"), Some(&json!([])), "{answer}");
    }

    #[test]
    fn whatever_is_wrong_is_an_answer() {
        let message = |answer: Value| answer.pointer("/error/message").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(message(call(&json!({"input": {"Services": []}}))).contains("services"));
        assert!(message(call(&json!({"input": {}, "options": {"translation": {"adresses": "none"}}}))).contains("adresses"));
        assert!(message(call(&json!({}))).contains("input"));
        for garbage in [&b""[..], b"\xff\xfe", b"{", b"null"] {
            assert!(translate(garbage).starts_with(r#"{"error":"#));
        }
    }
}
