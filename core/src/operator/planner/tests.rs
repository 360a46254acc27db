#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;
use crate::service_entry::ServiceEntry;

fn entry(name: &str, addresses: &[&str]) -> Value {
    let endpoints: Vec<Value> =
        addresses.iter().map(|a| json!({"address": a, "ports": {"http": 80}})).collect();
    json!({
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "ServiceEntry",
        "metadata": {
            "name": format!("cloudmap-{name}.ns"),
            "namespace": "default",
            "labels": {"istio-cloud-map/owner": "istio-cloud-map"},
            "annotations": {"istio-cloud-map/source": "default", "istio-cloud-map/namespace-id": "ns-1"},
        },
        "spec": {
            "hosts": [format!("{name}.ns")],
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            "endpoints": endpoints,
        },
    })
}

fn scope() -> Scope {
    Scope { source: "default".to_owned(), namespace: "ns-1".to_owned() }
}

fn scopes(complete: bool) -> Scopes {
    Scopes {
        sources: SortedMap::from([("default".to_owned(), true)]),
        namespaces: SortedMap::from([(scope(), complete)]),
    }
}

fn run(desired: &[Value], observed: &[Value], complete: bool, options: &Options) -> Plan {
    let desired: Vec<Desired> = desired
        .iter()
        .map(|entry| {
            Desired::from_entry(
                &serde_json::from_value::<ServiceEntry>(entry.clone()).unwrap(),
                scope(),
                "default",
            )
        })
        .collect();
    let observed: Vec<Observed> = observed
        .iter()
        .map(|entry| Observed::from_json(entry, Some("istio-cloud-map"), "default"))
        .collect();
    plan(&desired, &observed, &scopes(complete), options)
}

fn actions(plan: &Plan) -> Vec<&Action> {
    plan.changes.iter().map(|change| &change.action).collect()
}

fn edited(mut entry: Value, pointer: &str, value: Value) -> Value {
    *entry.pointer_mut(pointer).unwrap() = value;
    entry
}

fn with(mut entry: Value, parent: &str, key: &str, value: Value) -> Value {
    entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    entry
}

#[test]
fn equal_content_is_not_written_whatever_its_metadata() {
    let stored = with(
        entry("web", &["10.0.0.1"]),
        "/metadata/annotations",
        "istio-cloud-map/revision",
        json!("7"),
    );
    assert_eq!(
        run(&[entry("web", &["10.0.0.1"])], &[stored], true, &Options::default()),
        Plan::default()
    );
}

#[test]
fn a_field_that_we_do_not_set_is_left_alone() {
    let stored = with(entry("web", &["10.0.0.1"]), "/spec", "exportTo", json!(["."]));
    let managed = json!([{"manager": "istio-cloud-map", "fieldsV1": {"f:spec": {"f:hosts": {}}}}]);
    let stored = with(stored, "/metadata", "managedFields", managed);
    assert_eq!(
        run(&[entry("web", &["10.0.0.1"])], &[stored], true, &Options::default()),
        Plan::default()
    );
}

#[test]
fn a_field_that_was_ours_and_is_no_longer_desired_is_removed() {
    let stored = with(entry("web", &["10.0.0.1"]), "/spec", "addresses", json!(["10.0.0.1"]));
    let managed =
        json!([{"manager": "istio-cloud-map", "fieldsV1": {"f:spec": {"f:addresses": {}}}}]);
    let stored = with(stored, "/metadata", "managedFields", managed);
    let plan = run(&[entry("web", &["10.0.0.1"])], &[stored], true, &Options::default());
    assert_eq!(actions(&plan), [&Action::Update { fields: vec!["addresses"], empties: false }]);
}

#[test]
fn an_edit_by_a_person_is_undone() {
    let stored = edited(entry("web", &["10.0.0.1"]), "/spec/ports/0/number", json!(81));
    let plan = run(&[entry("web", &["10.0.0.1"])], &[stored], true, &Options::default());
    assert_eq!(actions(&plan), [&Action::Update { fields: vec!["ports"], empties: false }]);
}

