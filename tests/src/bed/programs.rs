//! The programs that `tests/bed/setup` makes: where they are, and those of them that need no file
//! of their own here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::net::TcpStream;

use super::processes::{Daemon, ProcessFolder, free_port};

/// What `tests/bed/setup` printed: its keys and paths.
pub(super) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Has these parts made, where they are not yet, which may take minutes the first time.
    pub(super) async fn make_async(parts: &'static [&'static str]) -> Self {
        tokio::task::spawn_blocking(move || Self::make(parts))
            .await
            .expect("the set-up's task ends")
    }

    /// The same, for a test that is not async.
    pub(super) fn make(parts: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/bed/setup");
        let output = Command::new(script)
            .args(parts)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .expect("tests/bed/setup runs");
        assert!(output.status.success(), "tests/bed/setup {parts:?}: {}", output.status);
        let stdout = String::from_utf8(output.stdout).expect("tests/bed/setup prints UTF-8");
        Self(
            stdout
                .lines()
                .filter_map(|line| line.split_once('='))
                .map(|(key, path)| (key.to_owned(), PathBuf::from(path)))
                .collect(),
        )
    }

    /// The path that the script printed under this key.
    pub(super) fn path(&self, key: &str) -> &Path {
        let path = self.0.get(key);
        path.unwrap_or_else(|| panic!("tests/bed/setup printed no {key}"))
    }
}

/// A moto server with nothing in it.
///
/// Its Cloud Map has no pages, no filters and no throttling, and registering an instance again
/// duplicates it.
pub struct Moto {
    _server: Daemon,
    address: SocketAddr,
    _folder: ProcessFolder,
}

impl Moto {
    /// Starts one.
    pub async fn start() -> Self {
        let programs = Programs::make_async(&["python"]).await;
        let folder = ProcessFolder::new();
        let port = free_port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new(programs.path("MOTO_SERVER"));
        command.args(["-H", "127.0.0.1", "-p"]).arg(port.to_string());
        let mut server = folder.start("moto", &mut command);
        server.until(async || TcpStream::connect(address).await.is_ok()).await;
        Self { _server: server, address, _folder: folder }
    }

    /// What to override AWS's endpoint with.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// What the chart is tested with.
pub struct ChartTools(Programs);

impl ChartTools {
    /// Has them made, where they are not yet.
    #[must_use]
    pub fn make() -> Self {
        Self(Programs::make(&["chart"]))
    }

    /// `helm`, without anything of this machine's configuration.
    #[must_use]
    pub fn helm(&self) -> Command {
        let mut command = Command::new(self.0.path("HELM"));
        command.env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
        command
    }

    /// `promtool`
    #[must_use]
    pub fn promtool(&self) -> Command {
        Command::new(self.0.path("PROMTOOL"))
    }

    /// The directory of the CRDs of the Prometheus operator.
    #[must_use]
    pub fn monitoring_crds(&self) -> &Path {
        self.0.path("MONITORING_CRDS")
    }
}

/// One of the programs in wasm/plain/hosts.
pub struct PlainHost {
    /// The language and the runtime.
    pub name: &'static str,
    program: PathBuf,
    script: Option<PathBuf>,
}

impl PlainHost {
    /// All of them. Cargo knows where the one in Rust is; what the others need is made, where it is
    /// not yet.
    #[must_use]
    pub fn all(rust: &Path) -> [Self; 4] {
        let made = Programs::make(&["hosts"]);
        let script = |name: &str| {
            Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm/plain/hosts").join(name))
        };
        [
            Self { name: "Rust (wasmtime)", program: rust.to_owned(), script: None },
            Self {
                name: "Python (wasmtime)",
                program: made.path("HOST_PYTHON").to_owned(),
                script: script("python/host.py"),
            },
            Self { name: "Go (wazero)", program: made.path("HOST_GO").to_owned(), script: None },
            Self {
                name: "JavaScript (Node)",
                program: "node".into(),
                script: script("javascript/host.mjs"),
            },
        ]
    }

    /// The program, without the arguments for the module and the function.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.script);
        command
    }
}
