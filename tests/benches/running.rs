//! What a running operator costs, and how soon it follows.
//!
//! `cargo bench --workspace --all-features --bench running [-- CASE...]`, of `quota`,
//! `intervals`, `idle`, `latency`, `restart`, `replicas`; all without one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark")]

use std::time::{Duration, Instant};

use istio_cloud_map_tests::bed::ApiServer;
use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Operation, Outcome, ServiceKey, World};
use istio_cloud_map_tests::figures::record;
use istio_cloud_map_tests::fixture::resource;
use istio_cloud_map_tests::operator::{Operator, binary, until};
use kube::api::DynamicObject;
use kube::{Api, Client};
use serde_json::json;

fn main() {
    let cases: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    // Its build is not measured.
    binary();
    let is_chosen = |case: &str| cases.is_empty() || cases.iter().any(|chosen| chosen == case);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if is_chosen("quota") {
            quota().await;
        }
        if is_chosen("intervals") {
            intervals().await;
        }
        if is_chosen("idle") || is_chosen("latency") || is_chosen("restart") {
            let running = Running::start(1_000, 100).await;
            if is_chosen("idle") {
                running.idle().await;
            }
            if is_chosen("latency") {
                running.latency().await;
            }
            if is_chosen("restart") {
                running.restart().await;
            }
        }
        if is_chosen("idle") || is_chosen("restart") {
            let running = Running::start(10_000, 10).await;
            if is_chosen("idle") {
                running.idle().await;
            }
            if is_chosen("restart") {
                running.restart().await;
            }
        }
        if is_chosen("replicas") {
            replicas().await;
        }
    });
}

/// Registers so many services in each of so many namespaces.
fn fill(
    cloud_map: &FakeCloudMap,
    namespaces: usize,
    services: usize,
    instances: usize,
) -> Vec<ServiceKey> {
    cloud_map.world(|world| {
        let mut keys = Vec::new();
        for number in 0..namespaces {
            let namespace = world.http_namespace(&format!("ns{number}"));
            for service in 0..services {
                let key = world.service(namespace, &format!("s{service:05}"));
                register(world, key, 10, service, instances);
                keys.push(key);
            }
        }
        keys
    })
}

/// Registers the instances of a service, or gives them other addresses.
fn register(world: &mut World, key: ServiceKey, first: usize, service: usize, instances: usize) {
    for instance in 0..instances {
        let address = address(first, service, instance);
        let attributes = [("AWS_INSTANCE_IPV4", address.as_str()), ("AWS_INSTANCE_PORT", "8080")];
        world.register(key, &format!("i-{instance}"), attributes);
    }
}

fn address(first: usize, service: usize, instance: usize) -> String {
    format!("{first}.{}.{}.{}", service / 250 % 250, service % 250, instance % 250 + 1)
}

fn start(cloud_map: &FakeCloudMap, kubernetes: &ApiServer) -> Operator {
    Operator::start(cloud_map.url(), kubernetes.kubeconfig(), &["--log-level", "warn"])
}

