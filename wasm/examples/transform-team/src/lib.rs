//! An example of a module for `--transform`: tags in Cloud Map say who sees a service in the mesh.
//!
//! - A service tagged `mesh: off` gets no entry.
//! - One tagged `team: a` is seen by the Kubernetes namespace `team-a` and by its own alone.
//! - All others stay as they are.
//!
//! `docs/transform.md` says what a module is asked and may answer.

mod abi;
mod team;

pub use abi::{alloc, free, transform};
