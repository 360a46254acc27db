//! The page's HTML.

mod services;
mod sources;

use istio_cloud_map_core::diagnostic::OneLine;
use istio_cloud_map_core::operator::{EntryReport, EntryState, OutageReport, RefusedReport};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::services::{services, unclaimed};
use self::sources::sources;
use super::query::{Level, Query};
use super::{SCRIPT, STYLE};
use crate::driver::{Change, Report};

/// Changes on the page; the JSON has more.
const CHANGES: usize = 40;
/// Refused removals that are named.
const REMOVALS: usize = 20;
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%232563eb' stroke-width='3'/%3E%3C/svg%3E";

/// What the page says of the operator as a whole.
struct Verdict {
    level: Level,
    text: String,
}

pub(super) fn page(report: &Report, query: &Query) -> Markup {
    let status = &report.operator;
    let selection = query.select(&status.services);
    let problems =
        status.services.iter().filter(|service| Level::of(service) > Level::Fine).count();
    let verdict = verdict(report, problems);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "istio-cloud-map: " (verdict.text) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#services" { "Skip to the services" }
                header {
                    p .product { "istio-cloud-map" span { (report.version) } }
                    p .meta #meta { (meta(report)) }
                }
                main {
                    div #live-top {
                        h1 class=(verdict.level.class()) { (verdict.text) }
                        (numbers(report, problems))
                        @if let Some(refused) = &status.refused { (refused_removals(refused)) }
                        @for outage in &status.outages { (outage_note(outage)) }
                        (sources(report))
                    }
                    section #services aria-labelledby="services-title" {
                        div .bar {
                            h2 #services-title { "Services" }
                            form role="search" {
                                input #filter type="search" name="q" value=(query.text) maxlength="500"
                                    placeholder="Filter by name, host, state" aria-label="Filter services"
                                    autocomplete="off" spellcheck="false";
                                label { input type="checkbox" name="problems" value="1" checked[query.problems]; "Only problems" }
                                button { "Filter" }
                            }
                        }
                        div #live-services { (services(&selection, query)) }
                    }
                    div #live-changes {
                        (unclaimed(&status.unclaimed))
                        (changes(report))
                    }
                }
                footer {
                    a href="status.json" { "status.json" }
                    a href="metrics" { "metrics" }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn meta(report: &Report) -> Markup {
    let time = humantime::format_rfc3339_seconds(report.time).to_string();
    html! {
        @if let Some(replicas) = &report.replicas { span { "Replica " bdi { (replicas.identity) } } }
        span { "As of " time datetime=(time) { (time.replace('T', " ").replace('Z', " UTC")) } }
    }
}

fn verdict(report: &Report, problems: usize) -> Verdict {
    let status = &report.operator;
    let failing: usize = status.sources.iter().map(|source| source.failing).sum();
    let (level, text) = if let Some(refused) = &status.refused {
        let count = refused.deletes + refused.emptyings;
        (Level::Error, format!("{} refused", counted(count, "removal is", "removals are")))
    } else if !status.outages.is_empty() {
        (Level::Error, "Entries can\u{2019}t be written".to_owned())
    } else if !status.ready {
        (Level::Warning, "Cloud Map is being read for the first time".to_owned())
    } else if failing > 0 {
        (Level::Warning, format!("{} of Cloud Map", counted(failing, "read fails", "reads fail")))
    } else if problems > 0 {
        let needs = counted(problems, "service needs", "services need");
        (Level::Warning, format!("{needs} attention"))
    } else {
        (Level::Fine, "All entries are current".to_owned())
    };
    Verdict { level, text }
}

fn numbers(report: &Report, problems: usize) -> Markup {
    let services = &report.operator.services;
    let entries = || services.iter().filter_map(|service| service.entry.as_ref());
    let existing = entries().filter(|entry| entry.endpoints.is_some()).count();
    let endpoints: usize = entries().filter_map(|entry| entry.endpoints).sum();
    let pending = entries().chain(&report.operator.unclaimed).filter(|entry| is_pending(entry));
    let number = |count: usize, name: &str, level: Level| {
        html! { div class=(level.class()) { dt { (name) } dd { (grouped(count)) } } }
    };
    let marked = |count: usize, level: Level| if count > 0 { level } else { Level::Fine };
    let pending = pending.count();
    html! {
        dl .numbers {
            (number(services.len(), "Services", Level::Fine))
            (number(existing, "Entries", Level::Fine))
            (number(endpoints, "Endpoints", Level::Fine))
            (number(pending, "Pending", Level::Fine))
            (number(problems, "Need attention", marked(problems, Level::Warning)))
        }
    }
}

fn is_pending(entry: &EntryReport) -> bool {
    matches!(
        entry.state,
        EntryState::Due
            | EntryState::Writing
            | EntryState::Backoff
            | EntryState::Waiting
            | EntryState::AwaitingGuard
    )
}

fn refused_removals(refused: &RefusedReport) -> Markup {
    html! {
        section .note.error aria-label="Refused removals" {
            h2 { "Refused removals" }
            p {
                @if refused.deletes > 0 { (counted(refused.deletes, "entry", "entries")) " would be deleted. " }
                @if refused.emptyings > 0 { (counted(refused.emptyings, "entry", "entries")) " would lose all endpoints. " }
                "If that is wrong, put Cloud Map right: the refusal ends by itself. If it is right, confirm it:"
            }
            pre tabindex="0" { code { (refused.command) } }
            details #refused-removals {
                summary { "Show the entries" }
                ul .plain {
                    @for removal in refused.removals.iter().take(REMOVALS) {
                        li { bdi .mono { (removal.key) } }
                    }
                    @if refused.removals.len() > REMOVALS {
                        li .muted { "and " (grouped(refused.removals.len() - REMOVALS)) " more, in status.json" }
                    }
                }
            }
        }
    }
}

