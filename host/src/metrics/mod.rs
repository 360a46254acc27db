//! Metrics. Labels are closed lists and the names of sources: never a service, an instance or an
//! entry.

mod process;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::operator::Status;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::process::Process;

/// From an answer within the region to the longest time limit that a call has.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Counted by [`Metrics::driver_diagnostic`]: the operator's status has all others.
const BY_DRIVER: [Code; 3] = [Code::WatchFailed, Code::ReloadFailed, Code::ReloadHeld];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCode {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfNamespace {
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Restart {
    namespace: String,
    reason: &'static str,
}

/// Why a watch is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchEnd {
    /// In time, as every watch does.
    Closed,
    /// What has changed since is no longer known, so that everything is listed again.
    Expired,
    /// The API server can't be reached, or refuses.
    Failed,
}

impl WatchEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

type Histograms = Family<Operation, Histogram, fn() -> Histogram>;
type Number = Gauge<u64, AtomicU64>;
type Seconds = Gauge<f64, AtomicU64>;

/// All metrics of the operator.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    request_seconds: Histograms,
    writes: Family<Outcome, Counter>,
    write_seconds: Histograms,
    ready: Gauge,
    last_pass: Seconds,
    entries: Number,
    pending: Number,
    refused: Number,
    held: Gauge,
    namespaces: Family<OfSource, Number>,
    services: Family<OfSource, Number>,
    failing: Family<OfSource, Number>,
    rate: Family<OfSource, Number>,
    leader: Family<OfSource, Gauge>,
    diagnostics: Family<OfCode, Number>,
    watched: Family<OfNamespace, Gauge>,
    restarts: Family<Restart, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            writes: Family::default(),
            write_seconds: Family::new_with_constructor(seconds),
            ready: Gauge::default(),
            last_pass: Seconds::default(),
            entries: Gauge::default(),
            pending: Gauge::default(),
            refused: Gauge::default(),
            held: Gauge::default(),
            namespaces: Family::default(),
            services: Family::default(),
            failing: Family::default(),
            rate: Family::default(),
            leader: Family::default(),
            diagnostics: Family::default(),
            watched: Family::default(),
            restarts: Family::default(),
        };
        metrics.register();
        metrics
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// Since the epoch.
fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

