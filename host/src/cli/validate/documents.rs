//! The documents of a file, each by itself: one that can't be read costs no other.

use std::borrow::Cow;

use serde_json::{Deserializer, Value};

use super::json::Checked;
use super::yaml::{self, Document};

/// All documents of YAML or JSON text, empty ones left out; for one that can't be read, why.
pub(super) fn read(text: &str) -> Vec<Result<Document, String>> {
    // Files that were put one after another have a byte order mark each.
    let text = if text.contains('\u{feff}') {
        Cow::Owned(text.replace("\n\u{feff}", "\n"))
    } else {
        Cow::Borrowed(text)
    };
    let mut documents = Vec::new();
    for (first_line, part) in parts(text.trim_start_matches('\u{feff}')) {
        let body = part.strip_prefix("---").unwrap_or(part);
        let json = body.trim_start().starts_with(['{', '[']).then(|| json(body, first_line));
        let read = match json {
            Some((documents, None)) => documents,
            json => match (yaml::read(part, first_line), json) {
                (Ok(documents), _) => documents.into_iter().map(Ok).collect(),
                // The documents before the mistake, and why it is one, as authors of JSON expect
                // to know it.
                (Err(_), Some((mut documents, Some(message)))) if is_like_json(body) => {
                    documents.push(Err(message));
                    documents
                }
                (Err(message), _) => vec![Err(message)],
            },
        };
        documents.extend(
            read.into_iter()
                .flat_map(|document| document.map_or_else(|message| vec![Err(message)], objects)),
        );
    }
    documents
}

/// The text between lines that begin with `---`, each with the number of its first line. What
/// kubectl hands to its parser, too.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let (mut parts, mut start, mut start_line, mut position) = (Vec::new(), 0, 1, 0);
    let mut has_content = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
            && has_content
        {
            parts.push((start_line, text.get(start..position).unwrap_or_default()));
            (start, start_line, has_content) = (position, index + 1, false);
        }
        // Directives and comments belong to the document after them.
        has_content |= !line.trim().is_empty()
            && !line.starts_with(['#', '%'])
            && rest.is_none_or(|rest| !rest.trim().is_empty());
        position += line.len();
    }
    parts.push((start_line, text.get(start..).unwrap_or_default()));
    parts
}

/// The documents up to the first syntax error, and that error. Tabs may indent JSON, but not YAML.
/// What begins like JSON may yet be YAML.
fn json(text: &str, first_line: usize) -> (Vec<Result<Document, String>>, Option<String>) {
    let mut documents = Vec::new();
    for read in Deserializer::from_str(text).into_iter::<Checked>() {
        match read {
            Ok(checked) => {
                documents.push(checked.value().map(|value| Document { value, octals: Vec::new() }));
            }
            Err(error) => {
                let (line, column) = (error.line() + first_line - 1, error.column());
                let message = error.to_string();
                let message = message
                    .rsplit_once(" at line ")
                    .map_or(message.as_str(), |(message, _)| message);
                return (
                    documents,
                    Some(format!("line {line}, column {column}: it is not valid JSON: {message}")),
                );
            }
        }
    }
    (documents, None)
}

/// Whether the first thing within the brackets is quoted, as a key of JSON is.
fn is_like_json(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '{' | '[')).starts_with('"')
}

/// The objects of a document. `kubectl get -o json | jq .items` gives a bare list.
fn objects(document: Document) -> Vec<Result<Document, String>> {
    let Document { value, octals } = document;
    let values = match value {
        Value::Object(_) => return vec![Ok(Document { value, octals })],
        Value::Array(items) => items,
        other => {
            return vec![Err(format!(
                "it is {}, expected an object or a list of objects",
                shown(&other)
            ))];
        }
    };
    let item = |(index, value): (usize, Value)| {
        let within = format!("[{index}].");
        let of_item = octals.iter().filter_map(|octal| {
            let path = octal.path.strip_prefix(&within)?.to_owned();
            Some(yaml::Octal { path, ..octal.clone() })
        });
        if value.is_object() {
            Ok(Document { octals: of_item.collect(), value })
        } else {
            Err(format!("item {index} of the list is {}, expected an object", shown(&value)))
        }
    };
    values.into_iter().enumerate().map(item).collect()
}

