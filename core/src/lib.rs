//! AWS Cloud Map in, Istio `ServiceEntry`s out: what is computed, never done.
//!
//! Nothing here opens a socket, reads a clock, an environment variable or a random number, spawns,
//! locks, or depends on the order of a hash map. The same input gives the same bytes, in the
//! daemon, on the command line and in a wasm module.
//!
//! - [`cloud_map`]: Cloud Map JSON to [`cloud_map::Record`]s.
//! - [`translate`]: a record to a [`service_entry::ServiceEntry`] and [`diagnostic::Diagnostic`]s.
//! - [`admission`]: a request to store an entry, and a policy's settings, to a verdict.
//! - [`api`]: the same as calls of JSON, for hosts that speak nothing else.
//! - `schema`, with the feature of that name: what all of these are in JSON, as a JSON Schema and
//!   as TypeScript.
//! - [`sorted`]: the small maps that all of these are made of.
//! - [`operator`]: a state machine, events and the time in, effects out; and what is desired and
//!   what is observed to changes and refusals.

pub mod admission;
pub mod api;
pub mod cloud_map;
pub mod diagnostic;
mod json;
pub mod operator;
mod order;
#[cfg(feature = "schema")]
pub mod schema;
pub mod service_entry;
pub mod sorted;
pub mod translate;
