#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_servicediscovery::config::http::{HttpRequest, HttpResponse};
use aws_sdk_servicediscovery::config::{BehaviorVersion, Builder, Credentials, HttpClient};
use aws_sdk_servicediscovery::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use istio_cloud_map_core::cloud_map::{HttpProperties, Namespace, NamespaceProperties, Service};
use serde_json::Value;

use super::{AwsOptions, AwsSource};

mod calls;
mod connect;
mod failure;
mod limits;
mod role;

/// What the wire does with one request.
#[derive(Debug)]
enum Reply {
    Answer(u16, String),
    Broken,
    Silence,
}

/// A request as it would have left.
#[derive(Debug, Clone)]
struct Sent {
    host: String,
    operation: String,
    body: Value,
}

/// A wire that gives prepared replies in turn, and keeps what was sent. It is here and not the
/// SDK's own, since the features of that would have every AWS crate built twice.
#[derive(Debug, Clone, Default)]
struct Wire {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Wire {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: Arc::new(Mutex::new(replies.into_iter().collect())), sent: Arc::default() }
    }

    /// With the answers' bodies, all of status 200.
    fn ok<'a>(bodies: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(bodies.into_iter().map(|body| Reply::Answer(200, body.to_owned())))
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn source(&self, options: &AwsOptions) -> AwsSource {
        let builder = builder().http_client(self.clone());
        let builder = match &options.endpoint_url {
            Some(url) => builder.endpoint_url(url),
            None => builder,
        };
        AwsSource::with(builder, "us-west-2".to_owned(), options)
    }
}

fn builder() -> Builder {
    let credentials = Credentials::new(
        "AKIDEXAMPLE",
        "secret-key",
        Some("session-token".to_owned()),
        None,
        "test",
    );
    Builder::new().behavior_version(BehaviorVersion::latest()).credentials_provider(credentials)
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = request.uri().split('/').nth(2).unwrap_or_default().to_owned();
        let operation = request
            .headers()
            .get("x-amz-target")
            .unwrap_or_default()
            .replace("Route53AutoNaming_v20170314.", "");
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.sent.lock().unwrap().push(Sent { host, operation, body });
        match self.replies.lock().unwrap().pop_front() {
            Some(Reply::Answer(status, body)) => HttpConnectorFuture::ready(Ok(HttpResponse::new(
                status.try_into().unwrap(),
                body.into(),
            ))),
            Some(Reply::Broken) => HttpConnectorFuture::ready(Err(ConnectorError::io(
                "connection reset by peer".into(),
            ))),
            Some(Reply::Silence) => HttpConnectorFuture::new(std::future::pending()),
            None => panic!("one call more than expected"),
        }
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn options() -> AwsOptions {
    AwsOptions { call_timeout: Duration::from_millis(500), ..AwsOptions::default() }
}

/// Its `HttpName` is not its name.
fn own() -> Namespace {
    let http = HttpProperties { http_name: Some("my-namespace-7f3a".to_owned()) };
    Namespace {
        id: Some("ns-1".to_owned()),
        arn: Some("arn:aws:servicediscovery:us-west-2:111122223333:namespace/ns-1".to_owned()),
        name: "my-namespace".to_owned(),
        properties: Some(NamespaceProperties { http_properties: Some(http) }),
        ..Namespace::default()
    }
}

const SHARED_ARN: &str = "arn:aws:servicediscovery:us-west-2:444455556666:namespace/ns-9";

fn shared() -> Namespace {
    let (id, arn, owner) =
        (Some("ns-9".to_owned()), Some(SHARED_ARN.to_owned()), Some("444455556666".to_owned()));
    Namespace {
        id,
        arn,
        name: "theirs".to_owned(),
        resource_owner: owner,
        shared: true,
        ..Namespace::default()
    }
}

fn web() -> Service {
    let arn = Some("arn:aws:servicediscovery:us-west-2:111122223333:service/srv-1".to_owned());
    Service { id: Some("srv-1".to_owned()), arn, name: "web".to_owned(), ..Service::default() }
}
