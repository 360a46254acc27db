//! Probes and metrics.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use istio_cloud_map_core::operator::Status;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::run::Pulse;

/// What the pages are made of.
#[derive(Clone)]
struct Pages {
    metrics: Arc<Metrics>,
    pulse: Arc<Pulse>,
    status: watch::Receiver<Status>,
}

/// Listens, and serves until the process ends.
///
/// # Errors
/// Where the address can't be had.
pub async fn serve(listen: SocketAddr, metrics: Arc<Metrics>, pulse: Arc<Pulse>, status: watch::Receiver<Status>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await;
    let listener =
        listener.with_context(|| format!("can't listen on {listen} for probes and metrics; choose another address with --listen"))?;
    let address = listener.local_addr().unwrap_or(listen);
    tracing::info!("probes and metrics on http://{address}");
    let pages = Pages { metrics, pulse, status };
    let router = Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).route("/metrics", get(text)).with_state(pages);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!("probes and metrics are no longer served: {error}");
        }
    });
    Ok(())
}

async fn livez(State(pages): State<Pages>) -> Response {
    if pages.pulse.is_alive() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the operator's loop does not turn\n").into_response()
}

async fn readyz(State(pages): State<Pages>) -> Response {
    if pages.status.borrow().ready {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the first pass is not complete\n").into_response()
}

async fn text(State(pages): State<Pages>) -> Response {
    match pages.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
