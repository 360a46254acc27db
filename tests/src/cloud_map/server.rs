//! From a request's bytes to an answer's, or to what a fault makes of it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use axum::{Router, http};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::answers::{Answer, answer, target};
use super::calls::{Calls, Operation, Outcome};
use super::faults::{Call, Fault, Switchboard};
use super::listing::empty_page;
use super::sts::{Sts, is_sts};
use super::wire::{ErrorKind, Refusal, Request, Wire};
use super::world::World;

/// More than any request of this service needs.
const LARGEST_BODY: usize = 1 << 20;

/// What the tests and the server's thread share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// By account.
    worlds: Mutex<BTreeMap<String, World>>,
    sts: Mutex<Sts>,
    faults: Mutex<Switchboard>,
    calls: Mutex<Calls>,
}

impl Shared {
    pub(super) fn new(world: World) -> Arc<Self> {
        let worlds = BTreeMap::from([(world.account.clone(), world)]);
        Arc::new(Self { worlds: Mutex::new(worlds), ..Self::default() })
    }

    /// Looks at the world of an account, or changes it; an account that is not known yet has an
    /// empty one.
    pub(super) fn world<Answer>(
        &self,
        account: &str,
        change: impl FnOnce(&mut World) -> Answer,
    ) -> Answer {
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        change(worlds.entry(account.to_owned()).or_insert_with(|| World::of_account(account)))
    }

    pub(super) fn sts(&self) -> MutexGuard<'_, Sts> {
        self.sts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Switchboard> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the bytes of an answer reach the caller.
enum Delivery {
    Whole(Answer),
    Refusal(Refusal),
    Torn(Answer),
    Cut(Answer),
    Wrong(Answer),
    Reset,
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    // Before any answer, the refusals too: a body that is left unread costs the connection.
    let body = to_bytes(body, LARGEST_BODY).await;
    if is_sts(&parts.headers) {
        let (status, xml) = shared.sts().answer(&parts.headers, &body.unwrap_or_default());
        let date = HeaderValue::try_from(shared.sts().date());
        let mut response = whole(Wire::Json, status, xml.into_bytes());
        let xml = HeaderValue::from_static("text/xml");
        response.headers_mut().insert(header::CONTENT_TYPE, xml);
        response.headers_mut().extend(date.ok().map(|date| (header::DATE, date)));
        return response;
    }
    let (wire, name) = Wire::from_request(&parts.uri, &parts.headers);
    let Some(operation) = Operation::named(name) else {
        return deliver(
            wire,
            Delivery::Refusal(Refusal::new(
                ErrorKind::UnknownOperation,
                format!("No operation {name:?}"),
            )),
        );
    };
    shared.calls().arrive(operation);
    let delivery = match read(&shared, wire, operation, &parts.headers, body) {
        Ok((account, request)) => act(&shared, &account, operation, &request).await,
        Err(refusal) => Delivery::Refusal(refusal),
    };
    shared.calls().end(operation, outcome(&delivery));
    deliver(wire, delivery)
}

fn read(
    shared: &Shared,
    wire: Wire,
    operation: Operation,
    headers: &HeaderMap,
    body: Result<Bytes, axum::Error>,
) -> Result<(String, Request), Refusal> {
    let body = body.map_err(|error| Refusal::new(ErrorKind::Serialization, error))?;
    let (access_key, _) = credential(headers).ok_or_else(|| {
        Refusal::new(ErrorKind::MissingAuthenticationToken, "Missing Authentication Token")
    })?;
    shared.calls().sign(access_key);
    let account = shared.sts().account(access_key)?;
    Ok((account, Request::parse(operation, wire.decode(&body)?)?))
}

/// The access key id and the region of a request signed by `SigV4`, whatever the signature.
pub(super) fn credential(headers: &HeaderMap) -> Option<(&str, &str)> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) =
        authorization.strip_prefix("AWS4-HMAC-SHA256")?.split_once("Credential=")?;
    let mut scope = credential.split('/');
    let access_key = scope.next().filter(|key| !key.is_empty())?;
    // Between them is the date.
    Some((access_key, scope.nth(1)?))
}

