//! `serve`: the operator.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use futures::stream::{self, StreamExt as _};
use istio_cloud_map_core::cloud_map::{DEFAULT_SOURCE, InputOptions};
use istio_cloud_map_core::operator::{self, NameFilter, Operator};
use istio_cloud_map_core::service_entry::ApiVersion;
use tokio::runtime::Handle;
use tokio::task::{JoinSet, spawn_blocking};

use super::Usage;
use super::backend::{SinkArg, SourceArg, listen};
use super::settings::{self, Settings};
use super::transform::Transformation;
use super::translate::Output;
use super::values;
use crate::config::file::{File, SourceEntry};
use crate::config::{BuiltSink, Config, SinkConfig, SinkKind, SourceConfig, SourceKind};
use crate::driver::{Backends, Clock, Driver, Leading, Notices, StopSignal, Telemetry, Writes};
use crate::http;
use crate::metrics::Metrics;
use crate::reload::{Reload, Reread};
use crate::sink::kube::Leases;
use crate::sink::stdout::Format;
use crate::source::aws::AwsOptions;

/// Where Kubernetes mounts a pod's own namespace.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

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

/// The operator, and what serves probes, metrics and the status page: nothing in a single pass.
struct Started {
    driver: Driver,
    server: JoinSet<()>,
}

impl Serve {
    /// Runs the operator.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (once, stdout) = (self.once, self.to == SinkArg::Stdout);
        // Before anything that takes time, so that no signal is lost.
        let stop = StopSignal::on_signal(u8::from(once)).context("can't wait for signals")?;
        // One thread: an idle minute is thousands of small calls, and handing each from thread to
        // thread costs more than a second thread gains.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("can't start the runtime")?;
        let code = runtime.block_on(async {
            // On a thread of its own, so that a stop need not wait for what blocks it: a plugin, a
            // pipe in place of a file.
            let handle = Handle::current();
            let start = spawn_blocking(move || {
                let reload = self.config_file().map(Path::to_owned);
                handle.block_on(async { start(self.config()?, reload).await })
            });
            let interrupted = if once { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            let Started { driver, mut server } = tokio::select! {
                biased;
                () = stop.requested() => return Ok(interrupted),
                started = start => started.context("the start was cancelled")??,
            };
            let (sink, status) =
                (driver.backends.sink.clone(), driver.telemetry.status.subscribe());
            let failed = tokio::select! {
                failed = driver.run(&stop) => failed?,
                Some(ended) = server.join_next() => {
                    ended.context("probes, metrics and status are no longer served")?;
                    bail!("probes, metrics and status are no longer served");
                }
            };
            if !once || stop.is_requested() {
                return Ok(interrupted);
            }
            if stdout && !status.borrow().is_complete() {
                bail!(
                    "Cloud Map could not be read completely: nothing is written to standard output"
                );
            }
            tokio::select! {
                biased;
                () = stop.requested() => Ok(interrupted),
                finished = sink.finish() => {
                    finished?;
                    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
                }
            }
        });
        // Calls that never answer must not hold up the end.
        runtime.shutdown_timeout(Duration::from_millis(100));
        code
    }

