//! The control plane's view of instances: pages, and health apart from attributes.

use std::ops::Bound;

use serde_json::{Value, json};

use super::page::{Page, position};
use super::{Operation, Refusal, Request, World, find_service, no_instance, owner};
use crate::cloud_map::world::{Instance, Service};

pub(super) fn list(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, service) = find_service(world, request.required("ServiceId"))?;
    let page = page(Operation::ListInstances, request, service)?;
    let owner = owner(world, service);
    let mut answer = page.finish("Instances", |(id, instance)| {
        Some(json!({"Id": id, "Attributes": instance.attributes, "CreatedByAccount": owner}))
    });
    answer.insert("ResourceOwner".to_owned(), owner.clone().into());
    Ok(Value::Object(answer))
}

pub(super) fn read_one(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, service) = find_service(world, request.required("ServiceId"))?;
    let id = request.required("InstanceId");
    let instance = service.instances.get(id).ok_or_else(|| no_instance(id))?;
    let owner = owner(world, service);
    Ok(json!({
        "ResourceOwner": owner,
        "Instance": {"Id": id, "Attributes": instance.attributes, "CreatedByAccount": owner},
    }))
}

pub(super) fn health(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, service) = find_service(world, request.required("ServiceId"))?;
    if request.member("Instances").is_some() {
        return health_of(service, request.list("Instances"));
    }
    let page = page(Operation::GetInstancesHealthStatus, request, service)?;
    let answer =
        page.finish_map("Status", |(id, instance)| (id.clone(), instance.health.name().into()));
    Ok(Value::Object(answer))
}

fn health_of(service: &Service, ids: &[Value]) -> Result<Value, Refusal> {
    let status = ids.iter().map(|id| {
        let id = id.as_str().unwrap_or_default();
        let instance = service.instances.get(id).ok_or_else(|| no_instance(id))?;
        Ok((id.to_owned(), instance.health.name().into()))
    });
    let status: serde_json::Map<String, Value> = status.collect::<Result<_, Refusal>>()?;
    Ok(json!({"Status": status}))
}

fn page<'world>(
    operation: Operation,
    request: &Request,
    service: &'world Service,
) -> Result<Page<(&'world String, &'world Instance)>, Refusal> {
    let after = position(operation, request)?;
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let rest = service.instances.range((start, Bound::Unbounded));
    Ok(Page::take(operation, request, rest, |(id, _)| (*id).clone()))
}
