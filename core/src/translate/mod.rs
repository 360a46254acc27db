//! One Cloud Map service becomes one `ServiceEntry`.
//!
//! The way of a service: its settings (overrides, its own hints, the options) say whether and under
//! which host it is translated; its instances become providers (an address and a port that can be
//! used), of which the healthy ones are used; their ports decide the service's ports; and then they
//! are endpoints. Last, a transformation of the user's own may change the entry.

mod address;
mod addresses;
mod all;
mod cidr;
mod endpoints;
mod entry;
mod glob;
mod health;
mod hints;
mod host;
mod known;
mod labels;
mod limits;
mod locality;
mod metadata;
mod options;
mod overrides;
mod ports;
mod protocol;
mod provider;
mod report;
mod settings;
#[cfg(test)]
mod tests;
mod transform;

pub use all::{Translated, translate_all, translate_all_through, translate_each};
pub use cidr::{Cidr, InvalidCidr};
pub use entry::{LastKnown, Translator, translate, translate_merged, translate_through};
pub use glob::Glob;
pub use host::{HostError, NAME_PREFIX, entry_name, host_and_name};
pub use options::{
    Addresses, Conflicts, EmptyService, ExportTo, HealthMode, InvalidExportTo, InvalidLabelKey,
    IpFamily, LabelKey, Options,
};
pub use overrides::Override;
pub use ports::{InvalidPort, InvalidPorts, PortList, PortSpec};
pub use settings::expected_host_and_name;
pub use transform::Transform;

use crate::diagnostic::Diagnostic;
use crate::service_entry::ServiceEntry;

/// What became of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Translation {
    /// The entry, or why there is none.
    pub outcome: Outcome,
    /// What was dropped or degraded, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a service is translated to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its entry.
    Entry(Box<ServiceEntry>),
    /// None is wanted: bookkeeping, or the service asked to be left out, or a transformation drops
    /// it.
    Excluded,
    /// None is wanted while it has no endpoint (`emptyService: omit`).
    Empty,
    /// None can be made; the diagnostics hold the error. What was last applied stays.
    Failed,
}
