//! The host of the data plane under an endpoint override.

use aws_sdk_servicediscovery::config::endpoint::Params;
use aws_sdk_servicediscovery::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_servicediscovery::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_servicediscovery::error::BoxError;
use aws_smithy_runtime_api::client::endpoint::{EndpointPrefix, EndpointResolverParams};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

/// Keeps the SDK from putting `data-` before the host that somebody chose, by option, environment
/// or profile: `data-127.0.0.1` does not resolve, and no more does `data-` before the name of a VPC
/// endpoint. The SDK has no switch for it.
#[derive(Debug)]
pub(super) struct NoPrefixUnderOverride;

#[dyn_dispatch_hint]
impl Intercept for NoPrefixUnderOverride {
    fn name(&self) -> &'static str {
        "NoPrefixUnderOverride"
    }

    fn read_after_serialization(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let params =
            config.load::<EndpointResolverParams>().and_then(EndpointResolverParams::get::<Params>);
        if params.is_some_and(|params| params.endpoint().is_some()) {
            config.interceptor_state().unset::<EndpointPrefix>();
        }
        Ok(())
    }
}
