//! What tests feed to the core by the thousand: made of seeds, the same every time.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests: lists that are not empty, options that exist"
)]

mod service_entries;
pub mod services;

pub use service_entries::Entries;
