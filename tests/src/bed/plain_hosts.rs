//! The example hosts of the plain module.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::setup::Programs;

/// One of the programs in wasm/plain/hosts.
pub struct PlainHost {
    /// The language and the runtime.
    pub name: &'static str,
    program: PathBuf,
    script: Option<PathBuf>,
}

impl PlainHost {
    /// All of them. Cargo knows where the one in Rust is; what the others need is made, where it is
    /// not yet.
    #[must_use]
    pub fn all(rust: &Path) -> [Self; 4] {
        let made = Programs::make(&["hosts"]);
        let script = |name: &str| {
            Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm/plain/hosts").join(name))
        };
        [
            Self { name: "Rust (wasmtime)", program: rust.to_owned(), script: None },
            Self {
                name: "Python (wasmtime)",
                program: made.path("HOST_PYTHON").to_owned(),
                script: script("python/host.py"),
            },
            Self { name: "Go (wazero)", program: made.path("HOST_GO").to_owned(), script: None },
            Self {
                name: "JavaScript (Node)",
                program: "node".into(),
                script: script("javascript/host.mjs"),
            },
        ]
    }

    /// The program, which is yet to be told the module and the function.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.script);
        command
    }
}
