//! The control plane: namespaces and services, page by page.

use std::collections::BTreeSet;

use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::types::{FilterCondition, NamespaceFilter, NamespaceFilterName, ServiceFilter, ServiceFilterName};
use istio_cloud_map_core::cloud_map::{Namespace, Service};
use istio_cloud_map_core::sync::ReadError;

use super::call::Call;
use super::convert;
use super::failure::read_error;
use crate::source::Listed;

/// A list that is longer never ends: with 100 a page these are 100,000 services.
const MOST_PAGES: u32 = 1_000;

/// The account's own namespaces, and those that other accounts share with it. Which list one is in says whose it is; the own list wins,
/// since a stand-in may ignore the filter and give all of them twice.
pub(super) async fn namespaces(client: &Client) -> Result<Listed<Namespace>, ReadError> {
    let mut all = namespaces_of(client, "SELF", false).await?;
    let others = namespaces_of(client, "OTHER_ACCOUNTS", true).await?;
    let own: BTreeSet<String> = all.items.iter().map(|namespace| namespace.key().to_owned()).collect();
    all.items.extend(others.items.into_iter().filter(|namespace| !own.contains(namespace.key())));
    all.calls += others.calls;
    Ok(all)
}

async fn namespaces_of(client: &Client, owner: &str, shared: bool) -> Result<Listed<Namespace>, ReadError> {
    let call = Call { operation: "ListNamespaces", namespace: None, service: None };
    let filter = NamespaceFilter::builder().name(NamespaceFilterName::ResourceOwner).condition(FilterCondition::Eq).values(owner);
    let filter = filter.build().map_err(|error| call.malformed(error))?;
    let mut pages = Pages::new(call);
    loop {
        let request = client.list_namespaces().filters(filter.clone()).set_next_token(pages.token.take());
        let answer = request.send().await.map_err(|error| read_error(call, &error))?;
        let summaries = answer.namespaces.ok_or_else(|| call.malformed("it has no Namespaces"))?;
        for summary in summaries {
            pages.items.push(convert::namespace(summary, shared).ok_or_else(|| call.malformed("a namespace has no Name"))?);
        }
        if pages.was_last(answer.next_token)? {
            return Ok(pages.into());
        }
    }
}

/// A namespace's services. One of another account is named by its ARN.
pub(super) async fn services(client: &Client, namespace: &Namespace) -> Result<Listed<Service>, ReadError> {
    let call = Call { operation: "ListServices", namespace: Some(&namespace.name), service: None };
    let arn = namespace.arn.as_deref().filter(|_| namespace.shared);
    let filter = ServiceFilter::builder().name(ServiceFilterName::NamespaceId).condition(FilterCondition::Eq);
    let filter = filter.values(arn.unwrap_or_else(|| namespace.key())).build().map_err(|error| call.malformed(error))?;
    let mut pages = Pages::new(call);
    loop {
        let request = client.list_services().filters(filter.clone()).set_next_token(pages.token.take());
        let answer = request.send().await.map_err(|error| read_error(call, &error))?;
        let summaries = answer.services.ok_or_else(|| call.malformed("it has no Services"))?;
        for summary in summaries {
            pages.items.push(convert::service(summary).ok_or_else(|| call.malformed("a service has no Name"))?);
        }
        if pages.was_last(answer.next_token)? {
            return Ok(pages.into());
        }
    }
}

/// What was read of a list so far. A page may be empty though more follow, since AWS filters after paging: only a missing token ends the
/// list.
struct Pages<'a, T> {
    call: Call<'a>,
    items: Vec<T>,
    calls: u32,
    token: Option<String>,
    seen: BTreeSet<String>,
}

impl<'a, T> Pages<'a, T> {
    const fn new(call: Call<'a>) -> Self {
        Self { call, items: Vec::new(), calls: 0, token: None, seen: BTreeSet::new() }
    }

    /// Counts a page, and keeps its token. The SDK's own paginator takes a token that comes back for the end, but a list cut short must not
    /// pass for a whole one.
    fn was_last(&mut self, next: Option<String>) -> Result<bool, ReadError> {
        self.calls += 1;
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(true) };
        if !self.seen.insert(next.clone()) {
            return Err(self.call.malformed("a NextToken came back, so the list would never end"));
        }
        if self.calls == MOST_PAGES {
            return Err(self.call.malformed(format_args!("more than {MOST_PAGES} pages, so the list may never end")));
        }
        self.token = Some(next);
        Ok(false)
    }
}

impl<T> From<Pages<'_, T>> for Listed<T> {
    fn from(pages: Pages<'_, T>) -> Self {
        Self { items: pages.items, calls: pages.calls }
    }
}
