//! On a real directory.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails panics"
)]

use std::fs;

use istio_cloud_map_core::operator::WriteFailure::{Conflict, NotFound, Rejected};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

type Seen<'a> = BoxStream<'a, Result<Observation, WriteError>>;

fn key(name: &str) -> EntryKey {
    EntryKey { namespace: "mesh".to_owned(), name: name.to_owned() }
}

fn object(name: &str, host: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "ServiceEntry",
        "metadata": {"name": name, "labels": {"istio-cloud-map/owner": "me"}},
        "spec": {"hosts": [host], "ports": [{"number": 80, "name": "80", "protocol": "TCP"}], "endpoints": [{"address": "10.0.0.1"}]},
    })
}

fn entry(name: &str, host: &str, replaces: Option<Version>) -> Apply {
    Apply { key: key(name), json: object(name, host).to_string(), replaces }
}

fn open() -> (TempDir, DirSink) {
    let directory = TempDir::new().unwrap();
    let sink = DirSink::open(directory.path(), "mesh").unwrap();
    (directory, sink)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = directory
        .read_dir()
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn listed(sink: &DirSink) -> Vec<Observed> {
    match sink.observe().next().await.unwrap().unwrap() {
        Observation::Listed { entries, .. } => entries,
        other => panic!("{other:?}"),
    }
}

async fn next(seen: &mut Seen<'_>) -> Observation {
    tokio::time::timeout(Duration::from_secs(5), seen.next()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn what_is_written_is_seen_as_it_was_written() {
    let (directory, sink) = open();
    let written = sink.apply(entry("a", "a.shop", None)).await.unwrap();
    assert_eq!(listed(&sink).await, [written]);
    assert_eq!(names(directory.path()), ["a.yaml"]);
}

#[tokio::test]
async fn a_label_that_somebody_adds_stays_and_one_that_is_no_longer_set_goes() {
    let (directory, sink) = open();
    let labelled = |labels: &[&str], address: &str, replaces| {
        let mut object = object("a", "a.shop");
        object["metadata"]["annotations"] = json!({"istio-cloud-map/source": "s"});
        for label in labels {
            object["metadata"]["labels"][label] = json!("x");
        }
        if !labels.is_empty() {
            let list = "istio-cloud-map/entry-labels";
            object["metadata"]["annotations"][list] = json!(labels.join(","));
        }
        object["spec"]["endpoints"][0]["address"] = json!(address);
        Apply { key: key("a"), json: object.to_string(), replaces }
    };
    let ours = sink.apply(labelled(&["env", "team"], "10.0.0.1", None)).await.unwrap();
    let path = directory.path().join("a.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("    team: x\n", "    team: x\n    theirs: x\n")).unwrap();
    let stored = listed(&sink).await.remove(0);
    assert_ne!(stored, ours, "the file has changed");
    assert_eq!(ours.fields.differing(&stored.fields).count(), 0);

    let wanted = labelled(&["team"], "10.0.0.2", Some(stored.version.clone()));
    let object: Value = serde_json::from_str(&wanted.json).unwrap();
    let wanted_fields = Observed::from_json(&object, None, "mesh").fields;
    let differing: Vec<_> = wanted_fields.differing(&stored.fields).collect();
    assert_eq!(differing, ["endpoints", "labels"]);
    let written = sink.apply(wanted).await.unwrap();
    assert_eq!(listed(&sink).await, [written]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("    team: x\n    theirs: x\n") && !text.contains("env"), "{text}");
}

#[tokio::test]
async fn what_undoes_a_write_between_two_looks_is_seen() {
    let (directory, sink) = open();
    let path = directory.path().join("a.yaml");
    let ours = sink.apply(entry("a", "a.shop", None)).await.unwrap();
    let mut seen = sink.observe();
    assert!(
        matches!(next(&mut seen).await, Observation::Listed { entries, .. } if entries.len() == 1)
    );
    let theirs = fs::read_to_string(&path).unwrap().replace("10.0.0.1", "10.0.0.2");
    fs::write(&path, &theirs).unwrap();
    let mut version = ours.version.clone();
    while version == ours.version {
        let Observation::Applied(observed) = next(&mut seen).await else {
            panic!("expected the change")
        };
        version = observed.version.clone();
    }
    let repaired = sink.apply(entry("a", "a.shop", Some(version.clone()))).await.unwrap();
    fs::write(&path, &theirs).unwrap();
    assert!(
        matches!(next(&mut seen).await, Observation::Applied(observed) if observed.version == version)
    );

    let repaired = sink.apply(entry("a", "a.shop", Some(version))).await.unwrap_or(repaired);
    assert!(
        matches!(next(&mut seen).await, Observation::Applied(observed) if observed.version == repaired.version)
    );
    let text = fs::read(&path).unwrap();
    sink.delete(&key("a"), &repaired.version).await.unwrap();
    fs::write(&path, text).unwrap();
    assert!(
        matches!(next(&mut seen).await, Observation::Applied(observed) if observed.version == repaired.version),
        "recreated by another process"
    );
}

#[tokio::test]
async fn a_change_replaces_what_was_observed_and_nothing_else() {
    let (directory, sink) = open();
    let first = sink.apply(entry("a", "a.shop", None)).await.unwrap();
    let second = sink.apply(entry("a", "b.shop", Some(first.version.clone()))).await.unwrap();
    assert_ne!(first.version, second.version);
    assert_eq!(
        sink.apply(entry("a", "c.shop", Some(first.version.clone()))).await.unwrap_err().failure,
        Conflict
    );
    assert_eq!(sink.apply(entry("a", "c.shop", None)).await.unwrap_err().failure, Conflict);
    assert_eq!(sink.delete(&key("a"), &first.version).await.unwrap_err().failure, Conflict);
    sink.delete(&key("a"), &second.version).await.unwrap();
    assert_eq!(sink.delete(&key("a"), &second.version).await.unwrap_err().failure, NotFound);
    assert_eq!(
        sink.apply(entry("a", "c.shop", Some(second.version))).await.unwrap_err().failure,
        Conflict
    );
    assert_eq!(names(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn identical_bytes_are_not_written_again() {
    let (directory, sink) = open();
    let path = directory.path().join("a.yaml");
    let written = sink.apply(entry("a", "a.shop", None)).await.unwrap();
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    sink.apply(entry("a", "a.shop", Some(written.version))).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn a_persons_edits_and_deletions_are_seen_within_a_second() {
    let (directory, sink) = open();
    sink.apply(entry("a", "a.shop", None)).await.unwrap();
    let mut seen = sink.observe();
    assert!(
        matches!(next(&mut seen).await, Observation::Listed { entries, .. } if entries.len() == 1)
    );
    let path = directory.path().join("a.yaml");
    let started = std::time::Instant::now();
    // Of the same length, and perhaps of the same time.
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("10.0.0.1", "10.0.0.2")).unwrap();
    assert!(matches!(next(&mut seen).await, Observation::Applied(one) if one.key.name == "a"));
    fs::remove_file(&path).unwrap();
    assert!(matches!(next(&mut seen).await, Observation::Deleted { key, .. } if key.name == "a"));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_file_that_is_none_of_ours_is_an_unowned_entry_and_left_alone() {
    let (directory, sink) = open();
    let foreign =
        |name: &str, content: &[u8]| fs::write(directory.path().join(name), content).unwrap();
    foreign("values.yaml", b"a: 1\n");
    foreign("broken.yaml", b"a: [\n");
    foreign("binary.yaml", &[0xff, 0xfe, 0x00, 0x80]);
    foreign("notes.txt", b"hello");
    fs::create_dir(directory.path().join("folder.yaml")).unwrap();
    fs::File::create(directory.path().join("huge.yaml")).unwrap().set_len(1 << 40).unwrap();
    let before = names(directory.path());
    let seen = listed(&sink).await;
    assert_eq!(
        seen.iter().map(|o| o.key.name.as_str()).collect::<Vec<_>>(),
        ["binary", "broken", "folder", "huge", "values"]
    );
    for observed in seen {
        assert_eq!((&observed.owner, observed.hosts.is_empty()), (&None, true));
        for replaces in [None, Some(observed.version.clone())] {
            assert_eq!(
                sink.apply(entry(&observed.key.name, "a.shop", replaces))
                    .await
                    .unwrap_err()
                    .failure,
                Conflict
            );
        }
        assert_eq!(
            sink.delete(&observed.key, &observed.version).await.unwrap_err().failure,
            Conflict
        );
    }
    assert_eq!(names(directory.path()), before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let (directory, sink) = open();
    let made = std::process::Command::new("mkfifo")
        .arg(directory.path().join("pipe.yaml"))
        .status()
        .unwrap();
    assert!(made.success());
    let seen = tokio::time::timeout(Duration::from_secs(5), listed(&sink)).await.unwrap();
    assert_eq!(seen[0].key.name, "pipe");
}

#[tokio::test]
async fn entries_in_other_files_are_somebody_elses() {
    let (directory, sink) = open();
    let own = sink.apply(entry("a", "a.shop", None)).await.unwrap();
    let copy = fs::read_to_string(directory.path().join("a.yaml")).unwrap();
    let second = serde_saphyr::to_string(&object("b", "b.shop")).unwrap();
    fs::write(directory.path().join("all.yaml"), format!("{copy}---\n{second}---\nkind: Other\n"))
        .unwrap();
    let list = json!({"kind": "List", "apiVersion": "v1", "items": [object("c", "c.shop")]});
    fs::write(directory.path().join("list.json"), list.to_string()).unwrap();
    let seen = listed(&sink).await;
    let told: Vec<_> = seen.iter().map(|o| (o.key.name.as_str(), o.owner.as_deref())).collect();
    assert_eq!(told, [("a", Some("me")), ("all", None), ("b", None), ("c", None)]);
    assert_eq!(seen[0], own);
}

#[tokio::test]
async fn an_entry_to_which_a_person_added_another_is_not_overwritten() {
    let (directory, sink) = open();
    sink.apply(entry("a", "a.shop", None)).await.unwrap();
    let path = directory.path().join("a.yaml");
    let both = format!("{}---\nkind: Other\n", fs::read_to_string(&path).unwrap());
    fs::write(&path, &both).unwrap();
    let observed = listed(&sink).await.remove(0);
    assert_eq!(observed.owner, None);
    assert_eq!(
        sink.apply(entry("a", "b.shop", Some(observed.version))).await.unwrap_err().failure,
        Conflict
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), both);
}

#[tokio::test]
async fn a_nobodys_entry_of_our_name_can_be_taken_over_as_it_was_observed() {
    let (directory, sink) = open();
    let mut theirs = object("a", "a.shop");
    theirs["metadata"]["labels"] = json!({});
    fs::write(directory.path().join("a.yaml"), theirs.to_string()).unwrap();
    let observed = listed(&sink).await.remove(0);
    let taken = sink.apply(entry("a", "a.shop", Some(observed.version))).await.unwrap();
    assert_eq!(listed(&sink).await, [taken]);
}

#[tokio::test]
async fn a_name_that_is_too_long_for_a_file_is_cut_to_one_that_is_always_the_same() {
    let (directory, sink) = open();
    let (long, other) = ("x".repeat(250) + "-ab", "x".repeat(250) + "-cd");
    let written = sink.apply(entry(&long, "a.shop", None)).await.unwrap();
    sink.apply(entry(&other, "b.shop", None)).await.unwrap();
    let files = names(directory.path());
    assert_eq!(files.iter().map(String::len).collect::<Vec<_>>(), [255, 255]);
    assert!(files.contains(&format!("{}-8d8307819a9ef743.yaml", "x".repeat(233))), "{files:?}");
    assert!(listed(&sink).await.contains(&written));
    sink.delete(&key(&long), &written.version).await.unwrap();
    assert_eq!(names(directory.path()).len(), 1);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused() {
    let (_directory, sink) = open();
    for name in ["../a", "/etc/a", ".hidden", ""] {
        assert_eq!(
            sink.apply(entry(name, "a.shop", None)).await.unwrap_err().failure,
            Rejected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_directory_is_made_and_made_again_and_cleaned_of_half_written_files() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("a/b");
    let sink = DirSink::open(&path, "mesh").unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_hours(2);
    for (name, modified) in [("-crash.tmp", long_ago), ("-now.tmp", std::time::SystemTime::now())] {
        let file = fs::File::create(path.join(format!(".istio-cloud-map{name}"))).unwrap();
        file.set_modified(modified).unwrap();
    }
    fs::write(path.join(".hidden.tmp"), "theirs").unwrap();
    let sink = DirSink::open(&path, &sink.directory.default_namespace).unwrap();
    assert_eq!(
        names(&path),
        [".hidden.tmp", ".istio-cloud-map-now.tmp"],
        "another process may be writing the young one"
    );
    let mut seen = sink.observe();
    assert_eq!(
        next(&mut seen).await,
        Observation::Listed { entries: Vec::new(), version: Version::default() }
    );
    fs::remove_dir_all(&path).unwrap();
    sink.apply(entry("a", "a.shop", None)).await.unwrap();
    assert!(matches!(next(&mut seen).await, Observation::Applied(_)));
    fs::remove_dir_all(&path).unwrap();
    assert_eq!(
        next(&mut seen).await,
        Observation::Deleted { key: key("a"), version: Version::default() }
    );
}

#[test]
fn a_path_that_is_no_directory_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = DirSink::open(file.path(), "mesh").unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("can't write to the directory {}: ", file.path().display())),
        "{error}"
    );
    let missing = TempDir::new().unwrap().path().join("gone");
    DirSink::look(&missing, "mesh");
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_dry_run_sees_and_writes_nothing() {
    let (directory, sink) = open();
    let written = sink.apply(entry("a", "a.shop", None)).await.unwrap();
    let dry = crate::sink::dry_run::DryRun(sink.clone());
    assert!(
        matches!(dry.observe().next().await, Some(Ok(Observation::Listed { entries, .. })) if entries == [written.clone()])
    );
    let pretended = dry.apply(entry("b", "b.shop", None)).await.unwrap();
    assert_eq!((pretended.key, pretended.owner.as_deref()), (key("b"), Some("me")));
    dry.delete(&key("a"), &written.version).await.unwrap();
    dry.finish().await.unwrap();
    assert_eq!(names(directory.path()), ["a.yaml"]);
}
