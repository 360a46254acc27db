//! The calls that make and change a world.

use serde_json::{Value, json};

use super::answers::{find_namespace, find_service, no_instance};
use super::listing::{no_resource, whole_service};
use super::namespace::{Namespace, NamespaceKind};
use super::service::{Health, Service};
use super::wire::{ErrorKind, Refusal, Request};
use super::world::{NamespaceKey, Resource, ServiceKey, World};

/// The quotas that a reader can notice.
const MOST_INSTANCES: usize = 1000;
const MOST_SERVICE_ATTRIBUTES: usize = 30;

pub(super) fn create_http_namespace(
    world: &mut World,
    request: &Request,
) -> Result<Value, Refusal> {
    let name = request.required("Name");
    if let Some(existing) = world.namespace_named(name).and_then(|key| world.namespaces.get(&key)) {
        return Err(Refusal::new(
            ErrorKind::NamespaceAlreadyExists,
            format!("Namespace {name} already exists"),
        )
        .with("NamespaceId", &existing.id)
        .with("CreatorRequestId", existing.creator_request_id.as_deref().unwrap_or_default()));
    }
    Ok(create_namespace(world, request, Namespace::http(name)))
}

/// A private zone may bear a name again, in another VPC: Discover then knows it by another one.
pub(super) fn create_private_dns_namespace(world: &mut World, request: &Request) -> Value {
    let name = request.required("Name");
    let mut namespace = Namespace::private_dns(name);
    if world.discoverable(name, None).is_some() {
        namespace = namespace.with_http_name(&format!("{name}-{:08x}", world.random.u32(..)));
    }
    create_namespace(world, request, namespace)
}

fn create_namespace(world: &mut World, request: &Request, mut namespace: Namespace) -> Value {
    namespace.description = request.text("Description").map(str::to_owned);
    namespace.creator_request_id = request.text("CreatorRequestId").map(str::to_owned);
    namespace.tags.extend(request.tags("Tags").map(owned));
    let key = world.add_namespace(namespace);
    let id = world.namespaces.get(&key).map(|namespace| namespace.id.clone()).unwrap_or_default();
    done(world, "CREATE_NAMESPACE", &json!({"NAMESPACE": id}))
}

pub(super) fn create_service(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let in_dns_config =
        request.member("DnsConfig").and_then(|config| config.get("NamespaceId")?.as_str());
    let id = request
        .text("NamespaceId")
        .or(in_dns_config)
        .ok_or_else(|| Refusal::invalid("NamespaceId is required"))?;
    let (key, namespace) = find_namespace(world, id)?;
    let name = request.required("Name");
    if let Some(existing) = same_name(world, namespace, name) {
        return Err(Refusal::new(
            ErrorKind::ServiceAlreadyExists,
            format!("Service {name} already exists"),
        )
        .with("ServiceId", &existing.id)
        .with("ServiceArn", &existing.arn)
        .with("CreatorRequestId", existing.creator_request_id.as_deref().unwrap_or_default()));
    }
    if namespace.kind == NamespaceKind::Http && request.member("DnsConfig").is_some() {
        return Err(Refusal::invalid("DnsConfig is not allowed in an HTTP namespace"));
    }
    let service = add_service(world, request, key);
    let service = world.services.get(&service).map(|service| whole_service(world, service));
    Ok(json!({"Service": service}))
}

/// Names that differ by case alone are two for the API, and one for DNS.
fn same_name<'world>(
    world: &'world World,
    namespace: &Namespace,
    name: &str,
) -> Option<&'world Service> {
    let is_same = |other: &str| {
        other == name || (namespace.kind != NamespaceKind::Http && other.eq_ignore_ascii_case(name))
    };
    let (_, key) = namespace.services.iter().find(|(other, _)| is_same(other))?;
    world.services.get(key)
}

fn add_service(world: &mut World, request: &Request, namespace: NamespaceKey) -> ServiceKey {
    let is_api_only = request.text("Type") == Some("HTTP");
    let mut service = Service::named(request.required("Name"));
    service.dns_config =
        request.member("DnsConfig").cloned().or_else(|| is_api_only.then(|| json!({})));
    service.health_check = request.member("HealthCheckConfig").cloned();
    service.custom_health_check = request.member("HealthCheckCustomConfig").cloned();
    service.description = request.text("Description").map(str::to_owned);
    service.creator_request_id = request.text("CreatorRequestId").map(str::to_owned);
    service.tags.extend(request.tags("Tags").map(owned));
    world.add_service(namespace, service)
}