async fn written(operator: &Operator, action: &str) -> f64 {
    operator.metric("istio_cloud_map_writes_total", &[action, "ok"]).await
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
/// 3,000 services in 3 namespaces, where AWS admits two `ListServices` a second.
async fn quota() {
    let cloud_map = FakeCloudMap::start().unwrap();
    fill(&cloud_map, 3, 1_000, 1);
    cloud_map.limit(Operation::ListServices, 2.0, 10.0);
    let kubernetes = ApiServer::start().await;
    let started = Instant::now();
    let operator = start(&cloud_map, &kubernetes);
    let mut ready = None;
    let mut lists = vec![(Duration::ZERO, 0)];
    let mut progress = Vec::new();
    let all = until(Duration::from_mins(5), async || {
        lists.push((started.elapsed(), cloud_map.calls(Operation::ListServices)));
        if ready.is_none() && operator.page("/readyz").await.is_some() {
            ready = Some((started.elapsed(), written(&operator, "create").await));
        }
        let created = written(&operator, "create").await;
        if created >= 500.0 * (progress.len() + 1) as f64 {
            progress.push(format!("{:.0} s", started.elapsed().as_secs_f64()));
        }
        created >= 3_000.0
    })
    .await;
    let took = started.elapsed();
    ready = ready.or(Some((took, written(&operator, "create").await)).filter(|_| all));
    println!("quota: 3,000 services in 3 namespaces, ListServices 2/s with a burst of 10");
    println!("  all entries there: {all}, after {:.1} s; ready: {ready:?}", took.as_secs_f64());
    println!("  500, 1,000, ... entries after: {}", progress.join(", "));
    let most = lists.iter().map(|(at, calls)| {
        let before = lists
            .iter()
            .rev()
            .find(|(earlier, _)| *earlier + Duration::from_secs(1) <= *at)
            .map_or(0, |(_, calls)| *calls);
        calls - before
    });
    println!(
        "  ListServices: {} calls, {} throttled, at most {} within a second",
        cloud_map.calls(Operation::ListServices),
        cloud_map.calls_ended(
            Operation::ListServices,
            Outcome::Refused(istio_cloud_map_tests::cloud_map::ErrorKind::Throttling)
        ),
        most.max().unwrap_or(0)
    );
}

/// Longer than a service that changed, such as all of them at the start, is read more often.
const UNTIL_QUIET: Duration = Duration::from_secs(130);

/// The calls of a quiet minute.
struct Minute {
    revisions: u64,
    discovers: u64,
    lists: u64,
}

impl Minute {
    async fn count(cloud_map: &FakeCloudMap) -> Self {
        let before = Self::since_start(cloud_map);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let after = Self::since_start(cloud_map);
        Self {
            revisions: after.revisions - before.revisions,
            discovers: after.discovers - before.discovers,
            lists: after.lists - before.lists,
        }
    }

    fn since_start(cloud_map: &FakeCloudMap) -> Self {
        Self {
            revisions: cloud_map.calls(Operation::DiscoverInstancesRevision),
            discovers: cloud_map.calls(Operation::DiscoverInstances),
            lists: cloud_map.calls(Operation::ListServices),
        }
    }
}

/// A quiet minute at 1,000 services for each of some intervals, by an operator each.
async fn intervals() {
    const SERVICES: usize = 1_000;
    let kubernetes = ApiServer::start().await;
    let running = futures::future::join_all(["5s", "15s", "60s"].map(async |interval| {
        let cloud_map = FakeCloudMap::start().unwrap();
        fill(&cloud_map, 1, SERVICES, 1);
        kubernetes.kubectl(&["create", "namespace", interval]).await;
        let arguments = ["--namespace", interval, "--interval", interval, "--log-level", "warn"];
        let operator = Operator::start(cloud_map.url(), kubernetes.kubeconfig(), &arguments);
        operator_is_ready(&operator).await;
        (interval, cloud_map, operator)
    }))
    .await;
    tokio::time::sleep(UNTIL_QUIET).await;
    let minutes = running.iter().map(|(_, cloud_map, _)| Minute::count(cloud_map));
    let minutes = futures::future::join_all(minutes).await;
    println!("intervals: 60 s at 1,000 services");
    for ((interval, ..), Minute { revisions, discovers, .. }) in running.iter().zip(minutes) {
        println!(
            "  {interval}: DiscoverInstancesRevision: {revisions}, DiscoverInstances: {discovers}"
        );
        record(&json!({
            "case": "interval",
            "services": SERVICES,
            "interval": interval,
            "revisions": revisions,
            "discovers": discovers,
        }));
    }
}

/// An operator that has written all entries.
struct Running {
    services: Vec<ServiceKey>,
    instances: usize,
    cloud_map: FakeCloudMap,
    kubernetes: ApiServer,
    operator: Operator,
}

impl Running {
    async fn start(services: usize, instances: usize) -> Self {
        let cloud_map = FakeCloudMap::start().unwrap();
        let services = fill(&cloud_map, 1, services, instances);
        let kubernetes = ApiServer::start().await;
        let started = Instant::now();
        let operator = start(&cloud_map, &kubernetes);
        operator_is_ready(&operator).await;
        println!("{} services of {instances} instances", services.len());
        let this = Self { services, instances, cloud_map, kubernetes, operator };
        this.report("start", started);
        this
    }

    /// What it took since `started`.
    fn report(&self, case: &str, started: Instant) {
        let (seconds, cpu) = (started.elapsed().as_secs_f64(), self.operator.cpu().as_secs_f64());
        let peak = self.operator.peak_mebibytes();
        println!("  {case}: {seconds:.1} s, CPU {cpu:.2} s, peak resident {peak:.1} MiB");
        record(&json!({
            "case": case,
            "services": self.services.len(),
            "instances": self.instances,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "peak_mebibytes": peak,
        }));
    }

    /// A quiet minute.
    async fn idle(&self) {
        tokio::time::sleep(UNTIL_QUIET).await;
        let operator = &self.operator;
        let all_writes = async || operator.metric("istio_cloud_map_writes_total", &[]).await;
        let (cpu, writes) = (operator.cpu(), all_writes().await);
        let Minute { revisions, discovers, lists } = Minute::count(&self.cloud_map).await;
        let writes = all_writes().await - writes;
        let cpu = operator.cpu().saturating_sub(cpu).as_secs_f64();
        let peak = operator.peak_mebibytes();
        println!("  idle: 60 s, {writes} writes, CPU {cpu:.2} s, peak resident {peak:.1} MiB");
        println!(
            "    DiscoverInstancesRevision: {revisions}, DiscoverInstances: {discovers}, \
             ListServices: {lists}"
        );
        record(&json!({
            "case": "idle",
            "services": self.services.len(),
            "instances": self.instances,
            "writes": writes,
            "revisions": revisions,
            "discovers": discovers,
            "lists": lists,
            "cpu_seconds": cpu,
            "peak_mebibytes": peak,
        }));
    }

    /// From a new instance to the entry that has it, twice.
    async fn latency(&self) {
        let client = self.kubernetes.client().await;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (number, service) in self.services.iter().enumerate().step_by(40) {
            // Not in step with the rounds of the operator.
            tokio::time::sleep(Duration::from_millis(173 * (number as u64 % 17))).await;
            let host = format!("s{number:05}.ns0");
            first.push(follow(&self.cloud_map, &client, *service, &host, number, 1).await);
            second.push(follow(&self.cloud_map, &client, *service, &host, number, 2).await);
        }
        println!("  latency: from a new instance to the entry that has it, of {}", first.len());
        for (change, durations) in [("first", first), ("second", second)] {
            let [least, lower, median, upper, most] = quartiles(durations);
            println!(
                "    {change} change: median {median:.2} s, quartiles {lower:.2} and {upper:.2} s, \
                 most {most:.2} s"
            );
            record(&json!({
                "case": "latency",
                "services": self.services.len(),
                "instances": self.instances,
                "change": change,
                "quartiles_seconds": [least, lower, median, upper, most],
            }));
        }
    }

    /// A restart after every endpoint has changed.
    async fn restart(mut self) {
        self.operator.terminate();
        self.cloud_map.world(|world| {
            for (service, key) in self.services.iter().enumerate() {
                register(world, *key, 11, service, self.instances);
            }
        });
        let started = Instant::now();
        self.operator = start(&self.cloud_map, &self.kubernetes);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let all = until(Duration::from_mins(10), async || {
            written(&self.operator, "update").await >= self.services.len() as f64
        })
        .await;
        assert!(all, "not all updated: {}", self.operator.log());
        self.report("restart", started);
    }
}

async fn operator_is_ready(operator: &Operator) {
    let ready =
        until(Duration::from_mins(10), async || operator.page("/readyz").await.is_some()).await;
    assert!(ready, "not ready: {}", operator.log());
}

async fn follow(
    cloud_map: &FakeCloudMap,
    client: &Client,
    service: ServiceKey,
    host: &str,
    number: usize,
    change: usize,
) -> Duration {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource());
    let address = address(100 + change, number, change);
    cloud_map.world(|world| {
        world.register(
            service,
            &format!("new-{change}"),
            [("AWS_INSTANCE_IPV4", address.as_str()), ("AWS_INSTANCE_PORT", "8080")],
        );
    });
    let since = Instant::now();
    let name = format!("cloudmap-{host}");
    let has = until(Duration::from_mins(1), async || {
        let entry = api.get_opt(&name).await.ok().flatten();
        entry.is_some_and(|entry| {
            entry.data.pointer("/spec/endpoints").is_some_and(|e| e.to_string().contains(&address))
        })
    })
    .await;
    assert!(has, "{name} never has {address}");
    since.elapsed()
}

