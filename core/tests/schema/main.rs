//! What is generated from the types is current, and is right.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod current;
mod input;
mod options;
mod texts;
