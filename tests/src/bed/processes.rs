//! Processes that never outlive the test: servers, with free ports for them, and programs that
//! answer in JSON line by line.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process;
use tokio::time::{sleep, timeout};

use super::{POLL, START};

/// How much of a log a failure shows.
const TAIL: usize = 30;

/// Reads `add PID` and `forget PID`. At the end of its input, which a test's death brings however
/// it dies, kills the process groups that were added and not forgotten, and removes the directory.
const KEEPER: &str = r#"
groups=' '
while read -r verb group; do
    case $verb in
        add) groups="$groups$group " ;;
        forget) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
rm -rf -- "$1"
"#;

/// A directory for processes, their files and logs; all of it goes when this and its [`Daemon`]s
/// do.
pub(super) struct ProcessFolder {
    directory: TempDir,
    keeper: Arc<Keeper>,
}

struct Keeper {
    orders: Mutex<Option<ChildStdin>>,
    process: Mutex<Child>,
}

impl ProcessFolder {
    pub(super) fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("istio-cloud-map-bed-")
            .tempdir()
            .expect("a temporary directory");
        // A group of its own, so that a Ctrl-C at the terminal reaches the test and not the keeper.
        let mut process = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh starts");
        let keeper =
            Keeper { orders: Mutex::new(process.stdin.take()), process: Mutex::new(process) };
        Self { directory, keeper: Arc::new(keeper) }
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a process that logs to `NAME.log`.
    pub(super) fn start(&self, name: &'static str, command: &mut Command) -> Daemon {
        let log = self.path().join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log).expect("a log file");
        let child = command
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle of the log file"))
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        self.keeper.order("add", child.id());
        Daemon { name, child, log, keeper: Arc::clone(&self.keeper) }
    }
}

impl Keeper {
    fn order(&self, verb: &str, group: u32) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stdin) = orders.as_mut() {
            // It reads until we close the pipe; if somebody killed it, only its safety net is lost.
            let _ = writeln!(stdin, "{verb} {group}");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = self.process.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// A running process, killed with all its children when dropped.
pub(super) struct Daemon {
    name: &'static str,
    child: Child,
    log: PathBuf,
    keeper: Arc<Keeper>,
}

impl Daemon {
    /// Waits until the condition holds; panics with the end of the log if the process ends before,
    /// or if it takes too long.
    pub(super) async fn until(&mut self, mut ready: impl AsyncFnMut() -> bool) {
        let waited = timeout(START, async {
            while !ready().await {
                self.assert_alive();
                sleep(POLL).await;
            }
        });
        let in_time = waited.await.is_ok();
        assert!(
            in_time,
            "{} is not ready after {START:?}; its log ends\n{}",
            self.name,
            self.log_tail()
        );
    }

    /// Panics with the end of the log if the process is no longer there.
    pub(super) fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("the state of a child") {
            panic!("{} ended with {status}; its log ends\n{}", self.name, self.log_tail());
        }
    }

    /// The last lines of the log.
    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let (_, tail) = lines.split_at(lines.len().saturating_sub(TAIL));
        tail.join("\n")
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).expect("a process id fits");
        // The only failure is that the group has ended already.
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        // Before the wait, after which another process may have the number.
        self.keeper.order("forget", self.child.id());
        let _ = self.child.wait();
    }
}

/// Below the range from which the kernel gives outgoing connections theirs, so that a server
/// stopped for a while gets its port back.
const FIRST: u32 = 18_000;
const COUNT: u32 = 12_000;

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// A free port. Parallel processes start their search at different ports.
pub(super) fn free_port() -> u16 {
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("the range ends below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} on");
}

/// A running program that takes JSON and answers with JSON, one line each.
pub(super) struct JsonProgram {
    pipes: tokio::sync::Mutex<Pipes>,
    // Ends at the end of its input, which the death of this process brings, too.
    _process: process::Child,
}

struct Pipes {
    input: process::ChildStdin,
    output: Lines<BufReader<process::ChildStdout>>,
    /// The program's log, which is printed only if it stops.
    errors: File,
}

impl JsonProgram {
    /// Starts a program with one argument.
    pub(super) fn start(program: &Path, mode: &str) -> Self {
        let errors = tempfile::tempfile().expect("a temporary file");
        let mut child = process::Command::new(program)
            .arg(mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().expect("the temporary file"))
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let input = child.stdin.take().expect("the program's stdin");
        let output = child.stdout.take().expect("the program's stdout");
        Self {
            pipes: tokio::sync::Mutex::new(Pipes {
                input,
                output: BufReader::new(output).lines(),
                errors,
            }),
            _process: child,
        }
    }

    /// The answers, in the order of the questions.
    pub(super) async fn ask_all<Q: Serialize, A: DeserializeOwned>(
        &self,
        questions: &[Q],
    ) -> Vec<A> {
        let mut pipes = self.pipes.lock().await;
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            answers.push(pipes.ask(question).await);
        }
        answers
    }

    /// The answer.
    pub(super) async fn ask<Q: Serialize, A: DeserializeOwned>(&self, question: &Q) -> A {
        self.pipes.lock().await.ask(question).await
    }
}

impl Pipes {
    /// One line out, one line in: never so much on the way that both sides wait for each other.
    async fn ask<Q: Serialize, A: DeserializeOwned>(&mut self, question: &Q) -> A {
        let mut line = serde_json::to_vec(question).expect("a question is JSON");
        line.push(b'\n');
        // A program that has stopped shows by its silence below.
        let _ = self.input.write_all(&line).await;
        let _ = self.input.flush().await;
        let answer = self.output.next_line().await.expect("the program speaks UTF-8");
        let answer = answer.unwrap_or_else(|| {
            panic!("the program stopped without an answer; its stderr:\n{}", self.stderr())
        });
        serde_json::from_str(&answer).expect("the program answers with JSON of the expected shape")
    }

    fn stderr(&mut self) -> String {
        let mut stderr = Vec::new();
        let read = self.errors.rewind().and_then(|()| self.errors.read_to_end(&mut stderr));
        read.map_or_else(
            |error| error.to_string(),
            |_| String::from_utf8_lossy(&stderr).into_owned(),
        )
    }
}
