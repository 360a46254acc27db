//! Simulated time.

/// Microseconds since the world began.
pub type Us = u64;

pub const MS: Us = 1_000;
pub const S: Us = 1_000_000;

/// As a trace shows it: `12.345678`.
pub fn show(at: Us) -> String {
    format!("{:>4}.{:06}", at / S, at % S)
}
