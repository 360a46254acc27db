use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use istio_cloud_map_core::operator::ReadFailure;

use super::{Reply, Wire, builder, options, own, web};
use crate::source::Source;
use crate::source::aws::AwsSource;

#[tokio::test]
async fn a_call_that_is_never_answered_ends() {
    let wire = Wire::new([Reply::Silence]);
    let started = Instant::now();
    let error = wire.source(&options()).revision(&own(), &web()).await.unwrap_err();
    assert_eq!(error.failure, ReadFailure::TimedOut, "{error}");
    assert!(started.elapsed() < Duration::from_secs(3) && wire.sent().len() == 1);
}

/// Serves one request over real sockets: reads it, writes the head, and then a byte each 20 ms.
fn serve(head: String, trickle: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 8192]).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // The client may close the connection.
        let _ = trickle.bytes().try_for_each(|byte| {
            std::thread::sleep(Duration::from_millis(20));
            stream.write_all(&[byte])
        });
    });
    url
}

/// The URL of a server that answers one request.
pub(super) fn answering_with(status: &str, body: &str) -> String {
    serve(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()), "")
}

pub(super) fn answering(body: &str) -> String {
    answering_with("200 OK", body)
}

fn at(url: &str) -> AwsSource {
    AwsSource::with(builder().endpoint_url(url), "us-west-2".to_owned(), &options())
}

/// More is promised than comes.
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";

#[tokio::test]
async fn an_answer_that_trickles_ends() {
    const SPACES: &str = "                                                                                                    ";
    let started = Instant::now();
    let source = at(&serve(HEAD.to_owned(), SPACES));
    let error = source.instances(&own(), &web()).await.unwrap_err();
    assert_eq!(error.failure, ReadFailure::TimedOut, "{error}");
    assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_a_failure() {
    let source = at(&serve(format!("{HEAD}{{\"Instances\": []}}"), ""));
    let error = source.instances(&own(), &web()).await.unwrap_err();
    assert!(matches!(error.failure, ReadFailure::Unreachable | ReadFailure::Malformed), "{error}");
}

#[tokio::test]
async fn an_override_is_reached_over_real_sockets() {
    let source = at(&answering(r#"{"InstancesRevision": 42}"#));
    assert_eq!(source.revision(&own(), &web()).await.unwrap(), 42);
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = at(&url).instances(&own(), &web()).await.unwrap_err();
    assert_eq!(error.failure, ReadFailure::Unreachable, "{error}");
}
