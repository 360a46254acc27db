//! What the documentation shows is what the program does: commands, configuration, links.
//!
//! A block of ```` ```console ```` is run, and prints what it shows. A block that can't be run here
//! names what it needs after the word `console`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a block may need: AWS, a cluster, modules or a program that are built first, or the running
/// `serve` of README (see `readme.rs`).
const NEEDS: [&str; 4] = ["aws", "cluster", "build", "serve"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README and all pages of docs, as paths from the root.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for folder in ["docs", "docs/how-to", "docs/reference"] {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
                pages.push(format!("{folder}/{name}"));
            }
        }
    }
    pages.sort_unstable();
    pages
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// The fenced blocks of a page: what follows the fence, and the lines without their indentation.
fn blocks(text: &str) -> Vec<(&str, Vec<&str>)> {
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
fn commands(lines: &[&str]) -> Vec<(String, Vec<String>)> {
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

/// A line of the log without its time, which is another one each time.
fn untimed(line: &str) -> &str {
    match line.split_once("Z ") {
        Some((time, rest)) if time.starts_with("20") && !time.contains(' ') => rest.trim(),
        _ => line.trim_end(),
    }
}

/// The first of the shown lines that is not printed after those before it. `...` stands for any
/// lines, and at the end of a line for its rest.
fn missing<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines().map(untimed);
    shown.iter().map(String::as_str).filter(|line| *line != "...").find(|line| {
        !printed.any(|printed| match line.strip_suffix("...") {
            Some(start) => printed.starts_with(start),
            None => printed == *line,
        })
    })
}

/// Runs a page's commands in a directory that has the examples, and the program in its PATH.
fn run(page: &str) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let examples = directory.path().join("docs/example");
    fs::create_dir_all(&examples).unwrap();
    for file in fs::read_dir(root().join("docs/example")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), examples.join(file.file_name())).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_istio-cloud-map")).parent().unwrap();
    let mut ran = 0;
    for (info, lines) in blocks(&read(page)) {
        if info != "console" {
            continue;
        }
        for (command, shown) in commands(&lines) {
            let output = Command::new("timeout")
                .args(["60", "sh", "-c", &format!("{{ {command}\n}} 2>&1")])
                .current_dir(directory.path())
                .env_clear()
                .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            if shown.is_empty() {
                assert!(output.status.success(), "{page}: `{command}` fails with\n{printed}");
            }
            let missing = missing(&shown, &printed);
            assert!(missing.is_none(), "{page}: `{command}` lacks {missing:?}, it is\n{printed}");
            ran += 1;
        }
    }
    ran
}

#[test]
fn every_command_runs_or_names_what_it_needs() {
    for page in pages() {
        for (info, _) in blocks(&read(&page)) {
            let Some(needs) = info.strip_prefix("console") else { continue };
            assert!(
                needs.is_empty() || needs.split_whitespace().all(|need| NEEDS.contains(&need)),
                "{page}: ```{info} is neither `console` nor `console` and one of {NEEDS:?}"
            );
        }
    }
}

#[test]
fn commands_without_a_need_print_what_the_pages_show() {
    let ran: usize = pages().iter().map(|page| run(page)).sum();
    assert!(ran >= 10, "only {ran} commands");
}

#[test]
fn configuration_in_the_pages_passes_the_check() {
    let directory = tempfile::tempdir().unwrap();
    for page in pages() {
        for (_, lines) in blocks(&read(&page)).into_iter().filter(|(info, _)| *info == "yaml") {
            if lines.iter().any(|line| line.starts_with("kind:") || line.starts_with("module:")) {
                continue;
            }
            let file = directory.path().join("config.yaml");
            fs::write(&file, lines.join("\n")).unwrap();
            let output = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"))
                .args(["config", "check"])
                .arg(&file)
                .output()
                .unwrap();
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{page}: {lines:#?}\n{message}");
        }
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_to_files_and_headings() {
    for page in pages() {
        let text = read(&page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let (path, heading) = link.0.split_once('#').unwrap_or((link.0, ""));
            if link.0.contains("://") || link.0.contains(char::is_whitespace) {
                continue;
            }
            let file = match path {
                "" => root().join(&page),
                path => root().join(&page).parent().unwrap().join(path),
            };
            assert!(file.exists(), "{page}: there is no {path}");
            if !heading.is_empty() {
                let target = fs::read_to_string(&file).unwrap();
                let headings = target.lines().filter(|line| line.starts_with('#'));
                let anchors: BTreeSet<_> =
                    headings.map(|line| anchor(line.trim_start_matches('#'))).collect();
                assert!(anchors.contains(heading), "{page}: {path} has no heading {heading}");
            }
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = read("docs/README.md");
    for page in pages().iter().filter_map(|page| page.strip_prefix("docs/")) {
        assert!(
            page == "README.md" || contents.contains(&format!("({page})")),
            "docs/README.md does not link to {page}"
        );
    }
}
