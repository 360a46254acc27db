//! Answers that make a reader stumble, and the world behind them.

use std::collections::BTreeSet;

use aws_sdk_servicediscovery::error::SdkError;
use aws_sdk_servicediscovery::types::{HealthStatusFilter, ServiceFilter, ServiceFilterName};
use istio_cloud_map_tests::cloud_map::{
    FakeCloudMap, Health, Namespace, Operation, Outcome, Service, World,
};
use serde_json::{Value, json};

use crate::{Tested, client, discover, fake_with, ids};

#[tokio::test]
async fn pages_are_taken_before_the_filter_so_that_empty_ones_come_first() -> Tested {
    let fake = FakeCloudMap::start()?;
    fake.world(|world| {
        let crowded = world.http_namespace("crowded");
        (0..250).for_each(|index| {
            world.service(crowded, &format!("service-{index}"));
        });
        let wanted = world.add_namespace(Namespace::http("wanted").with_id("ns-wanted"));
        world.service(wanted, "web");
    });
    let filter = ServiceFilter::builder()
        .name(ServiceFilterName::NamespaceId)
        .values("ns-wanted")
        .build()?;
    let list = client(&fake).list_services();
    let pages = list.clone().filters(filter).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await?;
    assert_eq!(pages.iter().map(|page| page.services().len()).collect::<Vec<_>>(), [0, 0, 1]);
    let pages = list.max_results(60).into_paginator().send().collect::<Result<Vec<_>, _>>().await?;
    assert_eq!(
        pages.iter().map(|page| page.services().len()).collect::<Vec<_>>(),
        [60, 60, 60, 60, 11]
    );
    assert_eq!(fake.calls_ended(Operation::ListServices, Outcome::Answered), 8);
    assert_eq!(fake.access_keys(), ["AKIDSDK"]);
    Ok(())
}

#[tokio::test]
async fn a_discovery_gives_each_instance_once_in_another_order_each_time() -> Tested {
    let (fake, _) = fake_with(Service::named("web"), 250)?;
    let client = client(&fake);
    let once = discover(&client, HealthStatusFilter::All).await?;
    let again = discover(&client, HealthStatusFilter::All).await?;
    assert_eq!(ids(&once).into_iter().collect::<BTreeSet<_>>().len(), 250);
    assert_ne!(ids(&once), ids(&again));
    let call = client.discover_instances().namespace_name("my-namespace").service_name("web");
    assert_eq!(call.send().await?.instances().len(), 100);
    Ok(())
}

#[tokio::test]
async fn a_health_filter_applies_only_to_services_with_a_health_check() -> Tested {
    let checked = || Service::named("web").with_custom_health_check();
    for (service, filter, expected) in [
        (Service::named("web"), HealthStatusFilter::Healthy, vec!["i-0", "i-1"]),
        (Service::named("web"), HealthStatusFilter::Unhealthy, vec!["i-0", "i-1"]),
        (checked(), HealthStatusFilter::Healthy, vec!["i-0"]),
        (checked(), HealthStatusFilter::Unhealthy, vec!["i-1"]),
        (checked(), HealthStatusFilter::HealthyOrElseAll, vec!["i-0"]),
    ] {
        let is_checked = service.has_health_check();
        let (fake, key) = fake_with(service, 2)?;
        if is_checked {
            fake.world(|world| world.set_health(key, "i-1", Health::Unhealthy));
        }
        let found = discover(&client(&fake), filter.clone()).await?;
        let mut found = ids(&found);
        found.sort_unstable();
        assert_eq!(found, expected, "{filter}");
    }
    Ok(())
}

#[tokio::test]
async fn a_revision_is_above_2_to_the_53_and_changes_with_instances_but_not_with_health() -> Tested
{
    let (fake, key) = fake_with(Service::named("web").with_custom_health_check(), 1)?;
    let client = client(&fake);
    let revision = async || {
        let found = discover(&client, HealthStatusFilter::All).await;
        found.map(|found| found.instances_revision().unwrap_or_default())
    };
    let first = revision().await?;
    assert!(first > 1 << 53, "{first}");
    fake.world(|world| world.set_health(key, "i-0", Health::Unhealthy));
    assert_eq!(revision().await?, first);
    fake.world(|world| world.register(key, "i-1", [("AWS_INSTANCE_IPV4", "10.0.0.2")]));
    assert_eq!(revision().await?, first + 1);
    fake.world(|world| world.deregister(key, "i-1"));
    assert_eq!(revision().await?, first + 2);
    Ok(())
}

