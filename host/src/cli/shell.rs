//! `completions` and `man`: what shells and manuals need to know of the command line.

use std::process::ExitCode;

use clap::Args;
use clap_complete::{Shell, generate};

use super::{Usage, commands, streams};

const NAME: &str = "istio-cloud-map";

/// Print completions for a shell
///
/// Examples:
///
///   source <(istio-cloud-map completions bash)
///   istio-cloud-map completions fish > ~/.config/fish/completions/istio-cloud-map.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        generate(self.shell, &mut commands(), NAME, &mut script);
        streams::write(&String::from_utf8(script)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the man page, or that of a command
///
/// Example:
///
///   istio-cloud-map man serve | man -l -
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Man {
    /// The command; default: all of them in short
    command: Option<String>,
}

impl Man {
    /// Prints it.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut all = commands();
        all.build();
        let command = match &self.command {
            None => all,
            Some(name) => all.find_subcommand(name).cloned().ok_or_else(|| {
                Usage(format!("`{name}` is not a command; expected one that --help lists"))
            })?,
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        streams::write(&String::from_utf8(page)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
