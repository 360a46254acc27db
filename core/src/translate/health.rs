//! Which providers are used, by their health and readiness.

use super::options::HealthMode;
use super::provider::Provider;
use super::report::Report;
use crate::cloud_map::{Health, Record};
use crate::diagnostic::{Code, Severity};

/// The providers that are used, and those that are not.
pub(super) struct Sorted<'a> {
    pub(super) used: Vec<Provider<'a>>,
    pub(super) left_out: Vec<Provider<'a>>,
}

/// Sorts providers by their health. What is left out is one line with its count.
pub(super) fn sort<'a>(
    providers: Vec<Provider<'a>>,
    mode: HealthMode,
    record: &Record,
    report: &mut Report,
) -> Sorted<'a> {
    let healthy = |p: &Provider<'_>| p.instance.health_status != Health::Unhealthy;
    let ready = providers.iter().filter(|p| !p.says.known.not_ready);
    let (total, ready, healthy_ones) =
        (providers.len(), ready.clone().count(), ready.filter(|p| healthy(p)).count());
    let all =
        mode == HealthMode::All || (mode == HealthMode::HealthyOrElseAll && healthy_ones == 0);
    let (unhealthy, not_ready) = (if all { 0 } else { ready - healthy_ones }, total - ready);
    if all && mode != HealthMode::All && ready > 0 {
        let message = format!("none of {ready} instances is healthy, so all are used");
        report.service(record, Severity::Warning, Code::NoneHealthy, message);
    }
    let why = match (unhealthy, not_ready) {
        (0, 0) => return Sorted { used: providers, left_out: Vec::new() },
        (_, 0) => "unhealthy".to_owned(),
        (0, _) => "not ready".to_owned(),
        (unhealthy, not_ready) => format!("{unhealthy} unhealthy, {not_ready} not ready"),
    };
    let message = format!("{} of {total} instances are left out: {why}", unhealthy + not_ready);
    report.service(record, Severity::Info, Code::Unhealthy, message);
    let (used, left_out) =
        providers.into_iter().partition(|p| !p.says.known.not_ready && (all || healthy(p)));
    Sorted { used, left_out }
}
