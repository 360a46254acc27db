//! The Helm chart: what it renders, its alerts and dashboard, and an API server that takes it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod installed;
mod monitoring;
mod rendered;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use istio_cloud_map_tests::bed::ChartTools;
use serde_json::Value;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

static TOOLS: LazyLock<ChartTools> = LazyLock::new(ChartTools::make);

fn in_repository(path: &str) -> PathBuf {
    Path::new(REPOSITORY).join(path)
}

fn read(path: &str) -> String {
    let path = in_repository(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What a command prints, which must succeed.
fn printed(command: &mut Command) -> String {
    let output = output(command);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {stdout}{stderr}");
    stdout.into_owned()
}

fn helm(arguments: &[&str]) -> Command {
    let mut helm = TOOLS.helm();
    helm.args(arguments).current_dir(in_repository("manifests"));
    helm
}

/// The files of values that the chart is tested with.
fn sets_of_values() -> Vec<PathBuf> {
    let files = fs::read_dir(in_repository("manifests/chart/ci")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 4, "{files:?}");
    files
}

fn set(name: &str) -> PathBuf {
    in_repository(&format!("manifests/chart/ci/{name}-values.yaml"))
}

/// The text that the chart renders for a release `istio-cloud-map` in `mesh`.
fn rendered_text(values: &Path, arguments: &[&str]) -> String {
    let mut command = helm(&["template", "istio-cloud-map", "chart", "--namespace", "mesh"]);
    printed(command.arg("--values").arg(values).args(arguments))
}

/// The objects of it.
fn rendered(values: &Path, arguments: &[&str]) -> Vec<Value> {
    serde_saphyr::from_multiple(&rendered_text(values, arguments)).unwrap()
}

/// The only object of a kind.
fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<&Value> = objects.iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {found:#?}");
    found[0]
}

/// Kind, namespace and name, sorted.
fn names(objects: &[Value], is_listed: impl Fn(&str) -> bool) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut names: Vec<String> = objects
        .iter()
        .filter(|object| is_listed(object["kind"].as_str().unwrap()))
        .map(|object| {
            let metadata = &object["metadata"];
            [text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])].join(" ")
        })
        .collect();
    names.sort();
    names
}

/// Fails where a file is not what it is made from; `UPDATE_GOLDEN=1` writes it.
fn assert_generated(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(in_repository(path), expected).unwrap();
    }
    assert!(read(path) == expected, "{path} is stale: UPDATE_GOLDEN=1 tests/run chart");
}
