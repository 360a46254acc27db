//! `plan`: what `serve` would change, and then does.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with a snapshot and entries.
struct Bed(TempDir);

impl Bed {
    fn new() -> Self {
        let bed = Self(TempDir::new().unwrap());
        fs::create_dir(bed.0.path().join("entries")).unwrap();
        bed
    }

    /// Services of namespace `shop` by name, with so many instances each.
    fn snapshot(&self, services: &[(&str, usize)]) {
        let service = |(name, instances): &(&str, usize)| {
            let instance = |n| {
                let attributes = json!({"AWS_INSTANCE_IPV4": format!("10.0.{}.{n}", name.len()), "AWS_INSTANCE_PORT": "80"});
                json!({"InstanceId": format!("i-{n}"), "Attributes": attributes})
            };
            let instances: Vec<_> = (1..=*instances).map(instance).collect();
            json!({"namespace": {"Name": "shop"}, "service": {"Name": name}, "instances": instances})
        };
        let services: Vec<_> = services.iter().map(service).collect();
        let text = json!({"services": services}).to_string();
        fs::write(self.0.path().join("snapshot.json"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
        command.args(arguments).args(["--from", "file:snapshot.json", "--to", "dir:entries"]);
        command.args(["--interval", "100ms", "--empty-grace", "200ms"]);
        command.env_clear().env("HOME", "/nonexistent").current_dir(self.0.path());
        command.output().unwrap()
    }

    /// The exit code and the plan.
    fn plan(&self) -> (Option<i32>, Value) {
        let output = self.run(&["plan", "-o", "json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        let plan = serde_json::from_slice(&output.stdout);
        (output.status.code(), plan.unwrap_or_else(|error| panic!("{error}: {said}")))
    }

    fn serve(&self) {
        let output = self.run(&["serve", "--once"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, service: &str) -> std::path::PathBuf {
        self.0.path().join(format!("entries/cloudmap-{service}.shop.yaml"))
    }

    /// The entries by their names.
    fn entries(&self) -> BTreeMap<String, Value> {
        let files = fs::read_dir(self.0.path().join("entries")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .map(|path| {
                let text = fs::read_to_string(&path).unwrap();
                let entry: Value = serde_saphyr::from_str(&text).unwrap();
                (entry["metadata"]["name"].as_str().unwrap().to_owned(), entry)
            })
            .collect()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_plan_is_a_diff_for_each_entry_and_changes_nothing() {
    let bed = Bed::new();
    bed.snapshot(&[("web", 2), ("old", 1)]);
    bed.serve();
    bed.snapshot(&[("web", 1), ("new", 1)]);
    let before = bed.entries();
    let output = bed.run(&["plan"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let text = text(&output);
    for expected in [
        "# create default/cloudmap-new.shop\n--- /dev/null\n+++ desired/default/cloudmap-new.shop\n",
        "# delete default/cloudmap-old.shop\n--- stored/default/cloudmap-old.shop\n+++ /dev/null\n",
        "# update default/cloudmap-web.shop\n--- stored/default/cloudmap-web.shop\n+++ desired/default/cloudmap-web.shop\n@@",
        "\n-  - address: \"10.0.3.2\"\n",
        "\nPlan: 1 to create, 1 to update, 1 to delete.\n",
    ] {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
    assert!(!text.contains('\x1b'), "no colours where no terminal is");
    assert_eq!(bed.entries(), before);
    bed.serve();
    let output = bed.run(&["plan"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(self::text(&output), "Plan: 0 to create, 0 to update, 0 to delete.\n");
}

#[test]
fn what_would_be_refused_is_in_the_plan_with_its_reason() {
    let bed = Bed::new();
    let names: Vec<String> = (0..12).map(|n| format!("s{n:02}")).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    bed.snapshot(&all);
    bed.serve();
    bed.snapshot(&all[..5]);
    let stranger = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: theirs, namespace: default}\nspec: {hosts: [extra.shop]}\n";
    fs::write(bed.0.path().join("entries/theirs.yaml"), stranger).unwrap();
    bed.snapshot(&[&all[..5], &[("extra", 1)]].concat());
    let (code, plan) = bed.plan();
    let codes: Vec<_> = plan["refusals"].as_array().unwrap().iter().map(|r| &r["code"]).collect();
    assert_eq!(codes, ["Conflict", "DeletesRefused"], "{plan:#}");
    assert_eq!((code, &plan["summary"]["refused"]), (Some(0), &json!(8)), "{plan:#}");
    let output = bed.run(&["plan"]);
    let text = text(&output);
    assert!(text.contains("# refused: error[Conflict] shop/extra"), "{text}");
    assert!(text.contains("# refused: error[DeletesRefused]"), "{text}");
    assert!(text.ends_with("; 8 refused.\n"), "{text}");
}

#[test]
fn a_plan_of_what_could_not_be_read_says_so() {
    let bed = Bed::new();
    fs::write(bed.0.path().join("snapshot.json"), "{\"services\": []}").unwrap();
    let config = "sources: [{name: a, file: snapshot.json}, {name: b, file: missing.json}]\n";
    fs::write(bed.0.path().join("config.yaml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command.args(["plan", "--config", "config.yaml", "--to", "dir:entries"]);
    command.env_clear().env("HOME", "/nonexistent").current_dir(bed.0.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("missing.json") && said.contains("not be read completely"), "{said}");
}

/// A small generator of numbers: the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

#[test]
fn serve_does_what_was_planned_on_generated_states() {
    const NAMES: [&str; 8] = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff", "g-7", "h-88"];
    for seed in 0..12 {
        let mut numbers = Numbers(seed);
        let bed = Bed::new();
        let state = |numbers: &mut Numbers| -> Vec<(&str, usize)> {
            let chosen = NAMES.iter().filter(|_| numbers.below(4) > 0).copied().collect::<Vec<_>>();
            chosen.into_iter().map(|name| (name, numbers.below(4))).collect()
        };
        bed.snapshot(&state(&mut numbers));
        bed.serve();
        // Somebody edits, deletes, makes.
        for name in NAMES {
            let entry = fs::read_to_string(bed.path(name)).unwrap_or_default();
            match numbers.below(6) {
                0 => drop(fs::remove_file(bed.path(name))),
                1 if !entry.is_empty() => {
                    let edited = entry.replace("10.0.", "10.9.");
                    fs::write(bed.path(name), edited).unwrap();
                }
                2 if !entry.is_empty() => {
                    let unowned =
                        entry.replace("istio-cloud-map/owner: istio-cloud-map", "team: x");
                    fs::write(bed.path(name), unowned).unwrap();
                }
                _ => {}
            }
        }
        bed.snapshot(&state(&mut numbers));
        let before = bed.entries();
        let (code, plan) = bed.plan();
        assert_eq!(bed.entries(), before, "seed {seed}");
        // A refusal ends a pass with 1.
        bed.run(&["serve", "--once"]);
        let mut expected = before.clone();
        for change in plan["changes"].as_array().unwrap() {
            let name = change["name"].as_str().unwrap();
            if change["action"] == "delete" {
                expected.remove(name);
            } else {
                expected.insert(name.to_owned(), change["after"].clone());
            }
        }
        assert_eq!(bed.entries(), expected, "seed {seed}: {plan:#}");
        assert_eq!(code, Some(if before == expected { 0 } else { 3 }), "seed {seed}");
    }
}
