//! Probes, metrics, and the status of the operator.
//!
//! Anyone who can reach the port may connect as often as they like: this module bounds what that
//! can cost.

mod page;
mod status;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use istio_cloud_map_core::operator::Status;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::driver::{Heartbeat, Reports, Telemetry};
use crate::metrics::Metrics;

/// A connection has one request, and this long for its headers and its answer together.
const LONGEST_CONNECTION: Duration = Duration::from_secs(5);
/// Beyond that the oldest is closed, so that a probe is answered however many are open.
const MOST_CONNECTIONS: usize = 64;
/// Of a request's line and headers together, in bytes.
const MOST_HEADERS: usize = 16 * 1024;
/// With no descriptor left, accepting fails at once, again and again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What the pages are made of.
#[derive(Clone)]
struct Pages {
    metrics: Arc<Metrics>,
    heartbeat: Arc<Heartbeat>,
    status: watch::Receiver<Status>,
    reports: Arc<Reports>,
}

/// Listens, and serves as a task of the set, which never ends by itself.
///
/// # Errors
/// Where the address can't be had.
pub async fn serve(listen: SocketAddr, telemetry: &Telemetry) -> anyhow::Result<JoinSet<()>> {
    let mut listener = TcpListener::bind(listen).await;
    if listener.is_err() && listen.ip() == Ipv6Addr::UNSPECIFIED {
        // Every address, on a node without IPv6.
        listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, listen.port())).await.or(listener);
    }
    let listener = listener.with_context(|| {
        format!(
            "can't listen on {listen} for probes, metrics and status; choose another address with --listen"
        )
    })?;
    let address = listener.local_addr().unwrap_or(listen);
    tracing::info!("probes, metrics and status on http://{address}");
    let pages = Pages {
        metrics: telemetry.metrics.clone(),
        heartbeat: telemetry.heartbeat.clone(),
        status: telemetry.status.subscribe(),
        reports: telemetry.reports.clone(),
    };
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(text))
        .route("/", get(page::page))
        .route("/status.json", get(status::json))
        .with_state(pages);
    let mut task = JoinSet::new();
    task.spawn(accept(listener, router));
    Ok(task)
}

async fn accept(listener: TcpListener, router: Router) {
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(MOST_HEADERS).max_header_size(MOST_HEADERS);
    let mut connections = JoinSet::new();
    let mut oldest_first = VecDeque::with_capacity(MOST_CONNECTIONS);
    let mut failing = false;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                if !failing {
                    tracing::warn!(
                        "probes, metrics and status can't be served at the moment: {error}"
                    );
                }
                failing = true;
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                continue;
            }
        };
        failing = false;
        while connections.try_join_next().is_some() {}
        oldest_first.retain(|connection: &tokio::task::AbortHandle| !connection.is_finished());
        if oldest_first.len() >= MOST_CONNECTIONS
            && let Some(oldest) = oldest_first.pop_front()
        {
            oldest.abort();
        }
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        // How it ends is the client's affair.
        oldest_first.push_back(
            connections
                .spawn(async { drop(tokio::time::timeout(LONGEST_CONNECTION, connection).await) }),
        );
    }
}

async fn livez(State(pages): State<Pages>) -> Response {
    if pages.heartbeat.is_alive() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the operator's loop does not turn\n").into_response()
}

async fn readyz(State(pages): State<Pages>) -> Response {
    if pages.status.borrow().ready {
        return "ok\n".into_response();
    }
    let sources = pages.status.borrow().incomplete().join(", ");
    let waits = if sources.is_empty() { sources } else { format!(" of: {sources}") };
    let message = format!("the first pass is not complete{waits}\n");
    (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
}

async fn text(State(pages): State<Pages>) -> Response {
    match pages.metrics.text() {
        Ok(text) => (
            [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
            text,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
