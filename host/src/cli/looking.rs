//! What the commands share that take the flags of `serve` and change nothing.

use anyhow::Context as _;
use clap::Arg;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::translate::Output;

/// `--output` as such a command has it: `text`, its format for a person, or JSON.
pub fn output(arg: Arg, text: &'static str, help: &'static str, variable: &'static str) -> Arg {
    let output = |text: String| if text == "json" { Output::Json } else { Output::Yaml };
    arg.help(help)
        .value_parser(PossibleValuesParser::new([text, "json"]).map(output))
        .default_value(text)
        .env(variable)
}

/// A flag of `serve` that means nothing to such a command.
pub fn hidden(arg: Arg) -> Arg {
    arg.hide(true).help_heading(None)
}

/// Does the work of such a command. What hangs does not hold up its end.
pub fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("can't start the runtime")?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}
