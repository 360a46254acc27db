#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests, and rows of them that read easily"
)]

mod deciding;
mod owning;
mod protecting;
mod settings;
mod sourcing;

use serde_json::{Value, json};

use super::ListEntries;

/// A request and its settings: the tutorial's host is protected, and the operator is trusted.
struct Asked {
    request: Value,
    settings: Value,
}

const OPERATOR: &str = "system:serviceaccount:default:istio-cloud-map";
const HOST: &str = "getistio-external-service.my-namespace";

/// A valid entry of one host.
fn entry(host: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "hosts": [host],
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            "endpoints": [{"address": "10.0.0.1"}],
        },
    })
}

impl Asked {
    fn to(operation: &str, user: &str, old: Value, new: Value) -> Self {
        let request = json!({
            "uid": "1",
            "kind": {"group": "networking.istio.io", "version": "v1", "kind": "ServiceEntry"},
            "resource": {"group": "networking.istio.io", "version": "v1", "resource": "serviceentries"},
            "operation": operation,
            "userInfo": {"username": user, "groups": ["system:authenticated"]},
            "object": new,
            "oldObject": old,
        });
        Self {
            request,
            settings: json!({"protectedHosts": [HOST], "trustedUsers": [OPERATOR], "trustedGroups": ["mesh-admins"]}),
        }
    }

    fn create(user: &str, new: Value) -> Self {
        Self::to("CREATE", user, Value::Null, new)
    }

    /// With another value at a path of the request; null removes it.
    fn with(mut self, pointer: &str, value: Value) -> Self {
        put(&mut self.request, pointer, value);
        self
    }

    fn under(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    fn payload(&self) -> String {
        json!({"request": self.request, "settings": self.settings}).to_string()
    }

    fn verdict(&self) -> Value {
        verdict(&self.payload())
    }

    /// `accepted`, or the reason and the message of the rejection.
    fn outcome(&self) -> String {
        outcome(&self.verdict())
    }
}

fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => parent.remove(key),
        value => parent.insert(key.to_owned(), value),
    };
}

fn verdict(payload: &str) -> Value {
    verdict_beside(payload, &no_cluster)
}

fn verdict_beside(payload: &str, list: ListEntries<'_>) -> Value {
    serde_json::from_str(&super::validate(payload.as_bytes(), list)).unwrap()
}

fn no_cluster(_: &[u8]) -> Result<Vec<u8>, String> {
    Err("nothing answers".to_owned())
}

fn outcome(verdict: &Value) -> String {
    let text = |pointer| verdict.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if verdict["accepted"] == json!(true) {
        assert!(verdict.get("message").is_none() && verdict.get("code").is_none(), "{verdict}");
        return text("/audit_annotations/decision").to_owned();
    }
    assert_eq!(text("/audit_annotations/decision"), "rejected", "{verdict}");
    format!("{} {}: {}", verdict["code"], text("/audit_annotations/reason"), text("/message"))
}
