//! What is said while the operator runs: to stderr, as text for a person or as JSON for a machine.

use std::io::IsTerminal as _;

use std::sync::OnceLock;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

static FORMAT: OnceLock<Format> = OnceLock::new();

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// How much is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// What needs a person.
    Error,
    /// What may need one.
    Warn,
    /// Every change.
    #[default]
    Info,
    /// What led to it.
    Debug,
    /// Everything.
    Trace,
}

/// Starts it. Libraries are silent below debug: what they meet comes to us as an error, and they would say it again of each of a thousand
/// calls. What they trace is never shown: requests with their tokens are part of it.
pub fn start(format: Format, level: Level) {
    let _started = FORMAT.set(format);
    let filter = match level {
        Level::Error => "off,istio_cloud_map=error",
        Level::Warn => "off,istio_cloud_map=warn",
        Level::Info => "off,istio_cloud_map=info",
        Level::Debug => "warn,istio_cloud_map=debug",
        Level::Trace => "info,istio_cloud_map=trace",
    };
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr).with_target(false);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // A second start (in tests) keeps the first one's settings.
    let _started = match format {
        Format::Text => builder.with_ansi(colour).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Whether lines are read by a machine, which wants fields, or by a person, to whom the message says it all.
pub fn is_json() -> bool {
    FORMAT.get() == Some(&Format::Json)
}
