//! What is asked of every host.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use crate::call::Call;

pub struct Case {
    pub name: String,
    pub call: Call,
    pub input: String,
    pub options: Option<String>,
    /// None where the input is not one JSON value: such can be given as a text, but can't stand in
    /// a request.
    pub request: Option<Request>,
}

/// A request in one line, and what the core answers to it.
pub struct Request {
    pub text: Vec<u8>,
    pub native: Vec<u8>,
}

impl Case {
    pub fn new(call: Call, name: String, input: String, options: Option<String>) -> Self {
        let request = serde_json::from_str::<&RawValue>(&input)
            .is_ok()
            .then(|| Request::new(call, &input, options.as_deref()));
        Self { name, call, input, options, request }
    }
}

impl Request {
    fn new(call: Call, input: &str, options: Option<&str>) -> Self {
        let options = options.map(|options| format!(r#","options":{options}"#)).unwrap_or_default();
        // In JSON they are between values only.
        let text =
            format!(r#"{{"input":{input}{options}}}"#).replace(['\r', '\n'], " ").into_bytes();
        Self { native: call.natively(&text), text }
    }
}

/// The golden cases of the core.
pub fn golden() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let is_input = |file: &&PathBuf| {
        let stem = file.file_stem().unwrap().to_string_lossy();
        file.extension().is_some_and(|extension| extension == "json") && !stem.contains('.')
    };
    files.iter().filter(is_input).map(|file| golden_case(file)).collect()
}

fn golden_case(file: &Path) -> Case {
    let name = format!("golden {}", file.file_stem().unwrap().to_string_lossy());
    let options = fs::read_to_string(file.with_extension("options.json")).ok();
    Case::new(Call::Translate, name, fs::read_to_string(file).unwrap(), options)
}
