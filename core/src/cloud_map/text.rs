//! Bytes to text, before it is parsed as JSON: encodings, and other formats that editors, shells
//! and the AWS CLI write.

use std::borrow::Cow;

use super::InputError;

const BOM: char = '\u{feff}';

/// Compressed files: their first bytes, the format, and the command that decompresses them.
const COMPRESSED: [(&[u8], &str, &str); 5] = [
    (b"\x1f\x8b", "gzip", "gunzip -c FILE"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc FILE"),
    (b"\xfd7zXZ\x00", "xz", "xz -dc FILE"),
    (b"BZh", "bzip2", "bzip2 -dc FILE"),
    (b"PK\x03\x04", "zip", "unzip -p FILE"),
];

/// The text of a file: UTF-8 or UTF-16, either with a byte order mark or without one.
///
/// # Errors
/// If the bytes are something else. For a compressed file, the error has the command that
/// decompresses it.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, InputError> {
    for (magic, name, command) in COMPRESSED {
        if bytes.starts_with(magic) {
            return Err(InputError::Text(format!(
                "it is compressed with {name}; decompress it first with `{command}`"
            )));
        }
    }
    if let Some(unit) = utf16_unit(bytes) {
        return utf16(bytes, unit).map(Cow::Owned);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let position = error.valid_up_to();
        let line = bytes.iter().take(position).filter(|byte| **byte == b'\n').count() + 1;
        InputError::Text(format!(
            "line {line}: byte {position} is not valid UTF-8; expected text in UTF-8 or UTF-16"
        ))
    })
}

/// How two bytes make a unit of UTF-16, if the text looks like UTF-16. Without a byte order mark,
/// its first character is ASCII, so one of its two bytes is zero.
fn utf16_unit(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    match bytes {
        // UTF-32 begins like UTF-16.
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] | [1..0x80, 0, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] | [0, 1..0x80, ..] => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, InputError> {
    let invalid = |what: &str| {
        InputError::Text(format!(
            "it looks like UTF-16, but {what}; expected text in UTF-8 or UTF-16"
        ))
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    // A shell that appends a line break to UTF-16 may append one byte.
    if !matches!(rest, [] | [b'\n' | 0]) {
        return Err(invalid("its length is odd"));
    }
    let text: Result<String, _> =
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    let text = text.map_err(|_| invalid("it is not valid"))?;
    Ok(text.strip_prefix(BOM).map(str::to_owned).unwrap_or(text))
}

/// Replaces byte order marks between documents by spaces: concatenated files have one each. Those
/// in strings stay.
pub(super) fn without_marks(json: &str) -> Cow<'_, str> {
    let json = json.strip_prefix(BOM).unwrap_or(json);
    if !json.contains(BOM) {
        return Cow::Borrowed(json);
    }
    let (mut in_string, mut escaped) = (false, false);
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // The same number of bytes, so that the column in a message is correct.
            BOM if !in_string => text.push_str("   "),
            _ => text.push(c),
        }
        let quote = c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
        in_string ^= quote;
    }
    Cow::Owned(text)
}

/// A message about text that is not JSON but another output of the AWS CLI or a terminal.
pub(super) fn other_format(text: &str) -> Option<String> {
    error_of_the_cli(text).or_else(|| not_of_the_cli(text)).or_else(|| other_output(text))
}

/// An error message of the AWS CLI, redirected into the file.
fn error_of_the_cli(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    ["An error occurred (", "Unable to locate credentials", "aws: ", "usage: aws "]
        .iter()
        .find(|start| line.starts_with(**start))?;
    let error: String = line.trim_start_matches("aws: [ERROR]: ").chars().take(300).collect();
    Some(format!("it is an error of the AWS CLI, not JSON: {error}"))
}

fn not_of_the_cli(text: &str) -> Option<String> {
    let text = text.trim_start();
    let (found, advice) = if text.starts_with('<') {
        ("HTML or XML", "check its text: it may be the page of a proxy or a sign-in page")
    } else if text.starts_with('\u{1b}') {
        (
            "text with terminal colours",
            "write it without them (`jq --monochrome-output`, `AWS_PAGER=`)",
        )
    } else if text.trim_start_matches(['{', '[', ' ', '\n']).starts_with('\'') {
        (
            "text in single quotes, such as a Python value",
            "JSON has double quotes (`json.dumps` writes them)",
        )
    } else {
        return None;
    };
    Some(format!("it looks like {found}, not JSON; {advice}"))
}

/// Another output format of the AWS CLI.
fn other_output(text: &str) -> Option<String> {
    let mut lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'));
    let first = lines.find(|line| *line != "---")?;
    let format = if is_table(first) {
        "the table output of the AWS CLI"
    } else if is_text(first) || lines.next().is_some_and(is_text) {
        "the text output of the AWS CLI"
    } else if is_yaml(first) {
        "YAML"
    } else {
        return None;
    };
    Some(format!("it looks like {format}, not JSON; add `--output json` to the `aws` command"))
}

fn is_table(line: &str) -> bool {
    let line = line.trim_start();
    (line.len() > 3 && line.bytes().all(|byte| matches!(byte, b'-' | b'+')))
        || (line.starts_with('|') && line.ends_with('|'))
}

/// `INSTANCES`, a tab, values.
fn is_text(line: &str) -> bool {
    let name = line.split_once('\t').map(|(name, _)| name);
    name.is_some_and(|name| {
        name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    })
}

