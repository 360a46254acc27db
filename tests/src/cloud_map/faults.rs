//! What can be made to go wrong, where, and how often.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::answers::Target;
use super::calls::Operation;

/// A way in which a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `RequestLimitExceeded` from the data plane, `ThrottlingException` from the control plane.
    Throttle,
    /// HTTP 500, `InternalFailure`.
    InternalFailure,
    /// HTTP 503, `ServiceUnavailable`.
    Unavailable,
    /// `AccessDeniedException`.
    AccessDenied,
    /// `ExpiredTokenException`.
    ExpiredToken,
    /// No answer, ever; the connection stays open.
    Hang,
    /// The connection closes without an answer.
    Reset,
    /// The connection closes in the middle of the body.
    CutBody,
    /// Half of the body, with a Content-Length for that half.
    TornJson,
    /// Well-formed, and every member of another type than the model's.
    WrongJson,
    /// Well-formed, and nothing in it.
    EmptyObject,
    /// An empty page with a token before the first page of a listing; nothing for operations
    /// without pages.
    EmptyPage,
    /// The answer comes that much later. Goes together with any other fault.
    Latency(Duration),
}

impl Fault {
    /// In one operation alone.
    #[must_use]
    pub fn on(self, operation: Operation) -> FaultRule {
        FaultRule::from(self).on(operation)
    }

    /// In one namespace alone.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> FaultRule {
        FaultRule::from(self).in_namespace(namespace)
    }

    /// In one service alone.
    #[must_use]
    pub fn in_service(self, namespace: &str, service: &str) -> FaultRule {
        FaultRule::from(self).in_service(namespace, service)
    }

    /// For that many calls.
    #[must_use]
    pub fn times(self, calls: u64) -> FaultRule {
        FaultRule::from(self).times(calls)
    }
}

/// A fault with its scope: by default everything, until it is cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    fault: Fault,
    operation: Option<Operation>,
    namespace: Option<String>,
    service: Option<String>,
    left: Option<u64>,
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self { fault, operation: None, namespace: None, service: None, left: None }
    }
}

impl FaultRule {
    /// In one operation alone.
    #[must_use]
    pub fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// In calls about one namespace or what is in it, by name, `HttpName`, id or ARN.
    #[must_use]
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// In calls about one service, by name, id or ARN.
    #[must_use]
    pub fn in_service(mut self, namespace: &str, service: &str) -> Self {
        self.service = Some(service.to_owned());
        self.in_namespace(namespace)
    }

    /// For that many calls.
    #[must_use]
    pub fn times(mut self, calls: u64) -> Self {
        self.left = Some(calls);
        self
    }

    fn concerns(&self, call: &Call<'_>) -> bool {
        let is_named = |wanted: &Option<String>, names: &[String]| {
            wanted.as_ref().is_none_or(|name| names.contains(name))
        };
        self.left != Some(0)
            && self.operation.is_none_or(|operation| operation == call.operation)
            && is_named(&self.namespace, &call.target.namespace)
            && is_named(&self.service, &call.target.service)
            && (self.fault != Fault::EmptyPage || call.begins_listing)
    }
}

/// A rule that was switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(u64);

/// A call, as far as faults ask.
#[derive(Debug)]
pub(super) struct Call<'call> {
    pub(super) operation: Operation,
    pub(super) target: &'call Target,
    /// Whether it asks for the first page of something that has pages.
    pub(super) begins_listing: bool,
}

/// A token bucket as AWS's: calls beyond it are throttled.
#[derive(Debug)]
struct Quota {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Quota {
    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.tokens =
            (self.tokens + self.per_second * (now - self.at).as_secs_f64()).min(self.burst);
        self.at = now;
        let is_within = self.tokens >= 1.0;
        if is_within {
            self.tokens -= 1.0;
        }
        is_within
    }
}

/// The rules that are switched on, in the order of their switching, and the quotas.
#[derive(Debug, Default)]
pub(super) struct Switchboard {
    rules: Vec<(FaultId, FaultRule)>,
    ids: u64,
    quotas: BTreeMap<Operation, Quota>,
}

impl Switchboard {
    pub(super) fn inject(&mut self, rule: FaultRule) -> FaultId {
        self.ids += 1;
        self.rules.push((FaultId(self.ids), rule));
        FaultId(self.ids)
    }

    pub(super) fn limit(&mut self, operation: Operation, per_second: f64, burst: f64) {
        self.quotas
            .insert(operation, Quota { per_second, burst, tokens: burst, at: Instant::now() });
    }

    pub(super) fn clear(&mut self, id: FaultId) {
        self.rules.retain(|(other, _)| *other != id);
    }

    /// What happens to a call: all latencies together, and the first other fault. Only what happens
    /// is used up.
    pub(super) fn strike(&mut self, call: &Call<'_>) -> (Duration, Option<Fault>) {
        let mut delay = Duration::ZERO;
        let is_within = self.quotas.get_mut(&call.operation).is_none_or(Quota::take);
        let mut struck = (!is_within).then_some(Fault::Throttle);
        for (_, rule) in self.rules.iter_mut().filter(|(_, rule)| rule.concerns(call)) {
            match rule.fault {
                Fault::Latency(more) => delay += more,
                _ if struck.is_some() => continue,
                fault => struck = Some(fault),
            }
            rule.left = rule.left.map(|left| left - 1);
        }
        (delay, struck)
    }
}
