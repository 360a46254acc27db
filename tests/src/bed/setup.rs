//! Where the bed's programs are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What `tests/bed/setup` printed: its keys and paths.
pub(super) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Has these parts made, where they are not yet, which may take minutes the first time.
    pub(super) async fn of(parts: &'static [&'static str]) -> Self {
        tokio::task::spawn_blocking(move || Self::make(parts))
            .await
            .expect("the set-up's task ends")
    }

    /// The same, for a test that is not async.
    pub(super) fn make(parts: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/bed/setup");
        let output = Command::new(script)
            .args(parts)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .expect("tests/bed/setup runs");
        assert!(output.status.success(), "tests/bed/setup {parts:?}: {}", output.status);
        let stdout = String::from_utf8(output.stdout).expect("tests/bed/setup prints UTF-8");
        Self(
            stdout
                .lines()
                .filter_map(|line| line.split_once('='))
                .map(|(key, path)| (key.to_owned(), PathBuf::from(path)))
                .collect(),
        )
    }

    /// The path that the script printed under this key.
    pub(super) fn path(&self, key: &str) -> &Path {
        let path = self.0.get(key);
        path.unwrap_or_else(|| panic!("tests/bed/setup printed no {key}"))
    }
}
