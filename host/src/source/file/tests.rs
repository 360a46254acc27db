#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::fs;
use std::time::Duration;

use istio_cloud_map_core::cloud_map::InputOptions;
use istio_cloud_map_core::operator::{NamespaceOwner, ReadFailure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{FileError, FileSource};
use crate::source::Source;

fn service(name: &str, address: &str) -> Value {
    json!({
        "namespace": {"Id": "ns-1", "Name": "my-namespace"},
        "service": {"Id": format!("srv-{name}"), "Name": name},
        "instances": [{"InstanceId": "i-1", "HealthStatus": "HEALTHY", "Attributes": {"AWS_INSTANCE_IPV4": address}}],
        "instancesRevision": 5,
    })
}

fn snapshot(services: &[Value]) -> String {
    json!({"services": services}).to_string()
}

struct Case {
    folder: TempDir,
    source: FileSource,
}

impl Case {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("snapshot.json"), text).unwrap();
        let source =
            FileSource::open(folder.path().join("snapshot.json"), InputOptions::default()).unwrap();
        Self { folder, source }
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.path().join("snapshot.json"), text).unwrap();
    }

    async fn changed(&self) {
        timeout(Duration::from_secs(3), self.source.changed()).await.unwrap();
    }

    async fn unchanged(&self) {
        assert!(
            timeout(Duration::from_millis(1200), self.source.changed()).await.is_err(),
            "nothing has changed"
        );
    }

    /// What can be read, and what can't and how: all of it, as the operator would.
    async fn read(&self) -> String {
        let namespaces = match self.source.namespaces(NamespaceOwner::Own, None).await {
            Ok(listed) => listed.items,
            Err(error) => return error.failure.as_str().to_owned(),
        };
        let mut found = Vec::new();
        for namespace in namespaces {
            match self.source.services(&namespace, None).await {
                Err(error) => found.push(format!("{}: {}", namespace.name, error.failure.as_str())),
                Ok(listed) => {
                    for service in listed.items {
                        let read = self.source.instances(&namespace, &service).await;
                        let address = |r: istio_cloud_map_core::operator::InstancesRead| {
                            r.instances[0]
                                .attributes
                                .get("AWS_INSTANCE_IPV4")
                                .cloned()
                                .unwrap_or_default()
                        };
                        found.push(format!(
                            "{}: {}",
                            service.key(),
                            read.map_or_else(|e| e.failure.as_str().to_owned(), address)
                        ));
                    }
                }
            }
        }
        found.join(", ")
    }
}

#[tokio::test]
async fn questions_are_answered_from_the_file() {
    let case = Case::new(&snapshot(&[service("web", "10.0.0.1"), service("api", "10.0.0.2")]));
    assert_eq!(case.read().await, "srv-api: 10.0.0.2, srv-web: 10.0.0.1");
    let namespaces = case.source.namespaces(NamespaceOwner::Own, None).await.unwrap();
    assert_eq!((namespaces.items.len(), namespaces.items[0].key()), (1, "ns-1"));
    let services = case.source.services(&namespaces.items[0], None).await.unwrap().items;
    let read = case.source.instances(&namespaces.items[0], &services[0]).await.unwrap();
    assert_eq!(read.revision, Some(5), "the record's own");
    assert_eq!(
        read.change_token,
        Some(case.source.revision(&namespaces.items[0], &services[0]).await.unwrap())
    );
}

#[tokio::test]
async fn what_discover_instances_prints_is_taken_as_well() {
    let text = r#"{"Instances": [{"InstanceId": "i-1", "NamespaceName": "n", "ServiceName": "web", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]}"#;
    assert_eq!(Case::new(text).read().await, "web: 10.0.0.1");
}

#[tokio::test]
async fn any_change_of_a_record_moves_its_revision_and_no_other() {
    let case = Case::new(&snapshot(&[service("web", "10.0.0.1"), service("api", "10.0.0.2")]));
    let namespace =
        case.source.namespaces(NamespaceOwner::Own, None).await.unwrap().items.remove(0);
    let services = case.source.services(&namespace, None).await.unwrap().items;
    let revisions = async || {
        (
            case.source.revision(&namespace, &services[0]).await.unwrap(),
            case.source.revision(&namespace, &services[1]).await.unwrap(),
        )
    };
    let before = revisions().await;
    let mut web = service("web", "10.0.0.1");
    web["instances"][0]["HealthStatus"] = json!("UNHEALTHY");
    case.write(&snapshot(&[web, service("api", "10.0.0.2")]));
    case.changed().await;
    let after = revisions().await;
    assert_eq!(before.0, after.0, "api is as it was");
    assert_ne!(before.1, after.1, "web is not");
}

#[tokio::test]
async fn a_change_is_seen_however_it_is_made() {
    let case = Case::new(&snapshot(&[service("web", "10.0.0.1")]));
    case.write(&snapshot(&[service("web", "10.0.0.2")]));
    case.changed().await;
    assert_eq!(case.read().await, "srv-web: 10.0.0.2", "in place, of the same length");
    let new = case.folder.path().join("new");
    fs::write(&new, snapshot(&[service("web", "10.0.0.3")])).unwrap();
    fs::rename(&new, case.folder.path().join("snapshot.json")).unwrap();
    case.changed().await;
    assert_eq!(case.read().await, "srv-web: 10.0.0.3", "renamed into place");
}

