//! Who may have an entry of which host.

use serde_json::Value;

use super::request::{User, Write};
use super::settings::Settings;
use super::verdict::{Reason, Rejection};
use crate::service_entry::canonical_host;
use crate::service_entry::validate::Quoted;

/// Whose an entry is, in a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holder {
    /// The entry that would be stored.
    New,
    /// The entry that is stored.
    Old,
}

/// Holds a write against the protected hosts: what is stored counts as much as what would be, since
/// changing or deleting an entry takes a host away as making one does. The answer is the protected
/// host that a trusted user's entry overlaps, if it does.
pub(super) fn check(write: &Write<'_>, settings: &Settings) -> Result<Option<String>, Rejection> {
    let old = write.change.old_object().map(|object| (Holder::Old, &object.value));
    let new = write.change.new_object().map(|object| (Holder::New, &object.value));
    let mut overlapped = None;
    for (holder, entry) in old.into_iter().chain(new) {
        let found = check_entry(entry, holder, write.user.as_ref(), settings)?;
        overlapped = overlapped.or(found);
    }
    Ok(overlapped)
}

/// The same for one entry.
pub(super) fn check_entry(
    entry: &Value,
    holder: Holder,
    user: Option<&User>,
    settings: &Settings,
) -> Result<Option<String>, Rejection> {
    if settings.protected_hosts.is_empty() {
        return Ok(None);
    }
    let Some(user) = user else {
        let message = "the request: userInfo.username: it is missing, and some hosts are for trusted users only";
        return Err(Rejection::new(Reason::Malformed, message));
    };
    let trusted = settings.trusts(&user.name, &user.groups);
    let hosts = match hosts(entry) {
        Ok(hosts) => hosts,
        // Whether it is a ServiceEntry at all is asked later.
        Err(_) if trusted => return Ok(None),
        Err(message) => {
            return Err(Rejection::new(
                Reason::Invalid,
                format!("{}{message}, and some hosts are protected", place(holder)),
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
                "{}host {} is protected by {}: only trusted users may make, change or delete an entry that has it, and {} is none of them",
                place(holder),
                Quoted(host),
                Quoted(&protected.to_string()),
                Quoted(&user.name),
            );
            Err(Rejection::of_host(protected.to_string(), message))
        }
        overlap => Ok(overlap.map(|(_, protected)| protected.to_string())),
    }
}

const fn place(holder: Holder) -> &'static str {
    match holder {
        Holder::New => "",
        Holder::Old => "the entry as it is stored: ",
    }
}

/// The hosts of anyone's entry; none, where it has no `spec` or no `hosts`.
fn hosts(entry: &Value) -> Result<Vec<&str>, String> {
    let spec = match entry.get("spec") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(spec)) => spec,
        Some(_) => return Err("spec: it is no object".to_owned()),
    };
    let hosts = match spec.get("hosts") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(hosts)) => hosts,
        Some(_) => return Err("spec.hosts: it is no list".to_owned()),
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
