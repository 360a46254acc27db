//! `doctor`: checks what `serve` needs.

use std::process::ExitCode;

use clap::{Arg, Args};

use super::looking;
use super::serve::Serve;
use super::streams;
use super::translate::Output;
use crate::doctor::{self, Outcome, Version};

/// Check all that serve needs, and print what to do about what is missing
///
/// Takes the flags, variables and the configuration file of serve; those that change nothing here are
/// not listed below. Checks credentials, each IAM action, the rate of calls and the bill, the API
/// server, the CRD, each RBAC verb, and Istio's version. Changes nothing. Exit: 0 nothing failed, 1
/// a check failed, 2 wrong usage.
///
/// Examples:
///
///   istio-cloud-map doctor --aws-region us-west-2
///   istio-cloud-map doctor --config config.yaml -o json
///   kubectl exec deploy/istio-cloud-map -- istio-cloud-map doctor
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true, mut_args(adapted))]
pub struct Doctor {
    /// Istio's version, where it may not be looked up in the cluster
    #[arg(long, env = "ISTIO_CLOUD_MAP_ISTIO_VERSION", value_name = "VERSION")]
    istio_version: Option<Version>,
    #[command(flatten)]
    pub serve: Serve,
}

/// The flags of `serve` that decide what it needs.
const LISTED: [&str; 22] = [
    "istio_version",
    "config",
    "from",
    "to",
    "output",
    "dry_run",
    "kube_config",
    "namespace",
    "leader_elect",
    "leader_election_namespace",
    "aws_region",
    "interval",
    "catalogue_interval",
    "call_timeout",
    "max_requests_per_second",
    "read_service_attributes",
    "read_tags",
    "endpoint_url",
    "data_endpoint_url",
    "use_dual_stack",
    "use_fips",
    "policy",
];

/// A flag of `serve` as it is here.
fn adapted(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "output" => looking::output(
            arg,
            "text",
            "One line a check, or one JSON list",
            "ISTIO_CLOUD_MAP_DOCTOR_OUTPUT",
        ),
        id if LISTED.contains(&id) => arg,
        _ => looking::hidden(arg),
    }
}

impl Doctor {
    /// Checks, and prints what was found.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.serve.config()?;
        let checks = looking::block_on(doctor::check(&config, self.istio_version))?;
        let text = if self.serve.output == Output::Json {
            doctor::json(&checks)?
        } else {
            doctor::lines(&checks, streams::is_coloured())
        };
        streams::write(&text)?;
        let has_failed = checks.iter().any(|check| check.result == Outcome::Failed);
        Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