fn outage_note(outage: &OutageReport) -> Markup {
    html! {
        section .note.error aria-label="Outage" {
            h2 { "Held back: " (outage.affects) }
            p { bdi { (OneLine(&outage.message)) } }
            p .muted { "Tried again in " (duration(outage.retry_in_seconds)) }
        }
    }
}

fn changes(report: &Report) -> Markup {
    html! {
        section aria-labelledby="changes-title" {
            h2 #changes-title { "Recent changes" }
            @if report.changes.is_empty() { p .muted { "Nothing was written since the start." } }
            ol .changes {
                @for change in report.changes.iter().take(CHANGES) {
                    li class=(if change.error.is_some() { "error" } else { "fine" }) { (change_line(report, change)) }
                }
            }
        }
    }
}

fn change_line(report: &Report, change: &Change) -> Markup {
    let age = report.time.duration_since(change.time).unwrap_or_default().as_secs();
    let time = humantime::format_rfc3339_seconds(change.time).to_string();
    let action = match (change.action, change.error.is_some()) {
        ("create", false) => "created",
        ("update", false) => "updated",
        ("adopt", false) => "adopted",
        ("delete", false) => "deleted",
        ("reload", false) => "used the changed configuration",
        ("reload", true) => "did not use the changed configuration",
        (action, _) => action,
    };
    html! {
        time datetime=(time) title=(time) { (duration(age)) " ago" }
        div {
            @if change.pretended { "would have " }
            b { (action) } @if change.error.is_some() && change.action != "reload" { " failed" }
            @if change.times > 1 { " " (change.times) " times" }
            @if let Some(entry) = &change.entry { " " bdi .mono { (entry) } }
            @if let (Some(count), None) = (change.endpoints, &change.error) {
                span .muted { " " (counted(count, "endpoint", "endpoints")) }
            }
            @if !change.fields.is_empty() { span .muted { " \u{b7} " (change.fields.join(", ")) } }
            @if let Some(error) = &change.error { p .remark.error { bdi { (OneLine(error)) } } }
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// With a comma at each thousand.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}\u{a0}s"),
        120..7_200 => format!("{}\u{a0}min", seconds / 60),
        7_200..172_800 => format!("{}\u{a0}h", seconds / 3_600),
        _ => format!("{}\u{a0}d", seconds / 86_400),
    }
}
