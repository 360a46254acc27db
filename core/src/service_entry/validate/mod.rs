//! What Istio and the API server would say of a `ServiceEntry`, whoever wrote it.
//!
//! Three have a say before an entry is stored: the schema of Istio's CRD with its CEL rules, the
//! API server's rules for any object's metadata, and `ValidateServiceEntry` in Istio's webhook.
//! What one of them rejects is an error here; what they take but what does not do what its author
//! meant is a warning. Each [`Rule`] says whose it is.
//!
//! The API server prunes before it judges: a field that the schema does not know and a null in an
//! object are as good as absent. So they are here.

mod addresses;
mod dns;
mod endpoint_ports;
mod endpoints;
mod entry;
mod export_to;
mod finding;
mod hosts;
mod ip;
mod kube;
mod metadata;
mod path;
mod ports;
mod protocols;
mod read;
mod repeats;
mod resolution;
mod rule;
mod selector;
mod spec;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use finding::Finding;
pub(crate) use finding::Quoted;
pub use rule::{Rule, Source};

use finding::Findings;

/// All that is to say of one `ServiceEntry`, in the order of its fields; nothing, if it is accepted
/// and means what it says.
///
/// ```
/// use istio_cloud_map_core::service_entry::validate::{Rule, validate};
///
/// let entry = serde_json::json!({
///     "apiVersion": "networking.istio.io/v1",
///     "kind": "ServiceEntry",
///     "metadata": {"name": "web"},
///     "spec": {"hosts": ["web.shop"], "ports": [{"number": 0, "name": "http", "protocol": "HTTP"}], "resolution": "DNS"},
/// });
/// let findings = validate(&entry);
/// assert_eq!(findings[0].rule, Rule::InvalidPort);
/// assert_eq!(findings[0].to_string(), "error[InvalidPort] spec.ports[0].number: it is 0, expected 1..=65535");
/// ```
#[must_use]
pub fn validate(entry: &Value) -> Vec<Finding> {
    let mut findings = Findings::default();
    entry::check(entry, &mut findings);
    findings.into_list()
}
