//! What is counted. Labels are closed lists and the names of sources: never a service, an instance or an entry.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::operator::Status;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteOf {
    action: &'static str,
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

type Histograms = Family<Operation, Histogram, fn() -> Histogram>;
type Gauges<L> = Family<L, Gauge<u64, AtomicU64>>;

/// All metrics of the operator.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    call_seconds: Histograms,
    writes: Family<WriteOf, Counter>,
    write_seconds: Histograms,
    ready: Gauge,
    entries: Gauge<u64, AtomicU64>,
    pending: Gauge<u64, AtomicU64>,
    refused: Gauge<u64, AtomicU64>,
    namespaces: Gauges<OfSource>,
    services: Gauges<OfSource>,
    failing: Gauges<OfSource>,
    rate: Gauges<OfSource>,
    diagnostics: Gauges<OfCode>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("istio_cloud_map"),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            writes: Family::default(),
            write_seconds: Family::new_with_constructor(seconds),
            ready: Gauge::default(),
            entries: Gauge::default(),
            pending: Gauge::default(),
            refused: Gauge::default(),
            namespaces: Family::default(),
            services: Family::default(),
            failing: Family::default(),
            rate: Family::default(),
            diagnostics: Family::default(),
        };
        metrics.register();
        metrics
    }
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 14))
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("cloud_map_calls", "Questions to Cloud Map, a list of several pages being one", self.calls.clone());
        let help = "How long questions to Cloud Map took";
        registry.register_with_unit("cloud_map_call", help, Unit::Seconds, self.call_seconds.clone());
        registry.register("writes", "Writes of ServiceEntries", self.writes.clone());
        registry.register_with_unit("write", "How long writes took", Unit::Seconds, self.write_seconds.clone());
        registry.register("ready", "1 once the first pass is complete", self.ready.clone());
        registry.register("entries", "ServiceEntries of this operator that exist", self.entries.clone());
        registry.register("entries_pending", "ServiceEntries that wait to be written or removed", self.pending.clone());
        registry.register("removals_refused", "Deletes and emptyings that the guard refuses", self.refused.clone());
        registry.register("namespaces", "Cloud Map namespaces that are known", self.namespaces.clone());
        registry.register("services", "Cloud Map services that are known", self.services.clone());
        registry.register("reads_failing", "Namespaces and services whose last read failed", self.failing.clone());
        registry.register("request_rate_limit", "Data-plane requests a second that the budget allows now", self.rate.clone());
        registry.register("diagnostics", "Diagnostics that hold now", self.diagnostics.clone());
    }

    /// A question was asked.
    pub fn read(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.calls.get_or_create(&Call { operation, outcome }).inc();
        self.call_seconds.get_or_create(&Operation { operation }).observe(took.as_secs_f64());
    }

    /// A write was tried.
    pub fn wrote(&self, action: &'static str, outcome: &'static str, took: Duration) {
        self.writes.get_or_create(&WriteOf { action, outcome }).inc();
        self.write_seconds.get_or_create(&Operation { operation: action }).observe(took.as_secs_f64());
    }

    /// The operator stands so.
    pub fn set(&self, status: &Status) {
        self.ready.set(i64::from(status.ready));
        self.entries.set(status.entries as u64);
        self.pending.set(status.pending as u64);
        self.refused.set(status.refused.as_ref().map_or(0, |refused| refused.removals.total()) as u64);
        for (source, of) in &status.sources {
            let label = OfSource { source: source.clone() };
            self.namespaces.get_or_create(&label).set(of.namespaces as u64);
            self.services.get_or_create(&label).set(of.services as u64);
            self.failing.get_or_create(&label).set(of.failing as u64);
            self.rate.get_or_create(&label).set(of.rate);
        }
        for code in Code::ALL {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::unwrap_used, reason = "a test")]
    fn what_is_counted_is_in_the_text_under_one_prefix() {
        let metrics = Metrics::default();
        metrics.read("DiscoverInstances", "ok", Duration::from_millis(3));
        metrics.set(&Status { ready: true, entries: 7, ..Status::default() });
        let text = metrics.text().unwrap();
        assert!(text.contains(r#"istio_cloud_map_cloud_map_calls_total{operation="DiscoverInstances",outcome="ok"} 1"#), "{text}");
        assert!(text.contains("istio_cloud_map_entries 7"), "{text}");
        assert!(text.contains(r#"istio_cloud_map_diagnostics{code="Conflict"} 0"#), "{text}");
    }
}