/// `Instances:`, or the same as an item of a list.
fn is_yaml(line: &str) -> bool {
    let line = line.strip_prefix("- ").unwrap_or(line).trim_start();
    let key = line
        .split_once(':')
        .filter(|(_, value)| value.is_empty() || value.starts_with(' '))
        .map(|(key, _)| key);
    key.is_some_and(|key| {
        key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn utf_16_and_utf_8_are_read_with_and_without_a_mark() {
        let text = "{\"Name\": \"né𝄞\"}";
        let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let marked = format!("\u{feff}{text}");
        for bytes in
            [le(text), le(&marked), be(text), be(&marked), text.into(), marked.clone().into_bytes()]
        {
            assert_eq!(decode(&bytes).unwrap(), text, "{bytes:?}");
        }
        assert_eq!(decode(&le("{}\r\n")).unwrap(), "{}\r\n");
        assert_eq!(decode(b"").unwrap(), "");
        assert_eq!(decode(b"7").unwrap(), "7");
    }

    #[test]
    fn what_is_compressed_is_named_with_the_command_that_decompresses_it() {
        let error = decode(b"\x1f\x8b\x08\x00").unwrap_err().to_string();
        assert_eq!(error, "it is compressed with gzip; decompress it first with `gunzip -c FILE`");
        assert!(decode(b"PK\x03\x04").unwrap_err().to_string().contains("unzip -p"));
    }

    #[test]
    fn what_is_no_text_is_an_error() {
        for bytes in [
            &[0, 159, 146, 150][..],
            &[0xff, 0xfe, b'a'],
            b"\xff\xfe\x00\x00{\x00\x00\x00",
            b"abc\xff",
            &[0xff, 0xfe, 0, 0xd8],
        ] {
            let error = decode(bytes).unwrap_err().to_string();
            assert!(error.contains("UTF-8 or UTF-16"), "{error}");
        }
    }

    #[test]
    fn marks_between_documents_go_and_those_in_strings_stay() {
        assert_eq!(without_marks("\u{feff}{}\n\u{feff}{}"), "{}\n   {}");
        let inside = "{\"a\\\"\u{feff}\": \"\u{feff}\\\\\"}\u{feff}";
        assert_eq!(without_marks(inside), format!("{}   ", inside.trim_end_matches('\u{feff}')));
    }

    #[test]
    fn an_error_of_the_aws_cli_is_given_as_it_is() {
        for (text, expected) in [
            (
                "\nAn error occurred (AccessDeniedException) when calling the X operation: no\n",
                "An error occurred (AccessDeniedException) when",
            ),
            (
                "aws: [ERROR]: An error occurred (ExpiredTokenException) when\n",
                "An error occurred (ExpiredTokenException) when",
            ),
            ("Unable to locate credentials. You can configure", "Unable to locate credentials."),
            ("aws: error: argument command: Invalid choice", "aws: error: argument"),
        ] {
            let found = other_format(text).unwrap();
            assert!(
                found.starts_with(&format!("it is an error of the AWS CLI, not JSON: {expected}")),
                "{found}"
            );
        }
    }

    #[test]
    fn what_pagers_proxies_and_python_write_is_named() {
        for (text, name) in [
            ("<!DOCTYPE html>\n<html>", "HTML or XML"),
            ("\u{1b}[1;39m{\n", "terminal colours"),
            ("{'Instances': []}", "a Python value"),
            ("[\n {'Instances': []}]", "a Python value"),
            ("'{\"Instances\": []}'", "single quotes"),
        ] {
            let found = other_format(text);
            assert!(found.as_ref().is_some_and(|found| found.contains(name)), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_byte_that_is_no_utf_8_is_named_with_its_line() {
        let error = decode(b"{\n\"team\": \"caf\xe9\"}").unwrap_err().to_string();
        assert_eq!(error, "line 2: byte 14 is not valid UTF-8; expected text in UTF-8 or UTF-16");
    }

    #[test]
    fn the_other_formats_of_the_aws_cli_are_told_apart() {
        for (text, format) in [
            ("Instances:\n- Attributes:\n    A: b\n", Some("YAML")),
            ("---\n# c\nInstances: []\nInstancesRevision: 5\n", Some("YAML")),
            ("- Instances:\n  - Id: a\n", Some("YAML")),
            (
                "INSTANCES\tHEALTHY\ti-1\tn\ts\nATTRIBUTES\t10.0.0.1\t80\n",
                Some("the text output of the AWS CLI"),
            ),
            ("85648075627387284\r\nINSTANCES\tHEALTHY\r\n", Some("the text output of the AWS CLI")),
            ("\n-----------\n|  DiscoverInstances  |\n", Some("the table output of the AWS CLI")),
            ("|  DiscoverInstances  |\n+----+\n", Some("the table output of the AWS CLI")),
            ("{\"Instances\": [", None),
            ("7", None),
            ("", None),
            ("just words", None),
            ("https://example.com", None),
        ] {
            let found = other_format(text);
            assert_eq!(
                found.as_deref().and_then(|m| m.strip_prefix("it looks like ")?.split(',').next()),
                format,
                "{text}"
            );
            assert!(found.is_none_or(|message| message.contains("add `--output json`")), "{text}");
        }
    }
}