    /// The configuration file, if there is one.
    pub fn config_file(&self) -> Option<&Path> {
        self.config.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// The settings of the flags and of the file.
    pub fn config(&self) -> anyhow::Result<Config> {
        let namespace = self.target_namespace();
        let translate = self.settings.options(&self.file.translation)?;
        let sources = self.sources(&namespace)?;
        Ok(Config {
            sink: self.sink(&sources, namespace, translate.api_version),
            sources,
            translate,
            transformation: self.transformation.clone(),
            transform: self.transformation.load()?,
            plan: operator::Options {
                owner: self.settings.id.clone(),
                policy: self.safety.policy.into(),
                adopt: self.safety.adopt,
                max_delete_percent: self.safety.max_delete_percent,
                force_deletes: self.safety.force_deletes,
            },
            interval: self.reading.interval.shortest,
            longest_interval: self.reading.interval.longest,
            empty_grace: self.safety.empty_grace,
            max_writes_in_flight: self.max_writes_in_flight.into(),
            once: self.once,
            listen: self.listen,
        })
    }

    fn target_namespace(&self) -> String {
        let given = self.namespace.clone().filter(|namespace| !namespace.is_empty());
        given.or_else(pod_namespace).unwrap_or_else(|| "default".to_owned())
    }

    /// The namespace and the owner of the leases, if this process shares its sources.
    fn leases(&self, default_namespace: &str) -> Option<(String, String)> {
        let shares = self.leader_elect && !self.once && !self.dry_run && self.to == SinkArg::Kube;
        let given =
            self.leader_election_namespace.clone().filter(|namespace| !namespace.is_empty());
        let namespace =
            given.or_else(pod_namespace).unwrap_or_else(|| default_namespace.to_owned());
        shares.then(|| (namespace, self.settings.id.clone()))
    }

    /// The sources of the configuration file, else the one of the flags.
    fn sources(&self, namespace: &str) -> anyhow::Result<Vec<SourceConfig>> {
        let source = self.source(namespace);
        if self.file.sources.is_empty() {
            return Ok(vec![source]);
        }
        if self.from != SourceArg::Aws {
            let message = "--from can't be combined with `sources` of the configuration file: remove one of them";
            return Err(Usage(message.to_owned()).into());
        }
        self.file.sources.iter().map(|entry| self.source_of(entry, &source)).collect()
    }

    /// A source of the configuration file. What it leaves open is as the flags have it.
    fn source_of(&self, entry: &SourceEntry, flags: &SourceConfig) -> anyhow::Result<SourceConfig> {
        let kind = match (&entry.file, &flags.kind) {
            (Some(path), _) => SourceKind::File(
                path.clone(),
                InputOptions { region: None, ..self.input_options() },
            ),
            (None, SourceKind::Aws(flags)) => {
                let region = entry.region.clone().or_else(|| flags.region.clone());
                if region.is_none() {
                    return Err(Usage(format!(
                        "the source `{}` has no region: set its `region`, or --aws-region or AWS_REGION for all that have none",
                        entry.name
                    ))
                    .into());
                }
                SourceKind::Aws(AwsOptions {
                    region,
                    endpoint_url: entry.endpoint_url.clone().or_else(|| flags.endpoint_url.clone()),
                    data_endpoint_url: entry
                        .data_endpoint_url
                        .clone()
                        .or_else(|| flags.data_endpoint_url.clone()),
                    role_arn: entry.role_arn.clone(),
                    external_id: entry.external_id.clone(),
                    ..flags.clone()
                })
            }
            (None, SourceKind::File(..)) => flags.kind.clone(),
        };
        Ok(SourceConfig {
            name: entry.name.clone(),
            kind,
            is_required: false,
            namespaces: entry.namespaces.clone(),
            services: entry.services.clone(),
            target_namespace: entry
                .target_namespace
                .clone()
                .unwrap_or_else(|| flags.target_namespace.clone()),
            zones: entry.zones(),
            catalogue_interval: flags.catalogue_interval,
            read_service_attributes: entry
                .read_service_attributes
                .unwrap_or(flags.read_service_attributes),
            read_tags: entry.read_tags.unwrap_or(flags.read_tags),
            max_requests_per_second: entry
                .max_requests_per_second
                .map_or(flags.max_requests_per_second, NonZeroU32::get),
        })
    }

    fn input_options(&self) -> InputOptions {
        InputOptions {
            region: self.reading.aws_region.clone().filter(|region| !region.is_empty()),
            namespace: self.names.cloud_map_namespace.clone(),
            service: self.names.cloud_map_service.clone(),
            ..InputOptions::default()
        }
    }

    /// The source of the flags.
    fn source(&self, namespace: &str) -> SourceConfig {
        let options = self.input_options();
        let kind = match &self.from {
            SourceArg::Aws => SourceKind::Aws(AwsOptions {
                region: options.region,
                endpoint_url: self.endpoints.endpoint_url.clone(),
                data_endpoint_url: self.endpoints.data_endpoint_url.clone(),
                use_dual_stack: self.endpoints.use_dual_stack,
                use_fips: self.endpoints.use_fips,
                call_timeout: self.reading.call_timeout,
                ..AwsOptions::default()
            }),
            SourceArg::File(path) => SourceKind::File(path.clone(), options),
        };
        SourceConfig {
            name: DEFAULT_SOURCE.to_owned(),
            kind,
            is_required: true,
            namespaces: NameFilter::default(),
            services: NameFilter::default(),
            target_namespace: namespace.to_owned(),
            zones: None,
            catalogue_interval: self.reading.catalogue_interval,
            read_service_attributes: self.reading.read_service_attributes,
            read_tags: self.reading.read_tags,
            max_requests_per_second: self.reading.max_requests_per_second,
        }
    }

    fn sink(
        &self,
        sources: &[SourceConfig],
        default_namespace: String,
        api_version: ApiVersion,
    ) -> SinkConfig {
        let targets: BTreeSet<&str> =
            sources.iter().map(|source| source.target_namespace.as_str()).collect();
        let has_template = targets.iter().any(|target| target.contains('{'));
        let namespaces = if has_template {
            Vec::new()
        } else {
            targets.into_iter().map(str::to_owned).collect()
        };
        let kind = match &self.to {
            SinkArg::Kube => SinkKind::Kube { kube_config: self.kube_config.clone(), api_version },
            SinkArg::Dir(path) => SinkKind::Dir(path.clone()),
            SinkArg::Stdout => SinkKind::Stdout {
                format: if self.output == Output::Json { Format::Json } else { Format::Yaml },
                once: self.once,
            },
        };
        let leases = self.leases(&default_namespace);
        let pod = pod_namespace().zip(std::env::var("HOSTNAME").ok());
        SinkConfig { kind, namespaces, default_namespace, dry_run: self.dry_run, leases, pod }
    }
}

/// The namespace of the pod that this process runs in.
fn pod_namespace() -> Option<String> {
    let text = std::fs::read_to_string(POD_NAMESPACE).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

async fn start(config: Config, reload: Option<PathBuf>) -> anyhow::Result<Started> {
    let metrics = Arc::new(Metrics::default());
    let (sources, mut settings) = config.build_sources().await?;
    let BuiltSink { sink, leases, events } = config.sink.build(&metrics).await?;
    let leases = match leases {
        Some(leases) => permitted(leases).await?,
        None => None,
    };
    let mut telemetry = Telemetry::new(metrics.clone());
    let mut server = JoinSet::new();
    if !config.once {
        server = http::serve(config.listen, &telemetry).await?;
        if let Some(events) = events {
            let (notices, publisher) = Notices::new(events);
            telemetry.notices = Some(notices);
            drop(tokio::spawn(publisher.run()));
        }
    }
    let writes = if config.sink.dry_run { Writes::Pretended } else { Writes::Made };
    let backends = Backends { sources, sink, writes };
    let clock = Clock::start();
    let leading =
        leases.map(|leases| Leading::new(leases, &mut settings, metrics.clone(), clock.now()));
    let operator = Operator::new(settings, clock.now());
    let reloads = match reload.filter(|_| !config.once) {
        Some(path) => {
            let read = {
                let path = path.clone();
                Arc::new(move || reread(&path))
            };
            Reload::new(path, read, config, telemetry.clone()).into_stream()
        }
        None => stream::pending().boxed(),
    };
    let driver = Driver { operator, leading, backends, telemetry, clock, reloads };
    Ok(Started { driver, server })
}

/// What the configuration file says now.
fn reread(path: &Path) -> anyhow::Result<Reread> {
    let serve = super::serve_again(path)?;
    Ok(Reread {
        config: serve.config()?,
        confirmed: serve.file.confirm_reload,
        token: serve.file.token,
    })
}

/// The leases, if this process may use them. A role of before there were leases is no reason not to
/// start.
async fn permitted(leases: Leases) -> anyhow::Result<Option<Leases>> {
    match leases.list().await {
        Ok(_) => Ok(Some(leases)),
        Err(error) if error.failure == operator::WriteFailure::Forbidden => {
            tracing::warn!(
                "no leader election, so run one replica only, with --leader-elect=false: {error}"
            );
            Ok(None)
        }
        Err(error) => Err(error).context("can't list the leases of the operator's replicas"),
    }
}
