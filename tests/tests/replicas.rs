//! Several replicas: who leads which source, and what happens when a leader goes.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use istio_cloud_map_tests::cloud_map::Operation;
use istio_cloud_map_tests::fixture::Fixture;
use istio_cloud_map_tests::operator::{Operator, command, eventually};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use tempfile::TempDir;

/// More than the duration of a lease.
const TAKE_OVER: Duration = Duration::from_secs(25);
const SOON: Duration = Duration::from_secs(15);

/// A configuration with ten sources, each a snapshot of one service.
struct TenSources {
    directory: TempDir,
}

impl TenSources {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let source = |number: usize| json!({"name": format!("s{number}"), "file": directory.path().join(format!("{number}.json"))});
        let config = json!({"interval": "1s", "sources": (0..10).map(source).collect::<Vec<_>>()});
        fs::write(directory.path().join("config.yaml"), config.to_string()).unwrap();
        let sources = Self { directory };
        (0..10).for_each(|number| sources.register(number, 1));
        sources
    }

    /// Gives the service of a source so many instances.
    fn register(&self, source: usize, instances: usize) {
        let instance = |number| {
            let attributes = json!({"AWS_INSTANCE_IPV4": format!("10.{source}.0.{number}"), "AWS_INSTANCE_PORT": "80"});
            json!({"InstanceId": format!("i-{number}"), "Attributes": attributes})
        };
        let instances: Vec<_> = (1..=instances).map(instance).collect();
        let snapshot = json!({"services": [{
            "namespace": {"Name": "ns"}, "service": {"Name": format!("web{source}")}, "instances": instances,
        }]});
        let file = self.directory.path().join(format!("{source}.json"));
        let draft = file.with_extension("draft");
        fs::write(&draft, snapshot.to_string()).unwrap();
        fs::rename(draft, file).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("config.yaml")
    }

    async fn replica(&self, fixture: &Fixture) -> Operator {
        let replica = start(fixture.kubernetes.kubeconfig(), &self.config(), &[]);
        replica.ready().await;
        replica
    }
}

fn start(kubeconfig: &Path, config: &Path, arguments: &[&str]) -> Operator {
    let mut command = command(&["serve", "--config"]);
    command.arg(config).arg("--kube-config").arg(kubeconfig).args(arguments);
    Operator::spawn(command)
}

/// How many sources a replica leads.
async fn leads(replica: &Operator) -> f64 {
    replica.metric("istio_cloud_map_leader{", &[]).await
}

async fn share(replicas: &[&Operator], expected: &[f64], longest: Duration) {
    let what = format!("the sources are shared as {expected:?}");
    eventually(&what, longest, async || {
        for (replica, expected) in replicas.iter().zip(expected) {
            if (leads(replica).await - expected).abs() > 0.1 {
                return false;
            }
        }
        true
    })
    .await;
}

fn leases(fixture: &Fixture) -> Api<Lease> {
    Api::namespaced(fixture.client.clone(), "default")
}

#[tokio::test]
async fn ten_sources_are_shared_by_two_replicas_and_all_go_to_the_one_that_stays() {
    let fixture = Fixture::new().await;
    let sources = TenSources::new();
    let first = sources.replica(&fixture).await;
    share(&[&first], &[10.0], SOON).await;
    let mut second = sources.replica(&fixture).await;
    share(&[&first, &second], &[5.0, 5.0], TAKE_OVER).await;
    eventually("there are ten entries", SOON, async || fixture.entries().await.len() == 10).await;

    let before = fixture.versions().await;
    sources.register(3, 2);
    sources.register(8, 2);
    fixture.has_endpoints("web3", 2, SOON).await;
    fixture.has_endpoints("web8", 2, SOON).await;
    let (status, _) = second.terminate();
    assert!(status.success(), "{}", second.log());
    share(&[&first], &[10.0], SOON).await;
    sources.register(3, 3);
    sources.register(8, 3);
    fixture.has_endpoints("web3", 3, SOON).await;
    fixture.has_endpoints("web8", 3, SOON).await;
    let after = fixture.versions().await;
    let kept = after.iter().filter(|version| before.contains(version)).count();
    assert_eq!(kept, 8, "nothing else was written when sources changed hands");
    assert_eq!(second.log_lines_with("deleted") + first.log_lines_with("deleted"), 0);
    fixture.finish().await;
}

