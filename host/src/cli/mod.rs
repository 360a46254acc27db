//! The command line: one file a command.
#![expect(
    clippy::doc_markdown,
    reason = "the comments on commands and flags are the help that a user reads"
)]

mod backend;
mod config;
mod doctor;
mod explain;
mod looking;
mod plan;
mod serve;
pub mod settings;
mod shell;
mod snapshot;
pub mod streams;
pub mod transform;
mod translate;
mod validate;
mod values;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{
    ArgAction, Command as Definition, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
};
use thiserror::Error;

use crate::config::file::File;
use crate::logging;

const LOG_FORMAT: &str = "ISTIO_CLOUD_MAP_LOG_FORMAT";

const EXAMPLES: &str = "\
Examples:
  istio-cloud-map serve --aws-region us-west-2
  istio-cloud-map serve --from file:snapshot.json --to dir:entries
  istio-cloud-map translate snapshot.json | kubectl apply -f -
  kubectl get serviceentries -A -o yaml | istio-cloud-map validate";

/// Keeps Istio ServiceEntries equal to what is registered in AWS Cloud Map.
///
/// Each Cloud Map service becomes one ServiceEntry `cloudmap-SERVICE.NAMESPACE`, so that its
/// endpoints can be reached, controlled and observed in the mesh. Data goes to stdout, everything
/// else to stderr. Exit: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "istio-cloud-map", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    /// How log lines are written
    #[arg(long, global = true, value_enum, default_value_t, env = LOG_FORMAT)]
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
    Plan(Box<plan::Plan>),
    Snapshot(Box<snapshot::Snapshot>),
    Explain(Box<explain::Explain>),
    Translate(Box<translate::Translate>),
    Validate(validate::Validate),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Doctor(Box<doctor::Doctor>),
    Completions(shell::Completions),
    Man(shell::Man),
}

impl Command {
    /// The flags of `serve`, where the command takes them.
    fn serve(&mut self) -> Option<&mut serve::Serve> {
        match self {
            Self::Serve(serve) => Some(serve),
            Self::Plan(plan) => Some(&mut plan.serve),
            Self::Snapshot(snapshot) => Some(&mut snapshot.serve),
            Self::Explain(explain) => Some(&mut explain.serve),
            Self::Doctor(doctor) => Some(&mut doctor.serve),
            _ => None,
        }
    }
}

/// The commands and their flags, for the generated reference, completions and man pages.
pub(crate) fn commands() -> Definition {
    definition(Cli::command(), &|_| false)
}

/// The flags that a configuration file may set.
pub(crate) fn config_flags() -> Vec<clap::Arg> {
    crate::config::file::flags(&definition(Cli::command(), &|_| false))
}

/// Runs the command that the arguments name.
pub fn main() -> anyhow::Result<ExitCode> {
    let cli = parse();
    logging::start(cli.log_format, cli.log_level);
    match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Plan(plan) => plan.run(),
        Command::Snapshot(snapshot) => snapshot.run(),
        Command::Explain(explain) => explain.run(),
        Command::Translate(translate) => translate.run(),
        Command::Validate(validate) => validate.run(),
        Command::Config(config) => config.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

/// What was asked for can't be done as it was asked for: exit 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Reads the arguments, or exits: 2 for wrong usage.
fn parse() -> Cli {
    let mut definition = fresh();
    let parsed = read(&mut definition).and_then(|mut cli| {
        let Some(serve) = cli.command.serve() else { return Ok(cli) };
        let Some(path) = serve.config_file() else { return Ok(cli) };
        // Read once: it may be a pipe.
        with_file(path)
    });
    parsed.unwrap_or_else(|error| {
        let error = with_variable(error, &definition);
        if error.use_stderr()
            && wants_json(std::env::args_os().skip(1), std::env::var_os(LOG_FORMAT))
        {
            logging::start(logging::Format::Json, logging::Level::Error);
            logging::fatal(&without_usage(&error));
            std::process::exit(error.exit_code())
        }
        error.exit()
    })
}

/// The definition, in this environment.
fn fresh() -> Definition {
    let definition = definition(Cli::command(), &|variable| {
        std::env::var_os(variable).is_some_and(|value| value.is_empty())
    });
    if is_plugin(std::env::args_os().next()) {
        definition.bin_name("kubectl cloud-map")
    } else {
        definition
    }
}

/// Whether kubectl started the program, as its command `cloud-map`.
fn is_plugin(program: Option<OsString>) -> bool {
    program.is_some_and(|path| Path::new(&path).file_name() == Some("kubectl-cloud_map".as_ref()))
}

fn read(definition: &mut Definition) -> Result<Cli, clap::Error> {
    let matches = definition.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches)
}

