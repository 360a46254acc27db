//! The sources, and who leads them.

use istio_cloud_map_core::diagnostic::OneLine;
use istio_cloud_map_core::operator::{BudgetReport, SourceReport};
use maud::{Markup, html};

use super::{counted, duration, grouped};
use crate::driver::Report;
use crate::http::page::query::Level;

pub(super) fn sources(report: &Report) -> Markup {
    let leader = |name: &str| {
        let replicas = report.replicas.as_ref()?;
        replicas.sources.iter().find(|led| led.name == name)
    };
    let read_here = &report.operator.sources;
    let elsewhere = report.replicas.iter().flat_map(|replicas| &replicas.sources);
    let elsewhere = elsewhere.filter(|led| read_here.iter().all(|here| here.name != led.name));
    html! {
        section aria-labelledby="sources-title" {
            h2 #sources-title { "Sources" }
            table .sources {
                thead { tr {
                    th scope="col" { "Source" }
                    th scope="col" { "State" }
                    th .number scope="col" { "Services" }
                    th .number scope="col" { "Listed" }
                    th .number scope="col" { "List calls/s" }
                    th .number scope="col" { "Read calls/s" }
                } }
                tbody {
                    @for source in read_here {
                        (source_row(source, leader(&source.name).is_some_and(|led| led.leads)))
                    }
                    @for led in elsewhere {
                        tr {
                            th scope="row" { bdi { (led.name) } }
                            td colspan="5" {
                                @match &led.leader {
                                    Some(leader) => { span .state { "Led by" } " " bdi .mono { (leader) } }
                                    None => { span .state.warning { "No leader" } }
                                }
                            }
                        }
                    }
                }
            }
            @if read_here.is_empty() && report.replicas.is_none() { p .muted { "No source is read yet." } }
        }
    }
}

fn source_row(source: &SourceReport, leads: bool) -> Markup {
    let (level, state) = match (source.complete, source.failing) {
        (_, 1..) => (Level::Warning, counted(source.failing, "read fails", "reads fail")),
        (false, 0) => (Level::Warning, "First pass".to_owned()),
        (true, 0) => (Level::Fine, "Complete".to_owned()),
    };
    html! {
        tr {
            th scope="row" {
                bdi { (OneLine(&source.name)) }
                @if let Some(region) = &source.region { " " span .muted { (region) } }
            }
            td data-label="State" {
                span .state.(level.class()) { (state) }
                @if leads { " " span .muted { "led by this replica" } }
                @for failure in &source.failures {
                    p .remark.warning {
                        b { bdi { (OneLine(&failure.of)) } } " for " (duration(failure.since_seconds_ago)) ": "
                        bdi { (OneLine(&failure.message)) }
                    }
                }
                @if source.failing > source.failures.len() {
                    p .remark.muted { "and " (grouped(source.failing - source.failures.len())) " more" }
                }
            }
            td .number data-label="Services" {
                (grouped(source.services))
                @if source.excluded > 0 { " " span .muted { "+ " (grouped(source.excluded)) " excluded" } }
            }
            td .number data-label="Listed" {
                @match source.listed_seconds_ago {
                    Some(age) => { (duration(age)) " ago" }
                    None => { span .muted { "never" } }
                }
            }
            (budget("List calls/s", source.control_plane))
            (budget("Read calls/s", source.data_plane))
        }
    }
}

fn budget(label: &str, budget: BudgetReport) -> Markup {
    let calls = |rate: u64| grouped(usize::try_from(rate).unwrap_or(usize::MAX));
    html! {
        td .number data-label=(label) {
            (calls(budget.rate))
            @if budget.rate < budget.limit { span .muted { " of " (calls(budget.limit)) } }
            @if budget.late_seconds > 5 { " " span .late { (duration(budget.late_seconds)) " late" } }
        }
    }
}
