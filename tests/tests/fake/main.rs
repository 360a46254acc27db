//! The fake Cloud Map, called by the AWS SDK as the operator calls it. What each answer looks like on
//! the wire is boto3's to check, by `fake_boto3`.

mod answers;
mod faults;
// The operator's own.
#[path = "../../../host/src/source/aws/prefix.rs"]
mod prefix;
mod roles;

use std::time::Duration;

use aws_sdk_servicediscovery::config::retry::RetryConfig;
use aws_sdk_servicediscovery::config::timeout::TimeoutConfig;
use aws_sdk_servicediscovery::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_servicediscovery::operation::discover_instances::DiscoverInstancesOutput;
use aws_sdk_servicediscovery::types::HealthStatusFilter;
use aws_sdk_servicediscovery::{Client, Config};
use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Service, ServiceKey};
use prefix::NoPrefixUnderOverride;

type Tested = Result<(), Box<dyn std::error::Error>>;

/// A client that makes up to so many attempts.
fn client_with_attempts(fake: &FakeCloudMap, attempts: u32) -> Client {
    client_with(fake, attempts, Credentials::new("AKIDSDK", "secret", None, None, "test"))
}

fn client_with(fake: &FakeCloudMap, attempts: u32, credentials: Credentials) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .credentials_provider(credentials)
        .endpoint_url(fake.url())
        .interceptor(NoPrefixUnderOverride)
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(500)).build(),
        )
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(attempts)
                .with_initial_backoff(Duration::from_millis(1)),
        )
        .build();
    Client::from_conf(config)
}

fn client(fake: &FakeCloudMap) -> Client {
    client_with_attempts(fake, 1)
}

/// A fake with one service, `web` in `my-namespace`, of so many instances `i-0`, `i-1`, ...
fn fake_with(service: Service, instances: usize) -> std::io::Result<(FakeCloudMap, ServiceKey)> {
    let fake = FakeCloudMap::start()?;
    let key = fake.world(|world| {
        let namespace = world.http_namespace("my-namespace");
        let key = world.add_service(namespace, service);
        for index in 0..instances {
            world.register(key, &format!("i-{index}"), [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
        }
        key
    });
    Ok((fake, key))
}

/// All instances of `web` that pass the filter.
async fn discover(
    client: &Client,
    filter: HealthStatusFilter,
) -> Result<DiscoverInstancesOutput, aws_sdk_servicediscovery::Error> {
    let call = client.discover_instances().namespace_name("my-namespace").service_name("web");
    Ok(call.health_status(filter).max_results(1000).send().await?)
}

fn ids(found: &DiscoverInstancesOutput) -> Vec<&str> {
    found.instances().iter().filter_map(|instance| instance.instance_id()).collect()
}