#[test]
fn a_label_differs_where_it_is_desired_or_was_set_by_us() {
    let label =
        |entry: Value, name: &str, value: Value| with(entry, "/metadata/labels", name, value);
    let desired = label(entry("web", &["10.0.0.1"]), "team", json!("a"));
    let bare = entry("web", &["10.0.0.1"]);
    let listed = with(
        desired.clone(),
        "/metadata/annotations",
        "istio-cloud-map/entry-labels",
        json!("env,team"),
    );
    let differs = |desired: &Value, stored: &Value| {
        let plan = run(
            std::slice::from_ref(desired),
            std::slice::from_ref(stored),
            true,
            &Options::default(),
        );
        !plan.changes.is_empty()
    };
    assert!(differs(&desired, &bare));
    assert!(differs(&desired, &label(bare.clone(), "team", json!("b"))));
    assert!(!differs(&desired, &label(listed.clone(), "theirs", json!("c"))));
    assert!(differs(&desired, &label(listed.clone(), "env", json!("c"))));
    assert!(differs(&bare, &listed));
    assert!(!differs(&bare, &desired), "it is not listed, and so is another writer's");
    let plan = run(&[desired], &[bare], true, &Options::default());
    assert_eq!(actions(&plan), [&Action::Update { fields: vec!["labels"], empties: false }]);
}

#[test]
fn a_missing_entry_is_created_and_one_no_longer_desired_is_deleted() {
    let plan = run(
        &[entry("web", &["10.0.0.1"])],
        &[entry("old", &["10.0.0.2"])],
        true,
        &Options::default(),
    );
    assert_eq!(actions(&plan), [&Action::Delete, &Action::Create]);
}

#[test]
fn an_incomplete_scope_deletes_nothing_and_drops_no_endpoint_but_adds() {
    let desired = [entry("grows", &["10.0.0.1", "10.0.0.2"]), entry("shrinks", &["10.0.0.1"])];
    let observed = [
        entry("grows", &["10.0.0.1"]),
        entry("shrinks", &["10.0.0.1", "10.0.0.2"]),
        entry("removed", &["10.0.0.3"]),
    ];
    let plan = run(&desired, &observed, false, &Options::default());
    assert_eq!(actions(&plan), [&Action::Update { fields: vec!["endpoints"], empties: false }]);
    assert_eq!(
        plan.refusals.iter().map(|r| &r.reason).collect::<Vec<_>>(),
        [&Reason::Incomplete, &Reason::Incomplete]
    );
}

#[test]
fn a_foreign_or_unowned_entry_is_never_touched() {
    for owner in [json!("other"), Value::Null] {
        let theirs = edited(
            entry("web", &["10.9.9.9"]),
            "/metadata/labels/istio-cloud-map~1owner",
            owner.clone(),
        );
        let plan = run(
            &[entry("web", &["10.0.0.1"])],
            std::slice::from_ref(&theirs),
            true,
            &Options::default(),
        );
        assert_eq!(plan.changes, []);
        assert!(
            matches!(&plan.refusals[..], [Refusal { reason: Reason::Conflict { owner: o, .. }, .. }] if o.as_deref() == owner.as_str())
        );
        assert_eq!(run(&[], &[theirs], true, &Options::default()), Plan::default());
    }
}

#[test]
fn a_foreign_entry_of_an_overlapping_host_keeps_ours_from_being_made() {
    let mut theirs = edited(entry("theirs", &["10.9.9.9"]), "/spec/hosts", json!(["*.ns"]));
    theirs = edited(theirs, "/metadata/labels", json!({}));
    let plan = run(&[entry("web", &["10.0.0.1"])], &[theirs], true, &Options::default());
    assert_eq!(plan.changes, []);
    assert!(
        matches!(&plan.refusals[..], [Refusal { reason: Reason::Conflict { with, .. }, .. }] if with.name == "cloudmap-theirs.ns")
    );
}

