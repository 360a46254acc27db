//! The parser's messages in the words of JSON, which people know: `sequence` is an array, `i64` a
//! whole number.

/// `invalid type: integer `7`, expected a string` becomes `expected a string, got the number 7`.
pub(super) fn of_json(message: &str) -> String {
    let mismatch = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    if let Some((found, expected)) = mismatch {
        return format!("expected {}, got {}", expectation(expected), finding(found));
    }
    match message.strip_prefix("EOF while parsing ") {
        Some("a list") => "the text ends within an array".to_owned(),
        Some("an object") => "the text ends within an object".to_owned(),
        Some("a string") => "the text ends within a string".to_owned(),
        Some(_) => "the text ends where a value is expected".to_owned(),
        None => message.to_owned(),
    }
}

fn finding(found: &str) -> String {
    let quoted = |prefix: &str| found.strip_prefix(prefix)?.strip_suffix('`');
    if let Some(number) = quoted("integer `").or_else(|| quoted("floating point `")) {
        return format!("the number {number}");
    }
    if let Some(boolean) = quoted("boolean `") {
        return boolean.to_owned();
    }
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        "null" | "unit value" => "null".to_owned(),
        _ if found.starts_with("string ") => format!("the {found}"),
        _ => found.to_owned(),
    }
}

fn expectation(expected: &str) -> &str {
    match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "a borrowed string" => "a string",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "i32" | "i64" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_the_parser_are_named_as_json_names_them() {
        for (message, expected) in [
            ("invalid type: integer `7`, expected a string", "expected a string, got the number 7"),
            (
                "invalid type: floating point `1.5`, expected u16",
                "expected a whole number from 0 to 65535, got the number 1.5",
            ),
            ("invalid type: sequence, expected a map", "expected an object, got an array"),
            ("invalid type: map, expected a sequence", "expected an array, got an object"),
            (
                "invalid type: string \"a, expected b\", expected i64",
                "expected a whole number, got the string \"a, expected b\"",
            ),
            ("invalid type: null, expected struct Thing", "expected an object, got null"),
            ("invalid type: boolean `true`, expected a list", "expected a list, got true"),
            ("EOF while parsing a list", "the text ends within an array"),
            ("EOF while parsing a value", "the text ends where a value is expected"),
            ("missing field `name`", "missing field `name`"),
        ] {
            assert_eq!(of_json(message), expected, "{message}");
        }
    }
}
