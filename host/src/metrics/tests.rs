#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails panics")]

use std::time::Duration;

use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::operator::{SourceStatus, Status};
use openmetrics_parser::openmetrics::parse_openmetrics;

use super::{Metrics, WatchEnd};

/// Metrics that have a sample of each kind.
pub(crate) fn used() -> Metrics {
    let metrics = Metrics::default();
    metrics.read("DiscoverInstances", "ok", Duration::from_millis(3));
    metrics.read("DiscoverInstances", "throttled", Duration::from_millis(3));
    metrics.wrote("create", "forbidden", Duration::from_millis(30));
    metrics.watching("mesh", true);
    metrics.watch_ended("mesh", WatchEnd::Closed);
    metrics.leads("default", true);
    metrics.set(&status(true, 0));
    metrics
}

fn status(ready: bool, failing: usize) -> Status {
    let source = SourceStatus { complete: true, failing, ..SourceStatus::default() };
    Status {
        ready,
        entries: 7,
        sources: [("default".to_owned(), source)].into(),
        writes_held: true,
        ..Status::default()
    }
}

fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let text = metrics.text().unwrap();
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[test]
fn what_is_counted_is_in_the_text_under_one_prefix() {
    let metrics = used();
    for (series, expected) in [
        (r#"source_requests_total{operation="DiscoverInstances",outcome="throttled"}"#, 1.0),
        (r#"source_request_duration_seconds_count{operation="DiscoverInstances"}"#, 2.0),
        (r#"writes_total{operation="create",outcome="forbidden"}"#, 1.0),
        (r#"watch_connected{namespace="mesh"}"#, 1.0),
        (r#"watch_restarts_total{namespace="mesh",reason="closed"}"#, 1.0),
        ("entries", 7.0),
        ("writes_held", 1.0),
        (r#"diagnostics{code="Conflict"}"#, 0.0),
        (concat!(r#"build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#), 1.0),
    ] {
        let series = format!("istio_cloud_map_{series}");
        assert_eq!(
            value(&metrics, &series),
            Some(expected),
            "{series} in {}",
            metrics.text().unwrap()
        );
    }
}

#[test]
fn a_parser_of_others_reads_the_text() {
    let text = used().text().unwrap();
    let read = parse_openmetrics(&text).unwrap_or_else(|error| unreachable!("{error:?} in {text}"));
    assert!(read.families.len() > 20, "{:?}", read.families.keys());
}

#[test]
fn names_follow_prometheus_conventions() {
    let text = used().text().unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    for (name, kind) in types {
        assert!(name.starts_with("istio_cloud_map_") || name.starts_with("process_"), "{name}");
        assert!(
            !["_total", "_count", "_milliseconds", "_ms", "_kib"]
                .iter()
                .any(|suffix| name.ends_with(suffix)),
            "{name}"
        );
        if kind == "histogram" {
            assert!(name.ends_with("_duration_seconds"), "{name}");
        }
    }
}

#[test]
fn a_pass_is_complete_only_without_a_failed_read() {
    const PASS: &str = "istio_cloud_map_last_complete_pass_timestamp_seconds";
    let metrics = Metrics::default();
    for incomplete in [status(false, 0), status(true, 1)] {
        metrics.set(&incomplete);
        assert_eq!(value(&metrics, PASS), Some(0.0));
    }
    metrics.set(&status(true, 0));
    let at = value(&metrics, PASS).unwrap();
    assert!(super::now() - at < 60.0, "{at}");
    metrics.set(&status(true, 1));
    assert_eq!(value(&metrics, PASS), Some(at), "the last one is remembered");
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_is_measured_in_base_units() {
    let metrics = Metrics::default();
    let of = |series: &str| value(&metrics, series).expect(series);
    assert!(super::now() - of("process_start_time_seconds") < 60.0);
    assert!(of("process_cpu_seconds_total") < 3_600.0);
    assert!(of("process_resident_memory_bytes") > 1_000_000.0);
    assert!(of("process_open_fds") >= 3.0);
}

#[test]
fn a_lost_watch_is_a_diagnostic_whatever_the_operators_status_says() {
    let metrics = used();
    let series = r#"istio_cloud_map_diagnostics{code="WatchFailed"}"#;
    for (lost, expected) in [(true, 1.0), (true, 2.0), (false, 1.0), (false, 0.0)] {
        metrics.driver_diagnostic(Code::WatchFailed, lost);
        metrics.set(&status(true, 0));
        assert_eq!(value(&metrics, series), Some(expected));
    }
}
