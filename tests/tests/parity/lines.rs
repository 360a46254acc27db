//! A program that answers line by line.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::process::Command;

/// The answers, or what the program said when it failed.
pub fn answers(mut program: Command, requests: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
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
fn file(requests: &[&[u8]]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    for request in requests {
        file.write_all(request).unwrap();
        file.write_all(b"\n").unwrap();
    }
    file.rewind().unwrap();
    file
}
