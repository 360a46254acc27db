//! One answer for each operation.

mod catalogue;
mod discover;
mod instances;
mod page;
mod setup;
mod target;

use serde_json::Value;

use super::error::{ErrorKind, Refusal};
use super::operation::Operation;
use super::wire::Request;
use super::world::{Namespace, NamespaceKey, Resource, Service, ServiceKey, World};
pub(super) use page::empty_page;
pub(super) use target::{Target, target};

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
        Operation::DiscoverInstances => return discover::discover_instances(world, request),
        Operation::CreateHttpNamespace => setup::create_http_namespace(world, request),
        Operation::CreatePrivateDnsNamespace => {
            Ok(setup::create_private_dns_namespace(world, request))
        }
        Operation::CreateService => setup::create_service(world, request),
        Operation::DeleteNamespace => setup::delete_namespace(world, request),
        Operation::DeleteService => setup::delete_service(world, request),
        Operation::DeregisterInstance => setup::deregister_instance(world, request),
        Operation::DiscoverInstancesRevision => {
            discover::discover_instances_revision(world, request)
        }
        Operation::GetInstance => instances::read_one(world, request),
        Operation::GetInstancesHealthStatus => instances::health(world, request),
        Operation::GetNamespace => catalogue::namespace(world, request),
        Operation::GetOperation => setup::operation(world, request),
        Operation::GetService => catalogue::service(world, request),
        Operation::GetServiceAttributes => catalogue::service_attributes(world, request),
        Operation::ListInstances => instances::list(world, request),
        Operation::ListNamespaces => catalogue::list_namespaces(world, request),
        Operation::ListServices => catalogue::list_services(world, request),
        Operation::ListTagsForResource => catalogue::tags(world, request),
        Operation::RegisterInstance => setup::register_instance(world, request),
        Operation::TagResource => setup::tag_resource(world, request),
        Operation::UpdateInstanceCustomHealthStatus => setup::update_health(world, request),
        Operation::UpdateServiceAttributes => setup::update_service_attributes(world, request),
    };
    members.map(Answer::Members)
}

fn find_namespace<'world>(
    world: &'world World,
    id: &str,
) -> Result<(NamespaceKey, &'world Namespace), Refusal> {
    let Some(Resource::Namespace(key)) = world.resource(id) else { return Err(no_namespace(id)) };
    world.namespaces.get(&key).map(|namespace| (key, namespace)).ok_or_else(|| no_namespace(id))
}

fn find_service<'world>(
    world: &'world World,
    id: &str,
) -> Result<(ServiceKey, &'world Service), Refusal> {
    let Some(Resource::Service(key)) = world.resource(id) else { return Err(no_service(id)) };
    world.services.get(&key).map(|service| (key, service)).ok_or_else(|| no_service(id))
}

fn no_namespace(name: &str) -> Refusal {
    Refusal::new(ErrorKind::NamespaceNotFound, format!("Namespace not found: {name}"))
}

fn no_service(name: &str) -> Refusal {
    Refusal::new(ErrorKind::ServiceNotFound, format!("Service not found: {name}"))
}

fn no_instance(id: &str) -> Refusal {
    Refusal::new(ErrorKind::InstanceNotFound, format!("Instance not found: {id}"))
}

fn owner(world: &World, service: &Service) -> String {
    world
        .namespaces
        .get(&service.namespace)
        .map(|namespace| namespace.owner.clone())
        .unwrap_or_default()
}
