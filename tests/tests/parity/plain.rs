//! The plain module under its example hosts: a process that answers line by line.

use std::path::{Path, PathBuf};

use istio_cloud_map_tests::bed::PlainHost;

use crate::call::Call;
use crate::case::Case;
use crate::lines;
use crate::runner::{Question, Runner};

pub struct Plain {
    host: PlainHost,
    module: PathBuf,
}

impl Plain {
    pub fn new(host: PlainHost, module: &Path) -> Self {
        Self { host, module: module.to_owned() }
    }

    /// The answers, or what the program said when it failed.
    pub fn run(&self, call: Call, requests: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
        let mut program = self.host.command();
        program.arg(&self.module).arg(call.name());
        lines::answers(program, requests)
    }
}

impl Runner for Plain {
    fn name(&self) -> &str {
        self.host.name
    }

    fn question(&self, case: &Case) -> Result<Question, &'static str> {
        let request = case.request.as_ref().ok_or("not one JSON value")?;
        Ok(Question { asked: request.text.clone(), expected: request.native.clone() })
    }

    fn answers(&self, call: Call, questions: &[&[u8]]) -> Vec<Vec<u8>> {
        self.run(call, questions).unwrap()
    }
}
