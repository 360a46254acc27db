//! What Istio has reported about our entries in their `status`: whether it has bound them to a
//! waypoint, the addresses that it has allocated, and conditions that are false.
//!
//! Nothing is written because of it. What Istio should have reported and has not is only known by
//! what it reports about other entries: without waypoints or allocation it reports nothing.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;

use super::entry::Entry;
use super::{EntryKey, Operator, Ownership, Time};
use crate::diagnostic::{Code, Diagnostic, OneLine, Severity};
use crate::service_entry::{WAYPOINT_LABEL, is_waypoint};
use crate::translate::Mesh;

/// How long Istio has to report about an entry, and how often entries are reviewed for it.
const PATIENCE: Duration = Duration::from_mins(5);
const WAYPOINT_BOUND: &str = "istio.io/WaypointBound";
const AUTO_ALLOCATION_LABEL: &str = "networking.istio.io/enable-autoallocate-ip";

/// Whether Istio has reported something about an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Answer {
    /// It need not.
    #[default]
    NotExpected,
    Missing,
    Given,
}

impl Answer {
    const fn new(expected: bool, given: bool) -> Self {
        match (expected, given) {
            (_, true) => Self::Given,
            (true, false) => Self::Missing,
            (false, false) => Self::NotExpected,
        }
    }
}

/// What Istio has reported about an entry in its `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IstioStatus {
    /// The condition of its waypoint.
    waypoint: Answer,
    /// An allocated IPv4 address.
    address: Answer,
    /// There is an allocated address, but none is an IPv4 one.
    only_ipv6: bool,
    /// It is bound to the waypoint of its namespace, and has an address of an endpoint: calls to
    /// that bypass the waypoint.
    bypassed: bool,
    /// The conditions that are false: for a person.
    refused: Vec<(Code, String)>,
}

impl IstioStatus {
    /// From an object as JSON. Lenient: only Istio writes a status, but any version of it.
    pub(super) fn from_object(object: &Value) -> Self {
        let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array);
        let label = |name: &str| object.get("metadata")?.get("labels")?.get(name)?.as_str();
        let conditions = || list("/status/conditions").into_iter().flatten();
        let waypoint = conditions().find(|condition| text(condition, "type") == WAYPOINT_BOUND);
        let is_bound =
            waypoint.is_some_and(|found| text(found, "status").eq_ignore_ascii_case("true"));
        let allocated = || list("/status/addresses").into_iter().flatten();
        let has_ipv4 = allocated().any(|one| text(one, "value").parse::<Ipv4Addr>().is_ok());
        let own = list("/spec/addresses").into_iter().flatten();
        let endpoints = || list("/spec/endpoints").into_iter().flatten();
        let is_endpoint = |own: &Value| endpoints().any(|e| e.get("address") == Some(own));
        let refuses = label(AUTO_ALLOCATION_LABEL).is_some_and(|v| v.eq_ignore_ascii_case("false"));
        let expects_address = own.clone().next().is_none() && !refuses;
        let names_waypoint = label(WAYPOINT_LABEL).is_some_and(is_waypoint);
        Self {
            waypoint: Answer::new(names_waypoint, waypoint.is_some()),
            address: Answer::new(expects_address, has_ipv4),
            only_ipv6: expects_address && !has_ipv4 && allocated().next().is_some(),
            bypassed: is_bound && !names_waypoint && own.clone().any(is_endpoint),
            refused: conditions().filter_map(refused).collect(),
        }
    }
}

/// The code and the text of a condition that is false.
fn refused(condition: &Value) -> Option<(Code, String)> {
    let kind = text(condition, "type");
    if !text(condition, "status").eq_ignore_ascii_case("false") {
        return None;
    }
    let code = if kind == WAYPOINT_BOUND { Code::WaypointNotBound } else { Code::IstioCondition };
    let [kind, reason, message] =
        [kind, text(condition, "reason"), text(condition, "message")].map(OneLine);
    Some((code, format!("Istio reports {kind} as false: {reason}: {message}")))
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What Istio reports about any of our entries, and when that is looked at next.
#[derive(Debug, Clone)]
pub(super) struct IstioReview {
    binds: bool,
    allocates: bool,
    next: Time,
}

impl IstioReview {
    pub(super) const fn new(now: Time) -> Self {
        Self { binds: false, allocates: false, next: now.saturating_add(PATIENCE) }
    }
}

impl Operator {
    /// Finds the entries about which Istio should have reported something by now.
    pub(super) fn review_istio(&mut self, now: Time) {
        if now < self.istio.next {
            return;
        }
        self.istio.next = now + PATIENCE;
        let ours = || {
            let entries = self.entries.iter().filter(|(_, e)| e.ownership == Ownership::Ours);
            entries.filter_map(|(_, entry)| entry.observed.as_ref())
        };
        let binds = ours().any(|observed| observed.istio.waypoint == Answer::Given);
        let allocates = ours().any(|observed| observed.istio.address == Answer::Given);
        self.istio.binds = binds;
        self.istio.allocates = allocates;
        let is_outdated = |(key, entry): &(&EntryKey, &Entry)| {
            let current = self.istio_diagnostics(key, entry, now);
            let reported = entry.reported.iter().filter(|diagnostic| is_about_istio(diagnostic));
            !reported.eq(&current)
        };
        let outdated: Vec<EntryKey> =
            self.entries.iter().filter(is_outdated).map(|(key, _)| key.clone()).collect();
        for key in &outdated {
            self.entries.mark(key, now);
        }
    }

    /// What is to report about an entry, by its status.
    pub(super) fn istio_diagnostics(
        &self,
        key: &EntryKey,
        entry: &Entry,
        now: Time,
    ) -> Vec<Diagnostic> {
        let Some(observed) = entry.observed.as_ref().filter(|_| entry.ownership == Ownership::Ours)
        else {
            return Vec::new();
        };
        let status = &observed.istio;
        let is_overdue = now >= entry.istio_since + PATIENCE;
        let mut found = status.refused.clone();
        if is_overdue && self.istio.binds && status.waypoint == Answer::Missing {
            let message = format!(
                "Istio has not reported {WAYPOINT_BOUND}, although the entry has the label {WAYPOINT_LABEL} and it does for other entries: is \
                 the entry visible to it (discoverySelectors, serviceEntryVisibility)?"
            );
            found.push((Code::WaypointNotBound, message));
        }
        let is_unallocated =
            is_overdue && self.istio.allocates && status.address == Answer::Missing;
        if status.only_ipv6 || is_unallocated {
            let message = "Istio has allocated no IPv4 address for the entry, although it has none of its own: IPv4 clients that resolve its host \
                           do not reach it; the allocator may have run out of addresses (restart istiod) or not see the entry";
            found.push((Code::NoAllocatedAddress, message.to_owned()));
        }
        // With a label, or for an ambient mesh, the translation reports it.
        if status.bypassed && self.config.translate.mesh != Mesh::Ambient {
            let message = "Istio has bound the entry to the waypoint of its namespace, but an address of the entry is also an endpoint's: calls to \
                           it bypass the waypoint and its policies; set `mesh: ambient`";
            found.push((Code::WaypointBypassed, message.to_owned()));
        }
        let found = found.into_iter();
        found
            .map(|(code, message)| self.entry_diagnostic(key, Severity::Warning, code, message))
            .collect()
    }
}

const fn is_about_istio(diagnostic: &Diagnostic) -> bool {
    matches!(
        diagnostic.code,
        Code::WaypointNotBound
            | Code::WaypointBypassed
            | Code::NoAllocatedAddress
            | Code::IstioCondition
    )
}
