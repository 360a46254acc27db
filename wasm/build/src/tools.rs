//! The tools that are downloaded: the target from rustup, wasm-opt from npm.

use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use wait_timeout::ChildExt;

use crate::inspect::inspect;

pub const TARGET: &str = "wasm32-unknown-unknown";

/// A download of 20 MB.
const RUSTUP_LIMIT: Duration = Duration::from_mins(2);

/// With the download of 20 MB that the first run needs.
const WASM_OPT_LIMIT: Duration = Duration::from_mins(10);

/// Other versions were found to break modules: Debian's 108 writes modules that don't load after
/// wasm-bindgen.
const BINARYEN: &str = "binaryen@132.0.0";

/// Not `--all-features`: Node 20 can't load the result.
const FLAGS: [&str; 3] = ["-O3", "--strip-producers", "--mvp-features"];

/// Adds [`TARGET`] to the active toolchain if it is missing.
///
/// # Errors
/// If rustup is missing, fails, or exceeds its time limit.
pub fn add_target() -> Result<()> {
    if Path::new(&rustc(&["--print", "target-libdir", "--target", TARGET])?).is_dir() {
        return Ok(());
    }
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]);
    run_within(RUSTUP_LIMIT, &mut command).with_context(|| {
        format!("the target {TARGET} is missing; add it by `rustup target add {TARGET}`")
    })
}

/// The folder with the sources of the standard library, and the name that a release of Rust has
/// for it. rustc names the folder where the component rust-src is installed.
///
/// # Errors
/// If rustc fails.
pub fn library_sources() -> Result<(PathBuf, String)> {
    let version = rustc(&["--version", "--verbose"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?);
    Ok((sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{}", commit.unwrap_or("unknown"))))
}

fn rustc(arguments: &[&str]) -> Result<String> {
    output(Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).args(arguments))
}

/// What a program prints, without the line's end.
///
/// # Errors
/// If it can't be run, or fails.
pub fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().display().to_string();
    let output = command.stderr(Stdio::inherit()).output().with_context(|| name.clone())?;
    ensure!(output.status.success(), "{name}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// Optimizes a module. The last input and output are kept in files that begin with `kept`, since
/// wasm-opt takes twenty seconds.
///
/// # Errors
/// If the module does not list the features that it uses, or wasm-opt fails.
pub fn wasm_opt(module: &[u8], kept: &Path) -> Result<Vec<u8>> {
    let flags = flags(&inspect(module)?.features)?;
    let recipe = [format!("{BINARYEN} {}\n", flags.join(" ")).as_bytes(), module].concat();
    unless_same(&recipe, kept, |output| {
        let input = kept.with_extension("in.wasm");
        fs::write(&input, module)?;
        let mut command = Command::new("npm");
        command
            .args(["exec", "--yes", "--ignore-scripts", "--package", BINARYEN, "--", "wasm-opt"])
            .args(flags)
            .arg(input)
            .arg("-o")
            .arg(output);
        run_within(WASM_OPT_LIMIT, &mut command).context("wasm-opt of the npm package binaryen")
    })
}

/// The output that was made of this recipe, made now if the last recipe was another.
fn unless_same(
    recipe: &[u8],
    kept: &Path,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<Vec<u8>> {
    let (last, output) = (kept.with_extension("recipe"), kept.with_extension("out.wasm"));
    if !fs::read(&last).is_ok_and(|last| last == recipe) {
        // Removed first and written last, so that it never lies beside the output of another.
        let _ = fs::remove_file(&last);
        make(&output)?;
        fs::write(&last, recipe)?;
    }
    fs::read(&output).with_context(|| output.display().to_string())
}

/// The flags for a module with these features: wasm-opt may use them and no others.
fn flags(features: &[String]) -> Result<Vec<String>> {
    ensure!(
        !features.is_empty(),
        "the module has no section `target_features`; a profile with `strip = true` drops it"
    );
    let enabled = features.iter().map(|name| match name.as_str() {
        "nontrapping-fptoint" => "--enable-nontrapping-float-to-int".to_owned(),
        "simd128" => "--enable-simd".to_owned(),
        other => format!("--enable-{other}"),
    });
    Ok(FLAGS.into_iter().map(str::to_owned).chain(enabled).collect())
}

/// Runs a command, its output on stderr, and ends it after the time limit.
fn run_within(limit: Duration, command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stderr())
        .spawn()
        .with_context(|| format!("{name} can't be run"))?;
    match child.wait_timeout(limit)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("{name}: {status}"),
        None => {
            child.kill()?;
            child.wait()?;
            bail!("{name} did not end within {} s and was stopped", limit.as_secs())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_command_that_hangs_is_stopped_and_a_failure_has_its_status() {
        let limit = Duration::from_millis(100);
        let error = run_within(limit, &mut shell("exec sleep 60")).unwrap_err();
        assert_eq!(error.to_string(), "sh did not end within 0 s and was stopped");
        let limit = Duration::from_mins(1);
        let error = run_within(limit, &mut shell("exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "sh: exit status: 3");
        run_within(limit, &mut shell("exit 0")).unwrap();
    }

    #[test]
    fn wasm_opt_may_use_the_features_of_the_module_and_no_others() {
        let features = ["bulk-memory", "nontrapping-fptoint"].map(str::to_owned);
        let expected = ["--enable-bulk-memory", "--enable-nontrapping-float-to-int"];
        assert_eq!(flags(&features).unwrap(), [&FLAGS[..], &expected].concat());
        assert!(flags(&[]).unwrap_err().to_string().contains("target_features"));
    }

    #[test]
    fn an_output_is_reused_for_the_same_recipe_only() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("plain");
        let make = |recipe: &[u8], made: &str| {
            unless_same(recipe, &kept, |output| Ok(fs::write(output, made)?)).unwrap()
        };
        assert_eq!(make(b"one", "1"), b"1");
        assert_eq!(make(b"one", "2"), b"1");
        assert_eq!(make(b"two", "3"), b"3");
    }
}
