//! The generated files are current. `UPDATE_GOLDEN=1 cargo test -p istio-cloud-map-core --test
//! schema` rewrites them.

use std::fs;
use std::path::{Path, PathBuf};

use istio_cloud_map_core::schema::{options_page, translation_options, typescript};
use istio_cloud_map_core::service_entry::Protocol;
use serde_json::Value;

/// The path of a generated file, which is rewritten first with `UPDATE_GOLDEN`.
fn generated(file: &str, text: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
    }
    file
}

#[test]
fn the_json_schema_of_the_options_is_that_of_the_types() {
    let schema = translation_options().to_value();
    let file = generated(
        "docs/reference/translation-options.schema.json",
        &(serde_json::to_string_pretty(&schema).unwrap() + "\n"),
    );
    // Compared as values: the order of keys depends on the features of serde_json in the build.
    let stored: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(
        stored == schema,
        "{} is not what the types give; run with UPDATE_GOLDEN=1 if they are right",
        file.display()
    );
}

#[test]
fn the_page_of_the_options_is_that_of_the_types() {
    let page = options_page();
    let file = generated("docs/reference/translation-options.md", &page);
    assert!(
        fs::read_to_string(&file).unwrap() == page,
        "{} is not what the types give; run with UPDATE_GOLDEN=1 if they are right",
        file.display()
    );
}

#[test]
fn the_typescript_of_the_package_is_that_of_the_types() {
    let text = typescript();
    let file = generated("wasm/js/types/core.d.ts", &text);
    let stored = fs::read_to_string(&file).unwrap();
    assert!(
        stored == text,
        "{} is not what the types give; run with UPDATE_GOLDEN=1 if they are right",
        file.display()
    );
}

#[test]
fn no_type_is_any() {
    let text = typescript();
    let code = text.lines().map(str::trim_start).filter(|line| !line.starts_with(['/', '*']));
    let anys: Vec<_> = code
        .filter(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "any"))
        .collect();
    assert!(anys.is_empty(), "{anys:?}");
}

#[test]
fn the_typescript_names_every_protocol_as_it_is_written() {
    let text = typescript();
    let (_, union) = text.split_once("export type Protocol =").unwrap();
    let (union, _) = union.split_once(';').unwrap();
    let names: Vec<_> = union.split('"').skip(1).step_by(2).collect();
    assert_eq!(names.len(), 11, "{union}");
    for name in names {
        assert_eq!(name.parse::<Protocol>().unwrap().as_str(), name);
    }
}