#[cfg(unix)]
#[tokio::test]
async fn a_config_map_s_symlinks_are_followed() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (version, address) in [("..1", "10.0.0.1"), ("..2", "10.0.0.2")] {
        fs::create_dir(path(version)).unwrap();
        fs::write(path(version).join("snapshot.json"), snapshot(&[service("web", address)]))
            .unwrap();
    }
    symlink("..1", path("..data")).unwrap();
    symlink("..data/snapshot.json", path("snapshot.json")).unwrap();
    let source = FileSource::open(path("snapshot.json"), InputOptions::default()).unwrap();
    let case = Case { folder, source };
    symlink("..2", case.folder.path().join("..new")).unwrap();
    fs::rename(case.folder.path().join("..new"), case.folder.path().join("..data")).unwrap();
    case.changed().await;
    assert_eq!(case.read().await, "srv-web: 10.0.0.2");
}

#[tokio::test]
async fn a_file_that_is_only_touched_has_not_changed() {
    let text = snapshot(&[service("web", "10.0.0.1")]);
    let case = Case::new(&text);
    case.write(&text);
    case.unchanged().await;
}

#[tokio::test]
async fn waiting_again_and_again_does_not_miss_a_change() {
    let case = Case::new(&snapshot(&[service("web", "10.0.0.1")]));
    case.write(&snapshot(&[service("web", "10.0.0.2")]));
    let waits =
        async { while timeout(Duration::from_millis(50), case.source.changed()).await.is_err() {} };
    timeout(Duration::from_secs(3), waits).await.unwrap();
}

#[tokio::test]
async fn while_the_file_is_wrong_or_gone_every_question_says_so_and_then_it_recovers() {
    let text = snapshot(&[service("web", "10.0.0.1")]);
    let case = Case::new(&text);
    let namespace =
        case.source.namespaces(NamespaceOwner::Own, None).await.unwrap().items.remove(0);
    let web = case.source.services(&namespace, None).await.unwrap().items.remove(0);
    case.write(text.split_at(text.len() / 2).0);
    case.changed().await;
    let failures = [
        case.source.namespaces(NamespaceOwner::Own, None).await.unwrap_err(),
        case.source.services(&namespace, None).await.unwrap_err(),
        case.source.revision(&namespace, &web).await.unwrap_err(),
        case.source.instances(&namespace, &web).await.unwrap_err(),
    ];
    assert!(failures.iter().all(|error| error.failure == ReadFailure::Unreachable
        && error.message.contains("snapshot.json can't be used: ")));
    fs::remove_file(case.folder.path().join("snapshot.json")).unwrap();
    case.changed().await;
    assert_eq!(case.read().await, "unreachable");
    case.unchanged().await;
    case.write(&text);
    case.changed().await;
    assert_eq!(
        case.read().await,
        "srv-web: 10.0.0.1",
        "the same content as before counts as a change after a failure"
    );
}

#[tokio::test]
async fn a_service_that_can_t_be_read_is_listed_and_costs_no_other() {
    let case = Case::new(&snapshot(&[service("web", "10.0.0.1"), service("api", "10.0.0.2")]));
    let mut web = service("web", "10.0.0.1");
    web["instances"] = json!("all of them");
    case.write(&snapshot(&[web, service("api", "10.0.0.3")]));
    case.changed().await;
    assert_eq!(case.read().await, "srv-api: 10.0.0.3, srv-web: malformed");
    assert_eq!(case.source.state().snapshot.diagnostics.len(), 1);
}

#[tokio::test]
async fn a_record_without_names_leaves_the_list_it_belongs_in_unread() {
    let mut nameless = service("web", "10.0.0.1");
    nameless["service"] = json!({"Id": "srv-web"});
    let other = json!({"namespace": {"Name": "other"}, "service": {"Name": "api"}, "instances": [{"Id": "i", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.9"}}]});
    let case = Case::new(&snapshot(&[nameless, service("api", "10.0.0.2"), other]));
    assert_eq!(case.read().await, "my-namespace: malformed, api: 10.0.0.9");
    let mut homeless = service("web", "10.0.0.1");
    homeless["namespace"] = json!({"Id": "ns-1"});
    assert_eq!(
        Case::new(&snapshot(&[homeless, service("api", "10.0.0.2")])).read().await,
        "malformed"
    );
}

#[tokio::test]
async fn what_is_no_longer_in_the_file_is_not_found() {
    let case = Case::new(&snapshot(&[service("web", "10.0.0.1"), service("api", "10.0.0.2")]));
    let namespace =
        case.source.namespaces(NamespaceOwner::Own, None).await.unwrap().items.remove(0);
    let web = case.source.services(&namespace, None).await.unwrap().items.remove(1);
    case.write(&snapshot(&[service("api", "10.0.0.2")]));
    case.changed().await;
    assert_eq!(
        case.source.instances(&namespace, &web).await.unwrap_err().failure,
        ReadFailure::NotFound
    );
}

#[test]
fn a_file_that_is_wrong_from_the_start_is_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let rows: [(&str, Option<&[u8]>, &str); 5] = [
        ("missing", None, "can't be read: No such file"),
        ("empty", Some(b""), "can't be used: the input is empty"),
        ("no JSON", Some(b"services:"), "can't be used: it looks like YAML"),
        (
            "wrong shape",
            Some(br#"{"Namespaces": []}"#),
            "can't be used: the document has `Namespaces`",
        ),
        ("no text", Some(b"\xff\xfe{}{"), "can't be used: it looks like UTF-16, but"),
    ];
    for (name, bytes, message) in rows {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let error: FileError = FileSource::open(&path, InputOptions::default()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(message) && text.contains(path.to_str().unwrap()), "{name}: {text}");
    }
}
