//! Which services the page shows.

use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::operator::{EntryState, ServiceReport};

/// Services on one page.
const PAGE: usize = 250;

/// How much a service needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Fine,
    Warning,
    Error,
}

impl Level {
    pub(super) fn of(service: &ServiceReport) -> Self {
        let worst = service.diagnostics.iter().map(|diagnostic| diagnostic.severity).min();
        let state = service.entry.as_ref().map(|entry| entry.state);
        let waits = matches!(
            state,
            Some(EntryState::Backoff | EntryState::AwaitingGuard | EntryState::Waiting)
        );
        if worst == Some(Severity::Error) || state == Some(EntryState::Conflict) {
            Self::Error
        } else if worst == Some(Severity::Warning) || waits || service.failure.is_some() {
            Self::Warning
        } else {
            Self::Fine
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What the form of the page asks for.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// Words that a service must have, all of them.
    pub text: String,
    /// Only services that need a person.
    pub problems: bool,
    page: usize,
}

/// A page of services.
pub(super) struct Selection<'a> {
    pub services: Vec<(Level, &'a ServiceReport)>,
    /// How many there are on all pages.
    pub matching: usize,
    /// From 1.
    pub page: usize,
    pub pages: usize,
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "q" => value.trim().clone_into(&mut parsed.text),
                "problems" => parsed.problems = value == "1",
                "page" => parsed.page = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        parsed
    }

    /// The query of another page.
    pub(super) fn of_page(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new("?".to_owned());
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        if self.problems {
            query.append_pair("problems", "1");
        }
        query.append_pair("page", &page.to_string()).finish().replacen("?&", "?", 1)
    }

    /// Those that need a person come first.
    pub(super) fn select<'a>(&self, services: &'a [ServiceReport]) -> Selection<'a> {
        let text = self.text.to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut matching: Vec<(Level, &ServiceReport)> = services
            .iter()
            .map(|service| (Level::of(service), service))
            .filter(|(level, _)| !self.problems || *level > Level::Fine)
            .filter(|(_, service)| words.is_empty() || has_all(service, &words))
            .collect();
        matching.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        let pages = matching.len().div_ceil(PAGE).max(1);
        let page = self.page.clamp(1, pages);
        Selection {
            services: matching.iter().skip((page - 1) * PAGE).take(PAGE).copied().collect(),
            matching: matching.len(),
            page,
            pages,
        }
    }
}

fn has_all(service: &ServiceReport, words: &[&str]) -> bool {
    let mut text = format!("{} {} {}", service.name, service.namespace, service.source);
    for host in &service.hosts {
        text = text + " " + host;
    }
    if let Some(entry) = &service.entry {
        text = format!("{text} {} {}", entry.key, entry.state.as_str());
    }
    for diagnostic in &service.diagnostics {
        text = text + " " + diagnostic.code.as_str();
    }
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}
