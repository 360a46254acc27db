//! The files generated from the types are current and correct.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod current;
mod input;
mod options;
mod texts;