impl Metrics {
    fn register(&mut self) {
        self.registry.register_collector(Box::new(Process::default()));
        let registry = self.registry.sub_registry_with_prefix("istio_cloud_map");
        registry.register(
            "build",
            "What runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let help = "Requests to Cloud Map, each page of a list being one, as AWS bills them";
        registry.register("source_requests", help, self.requests.clone());
        let help = "How long requests to Cloud Map took";
        registry.register("source_request_duration_seconds", help, self.request_seconds.clone());
        registry.register("writes", "Writes of ServiceEntries", self.writes.clone());
        registry.register(
            "write_duration_seconds",
            "How long writes took",
            self.write_seconds.clone(),
        );
        registry.register("ready", "1 once the first pass is complete", self.ready.clone());
        let help = "When everything in Cloud Map was last known without a failed read; 0, if never";
        registry.register_with_unit(
            "last_complete_pass_timestamp",
            help,
            Unit::Seconds,
            self.last_pass.clone(),
        );
        registry.register(
            "entries",
            "ServiceEntries of this operator that exist",
            self.entries.clone(),
        );
        registry.register(
            "entries_pending",
            "ServiceEntries that wait to be written or removed",
            self.pending.clone(),
        );
        registry.register(
            "removals_refused",
            "Deletes and emptyings that the guard refuses",
            self.refused.clone(),
        );
        registry.register(
            "writes_held",
            "1 while writes wait for the end of an outage",
            self.held.clone(),
        );
        registry.register(
            "namespaces",
            "Cloud Map namespaces that are known",
            self.namespaces.clone(),
        );
        registry.register("services", "Cloud Map services that are known", self.services.clone());
        registry.register(
            "reads_failing",
            "Namespaces and services whose last read failed",
            self.failing.clone(),
        );
        registry.register(
            "request_rate_limit",
            "Data-plane requests a second that the budget allows now",
            self.rate.clone(),
        );
        let help = "1 while this replica leads a source, and so keeps its entries, else 0";
        registry.register("leader", help, self.leader.clone());
        registry.register("diagnostics", "Diagnostics that hold now", self.diagnostics.clone());
        let help =
            "1 while the ServiceEntries of a Kubernetes namespace are watched, 0 while that fails";
        registry.register("watch_connected", help, self.watched.clone());
        registry.register(
            "watch_restarts",
            "Watches of ServiceEntries that ended, by reason",
            self.restarts.clone(),
        );
    }

    /// A request was made to a source.
    pub fn read(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.requests.get_or_create(&Outcome { operation, outcome }).inc();
        self.request_seconds.get_or_create(&Operation { operation }).observe(took.as_secs_f64());
    }

    /// A write was tried.
    pub fn wrote(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.writes.get_or_create(&Outcome { operation, outcome }).inc();
        self.write_seconds.get_or_create(&Operation { operation }).observe(took.as_secs_f64());
    }

    /// Whether the entries of a Kubernetes namespace are observed now.
    pub fn watching(&self, namespace: &str, connected: bool) {
        self.watched
            .get_or_create(&OfNamespace { namespace: namespace.to_owned() })
            .set(connected.into());
    }

    /// The entries of a Kubernetes namespace are not to be observed any more.
    pub fn unwatched(&self, namespace: &str) {
        self.watched.remove(&OfNamespace { namespace: namespace.to_owned() });
    }

    /// A diagnostic of the driver's own holds from now on, or no longer.
    pub fn driver_diagnostic(&self, code: Code, holds: bool) {
        let gauge = self.diagnostics.get_or_create(&OfCode { code: code.as_str() });
        let _before = if holds { gauge.inc() } else { gauge.dec() };
    }

    /// Whether this replica leads a source now.
    pub fn leads(&self, source: &str, is_leader: bool) {
        let label = OfSource { source: source.to_owned() };
        self.leader.get_or_create(&label).set(is_leader.into());
    }

    /// There is no such source any more.
    pub fn leads_no_more(&self, source: &str) {
        self.leader.remove(&OfSource { source: source.to_owned() });
    }

    /// A watch has ended.
    pub fn watch_ended(&self, namespace: &str, end: WatchEnd) {
        self.restarts
            .get_or_create(&Restart { namespace: namespace.to_owned(), reason: end.as_str() })
            .inc();
    }

    /// Sets what follows from the operator's status.
    pub fn set(&self, status: &Status) {
        self.ready.set(status.ready.into());
        if status.ready && status.is_complete() {
            self.last_pass.set(now());
        }
        self.entries.set(status.entries as u64);
        self.pending.set(status.pending as u64);
        self.refused
            .set(status.refused.as_ref().map_or(0, |refused| refused.removals.total()) as u64);
        self.held.set(status.writes_held.into());
        // What this replica does not read any more has no numbers here.
        for numbers in [&self.namespaces, &self.services, &self.failing, &self.rate] {
            numbers.clear();
        }
        for (source, of) in &status.sources {
            let label = OfSource { source: source.clone() };
            self.namespaces.get_or_create(&label).set(of.namespaces as u64);
            self.services.get_or_create(&label).set(of.services as u64);
            self.failing.get_or_create(&label).set(of.failing as u64);
            self.rate.get_or_create(&label).set(of.rate);
        }
        for code in Code::ALL.iter().filter(|code| !BY_DRIVER.contains(code)) {
            let count = status.diagnostics.get(code).copied().unwrap_or(0);
            self.diagnostics.get_or_create(&OfCode { code: code.as_str() }).set(count as u64);
        }
    }

    /// In `OpenMetrics` text.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
