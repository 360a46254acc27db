//! A configuration file that changes while the operator runs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use istio_cloud_map_tests::operator::{Operator, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);

/// Entries by the names of their files: when a file was written, and its text.
type Entries = BTreeMap<String, (std::time::SystemTime, String)>;

/// An operator with a configuration file, snapshots and a directory of entries.
struct Bed {
    directory: TempDir,
    operator: Option<Operator>,
}

impl Bed {
    /// Starts with this configuration, and a snapshot `a.json` of 12 services with an instance each.
    async fn start(config: &str) -> Self {
        let mut bed = Self { directory: TempDir::new().unwrap(), operator: None };
        bed.snapshot("a", &[1; 12]);
        bed.configure(config);
        let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
        command.args(["serve", "--config", "config.yaml", "--empty-grace", "1s"]);
        command.env_clear().env("HOME", "/nonexistent").current_dir(bed.directory.path());
        bed.operator.insert(Operator::spawn(command)).ready().await;
        bed
    }

    fn operator(&self) -> &Operator {
        self.operator.as_ref().unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        let draft = self.directory.path().join("draft");
        fs::write(&draft, text).unwrap();
        fs::rename(draft, self.directory.path().join(name)).unwrap();
    }

    fn configure(&self, config: &str) {
        self.write("config.yaml", &format!("to: dir:entries\ninterval: 1s\n{config}"));
    }

    /// The services of a source, `web0` and so on, by their numbers of instances.
    fn snapshot(&self, source: &str, services: &[usize]) {
        let service = |(number, instances): (usize, &usize)| {
            let instance = |n| {
                let attributes = json!({"AWS_INSTANCE_IPV4": format!("10.{number}.0.{n}"), "AWS_INSTANCE_PORT": "80"});
                json!({"InstanceId": format!("i-{n}"), "Attributes": attributes})
            };
            let instances: Vec<_> = (1..=*instances).map(instance).collect();
            json!({"namespace": {"Name": source}, "service": {"Name": format!("web{number}")}, "instances": instances})
        };
        let services: Vec<_> = services.iter().enumerate().map(service).collect();
        self.write(&format!("{source}.json"), &json!({"services": services}).to_string());
    }

    fn entries(&self) -> Entries {
        let mut entries = Entries::new();
        collect(&self.directory.path().join("entries"), &mut entries);
        entries
    }

    /// How many entries there are with this text.
    fn with(&self, text: &str) -> usize {
        self.entries().values().filter(|(_, entry)| entry.contains(text)).count()
    }

    async fn has_with(&self, count: usize, text: &str) {
        let what = format!("{count} entries with {text}; there are {}", self.with(text));
        eventually(&what, SOON, async || self.with(text) == count).await;
    }

    async fn logs(&self, text: &str) {
        eventually(text, SOON, async || self.operator().log().contains(text)).await;
    }

    /// The newest change of the configuration file, as the status has it.
    async fn last_reload(&self) -> Value {
        // A status is of a second ago at most.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let status = self.operator().page("/status.json").await.unwrap();
        let status: Value = serde_json::from_str(&status).unwrap();
        let changes = status["changes"].as_array().unwrap();
        changes.iter().find(|change| change["action"] == "reload").unwrap().clone()
    }

    async fn has_diagnostic(&self, code: &str, count: f64) {
        eventually(code, SOON, async || {
            let found = self.operator().metric("istio_cloud_map_diagnostics{", &[code]).await;
            (found - count).abs() < 0.1
        })
        .await;
    }
}

fn collect(directory: &Path, entries: &mut Entries) {
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            collect(&path, entries);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            entries.insert(name, (written, fs::read_to_string(&path).unwrap()));
        }
    }
}

const SOURCE_A: &str = "sources: [{name: a, file: a.json}]\n";

