//! How long the API server, or a balancer before it, asks to wait: the header `Retry-After`, which
//! the client's errors leave out.

use std::cell::Cell;
use std::time::Duration;

use hyper::{Response, StatusCode, header};

/// Longer than any server asks for in earnest.
const LONGEST: Duration = Duration::from_mins(5);

tokio::task_local! {
    /// Of the last answer within a call.
    static RETRY_AFTER: Cell<Option<Duration>>;
}

/// Makes a call, and sees what its answer asks for.
pub(super) async fn observed<T>(call: impl Future<Output = T>) -> (T, Option<Duration>) {
    let call = async {
        let result = call.await;
        (result, RETRY_AFTER.with(Cell::get))
    };
    RETRY_AFTER.scope(Cell::default(), call).await
}

/// Remembers the header of a refusal. To be called by the task that makes the call, wherever the
/// client sends it.
pub(super) fn remember<B>(response: Response<B>) -> Response<B> {
    if matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    {
        let seconds = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        // Discovery at the start is no call that is tried again.
        let _outside = RETRY_AFTER.try_with(|remembered| remembered.set(seconds.map(bounded)));
    }
    response
}

pub(super) fn bounded(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(LONGEST)
}
