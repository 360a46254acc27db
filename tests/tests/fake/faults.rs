//! A fault happens where it was switched on, as often as was asked for.

use std::time::{Duration, Instant};

use aws_sdk_servicediscovery::error::ProvideErrorMetadata;
use aws_sdk_servicediscovery::types::HealthStatusFilter;
use istio_cloud_map_tests::cloud_map::{
    ErrorKind, FakeCloudMap, Fault, FaultRule, Operation, Outcome, Service,
};

use crate::{Tested, client, client_with_attempts, discover, fake_with};

#[tokio::test]
async fn the_sdk_reads_each_fault_as_its_error() -> Tested {
    let (fake, _) = fake_with(Service::named("web"), 3)?;
    let client = client(&fake);
    for (fault, data_plane, control_plane) in [
        (Fault::Throttle, Some("RequestLimitExceeded"), Some("ThrottlingException")),
        (Fault::AccessDenied, Some("AccessDeniedException"), Some("AccessDeniedException")),
        (Fault::ExpiredToken, Some("ExpiredTokenException"), Some("ExpiredTokenException")),
        (Fault::InternalFailure, Some("InternalFailure"), Some("InternalFailure")),
        (Fault::Unavailable, Some("ServiceUnavailable"), Some("ServiceUnavailable")),
        (Fault::Hang, None, None),
        (Fault::Reset, None, None),
        (Fault::CutBody, None, None),
        (Fault::TornJson, None, None),
        (Fault::WrongJson, None, None),
    ] {
        let id = fake.inject(fault);
        let found = discover(&client, HealthStatusFilter::All).await;
        assert_eq!(found.err().ok_or("answered")?.code(), data_plane, "{fault:?}");
        let listed = client.list_services().send().await;
        assert_eq!(listed.err().ok_or("answered")?.code(), control_plane, "{fault:?}");
        fake.clear(id);
        assert!(discover(&client, HealthStatusFilter::All).await.is_ok(), "{fault:?}: cleared");
    }
    assert_eq!(fake.calls_ended(Operation::ListServices, Outcome::Broken), 5);
    let refused = Outcome::Refused(ErrorKind::Throttling);
    assert_eq!(fake.calls_ended(Operation::ListServices, refused), 1);
    fake.inject(Fault::EmptyObject);
    assert_eq!(discover(&client, HealthStatusFilter::All).await?.instances(), []);
    Ok(())
}

