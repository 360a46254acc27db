use std::time::Duration;

use istio_cloud_map_core::operator::WriteFailure::{
    self, Conflict, Forbidden, NoNamespace, NotFound, Other, Rejected, Throttled, Unreachable,
};
use istio_cloud_map_core::operator::{EntryKey, Observed, Version};
use serde_json::json;

use super::fake::{Answer, Fake, fails, status};
use super::{create, entry, key, stored};
use crate::sink::kube::failure::Call;
use crate::sink::kube::{KubeOptions, KubeSink};
use crate::sink::{Apply, Sink};

fn version(resource_version: &str) -> Version {
    Version { uid: Some("u-1".to_owned()), resource_version: Some(resource_version.to_owned()) }
}

#[tokio::test]
async fn an_entry_is_made_by_one_apply_that_takes_nothing_over() {
    let fake = Fake::start(&["v1"], [Answer::Json(201, stored("7"))]).await;
    let mut with_status = entry();
    with_status["status"] = json!({"addresses": []});
    let sink = fake.connect().await.unwrap();
    let observed = sink.apply(Apply { json: with_status.to_string(), ..create() }).await.unwrap();
    assert_eq!((observed.version, observed.owner.as_deref()), (version("7"), Some("me")));

    let asked = fake.asked();
    assert_eq!(asked.len(), 1);
    let path = "/apis/networking.istio.io/v1/namespaces/mesh/serviceentries/cloudmap-web.shop";
    assert_eq!(
        (asked[0].method.as_str(), &asked[0].target),
        ("PATCH", &format!("{path}?&fieldManager=istio-cloud-map"))
    );
    assert_eq!(asked[0].content_type, "application/apply-patch+yaml");
    let mut expected = entry();
    expected["apiVersion"] = json!("networking.istio.io/v1");
    expected["metadata"]["namespace"] = json!("mesh");
    expected["metadata"]["resourceVersion"] = json!("1");
    assert_eq!(asked[0].body, expected);
}

#[tokio::test]
async fn an_entry_is_replaced_as_it_was_observed() {
    let fake = Fake::start(&["v1"], [Answer::Json(200, stored("8"))]).await;
    let sink = fake.connect().await.unwrap();
    sink.apply(Apply { replaces: Some(version("7")), ..create() }).await.unwrap();
    let asked = &fake.asked()[0];
    assert!(asked.target.contains("force=true"), "{}", asked.target);
    assert_eq!(
        (&asked.body["metadata"]["resourceVersion"], &asked.body["metadata"]["uid"]),
        (&json!("7"), &json!("u-1"))
    );
}

#[tokio::test]
async fn what_an_apply_leaves_is_put_right_by_a_merge_of_just_that() {
    let mut left = stored("8");
    left["spec"]["ports"] = json!([{"number": 80, "name": "http", "protocol": "HTTP"}, {"number": 81, "name": "added", "protocol": "TCP"}]);
    left["spec"]["location"] = json!("MESH_EXTERNAL");
    left["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:location"] = json!({});
    let fake =
        Fake::start(&["v1"], [Answer::Json(200, left), Answer::Json(200, stored("9"))]).await;
    let sink = fake.connect().await.unwrap();
    let observed = sink.apply(Apply { replaces: Some(version("7")), ..create() }).await.unwrap();
    assert_eq!(observed.version, version("9"));
    let merge = &fake.asked()[1];
    assert_eq!(
        (merge.method.as_str(), merge.content_type.as_str()),
        ("PATCH", "application/merge-patch+json")
    );
    assert!(merge.target.ends_with("?&fieldManager=istio-cloud-map"), "{}", merge.target);
    let spec = json!({"ports": entry()["spec"]["ports"], "location": null});
    let metadata = json!({"resourceVersion": "8", "annotations": {}});
    assert_eq!(merge.body, json!({"metadata": metadata, "spec": spec}));
}