pub(super) fn delete_namespace(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let (key, namespace) = find_namespace(world, request.required("Id"))?;
    if !namespace.services.is_empty() {
        return Err(Refusal::new(ErrorKind::ResourceInUse, "The namespace has services"));
    }
    let id = namespace.id.clone();
    world.delete_namespace(key);
    Ok(done(world, "DELETE_NAMESPACE", &json!({"NAMESPACE": id})))
}

pub(super) fn delete_service(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let (key, service) = find_service(world, request.required("Id"))?;
    if !service.instances.is_empty() {
        return Err(Refusal::new(ErrorKind::ResourceInUse, "The service has instances"));
    }
    world.delete_service(key);
    Ok(json!({}))
}

pub(super) fn register_instance(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let (key, service) = find_service(world, request.required("ServiceId"))?;
    let id = request.required("InstanceId");
    if service.instances.len() >= MOST_INSTANCES && !service.instances.contains_key(id) {
        return Err(Refusal::new(
            ErrorKind::ResourceLimitExceeded,
            format!("A service has at most {MOST_INSTANCES} instances"),
        ));
    }
    let mut attributes: Vec<(String, String)> = request.pairs("Attributes").map(owned).collect();
    let has = |wanted: &str| attributes.iter().any(|(key, _)| key == wanted);
    if has("AWS_EC2_INSTANCE_ID") && !has("AWS_INSTANCE_IPV4") {
        // AWS looks up the private address of the machine.
        let [_, second, third, fourth] = world.random.u32(..).to_be_bytes();
        attributes.push(("AWS_INSTANCE_IPV4".to_owned(), format!("10.{second}.{third}.{fourth}")));
    }
    world.register(key, id, attributes);
    Ok(done(world, "REGISTER_INSTANCE", &json!({"INSTANCE": id})))
}

pub(super) fn deregister_instance(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let (key, _) = find_service(world, request.required("ServiceId"))?;
    let id = request.required("InstanceId");
    if !world.deregister(key, id) {
        return Err(no_instance(id));
    }
    Ok(done(world, "DEREGISTER_INSTANCE", &json!({"INSTANCE": id})))
}

pub(super) fn update_health(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let (key, service) = find_service(world, request.required("ServiceId"))?;
    if service.custom_health_check.is_none() {
        return Err(Refusal::new(
            ErrorKind::CustomHealthNotFound,
            "The service has no custom health check",
        ));
    }
    let id = request.required("InstanceId");
    let health = Health::named(request.required("Status")).unwrap_or(Health::Unknown);
    if !world.set_health(key, id, health) {
        return Err(no_instance(id));
    }
    Ok(json!({}))
}

pub(super) fn update_service_attributes(
    world: &mut World,
    request: &Request,
) -> Result<Value, Refusal> {
    let (key, service) = find_service(world, request.required("ServiceId"))?;
    let mut attributes = service.attributes.clone();
    attributes.extend(request.pairs("Attributes").map(owned));
    if attributes.len() > MOST_SERVICE_ATTRIBUTES {
        return Err(Refusal::new(
            ErrorKind::ServiceAttributesLimitExceeded,
            format!("A service has at most {MOST_SERVICE_ATTRIBUTES} attributes"),
        ));
    }
    world.service_mut(key).attributes = attributes;
    Ok(json!({}))
}

pub(super) fn tag_resource(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let arn = request.required("ResourceARN");
    let tags = match world.resource(arn).filter(|_| arn.starts_with("arn:")) {
        Some(Resource::Namespace(key)) => {
            world.namespaces.get_mut(&key).map(|namespace| &mut namespace.tags)
        }
        Some(Resource::Service(key)) => {
            world.services.get_mut(&key).map(|service| &mut service.tags)
        }
        None => None,
    };
    tags.ok_or_else(|| no_resource(arn))?.extend(request.tags("Tags").map(owned));
    Ok(json!({}))
}

pub(super) fn operation(world: &World, request: &Request) -> Result<Value, Refusal> {
    let id = request.required("OperationId");
    let found = world.operations.get(id);
    let operation = found.ok_or_else(|| {
        Refusal::new(ErrorKind::OperationNotFound, format!("Operation not found: {id}"))
    })?;
    Ok(json!({"Operation": operation}))
}

/// Writes down an operation that AWS does in its own time, and this world at once.
fn done(world: &mut World, kind: &str, targets: &Value) -> Value {
    let key = world.next_key();
    let id = format!("operation-{key:016x}");
    let date = 1_585_354_387.5;
    let operation = json!({
        "Id": id,
        "OwnerAccount": world.account,
        "Type": kind,
        "Status": "SUCCESS",
        "CreateDate": date,
        "UpdateDate": date,
        "Targets": targets,
    });
    world.operations.insert(id.clone(), operation);
    json!({"OperationId": id})
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}
