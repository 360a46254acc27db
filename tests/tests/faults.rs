//! Faults around the operator, which never lose an entry.

use std::time::{Duration, Instant};

use istio_cloud_map_tests::bed::Gateway;
use istio_cloud_map_tests::cloud_map::{Fault, FaultRule, Operation};
use istio_cloud_map_tests::fixture::{EMPTY_GRACE, Fixture, INTERVAL};
use istio_cloud_map_tests::operator::{Operator, eventually, until};

const SERVICES: usize = 12;
/// Two intervals, and a second for the machine.
const CONVERGED: Duration = Duration::from_secs(2 * INTERVAL.as_secs() + 1);

struct Scenario {
    fixture: Fixture,
    operator: Operator,
}

impl Scenario {
    async fn begin() -> Self {
        let fixture = Fixture::with_services(SERVICES).await;
        let operator = fixture.operator(&[]).await;
        Self { fixture, operator }
    }

    /// While a fault lasts, services change; what can't be read stays, nothing is deleted or
    /// emptied, and all converges when it ends.
    async fn with_fault(&self, rule: impl Into<FaultRule>, lasting: Duration) {
        let before = self.fixture.entries().await;
        let fault = self.fixture.cloud_map.inject(rule);
        self.fixture.register(self.fixture.service("s001"), "i-9", "10.9.9.9");
        tokio::time::sleep(lasting).await;
        let during = self.fixture.entries().await;
        assert_eq!(during.len(), before.len(), "an entry went");
        self.assert_none_empty().await;
        self.fixture.cloud_map.clear(fault);
        self.fixture.has_endpoints("s001", 2, CONVERGED).await;
    }

    async fn assert_none_empty(&self) {
        for entry in self.fixture.entries().await {
            assert!(
                entry.pointer("/spec/endpoints/0").is_some(),
                "{entry} was emptied\n{}",
                self.operator.log()
            );
        }
    }

    /// A deletion by a user is observed and reverted.
    async fn watch_goes_on(&self) {
        self.fixture.delete("cloudmap-s005.ns").await;
        assert!(
            until(CONVERGED, async || self.fixture.endpoints("s005").await == Some(1)).await,
            "{}",
            self.operator.log()
        );
    }

    /// A service without a fault is always current.
    async fn stays_current(&self, service: &str) {
        self.fixture.register(self.fixture.service(service), "i-7", "10.7.7.7");
        self.fixture.has_endpoints(service, 2, CONVERGED).await;
    }
}