#[tokio::test]
async fn a_leader_that_is_killed_is_replaced_once_its_lease_has_expired_and_nothing_is_rewritten() {
    let fixture = Fixture::with_services(20).await;
    let mut leader = fixture.operator(&[]).await;
    let standby = fixture.operator(&[]).await;
    assert!(leads(&leader).await > 0.5 && leads(&standby).await < 0.5, "the standby is ready");
    fixture.cloud_map.reset_calls();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let lists = fixture.cloud_map.calls(Operation::ListNamespaces);
    assert!(lists <= 5, "a standby does not read Cloud Map: {lists} lists by two processes");

    let before = fixture.versions().await;
    let killed = Instant::now();
    leader.kill();
    share(&[&standby], &[1.0], TAKE_OVER).await;
    println!("taken over {:.1} s after kill -9", killed.elapsed().as_secs_f32());
    fixture.register(fixture.service("s001"), "i-9", "10.9.9.9");
    fixture.has_endpoints("s001", 2, SOON).await;
    let after = fixture.versions().await;
    assert_eq!(after.iter().filter(|version| before.contains(version)).count(), 19);
    assert_eq!(after.len(), 20);
    fixture.finish().await;
}

#[tokio::test]
async fn a_leader_that_is_stopped_releases_its_lease_at_once() {
    let fixture = Fixture::with_services(3).await;
    let mut leader = fixture.operator(&[]).await;
    let standby = fixture.operator(&[]).await;
    let stopped = Instant::now();
    let (status, took) = leader.terminate();
    assert!(status.success() && took < Duration::from_secs(5), "{took:?}: {}", leader.log());
    // Had it not been released, this would take the duration of the lease.
    share(&[&standby], &[1.0], Duration::from_secs(10)).await;
    println!("handed over {:.1} s after SIGTERM", stopped.elapsed().as_secs_f32());
    let lease =
        leases(&fixture).get("istio-cloud-map-istio-cloud-map-source-default").await.unwrap();
    let spec = lease.spec.unwrap();
    assert_eq!(spec.lease_transitions, Some(1));
    assert!(spec.acquire_time.unwrap().0 <= spec.renew_time.unwrap().0);
    let members = leases(&fixture).list(&ListParams::default()).await.unwrap();
    assert_eq!(members.items.len(), 2, "its own lease is gone: {members:?}");
}

#[tokio::test]
async fn a_leader_that_was_paused_writes_nothing_that_its_successor_would_not() {
    let fixture = Fixture::with_services(12).await;
    let first = fixture.operator(&[]).await;
    let second = fixture.operator(&[]).await;
    let paused = first.pause(Duration::from_secs(20));
    let meanwhile = async {
        share(&[&second], &[1.0], TAKE_OVER).await;
        fixture.register(fixture.service("s001"), "i-9", "10.9.9.9");
        fixture.has_endpoints("s001", 2, SOON).await;
    };
    tokio::join!(paused, meanwhile);
    let before = fixture.versions().await;
    share(&[&first, &second], &[0.0, 1.0], SOON).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(fixture.versions().await, before);
    fixture.finish().await;
}

#[tokio::test]
async fn a_lease_that_is_taken_by_hand_is_respected_and_taken_back_when_it_expires() {
    let fixture = Fixture::with_services(2).await;
    let operator = fixture.operator(&[]).await;
    let name = "istio-cloud-map-istio-cloud-map-source-default";
    let taken = json!({"spec": {"holderIdentity": "a-person", "leaseTransitions": 7}});
    leases(&fixture).patch(name, &PatchParams::default(), &Patch::Merge(taken)).await.unwrap();
    share(&[&operator], &[0.0], SOON).await;
    assert!(operator.page("/readyz").await.is_some(), "a standby is ready");
    share(&[&operator], &[1.0], TAKE_OVER).await;
    let lease = leases(&fixture).get(name).await.unwrap();
    assert_eq!(lease.spec.unwrap().lease_transitions, Some(8));
}
