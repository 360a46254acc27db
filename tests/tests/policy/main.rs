//! The policy under the waPC host that Kubewarden's policy server is built on. The module is the
//! one that `cargo wasm policy` has built.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod fail_closed;
mod guest;
mod module;
mod protected;
mod rules;
mod sent_by_an_api_server;
mod size;
