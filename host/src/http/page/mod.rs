//! `/`: the status page. One HTML answer without any other file, that works without its script.
//!
//! Everything that it shows is escaped by the template, and the policy of its headers allows its
//! own style and script and nothing else.

mod query;
mod view;

use std::sync::LazyLock;

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use self::query::Query;
use super::Pages;
use super::status::NO_ANSWER;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

pub(super) async fn page(State(pages): State<Pages>, RawQuery(query): RawQuery) -> Response {
    let Some(report) = pages.reports.latest().await else { return NO_ANSWER.into_response() };
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let html = view::page(&report, &query).into_string();
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use istio_cloud_map_core::operator::{ServiceReport, StatusReport};

    use super::*;
    use crate::driver::Report;

    fn html(count: usize, name: &str, query: &str) -> String {
        let service = |n: usize| ServiceReport {
            source: "default".to_owned(),
            namespace: name.to_owned(),
            name: format!("{name}{n:05}"),
            hosts: vec![name.to_owned()],
            endpoints: Some(1),
            instances: None,
            changed_seconds_ago: None,
            failure: None,
            diagnostics: Vec::new(),
            entry: None,
        };
        let services = (0..count).map(service).collect();
        let status = StatusReport { services, ..StatusReport::default() };
        view::page(&Report::new(status, None, Vec::new()), &Query::parse(query)).into_string()
    }

    #[test]
    fn names_and_the_filter_are_escaped() {
        let html = html(3, "<script>alert(1)</script>\"'", "q=%22%3E%3Cscript%3Ealert(2)");
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(html.contains("&quot;&gt;&lt;script&gt;alert(2)"), "the filter is kept");
    }

    #[test]
    fn the_policy_allows_what_the_page_has_and_nothing_else() {
        let html = html(1, "web", "");
        let between = |open: &str, close: &str| {
            let text = html.split_once(open).and_then(|(_, rest)| rest.split_once(close));
            text.map(|(text, _)| BASE64_STANDARD.encode(Sha256::digest(text))).unwrap_or_default()
        };
        for hash in [between("<style>", "</style>"), between("<script>", "</script>")] {
            assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{hash} is not in {}", *POLICY);
        }
        assert!(
            !POLICY.contains("unsafe") && !html.contains("style=") && !html.contains("onclick")
        );
    }

    #[test]
    fn ten_thousand_services_are_pages_of_less_than_half_a_megabyte() {
        let first = html(10_000, "web", "");
        assert!(first.len() < 500_000, "{} bytes", first.len());
        assert!(first.contains("web00000") && !first.contains("web00250"));
        assert!(html(10_000, "web", "page=40").contains("web09999"));
        assert!(html(10_000, "web", "page=999999").contains("web09999"), "the last one");
        assert!(html(10_000, "web", "q=WEB0777+web").contains("web07779"));
    }
}
