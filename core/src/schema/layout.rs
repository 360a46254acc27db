//! Declarations as a person lays them out. A formatter of TypeScript would be more code than all
//! else here.

const WIDEST: usize = 120;

/// Fields indented, one-line comments on one line, long unions one member a line, and links of
/// Rust's documentation as plain code.
pub(super) fn laid_out(declaration: &str) -> String {
    let text = declaration.replace("[`", "`").replace("`]", "`").replace(", }", ",\n}");
    let mut out = Lines::default();
    let mut lines = text.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        if line == "/**" {
            let comment: Vec<&str> = lines.by_ref().take_while(|line| *line != " */").collect();
            out.put_comment(&comment);
            continue;
        }
        match line.rsplit_once('{').filter(|(_, inner)| !inner.is_empty() && !inner.contains('}')) {
            Some((before, inner)) => {
                out.put_code(&format!("{before}{{"));
                out.put_code(inner.trim_start());
            }
            None => out.put_code(line),
        }
    }
    out.text
}

#[derive(Default)]
struct Lines {
    text: String,
    /// How many braces are open.
    depth: usize,
}

impl Lines {
    fn put(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn put_comment(&mut self, comment: &[&str]) {
        if let [only] = comment {
            self.put(&format!("/**{} */", only.trim_start_matches(" *")));
            return;
        }
        self.put("/**");
        for line in comment {
            self.put(line);
        }
        self.put(" */");
    }

    fn put_code(&mut self, line: &str) {
        if line.starts_with('}') {
            self.depth = self.depth.saturating_sub(1);
        }
        match (line.strip_suffix(','), long_union(line)) {
            (Some(field), _) => self.put(&format!("{field};")),
            (None, Some(union)) => self.put(&union),
            (None, None) => self.put(line),
        }
        let inner = line.trim_start_matches('}');
        self.depth =
            (self.depth + inner.matches('{').count()).saturating_sub(inner.matches('}').count());
    }
}

/// A declaration that is too wide, and is a union of names.
fn long_union(line: &str) -> Option<String> {
    let (name, union) =
        line.split_once(" = ").filter(|(_, union)| line.len() > WIDEST && !union.contains('{'))?;
    Some(format!("{name} =\n  | {}", union.replace(" | ", "\n  | ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_indented_and_a_short_comment_is_one_line() {
        let raw = "/**\n * See [`X`].\n */\nexport type A = { \n/**\n * One\n * two.\n */\na: { [k in string]: string }, \n/**\n * B\n */\nb?: B, };\n";
        let laid = "/** See `X`. */\nexport type A = {\n  /**\n   * One\n   * two.\n   */\n  a: { [k in string]: string };\n  /** B */\n  b?: B;\n};\n";
        assert_eq!(laid_out(raw), laid);
    }

    #[test]
    fn a_union_of_objects_keeps_its_braces() {
        let raw = "export type A = { \n/**\n * N\n */\nn: string, } & ({ \"a\": \"x\" } | { \"a\": \"y\", \n/**\n * F\n */\nf: boolean, } | { \"a\": \"z\" });\n";
        let laid = "export type A = {\n  /** N */\n  n: string;\n} & ({ \"a\": \"x\" } | {\n  \"a\": \"y\";\n  /** F */\n  f: boolean;\n} | { \"a\": \"z\" });\n";
        assert_eq!(laid_out(raw), laid);
    }

    #[test]
    fn a_long_union_has_one_member_a_line_and_a_short_one_a_single_line() {
        let members = vec!["\"member\""; 20].join(" | ");
        let laid = laid_out(&format!("export type A = {members};\n"));
        assert!(
            laid.starts_with("export type A =\n  | \"member\"\n")
                && laid.ends_with("  | \"member\";\n"),
            "{laid}"
        );
        let short = "export type A = \"a\" | \"b\";\n";
        assert_eq!(laid_out(short), short);
    }
}
