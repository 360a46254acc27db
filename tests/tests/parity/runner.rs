//! A host as the test sees it, and its answers beside those of the core.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::Command;

use istio_cloud_map_tests::bed::PlainHost;

use crate::cases::{Call, Case};
use crate::package::{Package, Way};
use crate::plain::{self, Plain};
use crate::policy::{Filled, Verdicts};

/// A way to call the core. To add one: implement this, and list it in [`all`].
pub trait Runner {
    fn name(&self) -> &str;

    /// The request and the native answer, or why the case does not apply to this host.
    fn question(&self, case: &Case) -> Result<Question, &'static str>;

    /// An answer for each question, in their order.
    fn answers(&self, call: Call, questions: &[&[u8]]) -> Vec<Vec<u8>>;
}

pub struct Question {
    pub asked: Vec<u8>,
    pub expected: Vec<u8>,
}

/// All hosts, including the npm package if it has been assembled.
pub fn all(plain_module: &Path) -> Vec<Box<dyn Runner>> {
    let plain = PlainHost::all(Path::new(env!("CARGO_BIN_EXE_plain-host"))).into_iter();
    let mut all: Vec<Box<dyn Runner>> =
        plain.map(|host| Box::new(Plain::new(host, plain_module)) as _).collect();
    all.push(Box::new(Filled::start()));
    all.push(Box::new(Verdicts::start()));
    let package = plain::built("npm");
    if package.exists() {
        all.extend(
            [Way::Objects, Way::Text]
                .map(|way| Box::new(Package::new(&package, way)) as Box<dyn Runner>),
        );
    } else {
        println!("parity: {} is missing, and not compared", package.display());
    }
    all
}

/// The answers, or the program's error output.
pub fn answers_by_line(mut program: Command, requests: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
    let output = program.stdin(file(requests)).output().unwrap();
    if !output.status.success() {
        return Err(format!(
            "{program:?}: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let answers: Vec<_> = output
        .stdout
        .strip_suffix(b"\n")
        .unwrap()
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    assert_eq!(answers.len(), requests.len(), "{program:?}: one answer a request");
    Ok(answers)
}

/// A file of these, each with a line end.
fn file(requests: &[&[u8]]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    for request in requests {
        file.write_all(request).unwrap();
        file.write_all(b"\n").unwrap();
    }
    file.rewind().unwrap();
    file
}

/// How many bytes are shown on either side of the first difference.
const AROUND: usize = 60;

/// How many answers of a host are those of the core.
pub struct Comparison {
    host: String,
    pub compared: usize,
    pub differing: Vec<String>,
    /// Why cases were not for this host, and how many.
    skipped: BTreeMap<&'static str, usize>,
}

/// Asks a host all that is for it. Bytes are compared.
pub fn compare(runner: &dyn Runner, cases: &[Case]) -> Comparison {
    let mut comparison = Comparison {
        host: runner.name().to_owned(),
        compared: 0,
        differing: Vec::new(),
        skipped: BTreeMap::new(),
    };
    for of_a_call in cases.chunk_by(|one, other| one.call == other.call) {
        comparison.add(runner, of_a_call);
    }
    comparison
}

impl Comparison {
    fn add(&mut self, runner: &dyn Runner, cases: &[Case]) {
        let mut questions = Vec::new();
        for case in cases {
            match runner.question(case) {
                Ok(question) => questions.push((case, question)),
                Err(reason) => *self.skipped.entry(reason).or_default() += 1,
            }
        }
        let (Some(first), asked) = (
            cases.first(),
            questions.iter().map(|(_, question)| question.asked.as_slice()).collect::<Vec<_>>(),
        ) else {
            return;
        };
        let answers =
            if asked.is_empty() { Vec::new() } else { runner.answers(first.call, &asked) };
        assert_eq!(answers.len(), asked.len(), "{}: one answer a question", self.host);
        for ((case, question), answer) in questions.iter().zip(&answers) {
            self.compared += 1;
            if let Some(place) = first_difference(&question.expected, answer) {
                self.differing.push(format!("{} by {}: {place}", case.name, self.host));
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}: {} compared, {} differ", self.host, self.compared, self.differing.len())?;
        self.skipped
            .iter()
            .try_for_each(|(reason, count)| write!(f, "; not asked: {count} ({reason})"))
    }
}

/// Where two answers part, with what is around it.
fn first_difference(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    let at = expected.iter().zip(found).take_while(|(one, other)| one == other).count();
    let around = |text: &[u8]| {
        String::from_utf8_lossy(
            text.get(at.saturating_sub(AROUND)..text.len().min(at + AROUND)).unwrap_or_default(),
        )
        .into_owned()
    };
    Some(format!(
        "at byte {at} of {}\n  natively: {}\n  found:    {}",
        expected.len(),
        around(expected),
        around(found)
    ))
}

#[test]
fn a_difference_is_reported_with_its_position() {
    assert_eq!(first_difference(b"abc", b"abc"), None);
    for (found, position) in [("abd", 2), ("ab", 2), ("abcd", 3), ("", 0)] {
        let report = first_difference(b"abc", found.as_bytes()).unwrap();
        assert!(report.starts_with(&format!("at byte {position} of 3")), "{report}");
    }
}
