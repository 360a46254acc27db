//! `istio-cloud-map`: keeps Istio `ServiceEntry`s equal to AWS Cloud Map.

mod cli;
mod http;
mod logging;
mod metrics;
mod run;
mod sink;
mod source;
mod yaml;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::main() {
        Ok(code) => code,
        Err(error) => {
            // One line, whatever the causes are made of.
            let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("error: {line}");
            ExitCode::FAILURE
        }
    }
}
