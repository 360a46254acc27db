//! wasm-opt, out of the npm package `binaryen`, which is installed into the cache once.

use std::env::var_os;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::inspect::inspect;
use crate::lock::locked;
use crate::time_limit::run_within;

/// Of binaryen. Others were found to break modules: Debian's 108 makes such that don't load after
/// wasm-bindgen.
const VERSION: &str = "132.0.0";
const PACKAGE: &str = include_str!("../binaryen/package.json");
const PACKAGE_LOCK: &str = include_str!("../binaryen/package-lock.json");

/// A download of 20 MB.
const NPM_LIMIT: Duration = Duration::from_mins(5);

/// What is done to each module. Not `--all-features`: Node 20 can't load what comes of it.
const FLAGS: [&str; 3] = ["-O3", "--strip-producers", "--mvp-features"];

/// An installed wasm-opt.
pub struct Optimiser {
    /// What runs the script.
    interpreter: &'static str,
    script: PathBuf,
}

impl Optimiser {
    /// The one in the cache, put there if need be.
    ///
    /// # Errors
    /// Where npm is missing or fails.
    pub fn installed() -> Result<Self> {
        let tools = cache()?.join("tools");
        let folder = tools.join(format!("binaryen-{VERSION}"));
        let made = folder.join(".made");
        if !made.exists() {
            fs::create_dir_all(&tools).with_context(|| tools.display().to_string())?;
            let _lock = locked(&tools.join(format!("binaryen-{VERSION}.lock")))?;
            // Another build may have made it while this one waited.
            if !made.exists() {
                install(&folder).with_context(|| {
                    format!("npm ci of binaryen {VERSION} into {}", folder.display())
                })?;
                fs::write(&made, "")?;
            }
        }
        Ok(Self { interpreter: "node", script: folder.join("node_modules/binaryen/bin/wasm-opt") })
    }

    /// Optimises a module. `kept` is where the last input and output are kept, so that the same
    /// input costs nothing.
    ///
    /// # Errors
    /// Where the module does not say which features it uses, or wasm-opt fails.
    pub fn optimise(&self, module: &[u8], kept: &Path) -> Result<Vec<u8>> {
        let flags = flags(&inspect(module)?.features)?;
        let [made_of, input, output] =
            ["made-of", "in.wasm", "out.wasm"].map(|end| kept.with_extension(end));
        let recipe =
            [format!("binaryen {VERSION} {}\n", flags.join(" ")).into_bytes(), module.to_vec()]
                .concat();
        if fs::read(&made_of).is_ok_and(|last| last == recipe)
            && let Ok(last) = fs::read(&output)
        {
            return Ok(last);
        }
        // Goes first and comes last, so that it never stands beside the output of another input.
        let _ = fs::remove_file(&made_of);
        fs::write(&input, module).with_context(|| input.display().to_string())?;
        let mut command = Command::new(self.interpreter);
        command.arg(&self.script).args(flags).arg(&input).arg("-o").arg(&output);
        let run = command
            .output()
            .with_context(|| format!("{}, which runs wasm-opt", self.interpreter))?;
        ensure!(
            run.status.success(),
            "wasm-opt: {}: {}",
            run.status,
            String::from_utf8_lossy(&run.stderr).trim()
        );
        fs::write(&made_of, recipe)?;
        fs::remove_file(&input)?;
        fs::read(&output).with_context(|| output.display().to_string())
    }
}

fn install(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), PACKAGE)?;
    fs::write(folder.join("package-lock.json"), PACKAGE_LOCK)?;
    eprintln!("installing binaryen {VERSION} from npm, once ...");
    run_within(
        NPM_LIMIT,
        Command::new("npm").current_dir(folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]),
    )
}

/// The folder that outlives all checkouts, as tests/run has it.
fn cache() -> Result<PathBuf> {
    let set = |name| var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(cache) = set("ISTIO_CLOUD_MAP_CACHE") {
        return Ok(cache);
    }
    let caches = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(caches
        .context(
            "no cache folder: neither ISTIO_CLOUD_MAP_CACHE nor XDG_CACHE_HOME nor HOME is set",
        )?
        .join("istio-cloud-map"))
}

/// The flags for a module with these features: wasm-opt may use them and no others.
fn flags(features: &[String]) -> Result<Vec<String>> {
    if features.is_empty() {
        bail!(
            "the module has no section `target_features`, expected one (a profile with `strip = true` drops it)"
        );
    }
    let enabled = features.iter().map(|name| match name.as_str() {
        "nontrapping-fptoint" => "--enable-nontrapping-float-to-int".to_owned(),
        "simd128" => "--enable-simd".to_owned(),
        other => format!("--enable-{other}"),
    });
    Ok(FLAGS.into_iter().map(str::to_owned).chain(enabled).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_version_is_the_one_that_npm_is_given() {
        assert!(PACKAGE.contains(&format!("\"binaryen\": \"{VERSION}\"")));
        assert_eq!(PACKAGE_LOCK.matches(&format!("\"{VERSION}\"")).count(), 2);
        assert!(PACKAGE_LOCK.contains("\"integrity\": \"sha512-"));
    }

    #[test]
    fn wasm_opt_is_allowed_the_features_of_the_module_alone() {
        let features = ["bulk-memory", "nontrapping-fptoint", "sign-ext"].map(str::to_owned);
        let flags = flags(&features).unwrap();
        assert_eq!(
            flags.get(FLAGS.len() - 1..).unwrap(),
            [
                "--mvp-features",
                "--enable-bulk-memory",
                "--enable-nontrapping-float-to-int",
                "--enable-sign-ext"
            ]
        );
    }

    #[test]
    fn a_module_that_does_not_say_its_features_is_not_optimised() {
        assert!(flags(&[]).unwrap_err().to_string().contains("target_features"));
    }

    #[test]
    fn what_was_made_of_the_same_is_taken_again_and_only_that() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("plain");
        let module =
            wat::parse_str(r#"(module (@custom "target_features" "\01+\08sign-ext"))"#).unwrap();
        // Appends to the file that is its last argument.
        let script = folder.path().join("script");
        fs::write(&script, "for output; do :; done; printf 'made;' >>\"$output\"").unwrap();
        let optimiser = Optimiser { interpreter: "sh", script };
        assert_eq!(optimiser.optimise(&module, &kept).unwrap(), b"made;");
        assert_eq!(optimiser.optimise(&module, &kept).unwrap(), b"made;");
        let other =
            wat::parse_str(r#"(module (func) (@custom "target_features" "\01+\08sign-ext"))"#)
                .unwrap();
        assert_eq!(optimiser.optimise(&other, &kept).unwrap(), b"made;made;");
    }
}
