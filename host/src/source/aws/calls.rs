//! One function a call of Cloud Map's API: a page of a list, or one answer.

use std::fmt;

use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::types::{
    FilterCondition, HealthStatusFilter, NamespaceFilter, NamespaceFilterName, ServiceFilter,
    ServiceFilterName,
};
use istio_cloud_map_core::cloud_map::{Namespace, Service, Tag};
use istio_cloud_map_core::operator::{InstancesRead, NamespaceOwner, Page, ReadError, ReadFailure};
use istio_cloud_map_core::sorted::SortedMap;

use super::convert;
use super::failure::read_error;

/// The most that one answer holds, and AWS's quota of instances a service: there is no second page.
const MOST_INSTANCES: i32 = 1_000;

/// The account's own namespaces, or those that other accounts share with it: which list one is in
/// says whose it is.
pub(super) async fn namespaces(
    client: &Client,
    owner: NamespaceOwner,
    token: Option<String>,
) -> Result<Page<Namespace>, ReadError> {
    let (value, shared) = match owner {
        NamespaceOwner::Own => ("SELF", false),
        NamespaceOwner::OtherAccounts => ("OTHER_ACCOUNTS", true),
    };
    let call = Call { operation: "ListNamespaces", namespace: None, service: None };
    let filter = NamespaceFilter::builder()
        .name(NamespaceFilterName::ResourceOwner)
        .condition(FilterCondition::Eq)
        .values(value);
    let filter = filter.build().map_err(|error| call.malformed(error))?;
    let request = client.list_namespaces().filters(filter).set_next_token(token);
    let answer = request.send().await.map_err(|error| read_error(call, &error))?;
    let summaries = answer.namespaces.ok_or_else(|| call.malformed("it has no Namespaces"))?;
    let namespace = |summary| {
        convert::namespace(summary, shared).ok_or_else(|| call.malformed("a namespace has no Name"))
    };
    let items = summaries.into_iter().map(namespace).collect::<Result<_, _>>()?;
    Ok(Page { items, next_token: answer.next_token })
}

/// A namespace's services. One of another account is named by its ARN.
pub(super) async fn services(
    client: &Client,
    namespace: &Namespace,
    token: Option<String>,
) -> Result<Page<Service>, ReadError> {
    let call = Call { operation: "ListServices", namespace: Some(&namespace.name), service: None };
    let arn = namespace.arn.as_deref().filter(|_| namespace.shared);
    let filter = ServiceFilter::builder()
        .name(ServiceFilterName::NamespaceId)
        .condition(FilterCondition::Eq);
    let filter = filter
        .values(arn.unwrap_or_else(|| namespace.key()))
        .build()
        .map_err(|error| call.malformed(error))?;
    let request = client.list_services().filters(filter).set_next_token(token);
    let answer = request.send().await.map_err(|error| read_error(call, &error))?;
    let summaries = answer.services.ok_or_else(|| call.malformed("it has no Services"))?;
    let service =
        |summary| convert::service(summary).ok_or_else(|| call.malformed("a service has no Name"));
    let items = summaries.into_iter().map(service).collect::<Result<_, _>>()?;
    Ok(Page { items, next_token: answer.next_token })
}

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
        ..InstancesRead::default()
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
        message: format!("{call}: the service has no ARN, which is needed to read its tags"),
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

/// A call and what it was asked about: `DiscoverInstances of my-namespace/web`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// As AWS names it, so that `servicediscovery:` before it makes the IAM action.
    pub(super) operation: &'static str,
    pub(super) namespace: Option<&'a str>,
    pub(super) service: Option<&'a str>,
}

impl Call<'_> {
    /// An answer that breaks the service model.
    pub(super) fn malformed(&self, what: impl fmt::Display) -> ReadError {
        ReadError {
            failure: ReadFailure::Malformed,
            message: format!("{self}: the response is malformed: {what}"),
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if let Some(namespace) = self.namespace {
            write!(f, " of {}", one_line(namespace))?;
        }
        if let Some(service) = self.service {
            write!(f, "/{}", one_line(service))?;
        }
        Ok(())
    }
}

/// The first line of a text, without control characters, and not endless.
///
/// Only the first: what AWS appends when a signature does not match quotes the request's headers,
/// the session token among them.
pub(super) fn one_line(text: &str) -> String {
    const MOST_CHARS: usize = 500;
    let line = text.trim().lines().next().unwrap_or_default();
    line.chars().take(MOST_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
