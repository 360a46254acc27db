//! A request with all that a kube-apiserver puts into what it sends to a webhook. It is composed,
//! field by field as the API server writes them.

use serde_json::{Value, json};

use crate::guest::{OPERATOR, Policy, outcome};

fn update() -> Value {
    serde_json::from_str(include_str!("update-by-the-operator.json")).unwrap()
}

fn settings() -> Value {
    json!({"protectedHosts": ["*.my-namespace"], "trustedUsers": [OPERATOR]})
}

#[test]
fn the_operators_server_side_apply_passes_without_a_word() {
    let review = update();
    let verdict = Policy::start().validate(&review["request"], &settings());
    let audit = json!({"decision": "accepted", "protected-host": "*.my-namespace"});
    assert_eq!(verdict, json!({"accepted": true, "audit_annotations": audit}));
}

#[test]
fn the_same_by_kubectl_is_rejected() {
    let mut review = update();
    review["request"]["userInfo"] = json!({"username": "kubernetes-admin", "groups": ["kubeadm:cluster-admins", "system:authenticated"]});
    let verdict = Policy::start().validate(&review["request"], &settings());
    assert_eq!(outcome(&verdict), "protected-host");
}

#[test]
fn the_deletion_of_a_namespace_takes_its_entries_if_its_controller_is_trusted() {
    let mut request = update()["request"].clone();
    let controller = "system:serviceaccount:kube-system:namespace-controller";
    request["operation"] = json!("DELETE");
    request["object"] = Value::Null;
    request["options"] = json!({"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "propagationPolicy": "Background"});
    request["userInfo"] = json!({"username": controller, "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system"]});
    let policy = Policy::start();
    assert_eq!(outcome(&policy.validate(&request, &settings())), "protected-host");
    let trusting =
        json!({"protectedHosts": ["*.my-namespace"], "trustedUsers": [OPERATOR, controller]});
    assert_eq!(outcome(&policy.validate(&request, &trusting)), "accepted");
}