#[tokio::test]
async fn the_sdk_tries_again_where_aws_would_have_it_try_again() -> Tested {
    for (fault, is_tried_again) in [
        (Fault::Throttle, true),
        (Fault::InternalFailure, true),
        (Fault::Unavailable, true),
        (Fault::Reset, true),
        (Fault::Hang, true),
        (Fault::AccessDenied, false),
    ] {
        let fake = FakeCloudMap::start()?;
        fake.inject(fault.times(1));
        let listed = client_with_attempts(&fake, 3).list_namespaces().send().await;
        assert_eq!(listed.is_ok(), is_tried_again, "{fault:?}: {listed:?}");
        let calls = if is_tried_again { 2 } else { 1 };
        assert_eq!(fake.calls(Operation::ListNamespaces), calls, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_fault_keeps_to_its_scope() -> Tested {
    let services = [("a", "web"), ("a", "db"), ("b", "web")];
    let denied = Fault::AccessDenied;
    for (name, rule, is_denied) in [
        ("everything", FaultRule::from(denied), [true, true, true]),
        ("its operation", denied.on(Operation::DiscoverInstances), [true, true, true]),
        ("another operation", denied.on(Operation::ListServices), [false, false, false]),
        ("a namespace", denied.in_namespace("a"), [true, true, false]),
        ("a service", denied.in_service("a", "web"), [true, false, false]),
        ("one call", denied.times(1), [true, false, false]),
        ("two calls in a namespace", denied.in_namespace("b").times(2), [false, false, true]),
    ] {
        let fake = FakeCloudMap::start()?;
        let ids = fake.world(|world| {
            let (a, b) = (world.http_namespace("a"), world.http_namespace("b"));
            [(a, "web"), (a, "db"), (b, "web")].map(|(namespace, service)| {
                let key = world.service(namespace, service);
                world.service_mut(key).id().to_owned()
            })
        });
        let rule = fake.inject(rule);
        let client = client(&fake);
        for ((namespace, service), is_denied) in services.into_iter().zip(is_denied) {
            let call = client.discover_instances().namespace_name(namespace).service_name(service);
            assert_eq!(call.send().await.is_err(), is_denied, "{name}: {namespace}/{service}");
        }
        if name == "a service" {
            for (id, is_denied) in ids.iter().zip(is_denied) {
                let listed = client.list_instances().service_id(id).send().await;
                assert_eq!(listed.is_err(), is_denied, "{name}: by id");
            }
            assert_eq!(fake.calls_about(Operation::ListInstances, "a", "web"), 1);
        }
        fake.clear(rule);
        let call = client.discover_instances().namespace_name("a").service_name("web");
        assert!(call.send().await.is_ok(), "{name}: cleared");
    }
    Ok(())
}

#[tokio::test]
async fn a_limit_is_a_token_bucket_that_fills_up_again() -> Tested {
    let (fake, _) = fake_with(Service::named("web"), 1)?;
    fake.limit(Operation::DiscoverInstances, 20.0, 3.0);
    let client = client(&fake);
    let answered = async |calls: usize| {
        let mut answered = 0;
        for _ in 0..calls {
            answered += usize::from(discover(&client, HealthStatusFilter::All).await.is_ok());
        }
        answered
    };
    let start = Instant::now();
    let first = answered(10).await;
    let filled = usize::try_from(start.elapsed().as_millis() / 50)? + 1;
    assert!((3..=3 + filled).contains(&first), "{first} in {:?}", start.elapsed());
    let throttled = Outcome::Refused(ErrorKind::RequestLimitExceeded);
    assert_eq!(fake.calls_ended(Operation::DiscoverInstances, throttled), 10 - first as u64);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(answered(2).await == 2, "the bucket has filled up");
    assert!(client.list_namespaces().send().await.is_ok(), "another operation has no limit");
    Ok(())
}

#[tokio::test]
async fn an_empty_page_comes_once_before_the_first_and_loses_nothing() -> Tested {
    let (fake, _) = fake_with(Service::named("web"), 1)?;
    fake.inject(Fault::EmptyPage);
    let pages = client(&fake).list_services().into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await?;
    assert_eq!(pages.iter().map(|page| page.services().len()).collect::<Vec<_>>(), [0, 1]);
    Ok(())
}

#[tokio::test]
async fn latency_adds_to_another_fault() -> Tested {
    let (fake, _) = fake_with(Service::named("web"), 1)?;
    fake.inject(Fault::Latency(Duration::from_millis(60)));
    fake.inject(Fault::Throttle);
    let start = Instant::now();
    let found = discover(&client(&fake), HealthStatusFilter::All).await;
    assert_eq!(found.err().ok_or("answered")?.code(), Some("RequestLimitExceeded"));
    assert!(start.elapsed() >= Duration::from_millis(60), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn dropping_it_closes_the_connections_that_hang_too() -> Tested {
    let (fake, _) = fake_with(Service::named("web"), 1)?;
    fake.inject(Fault::Hang);
    let client = client(&fake);
    let start = Instant::now();
    let waiting =
        tokio::spawn(async move { discover(&client, HealthStatusFilter::All).await.is_err() });
    while fake.calls(Operation::DiscoverInstances) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let address = fake.address();
    drop(fake);
    assert!(waiting.await?);
    assert!(start.elapsed() < Duration::from_millis(450), "before the SDK's own time-out");
    assert!(std::net::TcpStream::connect(address).is_err());
    Ok(())
}
