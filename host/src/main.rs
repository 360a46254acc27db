//! `istio-cloud-map`: keeps Istio `ServiceEntry`s equal to AWS Cloud Map.

mod cli;
mod config;
mod doctor;
mod driver;
mod explain;
mod http;
mod logging;
mod metrics;
mod plan;
#[cfg(test)]
mod reference;
mod rehearsal;
mod reload;
mod sink;
mod snapshot;
mod source;
#[cfg(feature = "transform")]
mod transform;
mod yaml;

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match cli::main() {
        Ok(code) => {
            logging::flush(logging::LAST_LINES);
            code
        }
        Err(error) => {
            logging::fatal(&one_line(&error));
            if error.is::<cli::Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// An error with its causes on one line, but for a cause that is in the text before it.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error
        .chain()
        .map(|cause| cause.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    {
        if !line.contains(&cause) {
            let separator = if line.is_empty() { "" } else { ": " };
            line = line + separator + &cause;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cause_is_reported_once() {
        let error =
            anyhow::anyhow!("no such\nfile").context("can't read a: no such file").context("first");
        assert_eq!(super::one_line(&error), "first: can't read a: no such file");
    }
}
