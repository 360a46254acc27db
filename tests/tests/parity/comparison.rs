//! A host beside the core.

use std::collections::BTreeMap;
use std::fmt;

use crate::case::Case;
use crate::runner::Runner;

/// How many bytes are shown on either side of the first difference.
const AROUND: usize = 60;

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
fn a_difference_is_told_by_its_place() {
    assert_eq!(first_difference(b"abc", b"abc"), None);
    for (found, place) in [("abd", 2), ("ab", 2), ("abcd", 3), ("", 0)] {
        let told = first_difference(b"abc", found.as_bytes()).unwrap();
        assert!(told.starts_with(&format!("at byte {place} of 3")), "{told}");
    }
}
