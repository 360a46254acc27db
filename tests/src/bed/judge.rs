//! Istio's own judgement of `ServiceEntry` objects.

use std::process::Stdio;

use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

use super::setup::Programs;

/// Istio's validating webhook and the CRD's schema and CEL rules, in one process that answers line by line.
pub struct Judge {
    pipes: Mutex<Pipes>,
    // Ends at the end of its input, which the death of this process brings, too.
    _process: Child,
}

struct Pipes {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// What Istio says of one `ServiceEntry`. Each message begins with who says it: `admission: ` or `crd: `.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The entry's name.
    pub name: String,
    /// Why it is rejected; none if it is accepted.
    pub errors: Vec<String>,
    /// What a user would be told although it is accepted.
    pub warnings: Vec<String>,
}

impl Judge {
    /// Starts the process.
    pub async fn start() -> Self {
        let programs = Programs::of(&["judge"]).await;
        let mut process = Command::new(programs.path("JUDGE"))
            .arg("verdicts")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the judge starts");
        let input = process.stdin.take().expect("the judge's stdin");
        let output = process.stdout.take().expect("the judge's stdout");
        let output = BufReader::new(output).lines();
        Self { pipes: Mutex::new(Pipes { input, output }), _process: process }
    }

    /// One verdict an entry, in their order.
    pub async fn verdicts(&self, entries: &[Value]) -> Vec<Verdict> {
        let mut pipes = self.pipes.lock().await;
        let mut verdicts = Vec::with_capacity(entries.len());
        for entry in entries {
            verdicts.push(pipes.ask(entry).await);
        }
        verdicts
    }

    /// Panics with all the errors unless every entry is accepted.
    pub async fn assert_accepts(&self, entries: &[Value]) {
        let verdicts = self.verdicts(entries).await;
        let rejected: Vec<_> = verdicts.iter().filter(|verdict| !verdict.errors.is_empty()).collect();
        assert!(rejected.is_empty(), "Istio rejects {rejected:#?}");
    }
}

impl Pipes {
    /// One line out, one line in: never so much on the way that both sides wait for each other.
    async fn ask(&mut self, entry: &Value) -> Verdict {
        self.input.write_all(format!("{entry}\n").as_bytes()).await.expect("the judge listens");
        self.input.flush().await.expect("the judge listens");
        let answer = self.output.next_line().await.expect("the judge speaks UTF-8");
        let answer = answer.expect("the judge answers every line");
        serde_json::from_str(&answer).expect("the judge answers with a verdict")
    }
}
