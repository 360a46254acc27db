//! The SDK for Rust, as the operator uses it, understands the stand-in.

use std::time::Duration;

use aws_sdk_servicediscovery::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_servicediscovery::config::retry::RetryConfig;
use aws_sdk_servicediscovery::config::timeout::TimeoutConfig;
use aws_sdk_servicediscovery::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
};
use aws_sdk_servicediscovery::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_servicediscovery::types::{HealthStatusFilter, ServiceFilter, ServiceFilterName};
use aws_sdk_servicediscovery::{Client, Config};
use aws_smithy_runtime_api::client::endpoint::EndpointPrefix;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use istio_cloud_map_tests::cloud_map::{Fault, Operation, Service, StandIn};

use crate::Tested;

/// `data-127.0.0.1` does not resolve.
#[derive(Debug)]
struct NoPrefix;

#[dyn_dispatch_hint]
impl Intercept for NoPrefix {
    fn name(&self) -> &'static str {
        "NoPrefix"
    }

    fn read_after_serialization(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().unset::<EndpointPrefix>();
        Ok(())
    }
}

fn client(stand_in: &StandIn) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .credentials_provider(Credentials::new("AKIDSDK", "secret", None, None, "test"))
        .endpoint_url(stand_in.url())
        .interceptor(NoPrefix)
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(500)).build(),
        )
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(3)
                .with_initial_backoff(Duration::from_millis(1)),
        )
        .build();
    Client::from_conf(config)
}

fn stand_in() -> std::io::Result<StandIn> {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        let namespace = world.http_namespace("my-namespace");
        let web = world.add_service(namespace, Service::named("web").with_custom_health_check());
        (0..250).for_each(|index| {
            world.register(web, &format!("i-{index}"), [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
        });
        (0..150).for_each(|index| {
            world.service(namespace, &format!("other-{index}"));
        });
    });
    Ok(stand_in)
}

#[tokio::test]
async fn the_sdk_reads_every_page_and_an_exact_revision() -> Tested {
    let stand_in = stand_in()?;
    let client = client(&stand_in);
    let namespaces = client.list_namespaces().send().await?;
    let [namespace] = namespaces.namespaces() else { return Err(format!("{namespaces:?}").into()) };
    let id = namespace.id().unwrap_or_default();
    let filter =
        ServiceFilter::builder().name(ServiceFilterName::NamespaceId).values(id).build()?;
    let pages = client
        .list_services()
        .filters(filter)
        .into_paginator()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await?;
    assert_eq!(pages.iter().map(|page| page.services().len()).collect::<Vec<_>>(), [100, 51]);
    let discover = client.discover_instances().namespace_name("my-namespace").service_name("web");
    let found = discover.max_results(1000).health_status(HealthStatusFilter::All).send().await?;
    assert_eq!(found.instances().len(), 250);
    let revision = client
        .discover_instances_revision()
        .namespace_name("my-namespace")
        .service_name("web")
        .send()
        .await?;
    assert!(
        revision.instances_revision().is_some_and(|revision| revision > 1 << 53),
        "{revision:?}"
    );
    assert_eq!(found.instances_revision(), revision.instances_revision());
    assert_eq!(stand_in.access_keys(), ["AKIDSDK"]);
    Ok(())
}

#[tokio::test]
async fn the_sdk_tries_again_where_aws_would_have_it_try_again() -> Tested {
    for (fault, operation_is_tried_again) in [
        (Fault::Throttle, true),
        (Fault::InternalFailure, true),
        (Fault::Unavailable, true),
        (Fault::Reset, true),
        (Fault::Hang, true),
        (Fault::AccessDenied, false),
    ] {
        let stand_in = stand_in()?;
        stand_in.inject(fault.times(1));
        let listed = client(&stand_in).list_namespaces().send().await;
        assert_eq!(listed.is_ok(), operation_is_tried_again, "{fault:?}: {listed:?}");
        assert_eq!(
            stand_in.calls(Operation::ListNamespaces),
            if operation_is_tried_again { 2 } else { 1 },
            "{fault:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_sdk_tells_one_error_from_another() -> Tested {
    let stand_in = stand_in()?;
    let client = client(&stand_in);
    let unknown =
        client.discover_instances().namespace_name("none").service_name("web").send().await;
    let error = unknown.err().ok_or("an unknown namespace was found")?.into_service_error();
    assert!(error.is_namespace_not_found(), "{error:?}");
    for (fault, code) in [
        (Fault::Throttle, Some("RequestLimitExceeded")),
        (Fault::AccessDenied, Some("AccessDeniedException")),
        (Fault::ExpiredToken, Some("ExpiredTokenException")),
        (Fault::TornJson, None),
        (Fault::WrongJson, None),
    ] {
        let id = stand_in.inject(fault);
        let answer = client
            .discover_instances()
            .namespace_name("my-namespace")
            .service_name("web")
            .send()
            .await;
        stand_in.clear(id);
        assert_eq!(answer.err().ok_or("answered")?.code(), code, "{fault:?}");
    }
    Ok(())
}
