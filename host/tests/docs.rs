//! What the documentation shows is what the program does: commands, configuration, links.
//!
//! A block of ```` ```console ```` is run, and prints what it shows. A block that can't be run here
//! names what it needs after the word `console`.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use istio_cloud_map_tests::pages::{blocks, commands, missing};

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
