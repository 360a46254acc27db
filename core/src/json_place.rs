//! Where in JSON a parser stopped. Its own line and column are of a piece of the input, and mean nothing to whoever reads a message.

/// What a place is in.
enum Step<'a> {
    /// A key of an object, without its quotes; none yet, after `{` and `,`.
    Key(Option<&'a str>),
    /// An item of a list.
    Item(usize),
}

/// The path of the value that a parser stopped in or after, `services[0].namespace` for example; empty for the whole. `line` and `column` are those
/// of the parser's error, both from 1, and the column in bytes.
pub(crate) fn path_at(json: &str, line: usize, column: usize) -> String {
    let start: usize = json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let read = json.get(..start + column).unwrap_or(json);
    written(&steps(read))
}

/// A path below another; either may be empty.
pub(crate) fn below(path: &str, inner: &str) -> String {
    let dot = if path.is_empty() || inner.is_empty() || inner.starts_with('[') { "" } else { "." };
    [path, dot, inner].concat()
}

fn steps(read: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut bytes = read.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' => steps.push(Step::Key(None)),
            b'[' => steps.push(Step::Item(0)),
            b'}' | b']' => drop(steps.pop()),
            b',' => match steps.last_mut() {
                Some(Step::Key(key)) => *key = None,
                Some(Step::Item(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let end = end_of_string(&mut bytes).unwrap_or(read.len());
                if let Some(Step::Key(key @ None)) = steps.last_mut() {
                    *key = read.get(at + 1..end);
                }
            }
            _ => {}
        }
    }
    steps
}

/// Where the closing quote is, if there is one.
fn end_of_string(bytes: &mut impl Iterator<Item = (usize, u8)>) -> Option<usize> {
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    None
}

fn written(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(None) => {}
            Step::Key(Some(key)) => path = below(&path, key),
            Step::Item(index) => path = below(&path, &format!("[{index}]")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Piece {
        #[expect(dead_code, reason = "only read")]
        name: String,
        #[expect(dead_code, reason = "only read")]
        #[serde(default)]
        inner: Vec<Piece>,
        #[expect(dead_code, reason = "only read")]
        #[serde(default)]
        texts: BTreeMap<String, String>,
    }

    fn path(json: &str) -> String {
        let error = serde_json::from_str::<Piece>(json).unwrap_err();
        path_at(json, error.line(), error.column())
    }

    #[test]
    fn the_place_of_an_error_is_the_value_that_is_wrong() {
        for (json, expected) in [
            ("5", ""),
            ("{}", ""),
            (r#"{"name": 5}"#, "name"),
            (r#"{"name": [5]}"#, "name"),
            (r#"{"name": {"a": 5}}"#, "name"),
            (r#"{"name": "a", "nmae": "b"}"#, "nmae"),
            (r#"{"name": "a", "inner": {}}"#, "inner"),
            (r#"{"name": "a", "inner": [{"name": "b"}, {"texts": {}}]}"#, "inner[1]"),
            (r#"{"name": "a", "inner": [{"name": "b"}, 7, 8]}"#, "inner[1]"),
            (
                "{\"name\": \"a\",\n \"inner\": [\n  {\"name\": \"é,{[\\\"\",\n   \"texts\": {\"k\": \"v\", \"l\": 80}}]}",
                "inner[0].texts.l",
            ),
            (r#"{"inner": [{"name": "b", "inner": [{"name": null}]}], "name": "a"}"#, "inner[0].inner[0].name"),
        ] {
            assert_eq!(path(json), expected, "{json}");
        }
    }

    #[test]
    fn a_place_outside_of_the_text_is_its_end() {
        assert_eq!(path_at(r#"{"a": [1, 2"#, 9, 9), "a[1]");
        assert_eq!(path_at("", 0, 0), "");
    }
}
