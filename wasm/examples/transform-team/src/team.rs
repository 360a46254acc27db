//! What the module does: JSON in, JSON out.

use serde_json::{Value, json};

/// The answer to a request.
pub fn answer(request: &[u8]) -> Value {
    match serde_json::from_slice(request) {
        Ok(request) => changed(request),
        Err(error) => json!({"error": {"message": format!("the request is no JSON: {error}")}}),
    }
}

fn changed(mut request: Value) -> Value {
    if tag(&request, "mesh").as_deref() == Some("off") {
        return json!({"ok": null});
    }
    let team = tag(&request, "team");
    let Some(mut entry) = request.pointer_mut("/input/serviceEntry").map(Value::take) else {
        return json!({"error": {"message": "the request has no input.serviceEntry"}});
    };
    if let Some((team, spec)) = team.zip(entry.get_mut("spec").and_then(Value::as_object_mut)) {
        spec.insert("exportTo".to_owned(), json!([".", format!("team-{team}")]));
    }
    json!({"ok": {"serviceEntry": entry}})
}

/// The value of a tag of the service.
fn tag(request: &Value, key: &str) -> Option<String> {
    let tags = request.pointer("/input/records/0/tags")?.as_array()?;
    let tag = tags.iter().find(|tag| tag.get("Key").and_then(Value::as_str) == Some(key))?;
    tag.get("Value")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tags: &Value) -> Value {
        let entry = json!({"spec": {"hosts": ["web.shop"]}});
        answer(
            json!({"input": {"serviceEntry": entry, "records": [{"tags": tags}]}, "options": {}})
                .to_string()
                .as_bytes(),
        )
    }

    #[test]
    fn a_team_sees_its_own_services() {
        let answer = asked(&json!([{"Key": "cost", "Value": "7"}, {"Key": "team", "Value": "a"}]));
        assert_eq!(
            answer,
            json!({"ok": {"serviceEntry": {"spec": {"hosts": ["web.shop"], "exportTo": [".", "team-a"]}}}})
        );
    }

    #[test]
    fn a_service_that_is_off_is_dropped() {
        assert_eq!(asked(&json!([{"Key": "mesh", "Value": "off"}])), json!({"ok": null}));
    }

    #[test]
    fn a_service_without_these_tags_stays_as_it_is() {
        assert_eq!(
            asked(&json!([])),
            json!({"ok": {"serviceEntry": {"spec": {"hosts": ["web.shop"]}}}})
        );
        assert_eq!(
            asked(&Value::Null),
            json!({"ok": {"serviceEntry": {"spec": {"hosts": ["web.shop"]}}}})
        );
    }

    #[test]
    fn what_is_no_request_is_answered_with_an_error() {
        assert!(answer(b"oops").pointer("/error/message").is_some());
        assert!(answer(b"{}").pointer("/error/message").is_some());
    }
}
