//! Cloud Map JSON to [`Record`]s, one per service.
//!
//! [`decode`] turns the bytes of a file into text, [`parse`] the text into an [`Input`]: the
//! records, what could not be read, and diagnostics.
//!
//! - `record`: the types of a record.
//! - `input`: [`parse`], its options and errors.
//! - `document`: serde code for one JSON document of any shape.
//! - `lenient`: the same documents value by value, when one of them is wrong.
//! - `collect`: records from documents.
//! - `pages`: whether all pages of a list are present.
//! - `text`: encodings, and other formats that users pass by mistake.

mod collect;
mod document;
mod input;
mod lenient;
mod pages;
mod record;
#[cfg(test)]
mod tests;
mod text;

pub use input::{Incomplete, IncompleteScope, Input, InputError, InputOptions, parse};
pub(crate) use record::account_of;
pub use record::{
    DEFAULT_SOURCE, Health, HealthCheckConfig, HealthCheckCustomConfig, HttpProperties, Instance,
    Namespace, NamespaceProperties, Record, Service, Snapshot, Tag, ZoneNames,
};
pub use text::decode;
