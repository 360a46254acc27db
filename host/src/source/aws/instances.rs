//! The data plane, and what a service says about itself.

use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::types::HealthStatusFilter;
use istio_cloud_map_core::cloud_map::{Namespace, Service, Tag};
use istio_cloud_map_core::operator::{InstancesRead, ReadError, ReadFailure};
use istio_cloud_map_core::sorted::SortedMap;

use super::call::Call;
use super::convert;
use super::failure::read_error;

/// The most that one answer holds, and AWS's quota of instances a service: there is no second page.
const MOST_INSTANCES: i32 = 1_000;

fn call<'a>(operation: &'static str, namespace: &'a Namespace, service: &'a Service) -> Call<'a> {
    Call { operation, namespace: Some(&namespace.name), service: Some(&service.name) }
}

/// What the data plane calls the namespace, and the account to name with it: its `HttpName`, or the
/// ARN if it is another account's.
fn address(namespace: &Namespace) -> (&str, Option<String>) {
    if !namespace.shared {
        return (namespace.http_name(), None);
    }
    (
        namespace.arn.as_deref().unwrap_or_else(|| namespace.http_name()),
        namespace.resource_owner.clone(),
    )
}

pub(super) async fn revision(
    client: &Client,
    namespace: &Namespace,
    service: &Service,
) -> Result<i64, ReadError> {
    let call = call("DiscoverInstancesRevision", namespace, service);
    let (name, owner) = address(namespace);
    let request = client
        .discover_instances_revision()
        .namespace_name(name)
        .service_name(&service.name)
        .set_owner_account(owner);
    let answer = request.send().await.map_err(|error| read_error(call, &error))?;
    answer.instances_revision.ok_or_else(|| call.malformed("it has no InstancesRevision"))
}

pub(super) async fn discover(
    client: &Client,
    namespace: &Namespace,
    service: &Service,
) -> Result<InstancesRead, ReadError> {
    let call = call("DiscoverInstances", namespace, service);
    let (name, owner) = address(namespace);
    let request = client
        .discover_instances()
        .namespace_name(name)
        .service_name(&service.name)
        .set_owner_account(owner)
        .max_results(MOST_INSTANCES)
        // Which of them are used is decided by the translation; the default would hide the
        // unhealthy ones.
        .health_status(HealthStatusFilter::All);
    let answer = request.send().await.map_err(|error| read_error(call, &error))?;
    let summaries = answer.instances.ok_or_else(|| call.malformed("it has no Instances"))?;
    let instances = summaries.into_iter().map(convert::instance).collect();
    Ok(InstancesRead {
        instances,
        revision: answer.instances_revision,
        change_token: answer.instances_revision,
        region: None,
    })
}

pub(super) async fn service_attributes(
    client: &Client,
    namespace: &Namespace,
    service: &Service,
) -> Result<SortedMap<String, String>, ReadError> {
    let call = call("GetServiceAttributes", namespace, service);
    let arn = service.arn.as_deref().filter(|_| namespace.shared);
    let request = client.get_service_attributes().service_id(arn.unwrap_or_else(|| service.key()));
    let answer = request.send().await.map_err(|error| read_error(call, &error))?;
    let attributes =
        answer.service_attributes.ok_or_else(|| call.malformed("it has no ServiceAttributes"))?;
    Ok(attributes.attributes.unwrap_or_default().into_iter().collect())
}

pub(super) async fn tags(
    client: &Client,
    namespace: &Namespace,
    service: &Service,
) -> Result<Vec<Tag>, ReadError> {
    let call = call("ListTagsForResource", namespace, service);
    let no_arn = || ReadError {
        failure: ReadFailure::Other,
        message: format!("{call}: the service has no ARN, by which tags are asked for"),
    };
    let arn = service.arn.as_deref().ok_or_else(no_arn)?;
    let answer = client
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .map_err(|error| read_error(call, &error))?;
    let tags = answer.tags.ok_or_else(|| call.malformed("it has no Tags"))?;
    Ok(tags.into_iter().map(convert::tag).collect())
}
