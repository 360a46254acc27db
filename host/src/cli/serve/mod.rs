//! `serve`: the operator.

mod config;
mod run;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use istio_cloud_map_core::operator;

use super::backend::{SinkArg, SourceArg, listen};
use super::settings::{self, Settings};
use super::transform::Transformation;
use super::translate::Output;
use super::values;
use crate::config::file::File;

/// The flags that say how a process runs and writes: they mean nothing to what takes the others to
/// look only.
pub const OF_A_PROCESS: [&str; 6] = [
    "once",
    "dry_run",
    "listen",
    "leader_elect",
    "leader_election_namespace",
    "max_writes_in_flight",
];

/// Keep ServiceEntries equal to Cloud Map until stopped (the operator)
///
/// Examples:
///
///   istio-cloud-map serve --aws-region us-west-2
///   istio-cloud-map serve --aws-region us-west-2 --dry-run --log-level debug
///   istio-cloud-map serve --once --to - | kubectl apply -f -
///   istio-cloud-map serve --from file:snapshot.json --to dir:entries
///   istio-cloud-map serve --config config.yaml
///   istio-cloud-map serve --interval 5s..60s --listen :8080
///   istio-cloud-map serve --endpoint-url "$CONTROL_URL" \
///     --data-endpoint-url "$DATA_URL"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct Serve {
    /// Configuration file (YAML): a key for each of these flags, several sources, the translation;
    /// flags and environment variables take precedence
    #[arg(long, env = "ISTIO_CLOUD_MAP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What that file says.
    #[arg(skip)]
    pub file: File,
    /// Source: aws, or file:PATH (a snapshot, read again when it changes)
    #[arg(long, default_value = "aws", env = "ISTIO_CLOUD_MAP_FROM")]
    from: SourceArg,
    /// Target: kube, dir:PATH (one file an entry), or - (stdout)
    #[arg(long, default_value = "kube", env = "ISTIO_CLOUD_MAP_TO")]
    to: SinkArg,
    /// Format of `--to -`
    #[arg(short, long, value_enum, default_value_t, env = "ISTIO_CLOUD_MAP_OUTPUT")]
    pub output: Output,
    /// Make one pass, then exit: 1 if anything failed
    #[arg(long, env = "ISTIO_CLOUD_MAP_ONCE")]
    once: bool,
    /// Log what would be written, and write nothing
    #[arg(long, env = "ISTIO_CLOUD_MAP_DRY_RUN")]
    dry_run: bool,
    /// Kubeconfig; default: that of KUBECONFIG, else the pod's service account, else the one that
    /// kubectl uses
    #[arg(long, env = "ISTIO_CLOUD_MAP_KUBE_CONFIG", value_name = "FILE")]
    kube_config: Option<PathBuf>,
    /// Kubernetes namespace of the entries; default: the pod's own, else default
    #[arg(long, env = "PUBLISH_NAMESPACE", value_parser = settings::namespace)]
    namespace: Option<String>,
    /// Address for probes, metrics and the status page; :PORT listens on all addresses
    #[arg(long, default_value = "127.0.0.1:8080", env = "ISTIO_CLOUD_MAP_LISTEN", value_name = "ADDRESS:PORT", value_parser = listen)]
    listen: SocketAddr,
    /// Share the sources with other replicas: each source has a lease, and only its leader writes the
    /// source's entries. Only with --to kube, and not with --once or --dry-run
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = BoolishValueParser::new(), env = "ISTIO_CLOUD_MAP_LEADER_ELECT")]
    leader_elect: bool,
    /// Kubernetes namespace of the leases; default: the pod's own, else that of the entries
    #[arg(long, env = "ISTIO_CLOUD_MAP_LEADER_ELECTION_NAMESPACE", value_name = "NAMESPACE", value_parser = settings::namespace)]
    leader_election_namespace: Option<String>,
    /// Maximum number of writes at the same time
    #[arg(long, default_value_t = 16, env = "ISTIO_CLOUD_MAP_MAX_WRITES_IN_FLIGHT", value_parser = clap::value_parser!(u16).range(1..))]
    max_writes_in_flight: u16,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    endpoints: Endpoints,
    #[command(flatten)]
    names: settings::CloudMapNames,
    #[command(flatten)]
    safety: Safety,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    transformation: Transformation,
}

