//! Protected owners: only trusted users may have an entry with the owner label of such an operator,
//! or with a host that one of its entries in the cluster has.

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::protection::{StoredOrNew, place};
use super::request::User;
use super::settings::Settings;
use super::verdict::{Reason, Rejection};
use crate::service_entry::validate::Quoted;
use crate::service_entry::{OWNER_LABEL, canonical_host, hosts_overlap, is_label_name};

/// Asks the cluster: a request `list_all_resources` of Kubewarden's capability `kubernetes` in, the
/// list that it answers out, or why there is none.
pub type ListEntries<'a> = &'a dyn Fn(&[u8]) -> Result<Vec<u8>, String>;

/// The `--id` of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not the id of an operator; expected a label value, as for --id")]
pub struct InvalidOwner(String);

impl TryFrom<String> for Owner {
    type Error = InvalidOwner;

    fn try_from(id: String) -> Result<Self, InvalidOwner> {
        if is_label_name(&id) { Ok(Self(id)) } else { Err(InvalidOwner(id)) }
    }
}

/// The part of the cluster's answer that is read.
#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    hosts: Vec<String>,
}

/// Checks an entry, whose hosts are these, of a user that is not trusted.
pub(super) fn check(
    entry: &Value,
    which: StoredOrNew,
    hosts: &[&str],
    user: &User,
    settings: &Settings,
    list: ListEntries<'_>,
) -> Result<(), Rejection> {
    let owners = &settings.protected_owners;
    let label =
        entry.pointer("/metadata/labels").and_then(|labels| labels.get(OWNER_LABEL)?.as_str());
    if let Some(owner) = owners.iter().find(|owner| Some(owner.0.as_str()) == label) {
        let message = format!(
            "{}the label {OWNER_LABEL} is {}: only trusted users may create, update or delete an entry with it, and {} is not trusted",
            place(which),
            Quoted(&owner.0),
            Quoted(&user.name),
        );
        return Err(Rejection::new(Reason::ProtectedOwner, message));
    }
    // What is taken away is not one of theirs, as its label says.
    if owners.is_empty() || hosts.is_empty() || which == StoredOrNew::Stored {
        return Ok(());
    }
    let hosts: Vec<_> = hosts.iter().map(|host| (host, canonical_host(host))).collect();
    for item in listed(owners, list)?.items {
        let theirs: Vec<_> = item.spec.hosts.iter().map(|host| canonical_host(host)).collect();
        let overlap = hosts.iter().find_map(|(host, canonical)| {
            let theirs = theirs.iter().find(|theirs| hosts_overlap(theirs, canonical))?;
            Some((host, theirs.clone()))
        });
        if let Some((host, theirs)) = overlap {
            let Metadata { name, namespace } = &item.metadata;
            let message = format!(
                "host {} is protected by {} of the ServiceEntry {namespace}/{name}: only trusted users may create or update an entry with it, and {} is not trusted",
                Quoted(host),
                Quoted(&theirs),
                Quoted(&user.name),
            );
            return Err(Rejection::protected_host(theirs, message));
        }
    }
    Ok(())
}

/// The entries of these owners in the whole cluster.
fn listed(owners: &[Owner], list: ListEntries<'_>) -> Result<List, Rejection> {
    let ids = owners.iter().map(|owner| owner.0.as_str()).collect::<Vec<_>>().join(",");
    let request = json!({
        "api_version": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "label_selector": format!("{OWNER_LABEL} in ({ids})"),
        "field_selector": null,
    });
    let listed = list(request.to_string().as_bytes()).and_then(|answer| {
        let answer = str::from_utf8(&answer).map_err(|error| error.to_string())?;
        serde_json::from_str(answer).map_err(|error| format!("the answer: {error}"))
    });
    listed.map_err(|reason| {
        let message = format!(
            "the entries of {ids} can't be listed: {reason}; the policy needs ServiceEntry in `contextAwareResources`, and the policy server permission to list and watch them"
        );
        Rejection::new(Reason::Cluster, message)
    })
}
