//! The control plane: namespaces and services, a page a call.

use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::types::{
    FilterCondition, NamespaceFilter, NamespaceFilterName, ServiceFilter, ServiceFilterName,
};
use istio_cloud_map_core::cloud_map::{Namespace, Service};
use istio_cloud_map_core::operator::{NamespaceOwner, Page, ReadError};

use super::call::Call;
use super::convert;
use super::failure::read_error;

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
