//! The data plane.

use std::collections::BTreeSet;
use std::io;

use istio_cloud_map_tests::cloud_map::{
    ErrorKind, Health, Namespace, Operation, Service, ServiceKey, StandIn, World,
};
use serde_json::{Value, json};

use crate::{Tested, client::Client};

fn ids(client: &mut Client, request: &Value) -> io::Result<Vec<String>> {
    let answer = client.call(Operation::DiscoverInstances, request)?;
    let instances = answer.get("Instances").and_then(Value::as_array);
    Ok(instances
        .into_iter()
        .flatten()
        .filter_map(|instance| Some(instance.get("InstanceId")?.as_str()?.to_owned()))
        .collect())
}

fn web(max: usize) -> Value {
    json!({"NamespaceName": "my-namespace", "ServiceName": "web", "HealthStatus": "ALL", "MaxResults": max})
}

fn fill(world: &mut World, service: Service, instances: usize) -> ServiceKey {
    let namespace = world.http_namespace("my-namespace");
    let key = world.add_service(namespace, service);
    (0..instances).for_each(|index| {
        world.register(key, &format!("i-{index}"), [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
    });
    key
}

#[test]
fn an_answer_has_at_most_max_results_in_no_order() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| fill(world, Service::named("web"), 250));
    let mut client = Client::of(&stand_in)?;
    let by_default =
        ids(&mut client, &json!({"NamespaceName": "my-namespace", "ServiceName": "web"}))?;
    assert_eq!(by_default.len(), 100);
    let once = ids(&mut client, &web(1000))?;
    let again = ids(&mut client, &web(1000))?;
    assert_eq!(once.iter().collect::<BTreeSet<_>>().len(), 250);
    assert_eq!(once.iter().collect::<BTreeSet<_>>(), again.iter().collect());
    assert_ne!(once, again);
    assert_eq!(
        client.refusal(Operation::DiscoverInstances, &web(1001))?,
        ErrorKind::InvalidInput.name()
    );
    Ok(())
}

#[test]
fn the_order_of_answers_follows_from_the_seed() -> Tested {
    let order = |seed| -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let stand_in = StandIn::start()?;
        stand_in.world(|world| {
            fill(world, Service::named("web"), 50);
            world.seed(seed);
        });
        Ok(ids(&mut Client::of(&stand_in)?, &web(1000))?)
    };
    assert_eq!(order(7)?, order(7)?);
    assert_ne!(order(7)?, order(8)?);
    Ok(())
}

#[test]
fn a_namespace_goes_by_its_http_name_or_arn() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        let renamed = world.add_namespace(
            Namespace::private_dns("plain").with_http_name("plain-7f").with_id("ns-1"),
        );
        world.service(renamed, "web");
        let shared = world
            .add_namespace(Namespace::http("theirs").with_id("ns-2").shared_by("222233334444"));
        world.service(shared, "web");
    });
    let mut client = Client::of(&stand_in)?;
    let arn = |account: &str, id: &str| {
        format!("arn:aws:servicediscovery:us-west-2:{account}:namespace/{id}")
    };
    let (ours, theirs) = (arn("111122223333", "ns-1"), arn("222233334444", "ns-2"));
    for (namespace, owner, expected) in [
        ("plain-7f", None, "none"),
        (&ours, None, "none"),
        ("plain", None, "NamespaceNotFound"),
        ("ns-1", None, "NamespaceNotFound"),
        (&theirs, Some("222233334444"), "none"),
        ("theirs", Some("222233334444"), "none"),
        (&theirs, None, "NamespaceNotFound"),
        ("theirs", None, "NamespaceNotFound"),
        (&theirs, Some("111122223333"), "NamespaceNotFound"),
    ] {
        let request =
            json!({"NamespaceName": namespace, "ServiceName": "web", "OwnerAccount": owner});
        for operation in [Operation::DiscoverInstances, Operation::DiscoverInstancesRevision] {
            assert_eq!(
                client.refusal(operation, &request)?,
                expected,
                "{operation:?} {namespace} {owner:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_filter_for_health_applies_where_there_is_a_check_and_nowhere_else() -> Tested {
    for (service, filter, expected) in [
        (Service::named("web"), "HEALTHY", vec!["i-0", "i-1"]),
        (Service::named("web"), "UNHEALTHY", vec!["i-0", "i-1"]),
        (Service::named("web").with_custom_health_check(), "HEALTHY", vec!["i-0"]),
        (Service::named("web").with_custom_health_check(), "UNHEALTHY", vec!["i-1"]),
        (Service::named("web").with_health_check("HTTP"), "ALL", vec!["i-0", "i-1"]),
        (Service::named("web").with_health_check("TCP"), "HEALTHY_OR_ELSE_ALL", vec!["i-0"]),
    ] {
        let stand_in = StandIn::start()?;
        stand_in.world(|world| {
            let key = fill(world, service, 2);
            if world.service_mut(key).has_health_check() {
                world.set_health(key, "i-1", Health::Unhealthy);
            }
        });
        let mut found = ids(
            &mut Client::of(&stand_in)?,
            &json!({"NamespaceName": "my-namespace", "ServiceName": "web", "HealthStatus": filter}),
        )?;
        found.sort();
        assert_eq!(found, expected, "{filter}");
    }
    Ok(())
}

#[test]
fn healthy_or_else_all_gives_all_where_none_is_healthy() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        let key = fill(world, Service::named("web").with_custom_health_check(), 3);
        world.set_health(key, "i-0", Health::Unhealthy);
        world.set_health(key, "i-1", Health::Unknown);
        world.set_health(key, "i-2", Health::Unhealthy);
    });
    let request = json!({"NamespaceName": "my-namespace", "ServiceName": "web", "HealthStatus": "HEALTHY_OR_ELSE_ALL"});
    assert_eq!(ids(&mut Client::of(&stand_in)?, &request)?.len(), 3);
    Ok(())
}

#[test]
fn an_unknown_service_is_an_empty_answer_to_discover() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| world.http_namespace("my-namespace"));
    let answer = Client::of(&stand_in)?.call(Operation::DiscoverInstances, &web(1000))?;
    assert_eq!(answer, json!({"Instances": []}));
    Ok(())
}

#[test]
fn a_revision_is_above_2_to_the_53_and_moves_with_instances_but_not_with_health() -> Tested {
    let stand_in = StandIn::start()?;
    let key =
        stand_in.world(|world| fill(world, Service::named("web").with_custom_health_check(), 1));
    let mut client = Client::of(&stand_in)?;
    let request = json!({"NamespaceName": "my-namespace", "ServiceName": "web"});
    let mut revision = || -> io::Result<i64> {
        let answer = client.call(Operation::DiscoverInstancesRevision, &request)?;
        Ok(answer.get("InstancesRevision").and_then(Value::as_i64).unwrap_or_default())
    };
    let first = revision()?;
    assert!(first > 1 << 53, "{first}");
    stand_in.world(|world| world.set_health(key, "i-0", Health::Unhealthy));
    assert_eq!(revision()?, first);
    stand_in.world(|world| world.register(key, "i-1", [("AWS_INSTANCE_IPV4", "10.0.0.2")]));
    assert_eq!(revision()?, first + 1);
    stand_in.world(|world| world.deregister(key, "i-1"));
    assert_eq!(revision()?, first + 2);
    Ok(())
}