/// How Cloud Map is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading Cloud Map")]
struct Reading {
    /// AWS region; default: the profile's or the instance's
    #[arg(long, env = "AWS_REGION", value_parser = settings::region)]
    aws_region: Option<String>,
    /// Time between two reads of a service. MIN..MAX, such as 5s..60s, reads a service more rarely
    /// the longer it has not changed
    #[arg(
        long,
        default_value = "5s",
        env = "ISTIO_CLOUD_MAP_INTERVAL",
        value_name = "TIME or MIN..MAX"
    )]
    interval: values::Range,
    /// Time between two lists of namespaces and services; a file is listed every --interval
    #[arg(long, default_value = "30s", env = "ISTIO_CLOUD_MAP_CATALOGUE_INTERVAL", value_name = "TIME", value_parser = values::duration)]
    catalogue_interval: Duration,
    /// Time limit of one call to AWS
    #[arg(long, default_value = "3s", env = "ISTIO_CLOUD_MAP_CALL_TIMEOUT", value_name = "TIME", value_parser = values::duration)]
    call_timeout: Duration,
    /// Maximum number of revision and discover calls a second; all applications of the account
    /// share 1,000
    #[arg(long, default_value_t = 300, env = "ISTIO_CLOUD_MAP_MAX_REQUESTS_PER_SECOND", value_parser = clap::value_parser!(u32).range(1..))]
    max_requests_per_second: u32,
    /// Read each service's attributes for istio-cloud-map/... hints: one more call
    #[arg(long, env = "ISTIO_CLOUD_MAP_READ_SERVICE_ATTRIBUTES")]
    read_service_attributes: bool,
    /// Read each service's tags for istio-cloud-map/... hints: one more call
    #[arg(long, env = "ISTIO_CLOUD_MAP_READ_TAGS")]
    read_tags: bool,
}

/// Where AWS is reached.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "AWS endpoints (HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE are honoured)"
)]
struct Endpoints {
    /// URL of Cloud Map's control plane, such as a VPC endpoint of servicediscovery; default: the
    /// region's
    #[arg(long, env = "AWS_ENDPOINT_URL_SERVICEDISCOVERY", hide_env_values = true, value_name = "URL", value_parser = settings::url)]
    endpoint_url: Option<String>,
    /// URL of Cloud Map's data plane, such as a VPC endpoint of data-servicediscovery; default:
    /// --endpoint-url, else the region's
    #[arg(long, env = "ISTIO_CLOUD_MAP_DATA_ENDPOINT_URL", hide_env_values = true, value_name = "URL", value_parser = settings::url)]
    data_endpoint_url: Option<String>,
    /// Use AWS endpoints that have IPv4 and IPv6
    #[arg(long, env = "AWS_USE_DUALSTACK_ENDPOINT")]
    use_dual_stack: bool,
    /// Use AWS endpoints with FIPS 140 cryptography
    #[arg(long, env = "AWS_USE_FIPS_ENDPOINT")]
    use_fips: bool,
}

/// What may be written and removed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Safety")]
struct Safety {
    /// Changes that are allowed
    #[arg(long, value_enum, default_value_t, env = "ISTIO_CLOUD_MAP_POLICY")]
    policy: Policy,
    /// Take over unowned entries that have the name that we would give
    #[arg(long, env = "ISTIO_CLOUD_MAP_ADOPT")]
    adopt: bool,
    /// How long a service must have been empty before its entry is emptied
    #[arg(long, default_value = "10s", env = "ISTIO_CLOUD_MAP_EMPTY_GRACE", value_name = "TIME", value_parser = values::duration_or_zero)]
    empty_grace: Duration,
    /// Maximum share of owned entries deleted or emptied within 10 minutes, in percent (from 10
    /// entries)
    #[arg(long, default_value_t = 30, env = "ISTIO_CLOUD_MAP_MAX_DELETE_PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    max_delete_percent: u8,
    /// Delete and empty without that limit: confirms what was refused
    #[arg(long, env = "ISTIO_CLOUD_MAP_FORCE_DELETES")]
    force_deletes: bool,
}

/// Changes that are allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Policy {
    /// Create, update, delete
    #[default]
    Sync,
    /// Create and update
    UpsertOnly,
    /// Create
    CreateOnly,
}

impl From<Policy> for operator::Policy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Sync => Self::Sync,
            Policy::UpsertOnly => Self::UpsertOnly,
            Policy::CreateOnly => Self::CreateOnly,
        }
    }
}
