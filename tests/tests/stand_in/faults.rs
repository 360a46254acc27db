//! Faults happen where they were switched on, as often as was said.

use std::io;
use std::time::{Duration, Instant};

use istio_cloud_map_tests::cloud_map::{ErrorKind, Fault, FaultRule, Operation, Outcome, StandIn};
use serde_json::{Value, json};

use crate::{Tested, client::Client};

fn stand_in() -> io::Result<StandIn> {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        for name in ["a", "b"] {
            let namespace = world.http_namespace(name);
            for service in ["web", "db"] {
                let service = world.service(namespace, service);
                world.register(service, "i-1", [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
            }
        }
    });
    Ok(stand_in)
}

fn discover(stand_in: &StandIn, namespace: &str, service: &str) -> io::Result<String> {
    let request = json!({"NamespaceName": namespace, "ServiceName": service});
    Client::of(stand_in)?
        .give_up_after(Duration::from_millis(200))?
        .refusal(Operation::DiscoverInstances, &request)
}

#[test]
fn each_error_has_its_type_and_status() -> Tested {
    let stand_in = stand_in()?;
    for (fault, operation, status, kind) in [
        (Fault::Throttle, Operation::DiscoverInstances, 400, ErrorKind::RequestLimitExceeded),
        (Fault::Throttle, Operation::ListServices, 400, ErrorKind::Throttling),
        (Fault::AccessDenied, Operation::ListServices, 400, ErrorKind::AccessDenied),
        (Fault::ExpiredToken, Operation::ListServices, 400, ErrorKind::ExpiredToken),
        (Fault::InternalFailure, Operation::ListServices, 500, ErrorKind::InternalFailure),
        (Fault::Unavailable, Operation::ListServices, 503, ErrorKind::ServiceUnavailable),
    ] {
        stand_in.reset_calls();
        let id = stand_in.inject(fault);
        let answer = Client::of(&stand_in)?
            .ask(operation.name(), r#"{"NamespaceName": "a", "ServiceName": "web"}"#)?;
        stand_in.clear(id);
        assert_eq!(answer.status, status, "{fault:?}");
        assert!(answer.text.contains(kind.name()), "{fault:?}: {}", answer.text);
        assert_eq!(stand_in.calls_ended(operation, Outcome::Refused(kind)), 1, "{fault:?}");
    }
    Ok(())
}

#[test]
fn a_broken_answer_is_broken_in_its_own_way() -> Tested {
    let stand_in = stand_in()?;
    let ask = |fault: Fault| {
        stand_in.clear_faults();
        stand_in.inject(fault);
        let mut client = Client::of(&stand_in)?.give_up_after(Duration::from_millis(200))?;
        client.ask("ListServices", "{}")
    };
    let torn = ask(Fault::TornJson)?;
    assert!(torn.status == 200 && serde_json::from_str::<Value>(&torn.text).is_err(), "{torn:?}");
    let wrong: Value = serde_json::from_str(&ask(Fault::WrongJson)?.text)?;
    assert!(wrong.get("Services").is_some_and(|services| !services.is_array()), "{wrong}");
    assert_eq!(ask(Fault::EmptyObject)?.text, "{}");
    let kind = |answer: io::Result<_>| answer.err().map(|error| error.kind());
    assert_eq!(kind(ask(Fault::CutBody)), Some(io::ErrorKind::UnexpectedEof));
    let reset = kind(ask(Fault::Reset));
    assert!(
        matches!(reset, Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)),
        "{reset:?}"
    );
    assert_eq!(kind(ask(Fault::Hang)), Some(io::ErrorKind::WouldBlock));
    assert_eq!(stand_in.calls_ended(Operation::ListServices, Outcome::Broken), 6);
    Ok(())
}

#[test]
fn a_fault_keeps_to_its_scope() -> Tested {
    let places = [("a", "web"), ("a", "db"), ("b", "web")];
    for (name, rule, struck) in [
        ("everything", FaultRule::from(Fault::AccessDenied), [true, true, true]),
        ("its operation", Fault::AccessDenied.on(Operation::DiscoverInstances), [true, true, true]),
        (
            "another operation",
            Fault::AccessDenied.on(Operation::ListServices),
            [false, false, false],
        ),
        ("a namespace", Fault::AccessDenied.in_namespace("a"), [true, true, false]),
        ("a service", Fault::AccessDenied.in_service("a", "web"), [true, false, false]),
        ("one call", Fault::AccessDenied.times(1), [true, false, false]),
        (
            "two calls in a namespace",
            Fault::AccessDenied.in_namespace("b").times(2),
            [false, false, true],
        ),
    ] {
        let stand_in = stand_in()?;
        stand_in.inject(rule);
        for ((namespace, service), is_struck) in places.into_iter().zip(struck) {
            let expected = if is_struck { "AccessDeniedException" } else { "none" };
            assert_eq!(
                discover(&stand_in, namespace, service)?,
                expected,
                "{name}: {namespace}/{service}"
            );
        }
        stand_in.clear_faults();
        assert_eq!(discover(&stand_in, "a", "web")?, "none", "{name}: cleared");
    }
    Ok(())
}

#[test]
fn a_fault_in_a_service_strikes_the_calls_that_name_it_by_id_as_well() -> Tested {
    let stand_in = stand_in()?;
    stand_in.inject(Fault::AccessDenied.in_service("a", "web"));
    let ids = stand_in.world(|world| {
        ["web", "db"].map(|service| {
            let key = world
                .namespace_named("a")
                .and_then(|namespace| world.service_named(namespace, service));
            key.map(|key| world.service_mut(key).id().to_owned())
        })
    });
    let mut client = Client::of(&stand_in)?;
    let answers =
        ids.map(|id| client.refusal(Operation::ListInstances, &json!({"ServiceId": id})).ok());
    assert_eq!(answers, [Some("AccessDeniedException".to_owned()), Some("none".to_owned())]);
    assert_eq!(stand_in.calls_about(Operation::ListInstances, "a", "web"), 1);
    Ok(())
}

#[test]
fn an_empty_page_comes_once_before_the_first_and_loses_nothing() -> Tested {
    let stand_in = stand_in()?;
    stand_in.inject(Fault::EmptyPage);
    let mut client = Client::of(&stand_in)?;
    let first = client.call(Operation::ListServices, &json!({}))?;
    assert_eq!(first.get("Services"), Some(&json!([])));
    let rest =
        client.call(Operation::ListServices, &json!({"NextToken": first.get("NextToken")}))?;
    assert_eq!(rest.get("Services").and_then(Value::as_array).map(Vec::len), Some(4));
    assert_eq!(rest.get("NextToken"), None);
    Ok(())
}

#[test]
fn latency_goes_together_with_another_fault() -> Tested {
    let stand_in = stand_in()?;
    stand_in.inject(Fault::Latency(Duration::from_millis(60)));
    stand_in.inject(Fault::Throttle);
    let start = Instant::now();
    assert_eq!(discover(&stand_in, "a", "web")?, "RequestLimitExceeded");
    assert!(start.elapsed() >= Duration::from_millis(60), "{:?}", start.elapsed());
    Ok(())
}