#[tokio::test]
async fn what_a_change_means_is_applied_and_no_other_entry_is_rewritten() {
    let bed = Bed::start(SOURCE_A).await;
    bed.has_with(12, "kind: ServiceEntry").await;
    let before = bed.entries();
    // Under load: instances come while the file changes.
    bed.snapshot("a", &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    let translation = "translation: {overrides: [{service: 'web[0]', ports: 'grpc:50051'}, {service: web1, ports: 'grpc:50051'}]}\n";
    bed.configure(&format!("{SOURCE_A}{}", translation.replace("'web[0]'", "web0")));
    bed.has_with(2, "50051").await;
    bed.has_with(1, "10.11.0.2").await;
    bed.logs("the configuration file has changed").await;
    let after = bed.entries();
    let rewritten: Vec<_> = after
        .iter()
        .filter(|(name, entry)| before.get(*name) != Some(*entry))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(rewritten.len(), 3, "web0, web1 and web11: {rewritten:?}");
}

#[tokio::test]
async fn sources_come_and_go_and_what_a_source_that_is_gone_has_written_stays() {
    let bed = Bed::start(SOURCE_A).await;
    bed.snapshot("b", &[1, 1]);
    bed.configure(
        "sources: [{name: a, file: a.json}, {name: b, file: b.json, targetNamespace: other}]\n",
    );
    bed.has_with(2, "namespace: other").await;
    bed.configure("sources: [{name: b, file: b.json, targetNamespace: other}]\n");
    eventually("a is not read any more", SOON, async || {
        let page = bed.operator().page("/metrics").await.unwrap_or_default();
        !page.contains("services{source=\"a\"}")
    })
    .await;
    bed.snapshot("a", &[2; 12]);
    bed.snapshot("b", &[2, 2]);
    bed.has_with(14, "kind: ServiceEntry").await;
    bed.has_with(2, ".0.2").await;
    assert!(bed.operator().page("/readyz").await.is_some());
}

#[tokio::test]
async fn a_file_that_is_wrong_is_reported_and_the_settings_stay() {
    let bed = Bed::start(SOURCE_A).await;
    bed.configure(&format!("{SOURCE_A}translation: {{adresses: none}}\n"));
    bed.logs("error[ReloadFailed]").await;
    bed.logs("unknown key `adresses`, did you mean `addresses`?").await;
    bed.has_diagnostic("ReloadFailed", 1.0).await;
    bed.snapshot("a", &[2; 12]);
    bed.has_with(12, ".0.2").await;
    bed.configure(&format!("id: another\n{SOURCE_A}"));
    bed.logs("a change of `id` needs a restart").await;
    bed.configure(SOURCE_A);
    bed.has_diagnostic("ReloadFailed", 0.0).await;
    assert_eq!(bed.operator().log_lines_with("ReloadFailed"), 2, "each mistake once");
}

#[tokio::test]
async fn a_change_of_too_many_entries_is_held_until_the_file_confirms_it() {
    let bed = Bed::start(SOURCE_A).await;
    let changed =
        format!("{SOURCE_A}translation: {{overrides: [{{service: '*', ports: 'grpc:50051'}}]}}\n");
    bed.configure(&changed);
    bed.logs("error[ReloadHeld]").await;
    bed.has_diagnostic("ReloadHeld", 1.0).await;
    let last = bed.last_reload().await;
    assert!(last["error"].as_str().unwrap().contains("add `confirmReload: "), "{last}");
    // The old settings are kept to.
    bed.snapshot("a", &[2; 12]);
    bed.has_with(12, ".0.2").await;
    assert_eq!(bed.with("50051"), 0);

    bed.configure(&format!("{changed}confirmReload: another\n"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(bed.with("50051"), 0);
    let log = bed.operator().log();
    assert!(log.contains("would change or remove 12 of 12 entries, more than 30 %"), "{log}");
    let token = log.split("`confirmReload: ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    bed.configure(&format!("{changed}confirmReload: {token}\n"));
    bed.has_with(12, "50051").await;
    bed.has_diagnostic("ReloadHeld", 0.0).await;
    assert!(bed.last_reload().await["error"].is_null());
}
