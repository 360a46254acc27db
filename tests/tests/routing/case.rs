//! Records, what they are translated to, and what Istio makes of that.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use istio_cloud_map_core::cloud_map::{InputOptions, Record, parse};
use istio_cloud_map_core::diagnostic::Diagnostic;
use istio_cloud_map_core::service_entry::ServiceEntry;
use istio_cloud_map_core::translate::{Options, Translator};
use istio_cloud_map_tests::generated::services;
use serde_json::Value;

use crate::meant::{Meaning, meanings};

/// Records that are translated together.
pub struct Case {
    pub name: String,
    pub records: Vec<Record>,
    pub meanings: BTreeMap<String, Meaning>,
    pub entries: Vec<ServiceEntry>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Case {
    pub fn new(name: String, records: Vec<Record>, options: &Options) -> Self {
        let translated = Translator::new(options).translate_all(&records);
        let meanings = meanings(&records, options);
        Self {
            name,
            records,
            meanings,
            entries: translated.entries,
            diagnostics: translated.diagnostics,
        }
    }

    pub fn generated(seed: u64) -> Self {
        Self::new(format!("seed {seed}"), vec![services::service(seed)], &services::options(seed))
    }

    /// The entries as Istio reads them.
    pub fn entries_json(&self) -> Vec<Value> {
        self.entries.iter().map(|entry| serde_json::to_value(entry).unwrap()).collect()
    }

    /// The hosts that mean something and have no entry.
    pub fn hosts_without_entry(&self) -> impl Iterator<Item = &str> {
        let has_entry = |host: &str| {
            self.entries.iter().any(|entry| entry.spec.hosts.iter().any(|h| h == host))
        };
        self.meanings.keys().map(String::as_str).filter(move |host| !has_entry(host))
    }
}

/// The golden cases of the core: those whose input can be read.
pub fn golden() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden");
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let is_input = |file: &&PathBuf| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        file.extension().is_some_and(|extension| extension == "json") && !stem.contains('.')
    };
    files.iter().filter(is_input).filter_map(|file| golden_case(file)).collect()
}

fn golden_case(file: &Path) -> Option<Case> {
    let name = file.file_stem()?.to_string_lossy().into_owned();
    let options =
        fs::read_to_string(file.with_extension("options.json")).unwrap_or_else(|_| "{}".to_owned());
    let mut options: serde_json::Map<String, Value> = serde_json::from_str(&options).unwrap();
    let mut take = |key: &str| options.remove(key).map(|value| value.as_str().unwrap().to_owned());
    let input = InputOptions {
        region: take("region"),
        namespace: take("namespace"),
        service: take("service"),
        ..InputOptions::default()
    };
    let records = parse(&fs::read_to_string(file).unwrap(), &input).ok()?.records;
    Some(Case::new(name, records, &serde_json::from_value(Value::Object(options)).unwrap()))
}
