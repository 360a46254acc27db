//! A program that answers line by line.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    path::Path,
    process::Stdio,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

/// A running program that takes JSON and answers with JSON, one line each.
pub(super) struct LineByLine {
    pipes: Mutex<Pipes>,
    // Ends at the end of its input, which the death of this process brings, too.
    _process: Child,
}

struct Pipes {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// What the program says to people, of interest only if it stops.
    errors: File,
}

impl LineByLine {
    /// Starts a program with one argument.
    pub(super) fn start(program: &Path, mode: &str) -> Self {
        let errors = tempfile::tempfile().expect("a temporary file");
        let mut process = Command::new(program)
            .arg(mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().expect("the temporary file"))
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let input = process.stdin.take().expect("the program's stdin");
        let output = process.stdout.take().expect("the program's stdout");
        Self {
            pipes: Mutex::new(Pipes { input, output: BufReader::new(output).lines(), errors }),
            _process: process,
        }
    }

    /// The answers, in the order of the questions.
    pub(super) async fn ask_all<Q: Serialize, A: DeserializeOwned>(
        &self,
        questions: &[Q],
    ) -> Vec<A> {
        let mut pipes = self.pipes.lock().await;
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            answers.push(pipes.ask(question).await);
        }
        answers
    }

    /// The answer.
    pub(super) async fn ask<Q: Serialize, A: DeserializeOwned>(&self, question: &Q) -> A {
        self.pipes.lock().await.ask(question).await
    }
}

impl Pipes {
    /// One line out, one line in: never so much on the way that both sides wait for each other.
    async fn ask<Q: Serialize, A: DeserializeOwned>(&mut self, question: &Q) -> A {
        let mut line = serde_json::to_vec(question).expect("a question is JSON");
        line.push(b'\n');
        // A program that has stopped shows by its silence below.
        let _ = self.input.write_all(&line).await;
        let _ = self.input.flush().await;
        let answer = self.output.next_line().await.expect("the program speaks UTF-8");
        let answer = answer.unwrap_or_else(|| {
            panic!("the program stopped without an answer; it said:\n{}", self.said())
        });
        serde_json::from_str(&answer).expect("the program answers with JSON of the expected shape")
    }

    fn said(&mut self) -> String {
        let mut said = Vec::new();
        let read = self.errors.rewind().and_then(|()| self.errors.read_to_end(&mut said));
        read.map_or_else(|error| error.to_string(), |_| String::from_utf8_lossy(&said).into_owned())
    }
}
