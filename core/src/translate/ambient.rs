//! What an ambient mesh would make of an entry, where that is not what is meant.
//!
//! ztunnel looks for the address of a call among workloads first, and endpoints are workloads; only
//! then among services. And a workload of an entry is known by its address.

use super::options::Mesh;
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::{ServiceEntry, WAYPOINT_LABEL, is_waypoint};

/// Reports what bypasses a waypoint, and endpoints that ztunnel can't tell apart.
pub(super) fn check(record: &Record, entry: &ServiceEntry, mesh: Mesh, report: &mut Report) {
    let waypoint = entry.metadata.labels.get(WAYPOINT_LABEL).map(String::as_str);
    let may_have_waypoint = waypoint.map_or(mesh == Mesh::Ambient, is_waypoint);
    let spec = &entry.spec;
    let bypassing = spec
        .addresses
        .iter()
        .find(|address| spec.endpoints.iter().any(|endpoint| endpoint.address == **address));
    if may_have_waypoint && let Some(address) = bypassing {
        let message = format!(
            "{address} is an address of the entry and of an endpoint: in an ambient mesh, calls to it bypass the service's waypoint and its \
             policies; set `mesh: ambient` and `addresses: auto`"
        );
        report.service(record, Severity::Warning, Code::WaypointBypassed, message);
    }
    if mesh != Mesh::Ambient {
        return;
    }
    let shared = spec.endpoints.array_windows().filter(|[a, b]| a.address == b.address);
    let count = shared.clone().count();
    if let Some([first, _]) = shared.clone().next() {
        let message = format!(
            "{count} of {} endpoints have the same IP address as another one (the first is {}): in an ambient mesh, they get no calls; give \
             each its own address (ECS: awsvpc network mode)",
            spec.endpoints.len(),
            first.address
        );
        report.service(record, Severity::Warning, Code::SharedAddress, message);
    }
}
