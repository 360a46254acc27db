//! The control plane's lists.

use istio_cloud_map_tests::cloud_map::{
    ErrorKind, Namespace, Operation, Outcome, Service, StandIn, World,
};
use serde_json::{Value, json};

use crate::{Tested, client::Client};

fn names(page: &Value, member: &str) -> Vec<String> {
    let items = page.get(member).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| Some(item.get("Name")?.as_str()?.to_owned()))
        .collect()
}

fn with_token(mut request: Value, token: Option<Value>) -> Value {
    if let (Some(request), Some(token)) = (request.as_object_mut(), token) {
        request.insert("NextToken".to_owned(), token);
    }
    request
}

/// All pages of a listing, as the names on them.
fn pages(
    client: &mut Client,
    operation: Operation,
    request: &Value,
    member: &str,
) -> Result<Vec<Vec<String>>, std::io::Error> {
    let mut token = None;
    let mut pages = Vec::new();
    loop {
        let page = client.call(operation, &with_token(request.clone(), token))?;
        pages.push(names(&page, member));
        token = page.get("NextToken").cloned();
        if token.is_none() {
            return Ok(pages);
        }
    }
}

#[test]
fn pages_are_taken_before_the_filter_so_that_empty_ones_go_on() -> Tested {
    let stand_in = StandIn::start()?;
    let wanted = stand_in.world(|world| {
        let crowded = world.http_namespace("crowded");
        (0..250).for_each(|index| {
            world.service(crowded, &format!("service-{index}"));
        });
        let wanted = world.add_namespace(Namespace::http("wanted").with_id("ns-wanted"));
        world.service(wanted, "web")
    });
    let mut client = Client::of(&stand_in)?;
    let request =
        json!({"Filters": [{"Name": "NAMESPACE_ID", "Values": ["ns-wanted"], "Condition": "EQ"}]});
    let found = pages(&mut client, Operation::ListServices, &request, "Services")?;
    assert_eq!(found, [vec![], vec![], vec!["web".to_owned()]]);
    stand_in.world(|world| world.delete_service(wanted));
    let found =
        pages(&mut client, Operation::ListServices, &json!({"MaxResults": 60}), "Services")?;
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [60, 60, 60, 60, 10]);
    assert_eq!(stand_in.calls_ended(Operation::ListServices, Outcome::Answered), 8);
    Ok(())
}

#[test]
fn instances_come_in_pages_without_health_and_health_in_pages_apart() -> Tested {
    let stand_in = StandIn::start()?;
    let id = stand_in.world(|world| {
        let namespace = world.http_namespace("my-namespace");
        let web = world.add_service(namespace, Service::named("web").with_custom_health_check());
        (0..250).for_each(|index| {
            world.register(web, &format!("i-{index:03}"), [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
        });
        world.service_mut(web).id().to_owned()
    });
    let mut client = Client::of(&stand_in)?;
    let first = client.call(Operation::ListInstances, &json!({"ServiceId": id}))?;
    assert_eq!(first.pointer("/Instances/99/Id"), Some(&json!("i-099")));
    assert_eq!(first.pointer("/Instances/99/HealthStatus"), None);
    let next = with_token(json!({"ServiceId": id}), first.get("NextToken").cloned());
    let second = client.call(Operation::ListInstances, &next)?;
    assert_eq!(second.pointer("/Instances/0/Id"), Some(&json!("i-100")));
    let health = client.call(Operation::GetInstancesHealthStatus, &json!({"ServiceId": id}))?;
    assert_eq!(health.pointer("/Status/i-000"), Some(&json!("HEALTHY")));
    assert!(health.get("NextToken").is_some());
    assert_eq!(
        client.refusal(Operation::GetInstancesHealthStatus, &next)?,
        ErrorKind::InvalidInput.name()
    );
    Ok(())
}

#[test]
fn a_summary_of_a_service_names_no_namespace_and_counts_no_instances() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        let namespace = world.http_namespace("my-namespace");
        let web = world.service(namespace, "web");
        world.register(web, "i-1", [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
    });
    let page = Client::of(&stand_in)?.call(Operation::ListServices, &json!({}))?;
    assert_eq!(page.pointer("/Services/0/NamespaceId"), None);
    assert_eq!(page.pointer("/Services/0/InstanceCount"), Some(&json!(0)));
    Ok(())
}

#[test]
fn what_is_shared_goes_by_its_arn_alone() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        let namespace = world.add_namespace(
            Namespace::private_dns("theirs").with_id("ns-theirs").shared_by("222233334444"),
        );
        world.service(namespace, "web");
    });
    let mut client = Client::of(&stand_in)?;
    let listed = client.call(Operation::ListNamespaces, &json!({}))?;
    assert_eq!(listed.pointer("/Namespaces/0/ResourceOwner"), Some(&json!("222233334444")));
    let arn = listed.pointer("/Namespaces/0/Arn").cloned().unwrap_or_default();
    let filter = |id: &Value| json!({"Filters": [{"Name": "NAMESPACE_ID", "Values": [id]}]});
    assert_eq!(pages(&mut client, Operation::ListServices, &filter(&arn), "Services")?, [["web"]]);
    assert_eq!(
        pages(&mut client, Operation::ListServices, &filter(&json!("ns-theirs")), "Services")?,
        [[""; 0]]
    );
    assert_eq!(
        client.refusal(Operation::GetNamespace, &json!({"Id": "ns-theirs"}))?,
        ErrorKind::NamespaceNotFound.name()
    );
    assert_eq!(client.refusal(Operation::GetNamespace, &json!({"Id": arn}))?, "none");
    Ok(())
}

#[test]
fn a_service_that_is_made_again_has_the_id_that_it_had() {
    let mut world = World::default();
    let namespace = world.http_namespace("my-namespace");
    let before = world.service(namespace, "web");
    let id = world.service_mut(before).id().to_owned();
    world.delete_service(before);
    let after = world.service(namespace, "web");
    assert_ne!(after, before);
    assert_eq!(world.service_mut(after).id(), id);
}

#[test]
fn a_snapshot_is_the_same_after_it_was_read_and_written() -> Tested {
    let mut world = World::default();
    let namespace = world.add_namespace(
        Namespace::private_dns("a.example").with_http_name("a.example-7f").described("of A"),
    );
    let web = world.add_service(
        namespace,
        Service::named("web")
            .with_health_check("HTTP")
            .with_attribute("Port", "80")
            .tagged("a", "b"),
    );
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
fn a_snapshot_needs_no_more_than_names_and_keeps_the_largest_revision() -> Tested {
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
