//! The data plane.

use serde_json::{Value, json};

use super::{Refusal, Request, World, no_namespace, no_service};
use crate::cloud_map::world::{Health, Instance, Namespace, Service};

/// What comes where the request does not say how many.
const DEFAULT_RESULTS: usize = 100;

type Named<'world> = (&'world String, &'world Instance);

pub(super) fn discover_instances(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let mut random = world.random.fork();
    let (namespace, service) = find(world, request)?;
    // An unknown service of a known namespace is no error on this plane.
    let Some(service) = service else { return Ok(json!({"Instances": []})) };
    let mut chosen = choose(service, request);
    random.shuffle(&mut chosen);
    chosen.truncate(request.number("MaxResults").unwrap_or(DEFAULT_RESULTS));
    let instances: Vec<Value> = chosen
        .into_iter()
        .map(|(id, instance)| {
            json!({
                "InstanceId": id,
                "NamespaceName": namespace.http_name,
                "ServiceName": service.name,
                "HealthStatus": instance.health.name(),
                "Attributes": instance.attributes,
            })
        })
        .collect();
    Ok(json!({"Instances": instances, "InstancesRevision": service.revision}))
}

pub(super) fn discover_instances_revision(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, service) = find(world, request)?;
    let service = service.ok_or_else(|| no_service(request.required("ServiceName")))?;
    Ok(json!({"InstancesRevision": service.revision}))
}

fn find<'world>(world: &'world World, request: &Request) -> Result<(&'world Namespace, Option<&'world Service>), Refusal> {
    let name = request.required("NamespaceName");
    let key = world.discoverable(name, request.text("OwnerAccount")).ok_or_else(|| no_namespace(name))?;
    let namespace = world.namespaces.get(&key).ok_or_else(|| no_namespace(name))?;
    let service = namespace.services.get(request.required("ServiceName"));
    Ok((namespace, service.and_then(|key| world.services.get(key))))
}

/// The instances that pass the parameters and the filter for health.
fn choose<'world>(service: &'world Service, request: &Request) -> Vec<Named<'world>> {
    let has_all = |(_, instance): &Named<'world>, member: &str| {
        request.pairs(member).all(|(key, value)| instance.attributes.get(key).is_some_and(|found| found == value))
    };
    let mut asked: Vec<Named<'world>> = service.instances.iter().filter(|named| has_all(named, "QueryParameters")).collect();
    if request.member("OptionalParameters").is_some() {
        let preferred: Vec<Named<'world>> = asked.iter().copied().filter(|named| has_all(named, "OptionalParameters")).collect();
        asked = if preferred.is_empty() { asked } else { preferred };
    }
    by_health(service, request.text("HealthStatus"), asked)
}

/// AWS does not say what an absent filter means; HEALTHY shows who relies on another meaning.
fn by_health<'world>(service: &Service, filter: Option<&str>, asked: Vec<Named<'world>>) -> Vec<Named<'world>> {
    if !service.has_health_check() {
        return asked;
    }
    let only = |health: Health| asked.iter().copied().filter(|(_, instance)| instance.health == health).collect();
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
