//! Translates AWS Cloud Map services to Istio `ServiceEntry`s, and decides what to change in a
//! cluster. The daemon, the command line and the WebAssembly modules all use this crate.
//!
//! # Example
//!
//! Cloud Map JSON, as `aws servicediscovery discover-instances` prints it, to a `ServiceEntry`:
//!
//! ```
//! use istio_cloud_map_core::cloud_map::{InputOptions, parse};
//! use istio_cloud_map_core::translate::{Options, Outcome, Translator};
//!
//! let json = r#"{"Instances": [{
//!     "InstanceId": "i-1", "NamespaceName": "my-namespace", "ServiceName": "web",
//!     "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"}}]}"#;
//! let input = parse(json, &InputOptions::default())?;
//!
//! let options = Options::default();
//! for record in &input.records {
//!     let translation = Translator::new(&options).translate(&[record], None);
//!     let Outcome::Entry(entry) = translation.outcome else { continue };
//!     assert_eq!(entry.metadata.name, "cloudmap-web.my-namespace");
//!     println!("{}", serde_json::to_string(&entry)?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//!
//! | module | input | output |
//! |---|---|---|
//! | [`cloud_map`] | Cloud Map JSON | [`cloud_map::Record`]s |
//! | [`translate`] | records and options | a [`service_entry::ServiceEntry`] and diagnostics |
//! | [`operator`] | events and the time | effects: what to read, write and report next |
//! | [`lease`] | events and the time | effects: which leases to write, which sources to lead |
//! | [`admission`] | an admission request and a policy's settings | a verdict |
//! | [`api`] | JSON | JSON: `translate`, `plan` and `validate` for the WebAssembly hosts |
//!
//! Shared by these: [`service_entry`] has the output's types, the rules for hosts and names, and
//! Istio's own [validation](service_entry::validate). [`diagnostic`] has the messages about what was
//! dropped or degraded. [`sorted`] has the map that the types use. With the feature `schema`, the
//! module `schema` describes the JSON as a JSON Schema and as TypeScript.
//!
//! # No IO
//!
//! Nothing here reads a clock, the environment or a random number, opens a file or a socket, spawns,
//! or depends on the order of a hash map: the same input gives the same bytes everywhere.
//! `clippy.toml` has the list. A caller passes text and the time, and executes effects.

pub mod admission;
pub mod api;
pub mod cloud_map;
pub mod diagnostic;
mod json;
pub mod lease;
pub mod operator;
mod order;
#[cfg(feature = "schema")]
pub mod schema;
pub mod service_entry;
pub mod sorted;
pub mod translate;

pub use json::Position;
