//! Each `golden/NAME.json` translates to exactly `golden/NAME.out.json`; `NAME.options.json` holds its options, where it has any.
//!
//! `UPDATE_GOLDEN=1 cargo test -p istio-cloud-map-core --test golden` writes the results anew. Read each change against the rules.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use istio_cloud_map_core::cloud_map::{InputOptions, parse};
use istio_cloud_map_core::diagnostic::Diagnostic;
use istio_cloud_map_core::service_entry::ServiceEntry;
use istio_cloud_map_core::translate::{Options, translate_all};
use serde::Serialize;
use serde_json::{Value, json};

#[test]
fn every_case_translates_to_its_golden_file() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for case in cases() {
        let golden = case.with_extension("out.json");
        let result = outcome(&case);
        if update {
            fs::write(&golden, result).unwrap();
        } else if fs::read_to_string(&golden).ok() != Some(result.clone()) {
            differing.push(format!("{}: now\n{result}", golden.display()));
        }
    }
    assert!(differing.is_empty(), "{}\nrun with UPDATE_GOLDEN=1 if this is right", differing.join("\n"));
}

#[test]
fn every_case_has_a_row_in_the_readme_and_every_row_a_case() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut rows: Vec<_> = rows.map(|(name, _)| name.to_owned()).collect();
    rows.sort();
    let mut names: Vec<_> = cases().iter().map(|case| case.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(rows, names);
}

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_input =
        |path: &PathBuf| path.extension().is_some_and(|e| e == "json") && !path.with_extension("").to_string_lossy().contains('.');
    let mut cases: Vec<_> = files.filter(is_input).collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are gone");
    cases
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    service_entries: Vec<ServiceEntry>,
    diagnostics: Vec<Diagnostic>,
}

/// The text of a result; what can't be read at all is its error.
fn outcome(case: &Path) -> String {
    let (input, options) = options(&case.with_extension("options.json"));
    let read = match parse(&fs::read_to_string(case).unwrap(), &input) {
        Ok(read) => read,
        Err(error) => return format!("{:#}\n", json!({"error": error.to_string()})),
    };
    let translated = translate_all(&read.records, &options);
    let mut diagnostics = read.diagnostics;
    diagnostics.extend(translated.diagnostics);
    diagnostics.sort();
    let outcome = Outcome { service_entries: translated.entries, diagnostics };
    serde_json::to_string_pretty(&outcome).unwrap() + "\n"
}

/// The options of the input (`namespace`, `service`, `region`) and those of the translation, in one object.
fn options(file: &Path) -> (InputOptions, Options) {
    let Ok(text) = fs::read_to_string(file) else { return (InputOptions::default(), Options::default()) };
    let mut options: Value = serde_json::from_str(&text).unwrap();
    let Some(object) = options.as_object_mut() else { panic!("{}: no object", file.display()) };
    let mut take = |key: &str| object.remove(key).map(|value| value.as_str().unwrap().to_owned());
    let input = InputOptions { region: take("region"), namespace: take("namespace"), service: take("service"), ..InputOptions::default() };
    (input, serde_json::from_value(options).unwrap())
}
