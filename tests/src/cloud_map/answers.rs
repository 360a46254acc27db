//! One answer for each operation; what a call is about; and the data plane's answers.

use std::fmt::Write;

use serde_json::{Value, json};

use super::calls::Operation;
use super::listing;
use super::namespace::Namespace;
use super::service::{Health, Instance, Service};
use super::setup;
use super::wire::{ErrorKind, Refusal, Request};
use super::world::{NamespaceKey, Resource, ServiceKey, World};

/// An answer, as members or already as JSON.
#[derive(Debug)]
pub(super) enum Answer {
    Members(Value),
    Text(String),
}

impl From<Value> for Answer {
    fn from(members: Value) -> Self {
        Self::Members(members)
    }
}

pub(super) fn answer(
    world: &mut World,
    operation: Operation,
    request: &Request,
) -> Result<Answer, Refusal> {
    let members = match operation {
        Operation::DiscoverInstances => return discover_instances(world, request),
        Operation::CreateHttpNamespace => setup::create_http_namespace(world, request),
        Operation::CreatePrivateDnsNamespace => {
            Ok(setup::create_private_dns_namespace(world, request))
        }
        Operation::CreateService => setup::create_service(world, request),
        Operation::DeleteNamespace => setup::delete_namespace(world, request),
        Operation::DeleteService => setup::delete_service(world, request),
        Operation::DeregisterInstance => setup::deregister_instance(world, request),
        Operation::DiscoverInstancesRevision => discover_instances_revision(world, request),
        Operation::GetInstance => listing::instance(world, request),
        Operation::GetInstancesHealthStatus => listing::health(world, request),
        Operation::GetNamespace => listing::namespace(world, request),
        Operation::GetOperation => setup::operation(world, request),
        Operation::GetService => listing::service(world, request),
        Operation::GetServiceAttributes => listing::service_attributes(world, request),
        Operation::ListInstances => listing::instances(world, request),
        Operation::ListNamespaces => listing::list_namespaces(world, request),
        Operation::ListServices => listing::list_services(world, request),
        Operation::ListTagsForResource => listing::tags(world, request),
        Operation::RegisterInstance => setup::register_instance(world, request),
        Operation::TagResource => setup::tag_resource(world, request),
        Operation::UpdateInstanceCustomHealthStatus => setup::update_health(world, request),
        Operation::UpdateServiceAttributes => setup::update_service_attributes(world, request),
    };
    members.map(Answer::Members)
}

pub(super) fn find_namespace<'world>(
    world: &'world World,
    id: &str,
) -> Result<(NamespaceKey, &'world Namespace), Refusal> {
    let Some(Resource::Namespace(key)) = world.resource(id) else { return Err(no_namespace(id)) };
    world.namespaces.get(&key).map(|namespace| (key, namespace)).ok_or_else(|| no_namespace(id))
}

pub(super) fn find_service<'world>(
    world: &'world World,
    id: &str,
) -> Result<(ServiceKey, &'world Service), Refusal> {
    let Some(Resource::Service(key)) = world.resource(id) else { return Err(no_service(id)) };
    world.services.get(&key).map(|service| (key, service)).ok_or_else(|| no_service(id))
}

pub(super) fn no_namespace(name: &str) -> Refusal {
    Refusal::new(ErrorKind::NamespaceNotFound, format!("Namespace not found: {name}"))
}

pub(super) fn no_service(name: &str) -> Refusal {
    Refusal::new(ErrorKind::ServiceNotFound, format!("Service not found: {name}"))
}

pub(super) fn no_instance(id: &str) -> Refusal {
    Refusal::new(ErrorKind::InstanceNotFound, format!("Instance not found: {id}"))
}

pub(super) fn owner(world: &World, service: &Service) -> String {
    world
        .namespaces
        .get(&service.namespace)
        .map(|namespace| namespace.owner.clone())
        .unwrap_or_default()
}

/// The names of the namespace and the service of a call, the plain name first; empty where it has
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) namespace: Vec<String>,
    pub(super) service: Vec<String>,
}

pub(super) fn target(world: &World, operation: Operation, request: &Request) -> Target {
    match operation {
        Operation::DiscoverInstances | Operation::DiscoverInstancesRevision => {
            discovered(world, request)
        }
        Operation::ListServices => filtered(request).map(|id| by_id(world, id)).unwrap_or_default(),
        Operation::CreateService => by_id(world, request.required("NamespaceId")),
        _ => {
            let id =
                ["ServiceId", "Id", "ResourceARN"].iter().find_map(|member| request.text(member));
            id.map(|id| by_id(world, id)).unwrap_or_default()
        }
    }
}

fn discovered(world: &World, request: &Request) -> Target {
    let asked = request.required("NamespaceName");
    let service = request.required("ServiceName");
    let Some(namespace) = world.discoverable(asked, request.text("OwnerAccount")) else {
        return Target { namespace: vec![asked.to_owned()], service: vec![service.to_owned()] };
    };
    match world.namespaces.get(&namespace).and_then(|namespace| namespace.services.get(service)) {
        Some(key) => target_of(world, Resource::Service(*key)),
        None => Target {
            service: vec![service.to_owned()],
            ..target_of(world, Resource::Namespace(namespace))
        },
    }
}

fn filtered(request: &Request) -> Option<&str> {
    let filter = request
        .list("Filters")
        .iter()
        .find(|filter| filter.get("Name").is_some_and(|name| name == "NAMESPACE_ID"))?;
    filter.get("Values")?.get(0)?.as_str()
}

fn by_id(world: &World, id: &str) -> Target {
    world.resource(id).map(|resource| target_of(world, resource)).unwrap_or_default()
}

fn target_of(world: &World, resource: Resource) -> Target {
    match resource {
        Resource::Namespace(key) => {
            let names = world.namespaces.get(&key).map(|namespace| {
                [&namespace.name, &namespace.http_name, &namespace.id, &namespace.arn]
                    .map(String::clone)
                    .to_vec()
            });
            Target { namespace: names.unwrap_or_default(), service: Vec::new() }
        }
        Resource::Service(key) => {
            let Some(service) = world.services.get(&key) else { return Target::default() };
            let names = [&service.name, &service.id, &service.arn].map(String::clone).to_vec();
            Target { service: names, ..target_of(world, Resource::Namespace(service.namespace)) }
        }
    }
}

/// The default page size.
const DEFAULT_RESULTS: usize = 100;

type Named<'world> = (&'world String, &'world Instance);

pub(super) fn discover_instances(world: &mut World, request: &Request) -> Result<Answer, Refusal> {
    let mut random = world.random.fork();
    let (namespace, service) = discoverable(world, request)?;
    // An unknown service of a known namespace is not an error on this plane.
    let Some(service) = service else { return Ok(json!({"Instances": []}).into()) };
    let mut chosen = choose(service, request);
    random.shuffle(&mut chosen);
    chosen.truncate(request.number("MaxResults").unwrap_or(DEFAULT_RESULTS));
    Ok(Answer::Text(render(namespace, service, &chosen)))
}

/// The one answer that is written by hand: it is asked for the most, and is the longest.
fn render(namespace: &Namespace, service: &Service, instances: &[Named<'_>]) -> String {
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
    let (_, service) = discoverable(world, request)?;
    let service = service.ok_or_else(|| no_service(request.required("ServiceName")))?;
    Ok(json!({"InstancesRevision": service.revision}))
}

fn discoverable<'world>(
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

/// AWS does not document the default filter; HEALTHY detects a caller that relies on another
/// default.
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
