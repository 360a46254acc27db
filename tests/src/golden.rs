//! The golden cases of the core: inputs of `translate` with their options.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "tests: the files are there and can be read"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// An input with its options, as texts.
pub struct Golden {
    /// The file's name without its extension.
    pub name: String,
    /// What is translated.
    pub input: String,
    /// The options as JSON, unless they are the defaults.
    pub options: Option<String>,
    /// What `translate` answers.
    pub output: String,
}

/// All of them, sorted by name.
#[must_use]
pub fn all() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden");
    let files = fs::read_dir(folder).expect("the folder of golden cases");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let golden: Vec<Golden> = files.iter().filter_map(|file| read(file)).collect();
    assert!(golden.len() > 50, "the golden cases are missing");
    golden
}

/// `NAME.json`, and not `NAME.options.json` or `NAME.out.json`.
fn read(file: &Path) -> Option<Golden> {
    let name = file.file_name()?.to_str()?.strip_suffix(".json")?;
    (!name.contains('.')).then(|| Golden {
        name: name.to_owned(),
        input: fs::read_to_string(file).expect("the input"),
        options: fs::read_to_string(file.with_extension("options.json")).ok(),
        output: fs::read_to_string(file.with_extension("out.json")).expect("the output"),
    })
}
