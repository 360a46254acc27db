//! Connections, and the end of them.

use std::io;
use std::thread;
use std::time::Duration;

use istio_cloud_map_tests::cloud_map::{Fault, Operation, StandIn};
use serde_json::json;

use crate::{Tested, client::Client};

#[test]
fn a_connection_serves_many_calls() -> Tested {
    let stand_in = StandIn::start()?;
    let mut client = Client::of(&stand_in)?;
    for _ in 0..3 {
        client.call(Operation::ListNamespaces, &json!({}))?;
    }
    assert_eq!((stand_in.calls(Operation::ListNamespaces), stand_in.peak_concurrency()), (3, 1));
    stand_in.reset_calls();
    assert_eq!((stand_in.total_calls(), stand_in.peak_concurrency()), (0, 0));
    Ok(())
}

#[test]
fn a_refusal_waits_for_the_body_and_keeps_the_connection() -> Tested {
    let stand_in = StandIn::start()?;
    let mut client = Client::of(&stand_in)?.unsigned().slow();
    for operation in ["ListClusters", "ListServices", "ListClusters", "ListServices"] {
        assert_eq!(client.ask(operation, "{}")?.status, 400, "{operation}");
    }
    Ok(())
}

#[test]
fn calls_at_the_same_time_are_counted_as_such() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.inject(Fault::Latency(Duration::from_millis(200)));
    let answered = thread::scope(|scope| {
        let call = || Client::of(&stand_in)?.call(Operation::ListNamespaces, &json!({}));
        let calls = [(); 5].map(|()| scope.spawn(call));
        calls
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .filter(|call| matches!(call, Ok(Ok(_))))
            .count()
    });
    assert_eq!((answered, stand_in.peak_concurrency()), (5, 5));
    Ok(())
}

#[test]
fn its_end_closes_the_connections_that_hang_too() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.inject(Fault::Hang);
    let mut client = Client::of(&stand_in)?;
    let waiting = thread::spawn(move || {
        client.call(Operation::ListNamespaces, &json!({})).map_err(|error| error.kind())
    });
    while stand_in.calls(Operation::ListNamespaces) == 0 {
        thread::yield_now();
    }
    let address = stand_in.address();
    drop(stand_in);
    let Ok(ended) = waiting.join() else { return Err("the caller panicked".into()) };
    assert!(
        matches!(ended, Err(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)),
        "{ended:?}"
    );
    let refused = std::net::TcpStream::connect(address).map_err(|error| error.kind()).err();
    assert_eq!(refused, Some(io::ErrorKind::ConnectionRefused));
    Ok(())
}

#[test]
fn it_starts_again_at_its_address_with_its_world() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| world.http_namespace("my-namespace"));
    let address = stand_in.address();
    let world = stand_in.stop();
    let again = StandIn::start_at(address, world)?;
    let listed = Client::of(&again)?.call(Operation::ListNamespaces, &json!({}))?;
    assert_eq!(listed.pointer("/Namespaces/0/Name"), Some(&json!("my-namespace")));
    Ok(())
}
