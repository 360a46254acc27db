//! The command line: one file a command.
#![expect(clippy::doc_markdown, reason = "the comments on commands and flags are the help that a user reads")]

mod duration;
mod place;
mod serve;
mod settings;
mod size;
mod transform;
mod translate;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::logging;

/// Keeps Istio ServiceEntries equal to what is registered in AWS Cloud Map.
///
/// Each Cloud Map service becomes one ServiceEntry `cloudmap-SERVICE.NAMESPACE`, so that its endpoints can be reached, controlled and observed in
/// the mesh. Data goes to stdout, everything else to stderr. Exit: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "istio-cloud-map", version, max_term_width = 100)]
struct Cli {
    /// How log lines are written
    #[arg(long, global = true, value_enum, default_value_t, env = "ISTIO_CLOUD_MAP_LOG_FORMAT")]
    log_format: logging::Format,
    /// How much is logged
    #[arg(long, global = true, value_enum, default_value_t, env = "ISTIO_CLOUD_MAP_LOG_LEVEL")]
    log_level: logging::Level,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    Translate(Box<translate::Translate>),
    Validate(validate::Validate),
}

/// Runs the command that the arguments name.
pub fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    logging::start(cli.log_format, cli.log_level);
    match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Translate(translate) => translate.run(),
        Command::Validate(validate) => validate.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        for command in Cli::command().get_subcommands() {
            let bare = command.get_arguments().filter(|a| a.get_long().is_some() && a.get_env().is_none());
            let bare: Vec<_> = bare.map(|a| a.get_id().as_str()).filter(|id| !["help", "version"].contains(id)).collect();
            assert!(bare.is_empty(), "{}: {bare:?}", command.get_name());
        }
    }
}
