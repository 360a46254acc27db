//! What a call is about, for faults and counters that concern one namespace or service.

use super::{Operation, Request, Resource, World};

/// The names of the namespace and the service of a call, the plain name first; empty where it has
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cloud_map) struct Target {
    pub(in crate::cloud_map) namespace: Vec<String>,
    pub(in crate::cloud_map) service: Vec<String>,
}

pub(in crate::cloud_map) fn target(
    world: &World,
    operation: Operation,
    request: &Request,
) -> Target {
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
        Some(key) => of(world, Resource::Service(*key)),
        None => Target {
            service: vec![service.to_owned()],
            ..of(world, Resource::Namespace(namespace))
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
    world.resource(id).map(|resource| of(world, resource)).unwrap_or_default()
}

fn of(world: &World, resource: Resource) -> Target {
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
            Target { service: names, ..of(world, Resource::Namespace(service.namespace)) }
        }
    }
}
