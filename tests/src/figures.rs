//! The figures of the benchmarks for programs, beside the text for people.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a benchmark whose figures are lost can only fail"
)]

use std::fs::File;
use std::io::Write as _;

use serde_json::Value;

/// The path of the file that gets the figures, one line of JSON each.
const FIGURES_VARIABLE: &str = "ISTIO_CLOUD_MAP_FIGURES";

/// Appends the figures of one case to the file, if there is one.
pub fn record(figures: &Value) {
    let Some(path) = std::env::var_os(FIGURES_VARIABLE) else { return };
    let mut file = File::options().create(true).append(true).open(path).expect("a file");
    writeln!(file, "{figures}").expect("room for the figures");
}
