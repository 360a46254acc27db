//! The services with their entries, and the entries without a service.

use istio_cloud_map_core::diagnostic::{Diagnostic, OneLine, Severity};
use istio_cloud_map_core::operator::{EntryReport, EntryState, InstanceCounts, ServiceReport};
use maud::{Markup, html};

use super::{REMOVALS, counted, duration};
use crate::http::page::query::{Level, Query, Selection};

/// Diagnostics of a service that are shown; the JSON has all.
const DIAGNOSTICS: usize = 4;

pub(super) fn services(selection: &Selection<'_>, query: &Query) -> Markup {
    html! {
        p .count role="status" {
            (counted(selection.matching, "service", "services"))
            @if !query.text.is_empty() { " match" @if selection.matching == 1 { "es" } " the filter" }
            @if selection.pages > 1 { ", page " (selection.page) " of " (selection.pages) }
        }
        @if !selection.services.is_empty() {
            table .services {
                thead { tr {
                    th scope="col" { "Service" }
                    th scope="col" { "Host" }
                    th .number scope="col" { "Endpoints" }
                    th scope="col" { "Entry" }
                } }
                tbody { @for (level, service) in &selection.services { (service_row(*level, service)) } }
            }
        }
        @if selection.pages > 1 {
            nav aria-label="Pages of services" {
                @if selection.page > 1 { a rel="prev" href=(query.of_page(selection.page - 1)) { "Previous" } }
                @if selection.page < selection.pages { a rel="next" href=(query.of_page(selection.page + 1)) { "Next" } }
            }
        }
    }
}

fn service_row(level: Level, service: &ServiceReport) -> Markup {
    html! {
        tr {
            th scope="row" {
                bdi { (OneLine(&service.name)) }
                span .muted.under { bdi { (OneLine(&service.namespace)) } @if service.source != "default" { " \u{b7} " bdi { (OneLine(&service.source)) } } }
            }
            td data-label="Host" {
                @match service.hosts.first() {
                    Some(host) => { bdi .mono { (OneLine(host)) } }
                    None => { span .muted { "none" } }
                }
                @if service.hosts.len() > 1 { " " span .muted { "+" (service.hosts.len() - 1) } }
                @if let Some(entry) = &service.entry { span .muted.under { bdi { (entry.key) } } }
            }
            td .number data-label="Endpoints" {
                span {
                    (endpoints(service))
                    @if let Some(counts) = &service.instances { (health(*counts)) }
                }
            }
            td data-label="Entry" {
                @match &service.entry {
                    Some(entry) => { (state(level, entry)) }
                    None => { span .state.(level.class()) { "none" } }
                }
                @if let Some(failure) = &service.failure {
                    p .remark.warning { b { "Not read for " (duration(failure.since_seconds_ago)) } ": " bdi { (OneLine(&failure.message)) } }
                }
                @for diagnostic in service.diagnostics.iter().take(DIAGNOSTICS) { (remark(diagnostic)) }
                @if service.diagnostics.len() > DIAGNOSTICS {
                    p .remark.muted { "and " (service.diagnostics.len() - DIAGNOSTICS) " more, in status.json" }
                }
            }
        }
    }
}

fn endpoints(service: &ServiceReport) -> Markup {
    let current = service.entry.as_ref().and_then(|entry| entry.endpoints);
    html! {
        @match (current, service.endpoints) {
            (Some(current), Some(desired)) if current != desired => {
                span .muted { (current) " \u{2192} " } (desired)
            }
            (Some(count), _) | (None, Some(count)) => { (count) }
            (None, None) => { span .muted title="not known" { "\u{2013}" } }
        }
    }
}

/// What the health checks of a service's instances say, if it has such.
fn health(counts: InstanceCounts) -> Markup {
    let InstanceCounts { total, healthy, unhealthy } = counts;
    html! {
        @if unhealthy > 0 {
            span .under.warning { (unhealthy) " of " (total) " unhealthy" }
        } @else if healthy > 0 {
            span .under.muted { (healthy) " of " (total) " healthy" }
        }
    }
}

fn state(level: Level, entry: &EntryReport) -> Markup {
    let name = match entry.state {
        EntryState::Settled => "settled",
        EntryState::Absent => "none",
        EntryState::Unread => "not read yet",
        EntryState::Due => "due",
        EntryState::Writing => "writing",
        EntryState::Backoff => "backing off",
        EntryState::Waiting => "waiting",
        EntryState::AwaitingGuard => "awaiting the guard",
        EntryState::Conflict => "conflict",
    };
    html! {
        span .state.(level.class()) { (name) }
        @if let Some(seconds) = entry.retry_in_seconds { " " span .muted { "again in " (duration(seconds)) } }
        @if let Some(reason) = &entry.reason { p .remark { bdi { (OneLine(reason)) } } }
    }
}

fn remark(diagnostic: &Diagnostic) -> Markup {
    let class = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "muted",
    };
    html! {
        p .remark.(class) {
            b { (diagnostic.code.as_str()) }
            @if let Some(instance) = &diagnostic.instance { " " bdi { (OneLine(instance)) } }
            ": " bdi { (OneLine(&diagnostic.message)) }
        }
    }
}

pub(super) fn unclaimed(entries: &[EntryReport]) -> Markup {
    html! {
        @if !entries.is_empty() {
            section aria-labelledby="unclaimed-title" {
                h2 #unclaimed-title { "Entries without a service" }
                p .count { (counted(entries.len(), "entry is", "entries are")) " to be deleted" }
                table .services {
                    thead { tr {
                        th scope="col" { "Entry" } th .number scope="col" { "Endpoints" } th scope="col" { "State" }
                    } }
                    tbody {
                        @for entry in entries.iter().take(REMOVALS) {
                            tr {
                                th scope="row" { bdi { (entry.key) } }
                                td .number data-label="Endpoints" { (entry.endpoints.unwrap_or_default()) }
                                td data-label="State" {
                                    (state(Level::Warning, entry))
                                    @for diagnostic in &entry.diagnostics { (remark(diagnostic)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