/// The least, the quartiles and the most, in seconds.
fn quartiles(mut durations: Vec<Duration>) -> [f64; 5] {
    durations.sort_unstable();
    [0, 1, 2, 3, 4].map(|share| durations[(durations.len() - 1) * share / 4].as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
/// 10,000 services of 6 sources, shared by 3 replicas, one of which is killed.
async fn replicas() {
    const SOURCES: usize = 6;
    const SERVICES: usize = 1_667;
    let cloud_map = FakeCloudMap::start().unwrap();
    let services = fill(&cloud_map, SOURCES, SERVICES, 10);
    let kubernetes = ApiServer::start().await;
    let directory = tempfile::TempDir::new().unwrap();
    let config = directory.path().join("config.yaml");
    // A region each, so that each has the quota of a region.
    let source = |number: usize| {
        json!({
            "name": format!("s{number}"),
            "region": format!("us-west-{}", number + 1),
            "namespaces": {"include": [format!("ns{number}")]},
        })
    };
    let sources: Vec<_> = (0..SOURCES).map(source).collect();
    std::fs::write(&config, json!({"sources": sources}).to_string()).unwrap();
    let start = || {
        let config = config.display().to_string();
        let arguments = ["--config", &config, "--log-level", "warn"];
        Operator::start(cloud_map.url(), kubernetes.kubeconfig(), &arguments)
    };
    let started = Instant::now();
    let mut operators = [start(), start(), start()];
    let all = (SOURCES * SERVICES) as f64;
    let entries = async |operators: &[Operator]| {
        let mut sum = 0.0;
        for operator in operators {
            sum += operator.metric("istio_cloud_map_entries ", &[]).await;
        }
        sum
    };
    let there = until(Duration::from_mins(10), async || entries(&operators).await >= all).await;
    println!("replicas: 6 sources of 1,667 services of 10 instances, 3 replicas");
    println!("  all entries there: {there}, after {:.1} s", started.elapsed().as_secs_f64());
    for operator in &operators {
        let leads = operator.metric("istio_cloud_map_leader{", &[]).await;
        let (cpu, memory) = (operator.cpu().as_secs_f64(), operator.peak_mebibytes());
        println!("  leads {leads} sources: CPU {cpu:.1} s, peak resident {memory:.1} MiB");
    }
    let before: Vec<f64> = vec![
        operators[1].metric("istio_cloud_map_writes_total", &[]).await,
        operators[2].metric("istio_cloud_map_writes_total", &[]).await,
    ];
    let killed = Instant::now();
    operators[0].kill();
    let taken = until(Duration::from_mins(1), async || {
        let mut leads = 0.0;
        for operator in &operators[1..] {
            leads += operator.metric("istio_cloud_map_leader{", &[]).await;
        }
        leads >= SOURCES as f64
    })
    .await;
    println!(
        "  kill -9: all sources led again: {taken}, after {:.1} s",
        killed.elapsed().as_secs_f64()
    );
    let client = kubernetes.client().await;
    for number in 0..SOURCES {
        let (service, host) = (services[number * SERVICES], format!("s00000.ns{number}"));
        let took = follow(&cloud_map, &client, service, &host, number, 3).await;
        println!("  source s{number}: a new instance is visible after {:.1} s", took.as_secs_f64());
    }
    for (operator, before) in operators[1..].iter().zip(before) {
        let writes = operator.metric("istio_cloud_map_writes_total", &[]).await - before;
        let (cpu, memory) = (operator.cpu().as_secs_f64(), operator.peak_mebibytes());
        println!("  {writes} writes since; CPU {cpu:.1} s, peak resident {memory:.1} MiB");
    }
}
