//! The rule of protected hosts as a `ValidatingAdmissionPolicy`, on a real API server.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use std::time::Duration;

use istio_cloud_map_tests::bed::ApiServer;
use istio_cloud_map_tests::operator::until;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};

const MANIFEST: &str = include_str!("../../manifests/policy/validating-admission-policy.yaml");
/// The host that the manifest protects.
const HOST: &str = "getistio-external-service.my-namespace";
const OPERATOR: &str = "system:serviceaccount:default:istio-cloud-map";

/// An API server on which every user may write entries as far as RBAC is concerned, with the policy.
struct Cluster(ApiServer);

impl Cluster {
    async fn with(policy: &str) -> Self {
        let server = ApiServer::start().await;
        let file = server.directory().join("policy.yaml");
        let rights = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
            metadata: {name: writer}\nrules:\n- {apiGroups: [networking.istio.io], \
            resources: [serviceentries], verbs: ['*']}\n---\n\
            apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n\
            metadata: {name: writer}\nroleRef: {apiGroup: rbac.authorization.k8s.io, \
            kind: ClusterRole, name: writer}\nsubjects:\n\
            - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}\n";
        std::fs::write(&file, format!("{policy}\n---\n{rights}")).unwrap();
        server.kubectl(&["apply", "-f", file.to_str().unwrap(), "--validate=false"]).await;
        Self(server)
    }

    /// The entries, as this user. `group` is one more group of theirs.
    async fn entries(&self, user: &str, group: Option<&str>) -> Api<DynamicObject> {
        let kubeconfig = Kubeconfig::read_from(self.0.kubeconfig()).unwrap();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .unwrap();
        config.auth_info.impersonate = Some(user.to_owned());
        config.auth_info.impersonate_groups = group.map(|group| vec![group.to_owned()]);
        let kind = GroupVersionKind::gvk("networking.istio.io", "v1", "ServiceEntry");
        let resource = ApiResource::from_gvk_with_plural(&kind, "serviceentries");
        Api::namespaced_with(Client::try_from(config).unwrap(), "default", &resource)
    }

    /// The entries as a user who is not trusted, once the API server enforces the policy.
    async fn stranger(&self) -> Api<DynamicObject> {
        let entries = self.entries("alice", None).await;
        let is_enforced = until(Duration::from_secs(30), async || {
            verdict(create(&entries, &[HOST]).await) == "refused"
        });
        assert!(is_enforced.await, "the policy is not enforced after 30 s");
        entries
    }
}

fn entry(hosts: &[&str]) -> DynamicObject {
    let entry = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"hosts": hosts, "ports": [{"number": 80, "name": "http"}], "resolution": "NONE"},
    });
    serde_json::from_value(entry).unwrap()
}

/// Creates it, as far as asking whether it may be.
async fn create(
    entries: &Api<DynamicObject>,
    hosts: &[&str],
) -> Result<DynamicObject, kube::Error> {
    entries.create(&PostParams { dry_run: true, ..PostParams::default() }, &entry(hosts)).await
}

/// `refused` by the policy, `accepted`, or what else the API server answered.
fn verdict<T>(answer: Result<T, kube::Error>) -> String {
    match answer {
        Ok(_) => "accepted".to_owned(),
        Err(kube::Error::Api(status))
            if status.code == 403 && status.message.contains("` is protected: ") =>
        {
            "refused".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_hosts_that_the_kubewarden_policy_protects_are_protected() {
    let table: Value = serde_json::from_str(include_str!("policy/hosts.json")).unwrap();
    let ours = table["protected"].to_string().replace('"', "'");
    let policy = MANIFEST.replace(&format!("['{HOST}']"), &ours);
    assert_ne!(policy, MANIFEST);
    let cluster = Cluster::with(&policy).await;
    let stranger = cluster.stranger().await;
    let operator = cluster.entries(OPERATOR, None).await;
    for case in table["cases"].as_array().unwrap() {
        let hosts: Vec<&str> =
            case["hosts"].as_array().unwrap().iter().map(|host| host.as_str().unwrap()).collect();
        let expected = if case["overlap"] == json!(true) { "refused" } else { "accepted" };
        assert_eq!(verdict(create(&stranger, &hosts).await), expected, "{}", case["name"]);
        assert_eq!(verdict(create(&operator, &hosts).await), "accepted", "{}", case["name"]);
    }
}

#[tokio::test]
async fn the_operators_entry_is_changed_and_deleted_by_trusted_users_only() {
    let cluster =
        Cluster::with(&MANIFEST.replace("\n        []\n", "\n        ['admins']\n")).await;
    let stranger = cluster.stranger().await;
    let operator = cluster.entries(OPERATOR, None).await;
    operator.create(&PostParams::default(), &entry(&[HOST])).await.expect("the operator's entry");

    let label = Patch::Merge(json!({"metadata": {"labels": {"team": "a"}}}));
    let other_host = Patch::Merge(json!({"spec": {"hosts": ["other.example.com"]}}));
    let member = cluster.entries("bob", Some("admins")).await;
    let controllers = ["namespace-controller", "generic-garbage-collector"];
    let mut users =
        vec![("alice", &stranger, "refused"), ("a member of a group", &member, "accepted")];
    let mut trusted = Vec::new();
    for name in controllers {
        trusted.push(
            cluster.entries(&format!("system:serviceaccount:kube-system:{name}"), None).await,
        );
    }
    users.extend(controllers.into_iter().zip(&trusted).map(|(name, api)| (name, api, "accepted")));
    users.push(("the operator", &operator, "accepted"));

    for (user, entries, expected) in users {
        let dry = PatchParams { dry_run: true, ..PatchParams::default() };
        assert_eq!(verdict(entries.patch("web", &dry, &label).await), expected, "{user}: label");
        let taken_away = entries.patch("web", &dry, &other_host).await;
        assert_eq!(verdict(taken_away), expected, "{user}: other host");
        let dry = DeleteParams { dry_run: true, ..DeleteParams::default() };
        assert_eq!(verdict(entries.delete("web", &dry).await), expected, "{user}: delete");
    }
    let refused = create(&stranger, &[HOST]).await.unwrap_err().to_string();
    assert!(refused.contains("`alice` is not trusted"), "{refused}");
}
