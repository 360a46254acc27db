//! SIGTERM and SIGINT end the process within 5 s whatever it is waiting for; a stream that is full,
//! stuck or closed neither stops nor breaks it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(5);

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command.arg("serve").args(arguments).args(["--listen", "127.0.0.1:0"]);
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "us-west-2");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits for the end, no longer than the limit.
fn end(child: &mut Child, phase: &str) -> (i32, Duration) {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap_or(-1), started.elapsed());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("{phase}: still there after {LIMIT:?}");
}

/// Takes connections and never answers. The listener has to be kept.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn kubeconfig(directory: &Path, server: &str, user: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'http://{server}'}}}}]\nusers: [{{name: u, user: {user}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
    );
    let path = directory.join("kubeconfig");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn snapshot(directory: &Path, services: usize) -> String {
    let service = |number| {
        format!(
            r#"{{"namespace": {{"Name": "shop"}}, "service": {{"Name": "web-{number}"}},
            "instances": [{{"InstanceId": "i", "Attributes": {{"AWS_INSTANCE_IPV4": "10.0.0.1"}}}}]}}"#
        )
    };
    let services: Vec<_> = (0..services).map(service).collect();
    let path = directory.join("snapshot.json");
    fs::write(&path, format!(r#"{{"services": [{}]}}"#, services.join(","))).unwrap();
    format!("file:{}", path.display())
}

/// Its name, arguments and environment.
type Phase<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

#[test]
fn a_signal_ends_the_process_within_5_s_in_every_phase() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (_listener, address) = silent();
    let from = snapshot(directory.path(), 2);
    let large = {
        fs::create_dir(path("large")).unwrap();
        snapshot(&directory.path().join("large"), 500)
    };
    fs::create_dir(path("exec")).unwrap();
    let api_server = kubeconfig(directory.path(), &address, "{token: t}");
    let sleep = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sleep, args: ['20'], interactiveMode: Never}}";
    let exec = kubeconfig(&directory.path().join("exec"), &address, sleep);
    assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    let (fifo, entries, agent) = (
        format!("file:{}", path("fifo")),
        format!("dir:{}", path("entries")),
        format!("http://{address}/"),
    );
    let keys = [
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_ENDPOINT_URL_SERVICEDISCOVERY", agent.as_str()),
    ];
    let pod_identity = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.as_str())];

    let phases: [Phase; 7] = [
        ("the API server hangs", &["--from", &from, "--kube-config", &api_server], &[]),
        ("an exec plugin hangs", &["--from", &from, "--kube-config", &exec], &[]),
        ("the agent for credentials hangs", &["--to", "-"], &pod_identity),
        ("a pipe in place of a file", &["--from", &fifo, "--to", "-"], &[]),
        ("AWS hangs in the middle of a pass", &["--to", "-"], &keys),
        ("stdout is not read", &["--from", &large, "--to", "-"], &[]),
        ("nothing to do", &["--from", &from, "--to", &entries], &[]),
    ];
    std::thread::scope(|scope| {
        for (phase, arguments, variables) in phases {
            for (once, signal_name) in [(false, "-TERM"), (false, "-INT"), (true, "-TERM")] {
                if once && phase == "nothing to do" {
                    continue;
                }
                scope.spawn(move || {
                    let mut command = serve(arguments);
                    let mut child = command
                        .args(once.then_some("--once"))
                        .envs(variables.iter().copied())
                        .spawn()
                        .unwrap();
                    std::thread::sleep(Duration::from_millis(1500));
                    assert_eq!(child.try_wait().unwrap(), None, "{phase}: ended by itself");
                    signal(&child, signal_name);
                    let (code, took) = end(&mut child, phase);
                    println!(
                        "{phase:35} {:6} {signal_name:5} {code} {took:?}",
                        if once { "--once" } else { "" }
                    );
                    assert_eq!(code, i32::from(once), "{phase}, {signal_name}");
                    let Output { stdout, stderr, .. } = child.wait_with_output().unwrap();
                    assert!(!String::from_utf8_lossy(&stderr).contains("panicked"), "{phase}");
                    // What a single pass has begun to write is there; no other has written
                    // anything.
                    assert!(stdout.is_empty() || phase == "stdout is not read", "{phase}");
                });
            }
        }
    });
}

#[test]
fn a_single_pass_that_can_not_read_everything_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let from = snapshot(directory.path(), 2);
    let file = directory.path().join("snapshot.json");
    let broken = fs::read_to_string(&file).unwrap().replacen(
        r#"[{"InstanceId": "i""#,
        r#"7, "x": [{"InstanceId": "i""#,
        1,
    );
    fs::write(&file, broken).unwrap();
    let output = serve(&["--once", "--from", &from, "--to", "-"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert!(
        stderr.contains(
            "error: Cloud Map could not be read completely: nothing is written to standard output"
        ),
        "{stderr}"
    );
}

fn first_line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line
}

#[test]
fn the_process_ends_when_the_reader_of_stdout_has_closed_it() {
    let directory = tempfile::tempdir().unwrap();
    let from = snapshot(directory.path(), 2);
    let mut child = serve(&["--from", &from, "--to", "-"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(first_line(&mut stdout), "---\n");
    // Everything is written by then, and nothing more will be.
    std::thread::sleep(Duration::from_secs(1));
    drop(stdout);
    assert_eq!(end(&mut child, "a closed reader").0, 1);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("error: standard output was closed by its reader"), "{stderr}");

    let mut child = serve(&["--once", "--from", &from, "--to", "-"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(end(&mut child, "a reader that was never there").0, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_stderr_that_is_full_or_not_read_loses_only_log_lines() {
    let directory = tempfile::tempdir().unwrap();
    let from = snapshot(directory.path(), 600);
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let entries = |name: &str| directory.path().join(name);
    let count = |name: &str| fs::read_dir(entries(name)).map_or(0, Iterator::count);
    let to = |name: &str| format!("dir:{}", entries(name).display());
    let verbose = |name: &str| {
        ["--from", &from, "--to", &to(name), "--log-level", "debug"].map(str::to_owned)
    };
    let arguments = verbose("full");
    let mut command = serve(&arguments.each_ref().map(String::as_str));
    assert_eq!(command.arg("--once").stderr(full()).output().unwrap().status.code(), Some(0));
    assert_eq!(count("full"), 600);

    // Its pipe is never read.
    let arguments = verbose("stuck");
    let mut child = serve(&arguments.each_ref().map(String::as_str)).spawn().unwrap();
    let started = Instant::now();
    while count("stuck") < 600 && started.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(count("stuck"), 600);
    signal(&child, "-TERM");
    assert_eq!(end(&mut child, "a stuck stderr").0, 0);
}
