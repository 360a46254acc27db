//! Processes that never outlive the test.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tempfile::TempDir;
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
pub(super) struct Yard {
    directory: TempDir,
    keeper: Arc<Keeper>,
}

struct Keeper {
    orders: Mutex<Option<ChildStdin>>,
    process: Mutex<Child>,
}

impl Yard {
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
        self.keeper.say("add", child.id());
        Daemon { name, child, log, keeper: Arc::clone(&self.keeper) }
    }
}

impl Keeper {
    fn say(&self, verb: &str, group: u32) {
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
        // Before the wait, after which the number may be somebody else's.
        self.keeper.say("forget", self.child.id());
        let _ = self.child.wait();
    }
}
