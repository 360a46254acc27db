//! Each `golden/NAME.json` translates to exactly `golden/NAME.out.json`, with the options in
//! `NAME.options.json`, if there are any.
//!
//! `UPDATE_GOLDEN=1 cargo test -p istio-cloud-map-core --test golden` rewrites the results. Review
//! each change against the rules.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use istio_cloud_map_core::api::{TranslateOptions, Translation};
use serde_json::json;

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
    assert!(
        differing.is_empty(),
        "{}\nrun with UPDATE_GOLDEN=1 if this is right",
        differing.join("\n")
    );
}

#[test]
fn every_case_has_a_row_in_the_readme_and_every_row_a_case() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/README.md"))
            .unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut rows: Vec<_> = rows.map(|(name, _)| name.to_owned()).collect();
    rows.sort();
    let mut names: Vec<_> = cases()
        .iter()
        .map(|case| case.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(rows, names);
}

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_input = |path: &PathBuf| {
        path.extension().is_some_and(|e| e == "json")
            && !path.with_extension("").to_string_lossy().contains('.')
    };
    let mut cases: Vec<_> = files.filter(is_input).collect();
    cases.sort();
    assert!(cases.len() > 20, "cases are missing");
    cases
}

/// The text of a result, or the error if the input can't be read.
fn outcome(case: &Path) -> String {
    let options = match fs::read_to_string(case.with_extension("options.json")) {
        Ok(text) => TranslateOptions::parse(&text).unwrap(),
        Err(_) => TranslateOptions::default(),
    };
    match Translation::parse(&fs::read_to_string(case).unwrap(), options) {
        Ok(translation) => serde_json::to_string_pretty(&translation).unwrap() + "\n",
        Err(error) => format!("{:#}\n", json!({"error": error.to_string()})),
    }
}
