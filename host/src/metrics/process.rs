//! The process itself, under the names that all of Prometheus' clients use.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Linux reports times in these whatever its timer does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Read at each scrape. What the system does not report (without `/proc`) is left out.
#[derive(Debug)]
pub(super) struct Process {
    started: f64,
}

impl Default for Process {
    fn default() -> Self {
        Self { started: super::now() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help = "When the process started, since the epoch";
        add(
            &mut encoder,
            "process_start_time",
            help,
            Some(&Unit::Seconds),
            &ConstGauge::new(self.started),
        )?;
        if let Some(seconds) = cpu_seconds() {
            let help = "CPU time used, user and system";
            add(
                &mut encoder,
                "process_cpu",
                help,
                Some(&Unit::Seconds),
                &ConstCounter::new(seconds),
            )?;
        }
        if let Some(bytes) = resident_bytes() {
            add(
                &mut encoder,
                "process_resident_memory",
                "Memory that is resident",
                Some(&Unit::Bytes),
                &ConstGauge::new(bytes),
            )?;
        }
        if let Some(count) = open_fds() {
            add(
                &mut encoder,
                "process_open_fds",
                "File descriptors that are open",
                None,
                &ConstGauge::new(count),
            )?;
        }
        Ok(())
    }
}

fn add(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> Result<(), std::fmt::Error> {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name, which may hold anything. Behind it the state, and eleven on from
    // there the two times.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().ok());
    times.sum::<Option<f64>>().map(|ticks| ticks / TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

fn open_fds() -> Option<u64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    // One of them is the directory's own.
    u64::try_from(entries.count()).ok().map(|count| count.saturating_sub(1))
}