#[tokio::test]
async fn what_still_differs_then_is_told_and_not_fought_over() {
    let mut left = stored("8");
    left["spec"]["ports"] = json!([{"number": 81, "name": "http", "protocol": "HTTP"}]);
    let fake =
        Fake::start(&["v1"], [Answer::Json(200, left.clone()), Answer::Json(200, left)]).await;
    let sink = fake.connect().await.unwrap();
    sink.apply(create()).await.unwrap();
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn a_label_that_a_webhook_changes_is_told_and_not_put_right_as_a_field_of_the_spec() {
    let mut labelled = entry();
    labelled["metadata"]["labels"]["team"] = json!("a");
    labelled["metadata"]["annotations"] = json!({"istio-cloud-map/entry-labels": "team"});
    let fake = Fake::start(&["v1"], [Answer::Json(200, stored("8"))]).await;
    let sink = fake.connect().await.unwrap();
    let stored =
        sink.apply(Apply { json: labelled.to_string(), replaces: Some(version("7")), ..create() });
    let stored = stored.await.unwrap();
    assert_eq!(fake.asked().len(), 1);
    let wanted = Observed::from_json(&labelled, None, "mesh");
    assert_eq!(wanted.fields.differing(&stored.fields).collect::<Vec<_>>(), ["labels"]);
}

#[tokio::test]
async fn a_label_that_somebody_else_holds_too_becomes_theirs_when_it_is_no_longer_ours() {
    let mut left = stored("8");
    left["metadata"]["labels"]["team"] = json!("a");
    left["metadata"]["annotations"] = json!({"istio-cloud-map/entry-labels": "team"});
    let mut theirs = left.clone();
    theirs["metadata"]["annotations"] = json!({});
    let fake = Fake::start(&["v1"], [Answer::Json(200, left), Answer::Json(200, theirs)]).await;
    let sink = fake.connect().await.unwrap();
    let stored = sink.apply(Apply { replaces: Some(version("7")), ..create() }).await.unwrap();
    let metadata = &fake.asked()[1].body["metadata"];
    assert_eq!(metadata["annotations"], json!({"istio-cloud-map/entry-labels": null}));
    let wanted = Observed::from_json(&entry(), None, "mesh");
    assert_eq!(wanted.fields.differing(&stored.fields).count(), 0);
}

#[tokio::test]
async fn a_field_of_somebody_else_is_left_alone() {
    let mut theirs = stored("8");
    theirs["spec"]["exportTo"] = json!(["."]);
    let fake = Fake::start(&["v1"], [Answer::Json(200, theirs)]).await;
    fake.connect().await.unwrap().apply(create()).await.unwrap();
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn an_entry_is_deleted_as_it_was_observed() {
    let fake = Fake::start(
        &["v1"],
        [
            Answer::Json(200, json!({"kind": "Status", "status": "Success"})),
            fails(404, "not found"),
        ],
    )
    .await;
    let sink = fake.connect().await.unwrap();
    sink.delete(&key(), &version("7")).await.unwrap();
    assert_eq!(
        fake.asked()[0].body["preconditions"],
        json!({"uid": "u-1", "resourceVersion": "7"})
    );
    assert_eq!(sink.delete(&key(), &version("7")).await.unwrap_err().failure, NotFound);
}

#[tokio::test]
async fn a_write_that_gets_no_answer_is_given_up() {
    let fake = Fake::start(&["v1"], [Answer::Never]).await;
    let options = KubeOptions { call_timeout: Duration::from_millis(300), ..fake.options() };
    let sink = KubeSink::connect(options).await.unwrap();
    assert_eq!(sink.apply(create()).await.unwrap_err().failure, Unreachable);
}

#[tokio::test]
async fn how_long_the_api_server_asks_to_wait_is_passed_on_and_bounded() {
    for (code, header, expected) in [
        (429, "7", Some(7)),
        (503, "30", Some(30)),
        (429, "999999999", Some(300)),
        (429, "soon", None),
        (500, "7", None),
    ] {
        let fake = Fake::start(&["v1"], [Answer::Later(code, header)]).await;
        let error = fake.connect().await.unwrap().apply(create()).await.unwrap_err();
        assert_eq!(error.retry_after, expected.map(Duration::from_secs), "{code} {header}");
    }
}

#[test]
fn a_refusal_is_classified_and_explained() {
    const RULE: &str = "in namespace mesh: add to its Role {apiGroups: [networking.istio.io], resources: [serviceentries], verbs:";
    let cases: [(u16, &str, WriteFailure, String); 9] = [
        (
            409,
            "the object has been modified",
            Conflict,
            "mesh/cloudmap-web.shop was created by another client in the meantime".into(),
        ),
        (422, "spec.hosts:\n  Required value", Rejected, "spec.hosts: Required value".into()),
        (
            400,
            "admission webhook \"w\" denied the request: no",
            Rejected,
            "admission webhook \"w\" denied the request: no".into(),
        ),
        (
            403,
            "admission webhook \"w\" denied the request: no",
            Rejected,
            "admission webhook \"w\" denied the request: no".into(),
        ),
        (
            403,
            "serviceentries.networking.istio.io \"x\" is forbidden: User \"u\" cannot create resource \"serviceentries\" in API group",
            Forbidden,
            format!("not permitted to create serviceentries.networking.istio.io {RULE} [create]}}"),
        ),
        (
            403,
            "Forbidden",
            Forbidden,
            format!("not permitted to patch serviceentries.networking.istio.io {RULE} [patch]}}"),
        ),
        (
            429,
            "slow down",
            Throttled,
            "the API server asks for fewer requests (429): slow down".into(),
        ),
        (503, "starting", Unreachable, "the API server can't answer now (503): starting".into()),
        (500, "etcd is sad", Other, "the API server answered 500: etcd is sad".into()),
    ];
    for (code, said, failure, message) in cases {
        let error = Call::apply(&key(), true)
            .answered(&serde_json::from_value(status(code, said)).unwrap());
        assert_eq!((error.failure, error.message), (failure, message));
    }
}

#[test]
fn a_missing_namespace_is_not_a_missing_entry() {
    let mut missing = status(404, "namespaces \"mesh\" not found");
    missing["details"]["kind"] = json!("namespaces");
    let key = EntryKey { namespace: "mesh".to_owned(), ..key() };
    let error = Call::apply(&key, true).answered(&serde_json::from_value(missing).unwrap());
    assert_eq!(
        error.message,
        "namespace mesh does not exist: create it, or choose another with --namespace"
    );
    assert_eq!(error.failure, NoNamespace);
}