#[tokio::test]
async fn an_empty_page_with_a_token_is_not_the_end_of_a_list() {
    let scenario = Scenario::begin().await;
    scenario.with_fault(Fault::EmptyPage, INTERVAL * 4).await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn a_throttle_of_every_call_for_thirty_seconds() {
    let scenario = Scenario::begin().await;
    scenario.with_fault(Fault::Throttle, Duration::from_secs(30)).await;
    assert_eq!(
        scenario.operator.log_lines_with("WARN"),
        1,
        "one line, and not one a call: {}",
        scenario.operator.log()
    );
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn access_denied_on_one_service_affects_only_that_one() {
    let scenario = Scenario::begin().await;
    let fault = scenario.fixture.cloud_map.inject(Fault::AccessDenied.in_service("ns", "s001"));
    scenario.fixture.register(scenario.fixture.service("s001"), "i-9", "10.9.9.9");
    scenario.stays_current("s002").await;
    // Another one is deleted meanwhile: its entry goes, that of the denied one stays.
    let gone = scenario.fixture.service("s003");
    scenario.fixture.cloud_map.world(|world| world.delete_service(gone));
    eventually("the entry of the deleted service goes", CONVERGED * 2 + EMPTY_GRACE, async || {
        scenario.fixture.entry("s003").await.is_none()
    })
    .await;
    assert_eq!(scenario.fixture.endpoints("s001").await, Some(1));
    assert_eq!(
        scenario.operator.log_lines_with("servicediscovery:DiscoverInstances"),
        1,
        "{}",
        scenario.operator.log()
    );
    scenario.fixture.cloud_map.clear(fault);
    scenario.fixture.has_endpoints("s001", 2, CONVERGED).await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn a_call_that_never_answers_delays_nothing_else() {
    let scenario = Scenario::begin().await;
    let fault = scenario.fixture.cloud_map.inject(Fault::Hang.in_service("ns", "s001"));
    scenario.fixture.register(scenario.fixture.service("s001"), "i-9", "10.9.9.9");
    scenario.stays_current("s002").await;
    scenario.fixture.cloud_map.clear(fault);
    scenario.fixture.has_endpoints("s001", 2, CONVERGED).await;
    // All calls hang.
    scenario.with_fault(Fault::Hang, INTERVAL * 4).await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn torn_wrong_and_truncated_responses_are_failures_and_not_empty_responses() {
    for fault in [Fault::TornJson, Fault::WrongJson, Fault::CutBody, Fault::EmptyObject] {
        let scenario = Scenario::begin().await;
        scenario.with_fault(fault, INTERVAL * 4).await;
        scenario.fixture.finish().await;
    }
}

#[tokio::test]
async fn server_errors_resets_and_expired_tokens() {
    for fault in [Fault::InternalFailure, Fault::Unavailable, Fault::Reset, Fault::ExpiredToken] {
        let scenario = Scenario::begin().await;
        scenario.with_fault(fault, INTERVAL * 4).await;
        scenario.fixture.finish().await;
    }
}

#[tokio::test]
async fn a_list_that_fails_does_not_delete_what_it_would_have_listed() {
    let scenario = Scenario::begin().await;
    scenario.with_fault(Fault::AccessDenied.on(Operation::ListServices), INTERVAL * 4).await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn an_api_server_that_is_away_for_twenty_seconds() {
    let mut scenario = Scenario::begin().await;
    scenario.fixture.kubernetes.stop();
    scenario.fixture.register(scenario.fixture.service("s001"), "i-9", "10.9.9.9");
    let gone = scenario.fixture.service("s003");
    scenario.fixture.cloud_map.world(|world| world.delete_service(gone));
    scenario.fixture.add("new", 1);
    tokio::time::sleep(Duration::from_secs(20)).await;
    scenario.fixture.kubernetes.restart().await;
    scenario.fixture.has_endpoints("s001", 2, CONVERGED).await;
    scenario.fixture.has_endpoints("new", 1, CONVERGED).await;
    eventually("the entry of the deleted service goes", CONVERGED + EMPTY_GRACE, async || {
        scenario.fixture.entry("s003").await.is_none()
    })
    .await;
    scenario.assert_none_empty().await;
    scenario.watch_goes_on().await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn an_api_server_that_hangs() {
    let scenario = Scenario::begin().await;
    scenario.fixture.kubernetes.pause();
    scenario.fixture.register(scenario.fixture.service("s001"), "i-9", "10.9.9.9");
    tokio::time::sleep(Duration::from_secs(20)).await;
    scenario.fixture.kubernetes.resume();
    scenario.fixture.has_endpoints("s001", 2, CONVERGED).await;
    scenario.assert_none_empty().await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn faults_at_the_start_delete_nothing() {
    let mut scenario = Scenario::begin().await;
    scenario.operator.kill();
    let fault = scenario.fixture.cloud_map.inject(Fault::TornJson.on(Operation::ListServices));
    // It does not wait for the lease of the one that was killed.
    let operator = scenario.fixture.operator_as(&["--leader-elect=false"]);
    tokio::time::sleep(INTERVAL * 4).await;
    assert_eq!(scenario.fixture.entries().await.len(), SERVICES);
    scenario.assert_none_empty().await;
    scenario.fixture.cloud_map.clear(fault);
    operator.ready().await;
    scenario.fixture.register(scenario.fixture.service("s001"), "i-9", "10.9.9.9");
    scenario.fixture.has_endpoints("s001", 2, CONVERGED).await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn watches_that_are_interrupted_every_second() {
    let fixture = Fixture::with_services(SERVICES).await;
    let gateway = Gateway::start(&fixture.kubernetes).await;
    gateway.cut_watches(true);
    let operator = fixture.operator_at(gateway.kubeconfig(), &[]);
    operator.ready().await;
    let (since, before) = (Instant::now(), gateway.watches());
    for round in 0..5 {
        // A repair of drift needs the watch; a change of Cloud Map does not.
        fixture
            .edit(
                "cloudmap-s005.ns",
                serde_json::json!({"spec": {"endpoints": [{"address": "10.66.6.6"}]}}),
            )
            .await;
        fixture.register(
            fixture.service("s001"),
            &format!("n-{round}"),
            &format!("10.9.9.{}", round + 1),
        );
        fixture.has_endpoints("s001", 2 + round, CONVERGED).await;
        let repaired = async || {
            fixture
                .entry("s005")
                .await
                .is_some_and(|entry| !entry.to_string().contains("10.66.6.6"))
        };
        // Each edit is one more of somebody who keeps changing the entry: the repairs come ever
        // more rarely.
        eventually("the repair", CONVERGED + Duration::from_secs(1 << round), repaired).await;
    }
    let watches = gateway.watches() - before;
    assert!(
        u128::from(watches) <= 2 * since.elapsed().as_millis() / 1_000 + 2,
        "{watches} watches in {:?}",
        since.elapsed()
    );
    gateway.cut_watches(false);
    fixture.finish().await;
}

#[tokio::test]
async fn writes_respect_retry_after() {
    let fixture = Fixture::with_services(SERVICES).await;
    let gateway = Gateway::start(&fixture.kubernetes).await;
    let operator = fixture.operator_at(gateway.kubeconfig(), &[]);
    operator.ready().await;
    let (lasting, wait) = (Duration::from_secs(10), Duration::from_secs(4));
    gateway.refuse_writes(lasting, wait);
    for number in 0..SERVICES {
        fixture.register(fixture.service(&format!("s{number:03}")), "i-9", "10.9.9.9");
    }
    for number in 0..SERVICES {
        fixture.has_endpoints(&format!("s{number:03}"), 2, lasting + wait + CONVERGED).await;
    }
    // The first answer meets what is in flight already; then one probe after each wait.
    let refused = gateway.refused();
    assert!(!refused.is_empty(), "no write was sent away");
    let is_probe = |at: &&Instant| {
        refused.first().is_some_and(|first| at.duration_since(*first) > Duration::from_secs(1))
    };
    let probes = refused.iter().filter(is_probe).count();
    assert!(
        probes <= 4,
        "{probes} writes within {lasting:?} though each is asked to wait {wait:?}"
    );
    fixture.finish().await;
}

#[tokio::test]
async fn entries_that_other_clients_change_continuously_are_still_written() {
    let scenario = Scenario::begin().await;
    let touching = {
        let api = scenario.fixture.api();
        tokio::spawn(async move {
            for round in 0_u64.. {
                let name = format!("cloudmap-s{:03}.ns", round % 4);
                let patch = serde_json::json!({"metadata": {"annotations": {"example.com/touched": round.to_string()}}});
                let _ = api
                    .patch_metadata(
                        &name,
                        &kube::api::PatchParams::default(),
                        &kube::api::Patch::Merge(patch),
                    )
                    .await;
            }
        })
    };
    for round in 0..5 {
        scenario.fixture.register(
            scenario.fixture.service("s001"),
            &format!("n-{round}"),
            &format!("10.9.9.{}", round + 1),
        );
        scenario.fixture.has_endpoints("s001", 2 + round, CONVERGED).await;
    }
    touching.abort();
    scenario.assert_none_empty().await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn an_etcd_that_is_restarted() {
    let mut scenario = Scenario::begin().await;
    scenario.fixture.register(scenario.fixture.service("s001"), "i-9", "10.9.9.9");
    scenario.fixture.kubernetes.restart_etcd(Duration::from_secs(8)).await;
    scenario.fixture.has_endpoints("s001", 2, CONVERGED + Duration::from_secs(10)).await;
    scenario.assert_none_empty().await;
    scenario.watch_goes_on().await;
    scenario.fixture.finish().await;
}

#[tokio::test]
async fn an_operator_that_was_suspended_confirms_nothing_by_elapsed_time() {
    let scenario = Scenario::begin().await;
    // Half of the services answer without an instance when it falls asleep, and have them again
    // when it wakes.
    let services: Vec<_> = (0..SERVICES / 2)
        .map(|number| scenario.fixture.service(&format!("s{number:03}")))
        .collect();
    scenario.fixture.cloud_map.world(|world| {
        for service in &services {
            world.deregister(*service, "i-0");
        }
    });
    tokio::time::sleep(INTERVAL * 2).await;
    scenario.operator.pause(EMPTY_GRACE * 2).await;
    for number in 0..SERVICES / 2 {
        scenario.fixture.register(
            scenario.fixture.service(&format!("s{number:03}")),
            "i-0",
            "10.1.0.1",
        );
    }
    tokio::time::sleep(INTERVAL * 2).await;
    assert_eq!(scenario.fixture.entries().await.len(), SERVICES);
    scenario.assert_none_empty().await;
    scenario.stays_current("s011").await;
    scenario.fixture.finish().await;
}