async fn act(shared: &Shared, account: &str, operation: Operation, request: &Request) -> Delivery {
    let target = shared.world(account, |world| target(world, operation, request));
    shared.calls().concern(operation, &target);
    let begins_listing = operation.empty_page().is_some() && request.text("NextToken").is_none();
    let (delay, fault) =
        shared.faults().strike(&Call { operation, target: &target, begins_listing });
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let refuse =
        |kind| Delivery::Refusal(Refusal::new(kind, "A fault that the test has switched on"));
    match fault {
        Some(Fault::Throttle) if operation.is_data_plane() => {
            refuse(ErrorKind::RequestLimitExceeded)
        }
        Some(Fault::Throttle) => refuse(ErrorKind::Throttling),
        Some(Fault::InternalFailure) => refuse(ErrorKind::InternalFailure),
        Some(Fault::Unavailable) => refuse(ErrorKind::ServiceUnavailable),
        Some(Fault::AccessDenied) => refuse(ErrorKind::AccessDenied),
        Some(Fault::ExpiredToken) => refuse(ErrorKind::ExpiredToken),
        Some(Fault::Reset) => Delivery::Reset,
        Some(Fault::WrongJson) => Delivery::Wrong(wrong().into()),
        Some(Fault::EmptyObject) => Delivery::Wrong(json!({}).into()),
        Some(Fault::Hang) => {
            shared.calls().end(operation, Outcome::Broken);
            std::future::pending().await
        }
        Some(Fault::EmptyPage) => empty_page(operation, request)
            .map_or(Delivery::Reset, |page| Delivery::Whole(page.into())),
        Some(Fault::TornJson) => answered(shared, account, operation, request, Delivery::Torn),
        Some(Fault::CutBody) => answered(shared, account, operation, request, Delivery::Cut),
        Some(Fault::Latency(_)) | None => {
            answered(shared, account, operation, request, Delivery::Whole)
        }
    }
}

fn answered(
    shared: &Shared,
    account: &str,
    operation: Operation,
    request: &Request,
    delivery: fn(Answer) -> Delivery,
) -> Delivery {
    match shared.world(account, |world| answer(world, operation, request)) {
        Ok(answer) => delivery(answer),
        Err(refusal) => Delivery::Refusal(refusal),
    }
}

/// No member has the type that any operation gives it.
fn wrong() -> Value {
    json!({
        "Namespaces": 7, "Services": {"web": 1}, "Instances": "none", "Status": [1], "Tags": "none", "NextToken": [],
        "InstancesRevision": "many", "Namespace": [], "Service": [], "Instance": [], "ServiceAttributes": [], "Operation": [],
        "OperationId": {},
    })
}

const fn outcome(delivery: &Delivery) -> Outcome {
    match delivery {
        Delivery::Whole(_) => Outcome::Answered,
        Delivery::Refusal(refusal) => Outcome::Refused(refusal.kind),
        Delivery::Torn(_) | Delivery::Cut(_) | Delivery::Wrong(_) | Delivery::Reset => {
            Outcome::Broken
        }
    }
}

fn deliver(wire: Wire, delivery: Delivery) -> Response {
    match delivery {
        Delivery::Whole(answer) | Delivery::Wrong(answer) => whole(wire, 200, wire.encode(&answer)),
        Delivery::Refusal(refusal) => {
            whole(wire, refusal.kind.status(), wire.encode(&refusal.body().into()))
        }
        Delivery::Torn(answer) => whole(wire, 200, first_half(wire, &answer).0),
        Delivery::Cut(answer) => {
            let (half, length) = first_half(wire, &answer);
            aborted(wire, Some(Bytes::from(half)), length)
        }
        Delivery::Reset => aborted(wire, None, 2),
    }
}

/// Half of the bytes, and how many there would have been.
fn first_half(wire: Wire, answer: &Answer) -> (Vec<u8>, usize) {
    let mut bytes = wire.encode(answer);
    let length = bytes.len();
    bytes.truncate(length / 2);
    (bytes, length)
}

fn whole(wire: Wire, status: u16, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    describe(wire, response)
}

/// A body that ends in an error, at which the server closes the connection. What was sent before
/// has to be flushed first, or it is lost.
fn aborted(wire: Wire, sent: Option<Bytes>, length: usize) -> Response {
    let abort = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::other("cut"))
    });
    let body = match sent {
        Some(bytes) => Body::from_stream(stream::iter([Ok(bytes)]).chain(abort)),
        None => Body::from_stream(stream::iter([Err::<Bytes, _>(io::Error::other("reset"))])),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    describe(wire, response)
}

fn describe(wire: Wire, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wire.content_type()));
    headers.insert(
        "x-amzn-requestid",
        HeaderValue::from_static("00000000-0000-4000-8000-000000000000"),
    );
    if wire == Wire::Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    response
}
