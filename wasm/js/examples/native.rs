//! The native part of `bench/run.mjs`: translates a file once for each line on stdin and prints the
//! milliseconds; then writes the result beside the file and prints where.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::io::{BufRead as _, stdin};
use std::time::Instant;

use istio_cloud_map_core::api::text::translate;

fn main() {
    let file = std::env::args().nth(1).unwrap();
    let input = std::fs::read_to_string(&file).unwrap();
    let mut result = String::new();
    for line in stdin().lock().lines() {
        line.unwrap();
        let started = Instant::now();
        result = translate(&input, "{}").unwrap();
        println!("{}", started.elapsed().as_secs_f64() * 1000.0);
    }
    let place = file + ".out";
    std::fs::write(&place, result).unwrap();
    println!("{place}");
}
