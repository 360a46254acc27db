//! `--transform`, from the outside.
#![cfg(feature = "transform")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two services: `web` of team a, and `old`, which is off.
const SNAPSHOT: &str = r#"{"services": [
    {"namespace": {"Name": "shop"}, "service": {"Name": "web"}, "tags": [{"Key": "team", "Value": "a"}],
     "instances": [{"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]},
    {"namespace": {"Name": "shop"}, "service": {"Name": "old"}, "tags": [{"Key": "mesh", "Value": "off"}],
     "instances": [{"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.2"}}]}
]}"#;

/// Always traps.
const TRAPS: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "alloc") (param i32) (result i32) (i32.const 64))
    (func (export "free") (param i32 i32))
    (func (export "transform") (param i32 i32) (result i64) unreachable))"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("snapshot.json"), SNAPSHOT).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn module(&self, text: &str) -> String {
        let path = self.path("module.wasm");
        fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
        command.args(arguments).current_dir(self.0.path()).env_clear().output().unwrap()
    }

    fn translate(&self, module: &str) -> Output {
        self.run(&["translate", "snapshot.json", "--transform", module])
    }

    fn serve(&self, module: &str) -> Output {
        let places = [
            "--once",
            "--from",
            "file:snapshot.json",
            "--to",
            "dir:entries",
            "--namespace",
            "default",
            "--read-tags",
        ];
        self.run(&[&["serve", "--transform", module], places.as_slice()].concat())
    }

    fn entry(&self, service: &str) -> Option<String> {
        fs::read_to_string(self.path("entries").join(format!("cloudmap-{service}.shop.yaml"))).ok()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn an_invalid_module_ends_the_program_before_anything_is_read() {
    let place = Place::new();
    let import = place.module(r#"(module (import "env" "now" (func (result i64))))"#);
    for (module, words) in [
        (import.as_str(), "imports `now` from `env`"),
        ("snapshot.json", "snapshot.json: this is not a valid WebAssembly module"),
        ("no-such-file.wasm", "can't read no-such-file.wasm"),
    ] {
        for output in [place.translate(module), place.serve(module)] {
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(
                said.starts_with("error: --transform: ")
                    && said.contains(words)
                    && said.lines().count() == 1,
                "{said}"
            );
            assert!(output.stdout.is_empty() && !place.path("entries").exists());
        }
    }
}

#[test]
fn a_module_that_traps_is_reported_and_a_single_pass_keeps_the_entries() {
    let place = Place::new();
    let traps = place.module(TRAPS);
    let output = place.translate(&traps);
    assert_eq!(text(&output.stdout), "");
    assert!(
        text(&output.stderr)
            .contains("error[TransformFailed] shop/web: the transformation has trapped: "),
        "{}",
        text(&output.stderr)
    );

    assert!(
        place
            .run(&[
                "serve",
                "--once",
                "--from",
                "file:snapshot.json",
                "--to",
                "dir:entries",
                "--namespace",
                "default"
            ])
            .status
            .success()
    );
    let before = place.entry("web");
    assert!(before.is_some());
    fs::write(place.path("snapshot.json"), SNAPSHOT.replace("10.0.0.1", "10.0.0.7")).unwrap();
    let output = place.serve(&traps);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("error[TransformFailed] shop/old"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(place.entry("web"), before);
    assert!(place.entry("old").is_some());
}

/// The module as `cargo wasm` leaves it in the target folder.
fn example() -> String {
    let target = Path::new(env!("CARGO_BIN_EXE_istio-cloud-map")).ancestors().nth(2).unwrap();
    let module = target.join("wasm/transform-team.wasm");
    assert!(
        module.exists(),
        "{} is not there: run `cargo wasm transform-team` first",
        module.display()
    );
    module.to_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs what `cargo wasm transform-team` builds"]
fn the_example_exports_a_service_to_its_team_and_drops_one_that_is_off() {
    let place = Place::new();
    let output = place.translate(&example());
    assert_eq!(
        text(&output.stderr),
        "info[Excluded] shop/old: the service is left out: the transformation dropped it\n"
    );
    assert!(
        text(&output.stdout).contains("  exportTo:\n  - '.'\n  - team-a\n"),
        "{}",
        text(&output.stdout)
    );

    let output = place.serve(&example());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(place.entry("web").unwrap().contains("- team-a\n"));
    assert_eq!(place.entry("old"), None);
}
