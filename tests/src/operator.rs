//! The operator itself: the binary, as a process of its own.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test whose operator does not run can only fail, with the reason; and what it starts is used or it is not worth starting"
)]

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// The access key that tests sign with; it must never be seen in a log.
pub const ACCESS_KEY: &str = "AKIATESTTESTTESTTEST";
/// Its secret.
pub const SECRET_KEY: &str = "a-secret-that-must-never-be-printed";

/// The path of a binary that is tested or measured instead of the one that this tree builds.
const BINARY_VARIABLE: &str = "ISTIO_CLOUD_MAP_BINARY";

/// The binary, built as this test is built: once a process.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(built) = std::env::var_os(BINARY_VARIABLE) {
            return built.into();
        }
        let mut build = Command::new(env!("CARGO"));
        // Chosen from the whole workspace, so that its dependencies have the features that they
        // have in the tests, and are built once.
        build
            .args(["build", "--quiet", "--workspace", "--all-features"])
            .args(["--bin", "istio-cloud-map"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.status().expect("cargo runs");
        assert!(status.success(), "the operator does not build");
        // target/PROFILE/deps/this-test
        let this = std::env::current_exe().expect("the path of this test");
        let profile = this.ancestors().nth(2).expect("a profile's folder");
        profile.join("istio-cloud-map")
    })
}

/// A command of the binary without anything of this machine's configuration.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .env_clear()
        .env("NO_COLOR", "1")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// Sets a command up to read Cloud Map from an endpoint.
pub fn with_aws(command: &mut Command, endpoint: &str) {
    command
        .env("AWS_ENDPOINT_URL_SERVICEDISCOVERY", endpoint)
        .env("ISTIO_CLOUD_MAP_DATA_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-west-2")
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_EC2_METADATA_DISABLED", "true");
}

/// A running `serve`. Dropped, it is killed.
pub struct Operator {
    child: Child,
    directory: TempDir,
    port: u16,
}

impl Operator {
    /// Starts `serve` from `endpoint` into the cluster of `kubeconfig`, with more arguments.
    pub fn start(endpoint: &str, kubeconfig: &Path, arguments: &[&str]) -> Self {
        let mut command = command(&["serve"]);
        with_aws(&mut command, endpoint);
        command.arg("--kube-config").arg(kubeconfig).args(arguments);
        Self::spawn(command)
    }

    /// Starts a command that serves.
    pub fn spawn(mut command: Command) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|l| l.local_addr())
            .expect("a free port")
            .port();
        let log = File::create(directory.path().join("log")).expect("a log file");
        let child = command
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the operator starts");
        Self { child, directory, port }
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// How many lines of its log contain `text`.
    pub fn log_lines_with(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// The body of a page, if it answers with 200.
    pub async fn page(&self, path: &str) -> Option<String> {
        let (is_ok, body) = self.answer(path).await?;
        is_ok.then_some(body)
    }

    /// Whether a page answers with 200, and its body.
    pub async fn answer(&self, path: &str) -> Option<(bool, String)> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.starts_with("HTTP/1.1 200"), body.to_owned()))
    }

    /// Waits until it reports that it is ready.
    pub async fn ready(&self) {
        let ready =
            until(Duration::from_mins(1), async || self.page("/readyz").await.is_some()).await;
        assert!(ready, "not ready after a minute; its log is\n{}", self.log());
    }

    /// The value of a metric, summed over the series whose line holds all of `labels`.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.page("/metrics").await.unwrap_or_default();
        let series = text.lines().filter(|line| {
            line.starts_with(name) && labels.iter().all(|label| line.contains(label))
        });
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// The processor time that it has taken.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // After the name in brackets comes the third field; utime and stime, in hundredths of a
        // second, are the 14th and 15th.
        let fields =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        Duration::from_millis(
            fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10,
        )
    }

    /// The most memory that was resident.
    pub fn peak_mebibytes(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        let kibibytes: u32 =
            line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
        f64::from(kibibytes) / 1024.0
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops its process for so long, as a machine that sleeps does: its clock goes on.
    pub async fn pause(&self, lasting: Duration) {
        self.signal(Signal::SIGSTOP);
        tokio::time::sleep(lasting).await;
        self.signal(Signal::SIGCONT);
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().expect("it was ours");
    }

    /// SIGTERM; how it ended, and after how long.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let since = Instant::now();
        self.signal(Signal::SIGTERM);
        (self.child.wait().expect("it was ours"), since.elapsed())
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id fits");
        // It may have ended already.
        let _ = kill(Pid::from_raw(id), signal);
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the operator's log:\n{}", self.log());
        }
    }
}

/// Waits until a condition holds; false, if it never did.
pub async fn until(longest: Duration, mut holds: impl AsyncFnMut() -> bool) -> bool {
    let since = Instant::now();
    while since.elapsed() < longest {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// As [`until`], and fails the test where it never holds.
pub async fn eventually(what: &str, longest: Duration, holds: impl AsyncFnMut() -> bool) {
    assert!(until(longest, holds).await, "not within {longest:?}: {what}");
}
