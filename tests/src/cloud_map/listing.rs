//! The control plane's answers to readers: namespaces, services, instances and tags, in pages.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use super::answers::{find_namespace, find_service, no_instance, owner};
use super::calls::Operation;
use super::namespace::{Namespace, namespace_summary};
use super::service::{Instance, Service, service_summary};
use super::wire::{ErrorKind, Refusal, Request};
use super::world::{NamespaceKey, Resource, ServiceKey, World};

pub(super) fn list_namespaces(world: &World, request: &Request) -> Result<Value, Refusal> {
    let filters = filters(request, &["NAME", "HTTP_NAME"])?;
    let after = NamespaceKey(key_position(Operation::ListNamespaces, request)?);
    let rest = world.namespaces.range((Bound::Excluded(after), Bound::Unbounded));
    let page = Page::take(Operation::ListNamespaces, request, rest, |(key, _)| key.0.to_string());
    let answer = page.finish("Namespaces", |(_, namespace)| {
        let passes = filters.iter().all(|filter| filter.passes_namespace(world, namespace));
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
    fn passes_namespace(&self, world: &World, namespace: &Namespace) -> bool {
        match self.name {
            "TYPE" => namespace.kind.name() == self.value,
            "NAME" => self.matches(&namespace.name),
            "HTTP_NAME" => self.matches(&namespace.http_name),
            _ => self.passes_owner(world, &namespace.owner),
        }
    }

    fn passes_service(&self, world: &World, service: &Service, owner: &str) -> bool {
        match (self.name, world.resource(self.value)) {
            ("NAMESPACE_ID", Some(Resource::Namespace(key))) => service.namespace == key,
            ("NAMESPACE_ID", _) => false,
            _ => self.passes_owner(world, owner),
        }
    }

    fn passes_owner(&self, world: &World, owner: &str) -> bool {
        match self.value {
            "SELF" => owner == world.account,
            "OTHER_ACCOUNTS" => owner != world.account,
            _ => false,
        }
    }

    fn matches(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(self.value) } else { name == self.value }
    }
}

pub(super) fn instances(world: &World, request: &Request) -> Result<Value, Refusal> {
    let (_, service) = find_service(world, request.required("ServiceId"))?;
    let page = page_of(Operation::ListInstances, request, service)?;
    let owner = owner(world, service);
    let mut answer = page.finish("Instances", |(id, instance)| {
        Some(json!({"Id": id, "Attributes": instance.attributes, "CreatedByAccount": owner}))
    });
    answer.insert("ResourceOwner".to_owned(), owner.clone().into());
    Ok(Value::Object(answer))
}

pub(super) fn instance(world: &World, request: &Request) -> Result<Value, Refusal> {
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
    let page = page_of(Operation::GetInstancesHealthStatus, request, service)?;
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

fn page_of<'world>(
    operation: Operation,
    request: &Request,
    service: &'world Service,
) -> Result<Page<(&'world String, &'world Instance)>, Refusal> {
    let after = position(operation, request)?;
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let rest = service.instances.range((start, Bound::Unbounded));
    Ok(Page::take(operation, request, rest, |(id, _)| (*id).clone()))
}

/// The most that a page holds.
const PAGE: usize = 100;

/// A page, taken before any filter is asked: what a filter leaves of it may be nothing.
pub(super) struct Page<Item> {
    pub(super) items: Vec<Item>,
    next: Option<String>,
}

impl<Item> Page<Item> {
    /// Takes a page of what comes after the request's token.
    pub(super) fn take(
        operation: Operation,
        request: &Request,
        after_it: impl Iterator<Item = Item>,
        position: impl Fn(&Item) -> String,
    ) -> Self {
        let mut rest = after_it.peekable();
        let items: Vec<Item> =
            rest.by_ref().take(request.number("MaxResults").unwrap_or(PAGE)).collect();
        let more = rest.peek().is_some();
        let next = items.last().filter(|_| more).map(|last| token(operation, &position(last)));
        Self { items, next }
    }

    pub(super) fn answer(next: Option<String>, member: &str, page: Value) -> Map<String, Value> {
        let mut answer = Map::new();
        answer.insert(member.to_owned(), page);
        if let Some(next) = next {
            answer.insert("NextToken".to_owned(), next.into());
        }
        answer
    }

    /// The items one by one, as the answer has them, and the token.
    pub(super) fn finish(
        self,
        member: &str,
        convert: impl Fn(Item) -> Option<Value>,
    ) -> Map<String, Value> {
        let items = self.items.into_iter().filter_map(convert).collect();
        Self::answer(self.next, member, Value::Array(items))
    }

    /// The items as pairs, as the answer has them, and the token.
    pub(super) fn finish_map(
        self,
        member: &str,
        convert: impl Fn(Item) -> (String, Value),
    ) -> Map<String, Value> {
        let items = self.items.into_iter().map(convert).collect();
        Self::answer(self.next, member, Value::Object(items))
    }
}

/// The position after which the page begins, as text; none at the start.
pub(super) fn position(operation: Operation, request: &Request) -> Result<Option<String>, Refusal> {
    let Some(token) = request.text("NextToken") else { return Ok(None) };
    let unknown = || Refusal::invalid("The provided NextToken is invalid");
    let text = from_hex(token).ok_or_else(unknown)?;
    let position = text
        .strip_prefix(operation.name())
        .and_then(|rest| rest.strip_prefix(':'))
        .ok_or_else(unknown)?;
    Ok(Some(position.to_owned()).filter(|position| !position.is_empty()))
}

/// The position after which the page begins, as a key; 0 at the start.
pub(super) fn key_position(operation: Operation, request: &Request) -> Result<u64, Refusal> {
    let position = position(operation, request)?;
    Ok(position.and_then(|position| position.parse().ok()).unwrap_or_default())
}

/// An empty page with a token that continues the listing at the current position; none if the
/// operation is not paginated.
pub(super) fn empty_page(operation: Operation, request: &Request) -> Option<Value> {
    let (member, empty) = operation.empty_page()?;
    let next = request.text("NextToken").map_or_else(|| token(operation, ""), str::to_owned);
    Some(Value::Object(Page::<()>::answer(Some(next), member, empty)))
}

/// Hexadecimal, so that callers treat it as opaque.
fn token(operation: Operation, position: &str) -> String {
    let mut token = String::new();
    for byte in format!("{}:{position}", operation.name()).bytes() {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    token
}

fn from_hex(token: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = token
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let pairs = digits?;
    let bytes = pairs
        .chunks(2)
        .map(|pair| if let [high, low] = pair { Some(high << 4 | low) } else { None });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}