#[test]
fn adopt_takes_over_unowned_entries_and_no_others() {
    let options = Options { adopt: true, ..Options::default() };
    let unowned = edited(entry("web", &["10.0.0.1"]), "/metadata/labels", json!({}));
    assert_eq!(
        actions(&run(&[entry("web", &["10.0.0.1"])], &[unowned], true, &options)),
        [&Action::Adopt { fields: vec![], empties: false }]
    );
    let others = edited(
        entry("web", &["10.0.0.1"]),
        "/metadata/labels/istio-cloud-map~1owner",
        json!("other"),
    );
    assert_eq!(run(&[entry("web", &["10.0.0.1"])], &[others], true, &options).changes, []);
}

#[test]
fn the_policy_limits_what_is_done() {
    let (desired, observed) = (
        [entry("new", &["10.0.0.1"]), entry("web", &["10.0.0.1"])],
        [entry("old", &[]), entry("web", &["10.0.0.2"])],
    );
    let count = |policy| {
        run(&desired, &observed, true, &Options { policy, ..Options::default() }).changes.len()
    };
    assert_eq!([Policy::Sync, Policy::UpsertOnly, Policy::CreateOnly].map(count), [3, 2, 1]);
}

#[test]
fn too_many_removals_are_refused_as_a_whole_and_the_rest_goes_on() {
    let observed: Vec<Value> = (0..10).map(|n| entry(&format!("s{n}"), &["10.0.0.1"])).collect();
    let mut desired: Vec<Value> = observed.iter().skip(4).cloned().collect();
    desired.push(entry("new", &["10.0.0.1"]));
    let plan = run(&desired, &observed, true, &Options::default());
    assert_eq!(actions(&plan), [&Action::Create]);
    assert_eq!(plan.refusals.iter().filter(|r| r.reason == Reason::Guard).count(), 4);
    let forced =
        run(&desired, &observed, true, &Options { force_deletes: true, ..Options::default() });
    assert_eq!(forced.changes.len(), 5);
}

#[test]
fn the_entries_of_a_deleted_namespace_are_deleted_if_the_list_of_namespaces_is_complete() {
    let deleted = edited(
        entry("web", &[]),
        "/metadata/annotations/istio-cloud-map~1namespace-id",
        json!("ns-deleted"),
    );
    assert_eq!(
        actions(&run(&[], std::slice::from_ref(&deleted), false, &Options::default())),
        [&Action::Delete]
    );
    let unknown_source =
        edited(deleted, "/metadata/annotations/istio-cloud-map~1source", json!("unknown"));
    assert_eq!(
        run(&[], &[unknown_source], true, &Options::default()),
        Plan::default(),
        "another process may read that source"
    );
}

#[test]
fn an_entry_as_json_has_the_facts_of_the_typed_one() {
    let raw = entry("web", &["10.0.0.2", "10.0.0.1"]);
    let typed: ServiceEntry = serde_json::from_value(raw.clone()).unwrap();
    assert_eq!(
        Desired::from_json(&raw, "other"),
        Ok(Desired::from_entry(&typed, scope(), "other"))
    );
    let mut nowhere = raw;
    nowhere.pointer_mut("/metadata").unwrap().as_object_mut().unwrap().remove("namespace");
    assert_eq!(Desired::from_json(&nowhere, "other").unwrap().key.namespace, "other");
}

#[test]
fn an_entry_without_a_name_or_hosts_is_an_error() {
    let raw = entry("web", &[]);
    for (pointer, bad, path) in [
        ("/metadata/name", json!(null), "metadata.name: "),
        ("/spec/hosts", json!("web.ns"), "spec.hosts: "),
        ("/spec/hosts", json!(["web.ns", 1]), "spec.hosts[1]: "),
        ("/spec", json!(null), "spec.hosts: "),
    ] {
        let error = Desired::from_json(&edited(raw.clone(), pointer, bad), "default").unwrap_err();
        assert!(error.starts_with(path), "{error}");
    }
}