/// The arguments, with what a configuration file says in place of the defaults.
fn with_file(path: &Path) -> Result<Cli, clap::Error> {
    let file = File::read(path, &config_flags()).map_err(|problems| {
        clap::Error::raw(ErrorKind::ValueValidation, format!("{problems}\n"))
    })?;
    let mut cli = read(&mut file.defaults(fresh()))?;
    if let Some(serve) = cli.command.serve() {
        serve.file = file;
    }
    Ok(cli)
}

/// `serve` as the same arguments give it with what the file says now.
///
/// # Errors
/// [`Usage`], with all that is wrong with it.
fn serve_again(path: &Path) -> Result<serve::Serve, Usage> {
    match with_file(path).map_err(|error| Usage(without_usage(&error)))?.command {
        Command::Serve(serve) => Ok(*serve),
        _ => Err(Usage("the arguments are not those of `serve`".to_owned())),
    }
}

/// Whether log lines are to be JSON, by arguments that can't be parsed as a whole.
fn wants_json(arguments: impl Iterator<Item = OsString>, variable: Option<OsString>) -> bool {
    let (mut format, mut is_next) = (None, false);
    for argument in arguments.take_while(|argument| argument != "--") {
        if is_next {
            (format, is_next) = (Some(argument), false);
        } else if let Some(value) =
            argument.to_str().and_then(|argument| argument.strip_prefix("--log-format="))
        {
            format = Some(value.into());
        } else {
            is_next = argument == "--log-format";
        }
    }
    format.or(variable).is_some_and(|format| format == "json")
}

/// What is wrong, on one line.
fn without_usage(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

/// An empty environment variable counts as not set, and a switch takes what people write for true
/// and false.
fn definition(mut command: Definition, is_empty: &dyn Fn(&OsStr) -> bool) -> Definition {
    command = command.mut_args(|arg| {
        let arg = if arg.get_env().is_some_and(is_empty) { arg.env(None) } else { arg };
        if matches!(arg.get_action(), ArgAction::SetTrue) {
            arg.value_parser(BoolishValueParser::new())
        } else {
            arg
        }
    });
    command.mut_subcommands(|command| self::definition(command, is_empty))
}

/// Names the environment variable that a wrong value comes from.
fn with_variable(mut error: clap::Error, definition: &Definition) -> clap::Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let flag = argument.split([' ', '=']).next().unwrap_or_default().to_owned();
    let is_given = std::env::args().any(|given| {
        given == flag || given.strip_prefix(&flag).is_some_and(|rest| rest.starts_with('='))
    });
    let commands = std::iter::once(definition).chain(definition.get_subcommands());
    let argument = commands
        .flat_map(Definition::get_arguments)
        .find(|arg| arg.get_long().is_some_and(|long| flag == format!("--{long}")));
    let variable = argument
        .and_then(clap::Arg::get_env)
        .filter(|variable| !is_given && std::env::var_os(variable).is_some());
    if let Some(variable) = variable {
        let tip = format!("the value comes from the environment variable {}", variable.display());
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        for command in Cli::command().get_subcommands() {
            let bare =
                command.get_arguments().filter(|a| a.get_long().is_some() && a.get_env().is_none());
            let bare: Vec<_> = bare
                .map(|a| a.get_id().as_str())
                .filter(|id| !["help", "version"].contains(id))
                .collect();
            assert!(bare.is_empty(), "{}: {bare:?}", command.get_name());
        }
    }
}
