//! Protected hosts: only trusted users may have an entry with such a host.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::owners::{self, ListEntries};
use super::request::{User, Write};
use super::settings::Settings;
use super::verdict::{Reason, Rejection};
use crate::service_entry::validate::Quoted;
use crate::service_entry::{canonical_host, host_problem, hosts_overlap};

/// A host that is protected: a name, a wildcard `*.NAME`, or `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedHost(String);

/// The text is not a host that can be protected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{host}` can't be protected: {problem}; expected a host name, `*.NAME` or `*`")]
pub struct InvalidProtectedHost {
    host: String,
    problem: String,
}

impl ProtectedHost {
    /// Whether this host covers an entry's canonical host, or is covered by it.
    fn overlaps(&self, host: &str) -> bool {
        hosts_overlap(&self.0, host)
    }
}

impl TryFrom<String> for ProtectedHost {
    type Error = InvalidProtectedHost;

    fn try_from(host: String) -> Result<Self, InvalidProtectedHost> {
        let canonical = canonical_host(&host);
        let problem = if canonical == "*" {
            None
        } else {
            host_problem(canonical.strip_prefix("*.").unwrap_or(&canonical))
        };
        match problem {
            Some(problem) => Err(InvalidProtectedHost { host, problem }),
            None => Ok(Self(canonical)),
        }
    }
}

impl fmt::Display for ProtectedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of the two entries of an update a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredOrNew {
    /// The entry that will be stored.
    New,
    /// The entry that is stored.
    Stored,
}

/// Checks the hosts of a write. The stored entry counts too, since an update or a deletion takes its
/// hosts away. Returns the protected host that a trusted user's entry overlaps, if it does.
pub(super) fn check(
    write: &Write<'_>,
    settings: &Settings,
    list: ListEntries<'_>,
) -> Result<Option<String>, Rejection> {
    let old = write.change.old_object().map(|object| (StoredOrNew::Stored, &object.value));
    let new = write.change.new_object().map(|object| (StoredOrNew::New, &object.value));
    let mut overlapped = None;
    for (which, entry) in old.into_iter().chain(new) {
        let found = check_entry(entry, which, write.user.as_ref(), settings, list)?;
        overlapped = overlapped.or(found);
    }
    Ok(overlapped)
}

/// The same for one entry.
pub(super) fn check_entry(
    entry: &Value,
    which: StoredOrNew,
    user: Option<&User>,
    settings: &Settings,
    list: ListEntries<'_>,
) -> Result<Option<String>, Rejection> {
    if settings.protected_hosts.is_empty() && settings.protected_owners.is_empty() {
        return Ok(None);
    }
    let Some(user) = user else {
        let message = "the request: userInfo.username: it is missing, and some hosts are for trusted users only";
        return Err(Rejection::new(Reason::Malformed, message));
    };
    let trusted = settings.trusts(&user.name, &user.groups);
    let hosts = match hosts(entry) {
        Ok(hosts) => hosts,
        // A later check rejects what is not a ServiceEntry.
        Err(_) if trusted => return Ok(None),
        Err(message) => {
            return Err(Rejection::new(
                Reason::Invalid,
                format!("{}{message}, and some hosts are protected", place(which)),
            ));
        }
    };
    let overlap = hosts.iter().find_map(|host| {
        let canonical = canonical_host(host);
        settings
            .protected_hosts
            .iter()
            .find(|protected| protected.overlaps(&canonical))
            .map(|protected| (host, protected))
    });
    match overlap {
        Some((host, protected)) if !trusted => {
            let message = format!(
                "{}host {} is protected by {}: only trusted users may create, update or delete an entry with it, and {} is not trusted",
                place(which),
                Quoted(host),
                Quoted(&protected.to_string()),
                Quoted(&user.name),
            );
            Err(Rejection::protected_host(protected.to_string(), message))
        }
        Some((_, protected)) => Ok(Some(protected.to_string())),
        None => {
            if !trusted {
                owners::check(entry, which, &hosts, user, settings, list)?;
            }
            Ok(None)
        }
    }
}

pub(super) const fn place(which: StoredOrNew) -> &'static str {
    match which {
        StoredOrNew::New => "",
        StoredOrNew::Stored => "the entry as it is stored: ",
    }
}

/// The hosts of an entry; empty without `spec` or `hosts`.
fn hosts(entry: &Value) -> Result<Vec<&str>, String> {
    let spec = match entry.get("spec") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(spec)) => spec,
        Some(_) => return Err("spec: it is not an object".to_owned()),
    };
    let hosts = match spec.get("hosts") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(hosts)) => hosts,
        Some(_) => return Err("spec.hosts: it is not a list".to_owned()),
    };
    let text = |(index, host): (usize, &'_ Value)| -> Result<_, String> {
        Err(format!("spec.hosts[{index}]: it is {host}, expected a string"))
    };
    hosts
        .iter()
        .enumerate()
        .map(|(index, host)| host.as_str().map_or_else(|| text((index, host)), Ok))
        .collect()
}
