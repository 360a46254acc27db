//! Clients of the port for probes and metrics can't disturb the operator.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// `serve` from a file into a directory.
struct Serve {
    process: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Serve {
    fn start() -> Self {
        Self::of_sources("- {name: default, file: snapshot.json}")
    }

    fn of_sources(sources: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::create_dir(directory.path().join("entries")).unwrap();
        let snapshot = directory.path().join("snapshot.json");
        register(&snapshot, "10.0.0.1");
        fs::write(directory.path().join("config.yaml"), format!("sources:\n{sources}\n")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"))
            .args(["serve", "--listen", "127.0.0.1:0", "--interval", "200ms"])
            .args(["--config", "config.yaml"])
            .current_dir(directory.path())
            .arg(format!("--to=dir:{}", directory.path().join("entries").display()))
            .env_clear()
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = log.find_map(|line| {
            line.rsplit_once("http://").map(|(_, address)| address.parse().unwrap())
        });
        // Read to its end, so that it never blocks the process.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, address: address.expect("it logs where it listens"), directory }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        // It may be answered, and closed, before its end.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    fn page(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn writes_within(&self, text: &str, longest: Duration) -> bool {
        let entry = self.directory.path().join("entries/cloudmap-web.shop.yaml");
        eventually(longest, || fs::read_to_string(&entry).is_ok_and(|entry| entry.contains(text)))
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn register(snapshot: &Path, address: &str) {
    let instance =
        format!(r#"{{"InstanceId": "i", "Attributes": {{"AWS_INSTANCE_IPV4": "{address}"}}}}"#);
    let service = r#""namespace": {"Name": "shop"}, "service": {"Name": "web"}"#;
    fs::write(snapshot, format!(r#"{{"services": [{{{service}, "instances": [{instance}]}}]}}"#))
        .unwrap();
}

fn eventually(longest: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let since = Instant::now();
    while since.elapsed() < longest {
        if condition() {
            return true;
        }
        sleep(Duration::from_millis(50));
    }
    condition()
}

fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 512]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[test]
fn seven_hundred_unfinished_requests_cost_little_are_closed_and_delay_nothing() {
    let serve = Serve::start();
    assert!(serve.writes_within("10.0.0.1", Duration::from_secs(20)), "no entry");
    assert!(serve.page("/metrics").starts_with("HTTP/1.1 200"));
    let before = serve.resident_kib();

    let since = Instant::now();
    let mut streams: Vec<TcpStream> = (0..700)
        .map(|_| {
            let mut stream = serve.connect();
            let _ = stream
                .write_all(format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(4_000)).as_bytes());
            stream
        })
        .collect();
    sleep(Duration::from_millis(500));
    let grown = serve.resident_kib().saturating_sub(before);
    println!("{grown} KiB more than {before} KiB are resident with 700 unfinished requests");
    assert!(grown < 10 * 1024, "{grown} KiB");

    assert!(serve.page("/livez").starts_with("HTTP/1.1 200"), "a probe is answered beside them");
    register(&serve.directory.path().join("snapshot.json"), "10.0.0.2");
    assert!(serve.writes_within("10.0.0.2", Duration::from_secs(5)), "reads and writes go on");

    let left = Duration::from_secs(10).saturating_sub(since.elapsed());
    let closed = eventually(left, || {
        streams.retain_mut(|stream| !is_closed(stream));
        streams.is_empty()
    });
    println!("all closed after {:?}", since.elapsed());
    assert!(closed, "{} are open after {:?}", streams.len(), since.elapsed());
}

#[test]
fn headers_of_more_than_16_kib_are_refused() {
    let serve = Serve::start();
    let request = |length: usize| {
        format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(length))
    };
    assert!(serve.ask(&request(12_000)).starts_with("HTTP/1.1 200"));
    assert!(!serve.ask(&request(20_000)).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_connection_is_closed_after_its_answer() {
    let serve = Serve::start();
    let since = Instant::now();
    assert!(serve.page("/livez").starts_with("HTTP/1.1 200"));
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[test]
fn readiness_names_the_source_that_can_not_be_opened_until_it_can() {
    let serve = Serve::of_sources(
        "- {name: here, file: snapshot.json}\n- {name: absent, file: later.json}",
    );
    let ask = || serve.ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    let answers = |words: &str| {
        let start = Instant::now();
        while !ask().contains(words) {
            assert!(start.elapsed() < Duration::from_secs(20), "{}", ask());
            sleep(Duration::from_millis(50));
        }
    };
    answers("not complete of: absent\n");
    fs::copy(
        serve.directory.path().join("snapshot.json"),
        serve.directory.path().join("later.json"),
    )
    .unwrap();
    answers("200 OK");
}

#[test]
fn the_status_is_one_page_for_a_person_and_the_same_as_json() {
    let serve = Serve::start();
    assert!(serve.writes_within("10.0.0.1", Duration::from_secs(20)), "no entry");
    assert!(eventually(Duration::from_secs(10), || serve
        .page("/readyz")
        .starts_with("HTTP/1.1 200")));
    let answer = serve.page("/status.json");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    let status: serde_json::Value = serde_json::from_str(body).unwrap();
    let service = &status["services"][0];
    assert_eq!((&service["name"], &service["endpoints"]), (&"web".into(), &1.into()), "{status}");
    assert_eq!(service["entry"]["state"], "settled", "{status}");
    assert_eq!(status["changes"][0]["action"], "create", "{status}");
    assert_eq!((&status["ready"], &status["sources"][0]["complete"]), (&true.into(), &true.into()));

    let answer = serve.page("/?q=web");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    for header in ["content-security-policy: default-src 'none'", "nosniff", "no-store"] {
        assert!(head.contains(header), "{head}");
    }
    assert!(body.contains("cloudmap-web.shop") && body.contains("All entries are current"));
    assert!(serve.page("/?q=absent").contains("0 services"));
}
