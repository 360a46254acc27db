//! A gateway before the API server, as load balancers and overloaded servers are: it cuts watches
//! and sends writes away.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use kube::Client;
use tokio::task::JoinHandle;

use super::ApiServer;
use super::credentials::write_kubeconfig;

/// A running gateway. All that goes through it has all rights.
pub struct Gateway {
    kubeconfig: PathBuf,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    client: Client,
    cuts_watches: AtomicBool,
    watches: AtomicU64,
    /// Until when writes are sent away, and how long `Retry-After` asks to wait.
    busy: Mutex<Option<(Instant, Duration)>>,
    /// When each write came that was sent away.
    refused: Mutex<Vec<Instant>>,
}

impl Gateway {
    /// Starts one.
    pub async fn start(server: &ApiServer) -> Self {
        let shared = Arc::new(Shared {
            client: server.client().await,
            cuts_watches: AtomicBool::default(),
            watches: AtomicU64::default(),
            busy: Mutex::default(),
            refused: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let kubeconfig = write_kubeconfig(
            server.directory(),
            "gateway",
            &format!("http://{address}"),
            &serde_json::json!({}),
        );
        Self { kubeconfig, shared, task }
    }

    /// For who shall go through it.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Whether each watch is closed in good order after a second.
    pub fn cut_watches(&self, cut: bool) {
        self.shared.cuts_watches.store(cut, Ordering::Relaxed);
    }

    /// How many watches were asked for.
    #[must_use]
    pub fn watches(&self) -> u64 {
        self.shared.watches.load(Ordering::Relaxed)
    }

    /// Answers writes of entries with 429 and `Retry-After` for so long.
    pub fn refuse_writes(&self, lasting: Duration, retry_after: Duration) {
        *self.shared.busy.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now() + lasting, retry_after));
    }

    /// When each write came that was sent away.
    #[must_use]
    pub fn refused(&self) -> Vec<Instant> {
        self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn retry_after(&self, method: &Method) -> Option<Duration> {
        let busy = *self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, wait) = busy.filter(|_| *method != Method::GET)?;
        (Instant::now() < until).then_some(wait)
    }
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_of_entries = parts.uri.path().contains("/serviceentries");
    if let Some(wait) = shared.retry_after(&parts.method).filter(|_| is_of_entries) {
        shared.refused.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        let answer = Response::builder()
            .status(StatusCode::TOO_MANY_REQUESTS)
            .header(header::RETRY_AFTER, wait.as_secs());
        return answer.body(Body::from("busy")).expect("an answer");
    }
    let is_watch = parts.uri.query().is_some_and(|query| query.contains("watch=true"));
    parts.headers.remove(header::HOST);
    let body = to_bytes(body, 16 << 20).await.unwrap_or_default();
    let Ok(answer) = shared.client.send(http::Request::from_parts(parts, body.into())).await else {
        return Response::builder()
            .status(StatusCode::BAD_GATEWAY)
            .body(Body::empty())
            .expect("an answer");
    };
    let (mut parts, body) = answer.into_parts();
    // The body is passed on in pieces of its own.
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::TRANSFER_ENCODING);
    let body = Body::new(body).into_data_stream();
    if !is_watch {
        return Response::from_parts(parts, Body::from_stream(body));
    }
    shared.watches.fetch_add(1, Ordering::Relaxed);
    if !shared.cuts_watches.load(Ordering::Relaxed) {
        return Response::from_parts(parts, Body::from_stream(body));
    }
    Response::from_parts(
        parts,
        Body::from_stream(body.take_until(tokio::time::sleep(Duration::from_secs(1)))),
    )
}
