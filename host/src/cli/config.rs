//! `config`: checks a configuration file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{config_flags, streams};
use crate::config::file::File;
use crate::logging;

/// What an editor checks a file with.
const SCHEMA: &str = include_str!("../../../docs/reference/config.schema.json");

/// Check a configuration file of `serve`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a file: exit 0, or 2 with what is wrong
    Check {
        /// The configuration file; - is stdin
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the JSON Schema of the file, for editors
    Schema,
}

impl ConfigCommand {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check { file } => {
                if let Err(problems) = File::read(&file, &config_flags()) {
                    problems.to_string().lines().for_each(logging::fatal);
                    return Ok(ExitCode::from(2));
                }
            }
            Self::Schema => streams::write(SCHEMA)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
