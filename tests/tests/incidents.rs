//! Incidents as a person meets them: what the log, the metrics, the Events, the status page, `doctor`,
//! `plan` and `explain` say. docs/incidents.md is a walk through these.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, Instant};

use istio_cloud_map_tests::cloud_map::{Fault, Operation};
use istio_cloud_map_tests::fixture::Fixture;
use istio_cloud_map_tests::operator::{Operator, command, eventually, with_aws};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

/// A cluster in which all is well.
struct Incident {
    fixture: Fixture,
    operator: Operator,
    begun: Instant,
}

impl Incident {
    async fn begin() -> Self {
        let fixture = Fixture::with_services(12).await;
        let operator = fixture.operator(&[]).await;
        Self { fixture, operator, begun: Instant::now() }
    }

    /// Waits for a line of the log, and prints it.
    async fn logs(&self, part: &str) {
        eventually(part, SOON, async || self.operator.log().contains(part)).await;
        let log = self.operator.log();
        let line = log.lines().find(|line| line.contains(part)).unwrap();
        println!("after {:.1} s, the log:\n  {line}", self.begun.elapsed().as_secs_f32());
    }

    async fn metric(&self, name: &str, label: &str, expected: f64) {
        eventually(name, SOON, async || {
            (self.operator.metric(name, &[label]).await - expected).abs() < 0.1
        })
        .await;
        println!("metric: {name}{label} {expected}");
    }

    /// A command of the program, against the same Cloud Map and cluster: its code and what it prints.
    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = command(arguments);
        with_aws(&mut command, self.fixture.cloud_map.url());
        command
            .args(["--empty-grace", "1s", "--kube-config"])
            .arg(self.fixture.kubernetes.kubeconfig());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        println!("$ istio-cloud-map {}\n{text}", arguments.join(" "));
        (output.status.code(), text)
    }

    /// The status of the running operator.
    async fn status(&self) -> Value {
        let status: Value =
            serde_json::from_str(&self.operator.page("/status.json").await.unwrap()).unwrap();
        println!("/status.json:");
        for place in ["/sources/0", "/refused/command"] {
            println!("{place}: {:#}", status.pointer(place).unwrap_or(&Value::Null));
        }
        status
    }

    /// The reasons of all Events.
    async fn events(&self) -> String {
        let events = self.fixture.kubernetes.kubectl(&["get", "events", "--no-headers"]).await;
        println!("$ kubectl get events\n{events}");
        events
    }
}

#[tokio::test]
async fn a_permission_is_taken_away() {
    let incident = Incident::begin().await;
    incident.fixture.cloud_map.inject(Fault::AccessDenied.on(Operation::DiscoverInstances));
    incident.fixture.cloud_map.inject(Fault::AccessDenied.on(Operation::DiscoverInstancesRevision));
    incident.logs("ReadFailed").await;
    incident.metric("istio_cloud_map_reads_failing", "{source=\"default\"}", 12.0).await;
    let status = incident.status().await.to_string();
    assert!(status.contains("AccessDenied") || status.contains("not authorized"), "{status}");
    let (code, text) = incident.run(&["doctor"]).await;
    assert_eq!(code, Some(1));
    assert!(text.contains("servicediscovery:DiscoverInstances"), "{text}");
    assert!(
        text.contains("FAILED  DiscoverInstances: of ns/s"),
        "one space after the call: {text}"
    );
    assert_eq!(incident.fixture.entries().await.len(), 12, "nothing was deleted");
    incident.fixture.finish().await;
}

#[tokio::test]
async fn a_namespace_is_emptied_by_mistake() {
    let incident = Incident::begin().await;
    incident.fixture.cloud_map.world(|world| {
        for number in 0..12 {
            let service =
                world.service_named(incident.fixture.namespace, &format!("s{number:03}")).unwrap();
            world.delete_service(service);
        }
    });
    incident.logs("DeletesRefused").await;
    incident.metric("istio_cloud_map_removals_refused", "", 12.0).await;
    let status = incident.status().await;
    let text = status.to_string();
    assert!(text.contains("istio-cloud-map/confirm-removals="), "{text}");
    let (code, text) = incident.run(&["plan"]).await;
    assert_eq!(code, Some(0));
    assert!(
        text.contains("# refused: error[DeletesRefused]") && text.contains("12 refused"),
        "{text}"
    );
    assert_eq!(incident.fixture.entries().await.len(), 12, "nothing was deleted");
    incident.fixture.finish().await;
}

#[tokio::test]
async fn a_stranger_has_our_host() {
    let incident = Incident::begin().await;
    let theirs = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
        "metadata": {"name": "theirs", "namespace": "default"},
        "spec": {"hosts": ["new.ns"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}], "resolution": "DNS"},
    });
    incident.fixture.create(theirs).await;
    incident.fixture.add("new", 1);
    incident.logs("error[Conflict] ns/new").await;
    incident.metric("istio_cloud_map_diagnostics", "{code=\"Conflict\"}", 1.0).await;
    eventually("the Event", SOON, async || incident.events().await.contains("Conflict")).await;
    let (_, text) = incident.run(&["explain", "new.ns"]).await;
    assert!(
        text.contains("refused: error[Conflict] ns/new") && text.contains("default/theirs"),
        "{text}"
    );
    incident.fixture.finish().await;
}

#[tokio::test]
async fn a_service_does_not_appear() {
    let incident = Incident::begin().await;
    incident.fixture.cloud_map.world(|world| {
        let service = world.service(incident.fixture.namespace, "shy_service");
        let attributes = [("AWS_INSTANCE_IPV4", "127.0.0.1"), ("AWS_INSTANCE_PORT", "8080")];
        world.register(service, "i-1", attributes);
    });
    incident.logs("error[InvalidHost] ns/shy_service").await;
    let (code, text) = incident.run(&["explain", "shy_service.ns"]).await;
    assert_eq!(code, Some(0));
    assert!(
        text.contains("InvalidHost") && text.contains("no entry, for the reasons above"),
        "{text}"
    );
    let (code, text) = incident.run(&["explain", "shy-service.ns"]).await;
    assert_eq!(code, Some(1));
    assert!(text.contains("the most alike are shy_service.ns"), "{text}");
    incident.fixture.finish().await;
}