#[tokio::test]
async fn discovery_finds_a_namespace_by_its_http_name_or_arn_in_the_account_of_its_owner() -> Tested
{
    let fake = FakeCloudMap::start()?;
    fake.world(|world| {
        let ours = Namespace::private_dns("plain").with_http_name("plain-7f").with_id("ns-1");
        let theirs = Namespace::http("theirs").with_id("ns-2").shared_by("222233334444");
        for namespace in [ours, theirs] {
            let namespace = world.add_namespace(namespace);
            world.service(namespace, "web");
        }
    });
    let (ours, theirs) = (
        "arn:aws:servicediscovery:us-west-2:111122223333:namespace/ns-1",
        "arn:aws:servicediscovery:us-west-2:222233334444:namespace/ns-2",
    );
    let client = client(&fake);
    for (namespace, owner, is_found) in [
        ("plain-7f", None, true),
        (ours, None, true),
        ("plain", None, false),
        ("ns-1", None, false),
        (theirs, Some("222233334444"), true),
        ("theirs", Some("222233334444"), true),
        (theirs, None, false),
        ("theirs", None, false),
    ] {
        let call = client.discover_instances().namespace_name(namespace).service_name("web");
        let answer = call.set_owner_account(owner.map(str::to_owned)).send().await;
        let not_found = answer.err().map(SdkError::into_service_error);
        assert_eq!(not_found.is_none(), is_found, "{namespace} {owner:?}");
        assert!(not_found.is_none_or(|error| error.is_namespace_not_found()), "{namespace}");
    }
    Ok(())
}

#[tokio::test]
async fn it_starts_again_at_its_address_with_its_world() -> Tested {
    let (fake, _) = fake_with(Service::named("web"), 3)?;
    let address = fake.address();
    let again = FakeCloudMap::start_at(address, fake.stop())?;
    let found = discover(&client(&again), HealthStatusFilter::All).await?;
    assert_eq!(found.instances().len(), 3);
    Ok(())
}

#[test]
fn a_snapshot_is_the_same_after_it_was_read_and_written() -> Tested {
    let mut world = World::default();
    let namespace = world.add_namespace(
        Namespace::private_dns("a.example").with_http_name("a.example-7f").described("of A"),
    );
    let web = Service::named("web").with_health_check("HTTP").with_attribute("Port", "80");
    let web = world.add_service(namespace, web.tagged("a", "b"));
    world.register(
        web,
        "i-1",
        [("AWS_INSTANCE_IPV4", "10.0.0.1"), ("AWS_INIT_HEALTH_STATUS", "UNHEALTHY")],
    );
    let shared = world.add_namespace(Namespace::http("theirs").shared_by("222233334444"));
    world.service(shared, ".");
    let written = world.to_snapshot();
    assert_eq!(World::from_snapshot(&written)?.to_snapshot(), written);
    Ok(())
}

#[test]
fn a_snapshot_needs_only_names_and_keeps_the_largest_revision() -> Tested {
    let text = r#"{"services": [{"namespace": {"Name": "n"}, "service": {"Name": "s"}, "instancesRevision": 9223372036854775807,
        "instances": [{"Id": "i-1", "HealthStatus": "HEALTHY", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]}]}"#;
    let written: Value = serde_json::from_str(&World::from_snapshot(text)?.to_snapshot())?;
    assert_eq!(written.pointer("/services/0/instancesRevision"), Some(&json!(i64::MAX)));
    assert_eq!(written.pointer("/services/0/instances/0/HealthStatus"), Some(&json!("HEALTHY")));
    assert_eq!(
        World::from_snapshot(r#"{"services": [{"namespace": {}}]}"#).err(),
        Some("services[0] has no namespace.Name".to_owned())
    );
    Ok(())
}
