//! Sources of several accounts and regions, over two fake Cloud Maps: what one of them lacks costs
//! the others nothing, and each has its status.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Fault, Namespace, Role, World};
use istio_cloud_map_tests::operator::{Operator, eventually, with_aws};
use serde_json::{Value, json};
use tempfile::TempDir;

const PAYMENTS: &str = "444455556666";
const SEARCH: &str = "777788889999";
const LONGEST: Duration = Duration::from_mins(1);

const CONFIG: &str = "
to: dir:entries
interval: 200ms
catalogueInterval: 1s
translation:
  conflicts: merge
sources:
- name: west
  region: us-west-2
  namespaces: {include: [shop*, corp], exclude: ['*-test']}
- name: east
  region: us-east-1
  endpointUrl: EAST
  dataEndpointUrl: EAST
- name: payments
  region: us-west-2
  roleArn: arn:aws:iam::444455556666:role/reader
  zones: {us-west-2a: us-west-2c}
- name: search
  region: us-west-2
  roleArn: arn:aws:iam::777788889999:role/reader
";

/// A service with an instance for each of these addresses and zones (empty: none).
fn add(world: &mut World, namespace: Namespace, service: &str, instances: &[(&str, &str)]) {
    let namespace = world.add_namespace(namespace);
    let service = world.service(namespace, service);
    for (address, zone) in instances {
        let zone = Some(("AVAILABILITY_ZONE", *zone)).filter(|(_, zone)| !zone.is_empty());
        let attributes = [("AWS_INSTANCE_IPV4", *address), ("AWS_INSTANCE_PORT", "80")];
        world.register(service, address, attributes.into_iter().chain(zone));
    }
}

/// The Cloud Map of us-west-2, of three accounts.
fn west() -> FakeCloudMap {
    let fake = FakeCloudMap::start().unwrap();
    fake.world(|world| {
        let shop = [("10.1.0.1", "us-west-2b"), ("10.1.0.2", "")];
        add(world, Namespace::http("shop"), "web", &shop);
        add(world, Namespace::http("shop-test"), "web", &[("10.1.1.1", "")]);
        add(world, Namespace::http("lab"), "db", &[("10.1.2.1", "")]);
        let corp = Namespace::http("corp").shared_by("999900001111");
        add(world, corp, "mail", &[("10.1.3.1", "us-west-2b")]);
    });
    fake.world_of(PAYMENTS, |world| {
        add(world, Namespace::http("cards"), "api", &[("10.2.0.1", "us-west-2a")]);
        let bills = [("10.2.1.1", "us-west-2a"), ("10.2.1.2", "us-west-2b")];
        add(world, Namespace::http("bills"), "api", &bills);
    });
    fake.world_of(SEARCH, |world| {
        add(world, Namespace::http("search"), "index", &[("10.3.0.1", "us-west-2a")]);
    });
    fake.sts(|sts| {
        for account in [PAYMENTS, SEARCH] {
            sts.add_role(&format!("arn:aws:iam::{account}:role/reader"), Role::default());
        }
    });
    fake
}

/// The Cloud Map of us-east-1.
fn east() -> FakeCloudMap {
    let fake = FakeCloudMap::start().unwrap();
    fake.world(|world| {
        let shop = [("10.9.0.1", "us-east-1a"), ("10.9.0.2", "")];
        add(world, Namespace::http("shop"), "web", &shop);
    });
    fake
}

fn serve(directory: &Path, west: &FakeCloudMap, east: &FakeCloudMap) -> Operator {
    fs::create_dir(directory.join("entries")).unwrap();
    fs::write(directory.join("config.yaml"), CONFIG.replace("EAST", east.url())).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command.args(["serve", "--config", "config.yaml"]).current_dir(directory);
    command.env_clear().env("HOME", "/nonexistent").env("AWS_ENDPOINT_URL_STS", west.url());
    with_aws(&mut command, west.url());
    Operator::spawn(command)
}

/// The addresses and localities of each entry's endpoints, by its host.
fn entries(directory: &Path) -> Value {
    let files = fs::read_dir(directory.join("entries")).unwrap();
    let texts = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let of_text = |text: String| {
        let entry: Value = serde_saphyr::from_str(&text).unwrap();
        let host = entry.pointer("/spec/hosts/0").and_then(Value::as_str).unwrap().to_owned();
        let endpoints = entry.pointer("/spec/endpoints").and_then(Value::as_array).unwrap();
        let part = |of: &Value, key: &str| of.get(key).cloned();
        let endpoints = endpoints.iter().map(|e| json!([part(e, "address"), part(e, "locality")]));
        (host, endpoints.collect::<Value>())
    };
    texts.map(|path| of_text(fs::read_to_string(path).unwrap())).collect()
}

async fn has_metric(operator: &Operator, name: &str, source: &str, value: u32) {
    let expected = format!("istio_cloud_map_{name}{{source=\"{source}\"}} {value}");
    eventually(&expected, LONGEST, async || {
        let page = operator.page("/metrics").await.unwrap_or_default();
        page.lines().any(|line| line == expected)
    })
    .await;
}

#[tokio::test]
async fn accounts_and_regions_are_merged_filtered_and_fail_each_for_itself() {
    let (west, east, directory) = (west(), east(), TempDir::new().unwrap());
    west.inject(Fault::AccessDenied.in_namespace("cards"));
    let throttled = west.inject(Fault::Throttle.in_namespace("search"));
    let operator = serve(directory.path(), &west, &east);

    let mut expected = json!({
        "web.shop": [
            ["10.1.0.1", "us-west-2/us-west-2b"],
            ["10.1.0.2", "us-west-2"],
            ["10.9.0.1", "us-east-1/us-east-1a"],
            ["10.9.0.2", "us-east-1"],
        ],
        // Another account shares this namespace.
        "mail.corp": [["10.1.3.1", "us-west-2"]],
        "api.bills": [["10.2.1.1", "us-west-2/us-west-2c"], ["10.2.1.2", "us-west-2"]],
    });
    eventually("the entries of the others", LONGEST, async || {
        entries(directory.path()) == expected
    })
    .await;
    let waiting = Some((false, "the first pass is not complete of: search\n".to_owned()));
    eventually("readiness waits for one", LONGEST, async || {
        operator.answer("/readyz").await == waiting
    })
    .await;
    for (source, [namespaces, services, failing]) in
        [("west", [2, 2, 0]), ("east", [1, 1, 0]), ("payments", [2, 1, 1]), ("search", [1, 0, 1])]
    {
        has_metric(&operator, "namespaces", source, namespaces).await;
        has_metric(&operator, "services", source, services).await;
        has_metric(&operator, "reads_failing", source, failing).await;
    }
    let log = operator.log();
    for (name, text) in [("cards", "AccessDenied"), ("search", "hrottl")] {
        let is_reported = |line: &str| line.contains(name) && line.contains(text);
        assert!(log.lines().any(is_reported), "{name}: {log}");
    }

    west.clear(throttled);
    // Its account is another one, and nothing says what its zones are called here.
    let index = json!([["10.3.0.1", "us-west-2"]]);
    expected.as_object_mut().unwrap().insert("index.search".to_owned(), index);
    eventually("the throttled one", LONGEST, async || entries(directory.path()) == expected).await;
    operator.ready().await;
    has_metric(&operator, "reads_failing", "search", 0).await;
    has_metric(&operator, "reads_failing", "payments", 1).await;
}
