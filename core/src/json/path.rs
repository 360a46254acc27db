//! The path of a position in a JSON text.

use std::fmt::Write as _;

/// An array or object that is open at a position.
enum Open {
    Array {
        index: usize,
    },
    /// With the key of the current value, if there is one.
    Object {
        key: Option<String>,
    },
}

/// The path of what ends at a position. The position is the parser's: lines count from 1, and the
/// column is the number of bytes read in the line. If the text is not JSON up to there, the path may
/// be incomplete.
pub(super) fn at(text: &str, line: usize, column: usize) -> String {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = before.saturating_add(column).min(text.len());
    let mut open: Vec<Open> = Vec::new();
    // A string that begins before the position is read to its end: it may be the key in question.
    let mut bytes = text.bytes().enumerate();
    while let Some((position, byte)) = bytes.next().filter(|(position, _)| *position < end) {
        match byte {
            b'[' => open.push(Open::Array { index: 0 }),
            b'{' => open.push(Open::Object { key: None }),
            b']' | b'}' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Open::Array { index }) => *index += 1,
                Some(Open::Object { key }) => *key = None,
                None => {}
            },
            b'"' => {
                let Some(close) = end_of_string(&mut bytes) else { break };
                if let Some(Open::Object { key: key @ None }) = open.last_mut() {
                    *key = text
                        .get(position..=close)
                        .and_then(|quoted| serde_json::from_str(quoted).ok());
                }
            }
            _ => {}
        }
    }
    written(&open)
}

/// The position of the closing quote of a string.
fn end_of_string(bytes: &mut impl Iterator<Item = (usize, u8)>) -> Option<usize> {
    loop {
        match bytes.next()? {
            (position, b'"') => return Some(position),
            (_, b'\\') => drop(bytes.next()?),
            _ => {}
        }
    }
}

fn written(open: &[Open]) -> String {
    let mut path = String::new();
    for place in open {
        // Writing to a text can't fail.
        let _ = match place {
            Open::Array { index } => write!(path, "[{index}]"),
            Open::Object { key: Some(key) } if path.is_empty() => write!(path, "{key}"),
            Open::Object { key: Some(key) } => write!(path, ".{key}"),
            Open::Object { key: None } => Ok(()),
        };
    }
    path
}
