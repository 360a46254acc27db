//! The core as a policy for Kubewarden: a waPC guest, that answers `validate`, `validate_settings`
//! and `protocol_version` as `istio_cloud_map_core::admission` decides. It asks its host for the
//! entries of protected owners, and for nothing else.
//!
//! Outside of WebAssembly there is only [`METADATA`].

#[cfg(target_arch = "wasm32")]
mod guest;

/// What Kubewarden reads before it runs the policy: JSON, in the module's section
/// `io.kubewarden.metadata`. `metadata.yml` says the same.
pub const METADATA: &str = include_str!("../metadata.json");
