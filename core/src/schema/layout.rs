//! Declarations as a person lays them out. A formatter of TypeScript would be more code than all else here.

const WIDEST: usize = 120;

/// Fields indented, one-line comments on one line, long unions one member a line, and links of Rust's documentation as plain code.
pub(super) fn laid_out(declaration: &str) -> String {
    let text = declaration.replace("[`", "`").replace("`]", "`");
    let mut out = String::new();
    let mut lines = text.lines().map(str::trim_end);
    let mut indent = "";
    while let Some(line) = lines.next() {
        if line == "/**" {
            let comment: Vec<&str> = lines.by_ref().take_while(|line| *line != " */").collect();
            put_comment(&mut out, indent, &comment);
        } else if indent.is_empty() {
            put_head(&mut out, line);
            if line.ends_with('{') {
                indent = "  ";
            }
        } else {
            let (field, end) = split_end(line);
            put(&mut out, indent, &[field, ";"]);
            if !end.is_empty() {
                indent = "";
                put(&mut out, indent, &[end]);
            }
        }
    }
    out
}

/// The first or only line of a declaration.
fn put_head(out: &mut String, line: &str) {
    match line.split_once(" = ").filter(|(_, form)| line.len() > WIDEST && !form.contains('{')) {
        Some((name, form)) => {
            put(out, "", &[name, " ="]);
            for member in form.trim_end_matches(';').split(" | ") {
                put(out, "  ", &["| ", member]);
            }
            // The declaration's end belongs to its last line.
            out.truncate(out.trim_end().len());
            out.push_str(";\n");
        }
        None => put(out, "", &[line]),
    }
}

/// A field without its comma, and what closes the declaration after the last one.
fn split_end(line: &str) -> (&str, &str) {
    let closing = ["};", "}>;"].into_iter().find_map(|end| Some((line.strip_suffix(end)?, end)));
    let (field, end) = closing.unwrap_or((line, ""));
    (field.trim_end().trim_end_matches(','), end)
}

fn put_comment(out: &mut String, indent: &str, comment: &[&str]) {
    match comment {
        [only] => put(out, indent, &["/**", only.trim_start_matches(" *"), " */"]),
        lines => {
            put(out, indent, &["/**"]);
            for line in lines {
                put(out, indent, &[line]);
            }
            put(out, indent, &[" */"]);
        }
    }
}

fn put(out: &mut String, indent: &str, parts: &[&str]) {
    out.push_str(indent);
    for part in parts {
        out.push_str(part);
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_indented_and_a_short_comment_is_one_line() {
        let raw =
            "/**\n * See [`X`].\n */\nexport type A = Partial<{ \n/**\n * One\n * two.\n */\na: string, \n/**\n * B\n */\nb?: B, }>;\n";
        let laid =
            "/** See `X`. */\nexport type A = Partial<{\n  /**\n   * One\n   * two.\n   */\n  a: string;\n  /** B */\n  b?: B;\n}>;\n";
        assert_eq!(laid_out(raw), laid);
    }

    #[test]
    fn a_long_union_has_one_member_a_line_and_a_short_one_a_single_line() {
        let members = vec!["\"member\""; 20].join(" | ");
        let laid = laid_out(&format!("export type A = {members};\n"));
        assert!(laid.starts_with("export type A =\n  | \"member\"\n") && laid.ends_with("  | \"member\";\n"), "{laid}");
        let short = "export type A = \"a\" | \"b\";\n";
        assert_eq!(laid_out(short), short);
    }
}
