//! The data plane.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Answer, Refusal, Request, World, no_namespace, no_service};
use crate::cloud_map::world::{Health, Instance, Namespace, Service};

/// What comes where the request does not say how many.
const DEFAULT_RESULTS: usize = 100;

type Named<'world> = (&'world String, &'world Instance);

pub(super) fn discover_instances(world: &mut World, request: &Request) -> Result<Answer, Refusal> {
    let mut random = world.random.fork();
    let (namespace, service) = find(world, request)?;
    // An unknown service of a known namespace is no error on this plane.
    let Some(service) = service else { return Ok(json!({"Instances": []}).into()) };
    let mut chosen = choose(service, request);
    random.shuffle(&mut chosen);
    chosen.truncate(request.number("MaxResults").unwrap_or(DEFAULT_RESULTS));
    Ok(Answer::Text(write(namespace, service, &chosen)))
}

/// The one answer that is written by hand: it is asked for the most, and is the longest.
fn write(namespace: &Namespace, service: &Service, instances: &[Named<'_>]) -> String {
    let names = format!(
        r#""NamespaceName":{},"ServiceName":{}"#,
        json!(namespace.http_name),
        json!(service.name)
    );
    let mut text = r#"{"Instances":["#.to_owned();
    for (index, (_, instance)) in instances.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            r#"{comma}{{{},{names},"HealthStatus":"{}"}}"#,
            instance.rendered,
            instance.health.name()
        );
    }
    let _ = write!(text, r#"],"InstancesRevision":{}}}"#, service.revision);
    text
}

pub(super) fn discover_instances_revision(
    world: &World,
    request: &Request,
) -> Result<Value, Refusal> {
    let (_, service) = find(world, request)?;
    let service = service.ok_or_else(|| no_service(request.required("ServiceName")))?;
    Ok(json!({"InstancesRevision": service.revision}))
}

fn find<'world>(
    world: &'world World,
    request: &Request,
) -> Result<(&'world Namespace, Option<&'world Service>), Refusal> {
    let name = request.required("NamespaceName");
    let key =
        world.discoverable(name, request.text("OwnerAccount")).ok_or_else(|| no_namespace(name))?;
    let namespace = world.namespaces.get(&key).ok_or_else(|| no_namespace(name))?;
    let service = namespace.services.get(request.required("ServiceName"));
    Ok((namespace, service.and_then(|key| world.services.get(key))))
}

/// The instances that pass the parameters and the filter for health.
fn choose<'world>(service: &'world Service, request: &Request) -> Vec<Named<'world>> {
    let has_all = |(_, instance): &Named<'world>, member: &str| {
        request
            .pairs(member)
            .all(|(key, value)| instance.attributes.get(key).is_some_and(|found| found == value))
    };
    let mut asked: Vec<Named<'world>> =
        service.instances.iter().filter(|named| has_all(named, "QueryParameters")).collect();
    if request.member("OptionalParameters").is_some() {
        let preferred: Vec<Named<'world>> =
            asked.iter().copied().filter(|named| has_all(named, "OptionalParameters")).collect();
        asked = if preferred.is_empty() { asked } else { preferred };
    }
    by_health(service, request.text("HealthStatus"), asked)
}

/// AWS does not say what an absent filter means; HEALTHY shows who relies on another meaning.
fn by_health<'world>(
    service: &Service,
    filter: Option<&str>,
    asked: Vec<Named<'world>>,
) -> Vec<Named<'world>> {
    if !service.has_health_check() {
        return asked;
    }
    let only = |health: Health| {
        asked.iter().copied().filter(|(_, instance)| instance.health == health).collect()
    };
    match filter.unwrap_or("HEALTHY") {
        "HEALTHY" => only(Health::Healthy),
        "UNHEALTHY" => only(Health::Unhealthy),
        "HEALTHY_OR_ELSE_ALL" => {
            let healthy: Vec<Named<'world>> = only(Health::Healthy);
            if healthy.is_empty() { asked } else { healthy }
        }
        _ => asked,
    }
}
