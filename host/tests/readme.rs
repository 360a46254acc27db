//! README's first command prints what README shows.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const README: &str = include_str!("../../README.md");
const SNAPSHOT: &str = "docs/example/snapshot.json";
const TUTORIAL: &str = "cloudmap-getistio-external-service.my-namespace.yaml";
const TUTORIAL_SPEC: &str = r#"spec:
  hosts:
  - getistio-external-service.my-namespace
  addresses:
  - "52.192.72.89"
  ports:
  - number: 80
    name: http
    protocol: HTTP
  - number: 443
    name: https
    protocol: HTTPS
  resolution: STATIC
  endpoints:
  - address: "52.192.72.89"
    ports:
      http: 80
      https: 443
"#;
/// The time limit, on a busy machine, for what README describes as immediate.
const AT_ONCE: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(20);

/// What follows a line of README that begins with `command`, to the next command or the end of the
/// block.
fn output_of(command: &str) -> Vec<&'static str> {
    let mut lines = README.lines().skip_while(|line| !line.starts_with(command));
    assert!(lines.next().is_some(), "README has no `{command}`");
    lines.take_while(|line| !line.starts_with("$ ") && !line.starts_with("```")).collect()
}

/// The program's arguments in README's first command.
fn arguments() -> Vec<&'static str> {
    let command = README
        .lines()
        .find(|line| line.starts_with("$ cargo run "))
        .expect("README has the command");
    let (_, arguments) = command.split_once(" -- ").expect("arguments of the program");
    arguments.split_whitespace().collect()
}

/// A line of the log without its time.
fn untimed(line: &str) -> Option<&str> {
    let (time, rest) = line.split_once('Z')?;
    time.starts_with("20").then(|| rest.trim())
}

/// README's first command in a directory of its own. Dropped, it is killed.
struct Serve {
    place: TempDir,
    child: Child,
}

impl Serve {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let snapshot = place.path().join(SNAPSHOT);
        fs::create_dir_all(snapshot.parent().unwrap()).unwrap();
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SNAPSHOT), &snapshot)
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"))
            .args(arguments())
            .current_dir(place.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(place.path().join("log")).unwrap())
            .spawn()
            .expect("the binary starts");
        let serve = Self { place, child };
        serve.eventually("all that README lists is there", LONG, |serve| {
            serve.files() == output_of("$ ls entries")
        });
        serve
    }

    fn entry(&self, name: &str) -> PathBuf {
        self.place.path().join("entries").join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.entry(name)).unwrap_or_default()
    }

    /// The names of the entries' files, sorted as `ls` sorts them.
    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.place.path().join("entries")).into_iter().flatten();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort_unstable();
        names
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap()
    }

    fn change_snapshot(&self, change: impl FnOnce(&str) -> String) {
        let path = self.place.path().join(SNAPSHOT);
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text);
        fs::write(path, changed).unwrap();
    }

    fn eventually(&self, what: &str, longest: Duration, holds: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !holds(self) {
            assert!(
                since.elapsed() < longest,
                "not within {longest:?}: {what}; its log is\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGTERM, and the code that it ends with.
    fn terminate(&mut self) -> Option<i32> {
        let kill = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {}", self.child.id()))
            .status()
            .unwrap();
        assert!(kill.success());
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(since.elapsed() < Duration::from_secs(5), "it goes on after SIGTERM");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_command_writes_the_files_and_logs_what_readme_shows() {
    let serve = Serve::start();
    assert_eq!(
        serve
            .text(TUTORIAL)
            .split_once("\nspec:")
            .map(|(_, spec)| format!("spec:{spec}"))
            .as_deref(),
        Some(TUTORIAL_SPEC)
    );
    let shown: Vec<_> = serve.text(TUTORIAL).lines().map(str::to_owned).collect();
    assert_eq!(output_of(&format!("$ cat entries/{TUTORIAL}")), shown);

    for line in output_of("$ cargo run ").into_iter().filter_map(untimed) {
        // The port is another one each time.
        let logged = line
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(line, |(before, _)| before);
        serve.eventually(&format!("it says: {logged}"), LONG, |serve| serve.log().contains(logged));
    }
    for line in serve.log().lines() {
        let logged = untimed(line).unwrap_or(line);
        assert!(
            logged.contains("http://") || README.contains(logged),
            "README does not show: {logged}"
        );
    }
}

#[test]
fn what_changes_in_the_snapshot_reaches_the_directory() {
    let serve = Serve::start();
    let cache = "cloudmap-cache.my-namespace.yaml";
    serve.change_snapshot(|text| text.replace("10.0.1.31", "10.0.1.32"));
    serve.eventually("the new address is in the file", AT_ONCE, |serve| {
        serve.text(cache).contains("10.0.1.32")
    });

    let storefront = "cloudmap-storefront.shop.local.yaml";
    serve.change_snapshot(|text| {
        let mut snapshot: Value = serde_json::from_str(text).unwrap();
        let services = snapshot.get_mut("services").and_then(Value::as_array_mut).unwrap();
        services.retain(|service| {
            service.pointer("/service/Name").and_then(Value::as_str) != Some("storefront")
        });
        snapshot.to_string()
    });
    serve.eventually("the file of the service goes", LONG, |serve| {
        !serve.entry(storefront).exists()
    });
    assert_eq!(serve.files().len() + 1, output_of("$ ls entries").len());

    let before = serve.files();
    serve.change_snapshot(|_| "half a snaps".to_owned());
    serve.eventually("it reports that the snapshot can't be used", LONG, |serve| {
        serve.log().contains("can't be used")
    });
    std::thread::sleep(AT_ONCE);
    assert_eq!(serve.files(), before, "a broken snapshot deletes nothing");
}

#[test]
fn a_users_changes_to_the_directory_are_reverted_and_other_files_are_kept() {
    let mut serve = Serve::start();
    let orders = "cloudmap-orders.shop.local.yaml";
    let foreign = [
        ("by-hand.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: by-hand\n"),
        ("notes.txt", "not ours\n"),
    ];
    for (name, text) in foreign {
        fs::write(serve.entry(name), text).unwrap();
    }
    let first = serve.text(orders);
    fs::remove_file(serve.entry(orders)).unwrap();
    serve.eventually("a deleted file is back", AT_ONCE, |serve| serve.text(orders) == first);
    fs::write(serve.entry(orders), first.replace("8080", "9999")).unwrap();
    serve.eventually("an edit is undone", AT_ONCE, |serve| serve.text(orders) == first);

    assert_eq!(serve.terminate(), Some(0), "{}", serve.log());
    for (name, text) in foreign {
        assert_eq!(serve.text(name), text);
    }
    assert_eq!(serve.text(orders), first, "what was written stays");
}
