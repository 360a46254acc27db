//! Namespaces and services, their attributes and tags.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Value, json};

use super::page::{Page, key_position};
use super::{
    ErrorKind, Operation, Refusal, Request, Resource, World, find_namespace, find_service, owner,
};
use crate::cloud_map::world::{
    ACCOUNT, Namespace, NamespaceKey, Service, ServiceKey, namespace_summary, service_summary,
};

pub(super) fn list_namespaces(world: &World, request: &Request) -> Result<Value, Refusal> {
    let filters = filters(request, &["NAME", "HTTP_NAME"])?;
    let after = NamespaceKey(key_position(Operation::ListNamespaces, request)?);
    let rest = world.namespaces.range((Bound::Excluded(after), Bound::Unbounded));
    let page = Page::take(Operation::ListNamespaces, request, rest, |(key, _)| key.0.to_string());
    let answer = page.finish("Namespaces", |(_, namespace)| {
        let passes = filters.iter().all(|filter| filter.passes_namespace(namespace));
        passes.then(|| Value::Object(namespace_summary(namespace)))
    });
    Ok(Value::Object(answer))
}

pub(super) fn list_services(world: &World, request: &Request) -> Result<Value, Refusal> {
    let filters = filters(request, &[])?;
    let after = ServiceKey(key_position(Operation::ListServices, request)?);
    let rest = world.services.range((Bound::Excluded(after), Bound::Unbounded));
    let page = Page::take(Operation::ListServices, request, rest, |(key, _)| key.0.to_string());
    let answer = page.finish("Services", |(_, service)| {
        let owner = owner(world, service);
        let passes = filters.iter().all(|filter| filter.passes_service(world, service, &owner));
        passes.then(|| Value::Object(service_summary(service, &owner)))
    });
    Ok(Value::Object(answer))
}

pub(super) fn namespace(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, namespace) = find_namespace(world, request.required("Id"))?;
    let mut members = namespace_summary(namespace);
    if let Some(id) = &namespace.creator_request_id {
        members.insert("CreatorRequestId".to_owned(), id.clone().into());
    }
    Ok(json!({"Namespace": members}))
}

pub(super) fn service(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, service) = find_service(world, request.required("Id"))?;
    Ok(json!({"Service": whole_service(world, service)}))
}

/// As `GetService` has it: the summary, and what ties it to its namespace.
pub(super) fn whole_service(world: &World, service: &Service) -> Value {
    let mut members = service_summary(service, &owner(world, service));
    if let Some(namespace) = world.namespaces.get(&service.namespace) {
        members.insert("NamespaceId".to_owned(), namespace.id.clone().into());
    }
    if let Some(id) = &service.creator_request_id {
        members.insert("CreatorRequestId".to_owned(), id.clone().into());
    }
    Value::Object(members)
}

pub(super) fn service_attributes(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, service) = find_service(world, request.required("ServiceId"))?;
    Ok(json!({"ServiceAttributes": {
        "ServiceArn": service.arn,
        "ResourceOwner": owner(world, service),
        "Attributes": service.attributes,
    }}))
}

pub(super) fn tags(world: &World, request: &Request) -> Result<Value, Refusal> {
    let arn = request.required("ResourceARN");
    let tags = tagged(world, arn).ok_or_else(|| no_resource(arn))?;
    let tags: Vec<Value> =
        tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"Tags": tags}))
}

fn tagged<'world>(world: &'world World, arn: &str) -> Option<&'world BTreeMap<String, String>> {
    match world.resource(arn).filter(|_| arn.starts_with("arn:"))? {
        Resource::Namespace(key) => world.namespaces.get(&key).map(|namespace| &namespace.tags),
        Resource::Service(key) => world.services.get(&key).map(|service| &service.tags),
    }
}

pub(super) fn no_resource(arn: &str) -> Refusal {
    Refusal::new(ErrorKind::ResourceNotFound, format!("Resource not found: {arn}"))
}

struct Filter<'request> {
    name: &'request str,
    value: &'request str,
    is_prefix: bool,
}

/// EQ with one value is what each filter takes; some take `BEGINS_WITH` as well.
fn filters<'request>(
    request: &'request Request,
    prefixed: &[&str],
) -> Result<Vec<Filter<'request>>, Refusal> {
    let read = |filter: &'request Value| {
        let name = filter.get("Name").and_then(Value::as_str).unwrap_or_default();
        let condition = filter.get("Condition").and_then(Value::as_str).unwrap_or("EQ");
        let values = filter.get("Values").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_prefix = condition == "BEGINS_WITH" && prefixed.contains(&name);
        if condition != "EQ" && !is_prefix {
            return Err(Refusal::invalid(format!(
                "Condition {condition} is not supported for filter {name}"
            )));
        }
        let [value] = values else {
            return Err(Refusal::invalid(format!(
                "Filter {name} takes exactly one value for condition {condition}"
            )));
        };
        Ok(Filter { name, value: value.as_str().unwrap_or_default(), is_prefix })
    };
    request.list("Filters").iter().map(read).collect()
}

impl Filter<'_> {
    fn passes_namespace(&self, namespace: &Namespace) -> bool {
        match self.name {
            "TYPE" => namespace.kind.name() == self.value,
            "NAME" => self.matches(&namespace.name),
            "HTTP_NAME" => self.matches(&namespace.http_name),
            _ => self.passes_owner(&namespace.owner),
        }
    }

    fn passes_service(&self, world: &World, service: &Service, owner: &str) -> bool {
        match (self.name, world.resource(self.value)) {
            ("NAMESPACE_ID", Some(Resource::Namespace(key))) => service.namespace == key,
            ("NAMESPACE_ID", _) => false,
            _ => self.passes_owner(owner),
        }
    }

    fn passes_owner(&self, owner: &str) -> bool {
        match self.value {
            "SELF" => owner == ACCOUNT,
            "OTHER_ACCOUNTS" => owner != ACCOUNT,
            _ => false,
        }
    }

    fn matches(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(self.value) } else { name == self.value }
    }
}
