//! The API server: discovery and lists of its own, all else by a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sink::kube::{ConnectError, KubeOptions, KubeSink};

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) content_type: String,
    pub(super) body: Value,
}

/// An answer of the script.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Json(u16, Value),
    /// A watch: lines, and then its end.
    Lines(Vec<Value>),
    /// A refusal that asks to come back after so many seconds.
    Later(u16, &'static str),
    Never,
}

#[derive(Clone)]
pub(super) struct Fake {
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<VecDeque<Answer>>>,
    versions: Arc<Vec<&'static str>>,
    url: String,
    directory: Arc<TempDir>,
}

impl Fake {
    pub(super) async fn start(
        versions: &[&'static str],
        script: impl IntoIterator<Item = Answer>,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            asked: Arc::default(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            versions: Arc::new(versions.to_vec()),
            url: format!("http://{}", listener.local_addr().unwrap()),
            directory: Arc::new(TempDir::new().unwrap()),
        };
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn options(&self) -> KubeOptions {
        self.options_with(&json!({"server": self.url}), &json!({}))
    }

    /// With a cluster and a user of a kubeconfig.
    pub(super) fn options_with(&self, cluster: &Value, user: &Value) -> KubeOptions {
        let path = self.directory.path().join("config");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "c", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        KubeOptions {
            kube_config: Some(path),
            namespaces: vec!["mesh".to_owned()],
            call_timeout: Duration::from_secs(2),
            ..KubeOptions::default()
        }
    }

    pub(super) async fn connect(&self) -> Result<KubeSink, ConnectError> {
        KubeSink::connect(self.options()).await
    }

    /// What was asked beyond discovery and the list at the start.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
    if let Some(answer) = discovery(&fake, &target) {
        return respond(200, answer.to_string());
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let content_type =
        parts.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
    fake.asked.lock().unwrap().push(Asked {
        method: parts.method.to_string(),
        target,
        content_type: content_type.unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let answer = fake.script.lock().unwrap().pop_front();
    match answer {
        Some(Answer::Json(code, value)) => respond(code, value.to_string()),
        Some(Answer::Lines(lines)) => {
            respond(200, lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n")
        }
        Some(Answer::Later(code, seconds)) => {
            let mut response = respond(code, status(code, "later").to_string());
            response.headers_mut().insert("retry-after", seconds.parse().unwrap());
            response
        }
        Some(Answer::Never) => std::future::pending().await,
        None => respond(503, status(503, "the script is over").to_string()),
    }
}

fn discovery(fake: &Fake, target: &str) -> Option<Value> {
    if target.contains("limit=1") && !target.contains("limit=10") {
        return Some(json!({"metadata": {"resourceVersion": "1"}, "items": []}));
    }
    let group = target.strip_prefix("/apis/networking.istio.io")?;
    if group.is_empty() && !fake.versions.is_empty() {
        let versions = fake
            .versions
            .iter()
            .map(|v| json!({"version": v, "groupVersion": format!("networking.istio.io/{v}")}));
        let preferred = json!({"version": "v1", "groupVersion": "networking.istio.io/v1"});
        return Some(
            json!({"name": "networking.istio.io", "versions": versions.collect::<Vec<_>>(), "preferredVersion": preferred}),
        );
    }
    let version = group.strip_prefix('/')?;
    fake.versions.contains(&version).then(|| {
        let kind = json!({"name": "serviceentries", "singularName": "", "namespaced": true, "kind": "ServiceEntry", "verbs": []});
        json!({"groupVersion": format!("networking.istio.io/{version}"), "resources": [kind]})
    })
}

fn respond(code: u16, body: String) -> Response {
    Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap()
}

pub(super) fn status(code: u16, message: &str) -> Value {
    let details = json!({"name": "cloudmap-web.shop", "kind": "serviceentries"});
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code, "reason": "", "details": details})
}

pub(super) fn fails(code: u16, message: &str) -> Answer {
    Answer::Json(code, status(code, message))
}
