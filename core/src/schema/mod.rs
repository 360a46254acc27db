//! What is written and read, for others' tools: a JSON Schema of the translation's options, and the
//! types of all calls in TypeScript.
//!
//! Both are made of the Rust types, so that nothing is said twice. What their serde code reads and
//! writes by hand is described beside the type: a text by a pattern, and what no single type stands
//! for in [`input`].

pub mod input;
mod layout;
mod options;
pub(crate) mod pattern;
mod typescript;

pub use options::{options_page, translation_options};
pub use typescript::typescript;
