//! `plan`: what `serve` would change now.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Arg, Args};

use super::looking;
use super::serve::{OF_A_PROCESS, Serve};
use super::streams;
use super::translate::Output;
use crate::plan::Plan as Planned;
use crate::rehearsal::rehearse;

/// There are changes.
const CHANGES: u8 = 3;

/// Print what serve would change now, as a diff, and change nothing
///
/// Takes the flags, variables and the configuration file of serve; those that change nothing here are
/// not listed below. Makes one pass, and so takes as long as one. Needs only permission to read.
/// Exit: 0 nothing to change, 3 there are changes, 1 not all could be read, 2 wrong usage.
///
/// Examples:
///
///   istio-cloud-map plan --aws-region us-west-2
///   istio-cloud-map plan --config config.yaml -o json
///   istio-cloud-map plan --from file:snapshot.json --to dir:entries
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true, mut_args(adapted))]
pub struct Plan {
    #[command(flatten)]
    pub serve: Serve,
}

/// A flag of `serve` as it is here.
fn adapted(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "output" => looking::output(
            arg,
            "diff",
            "A unified diff, or one JSON object",
            "ISTIO_CLOUD_MAP_PLAN_OUTPUT",
        ),
        id if OF_A_PROCESS.contains(&id) => looking::hidden(arg),
        _ => arg,
    }
}

impl Plan {
    /// Plans, and prints the plan.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.serve.config()?;
        let plan = looking::block_on(async {
            let sink = config.sink.read_only();
            let (sources, settings) = config.build_sources().await?;
            let sink = sink.build(&std::sync::Arc::default()).await?.sink;
            let outcome = rehearse(settings, sources, sink.clone()).await?;
            outcome.diagnostics.iter().for_each(crate::driver::diagnostic);
            Planned::new(outcome, sink).await
        })??;
        let text = match self.serve.output {
            Output::Json => plan.json()?,
            Output::Yaml => plan.text(streams::is_coloured())?,
        };
        streams::write(&text)?;
        if !plan.complete {
            bail!("Cloud Map could not be read completely: there may be more to change");
        }
        Ok(if plan.changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(CHANGES) })
    }
}
