//! Pages of documentation: the blocks of code, the commands in them, and a table of messages.

const INSTALL: &str = include_str!("../../docs/install.md");

/// Asserts that a program has printed a message, and that docs/install.md has it among the
/// likeliest mistakes.
///
/// # Panics
/// Where either is not so.
pub fn assert_listed(printed: &str, message: &str) {
    assert!(printed.contains(message), "no `{message}` in {printed}");
    let mut rows = INSTALL.lines().filter(|line| line.starts_with("| "));
    assert!(rows.any(|row| row.contains(message)), "docs/install.md does not list `{message}`");
}

/// The fenced blocks of a page: what follows the fence, and the lines without their indentation.
#[must_use]
pub fn blocks(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let content = lines.by_ref().take_while(|line| line.trim_start() != "```");
        blocks.push((info, content.map(|line| line.get(indent..).unwrap_or_default()).collect()));
    }
    blocks
}

/// The commands of a block, each with the lines that it prints.
///
/// # Panics
/// Where the block does not begin with a command.
#[must_use]
#[expect(clippy::panic, reason = "a test whose page is wrong can only fail, with the line")]
pub fn commands(lines: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((command, shown))) if command.ends_with('\\') && shown.is_empty() => {
                *command = format!("{}{}", command.trim_end_matches('\\'), line.trim_start());
            }
            (None, Some((_, shown))) => shown.push(untimed(line).to_owned()),
            (None, None) => panic!("a block does not begin with a command: {line}"),
        }
    }
    commands
}

/// The first of the shown lines that is not printed after those before it. `...` stands for any
/// lines, and at the end of a line for its rest.
#[must_use]
pub fn missing<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines().map(untimed);
    shown.iter().map(String::as_str).filter(|line| *line != "...").find(|line| {
        !printed.any(|printed| match line.strip_suffix("...") {
            Some(start) => printed.starts_with(start),
            None => printed == *line,
        })
    })
}

/// A line of the log without its time, which is another one each time.
fn untimed(line: &str) -> &str {
    match line.split_once("Z ") {
        Some((time, rest)) if time.starts_with("20") && !time.contains(' ') => rest.trim(),
        _ => line.trim_end(),
    }
}