/// A value for a message.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(text: &str) -> Vec<Option<Value>> {
        read(text)
            .into_iter()
            .map(|document| document.ok().map(|document| document.value))
            .collect()
    }

    #[test]
    fn yaml_and_json_are_told_apart_by_themselves() {
        let all = vec![Some(json!({"a": 1})), Some(json!({"b": [true]}))];
        for text in [
            "a: 1\n---\nb: [true]\n",
            "{\"a\": 1}\n{\"b\": [true]}\n",
            "{\"a\": 1}\n---\n{\"b\":\n\t[true]}\n",
            "{a: 1}\n---\n{b: [yes]}",
            "[{\"a\": 1},\n\t{\"b\": [true]}]",
            "---\na: 1\n---\n---\n# nothing\n---\nb:\n- on\n",
            "%YAML 1.1\n---\na: 1\n...\n---\nb: [true]\n",
            "\u{feff}a: 1\r\n---\r\n\u{feff}b: [true]\r\n",
        ] {
            assert_eq!(values(text), all, "{text}");
        }
    }

    #[test]
    fn nothing_is_no_document() {
        for text in ["", "\n", "# nothing\n", "---\n---\n"] {
            assert_eq!(values(text), [], "{text:?}");
        }
    }

    #[test]
    fn a_document_that_is_bad_costs_only_itself() {
        for bad in ["a: b: c", "a: [", "just words", "a: 1\na: 2", "{\"a\": ", "7"] {
            assert_eq!(
                values(&format!("x: 1\n---\n{bad}\n---\nz: 2\n")),
                [Some(json!({"x": 1})), None, Some(json!({"z": 2}))],
                "{bad}"
            );
        }
        let messages: Vec<String> =
            read("x: 1\n---\na: 1\na: 2\n").into_iter().filter_map(Result::err).collect();
        assert_eq!(messages, ["line 4: the key `a` is duplicated; expected each key once"]);
    }

    #[test]
    fn a_mistake_in_json_is_named_as_one_and_costs_no_document_before_it() {
        let bad = "{\n  \"b\": 1\n  \"c\": 2\n}";
        assert_eq!(values(&format!("{{\"a\": 1}}\n{bad}\n")), [Some(json!({"a": 1})), None]);
        for (text, message) in [
            (
                format!("x: 1\n---\n{bad}\n"),
                "line 5, column 3: it is not valid JSON: expected `,` or `}`",
            ),
            (format!("[\n{bad}]"), "line 4, column 3: it is not valid JSON: expected `,` or `}`"),
            (
                "{\"a\": [1".to_owned(),
                "line 1, column 8: it is not valid JSON: EOF while parsing a list",
            ),
            (
                "{\"a\": 1}\nwords\n".to_owned(),
                "line 2, column 1: it is not valid JSON: expected value",
            ),
            ("{a: [1}".to_owned(), "line 1: it is not valid YAML"),
            ("{{- if .Values.entries }}".to_owned(), "line 1: it is not valid YAML"),
        ] {
            let messages: Vec<String> = read(&text).into_iter().filter_map(Result::err).collect();
            assert!(
                matches!(&*messages, [only] if only.starts_with(message)),
                "{text}: {messages:?}"
            );
        }
    }

    #[test]
    fn a_key_twice_in_json_costs_only_its_document() {
        for bad in [
            "{\"a\": 1, \"a\": 1}",
            "{\"a\": [{}, {\"b\": {\"c\": 1, \"\\u0063\": 2}}]}",
            "[{\"a\": 1, \"a\": 2}]",
        ] {
            assert_eq!(
                values(&format!("{{\"x\": 1}}\n{bad}\n{{\"z\": 2}}")),
                [Some(json!({"x": 1})), None, Some(json!({"z": 2}))],
                "{bad}"
            );
        }
        let messages: Vec<String> = read("{\"a\": [0, {\"b.c\": {\"d\": 1, \"d\": 2}}]}")
            .into_iter()
            .filter_map(Result::err)
            .collect();
        assert_eq!(messages, ["a[1][\"b.c\"]: the key `d` is duplicated; expected each key once"]);
    }

    #[test]
    fn a_list_of_many_entries_is_no_bomb() {
        let many = "- {a: 1, b: 2, c: 3, d: 4}\n".repeat(30_000);
        assert_eq!(values(&many).len(), 30_000);
    }
}
