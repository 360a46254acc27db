//! `/status.json`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Pages;

/// What is answered where the loop does not.
pub(super) const NO_ANSWER: (StatusCode, &str) =
    (StatusCode::SERVICE_UNAVAILABLE, "the operator's loop does not answer\n");

pub(super) async fn json(State(pages): State<Pages>) -> Response {
    let Some(report) = pages.reports.latest().await else { return NO_ANSWER.into_response() };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, report.json()).into_response()
}
