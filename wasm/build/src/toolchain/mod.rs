//! Finds a Rust that can build for `wasm32-unknown-unknown`.

mod active;
mod debian;

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

pub const TARGET: &str = "wasm32-unknown-unknown";

/// A way to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// The active toolchain has the target.
    Installed,
    /// rustup adds it to the active toolchain.
    Rustup,
    /// Debian's rustc-web and cargo-web build the standard library from rust-web-src.
    Debian,
}

/// In the order they are tried: what costs least first.
const WAYS: [Way; 3] = [Way::Installed, Way::Rustup, Way::Debian];

/// A cargo that builds for [`TARGET`].
#[derive(Debug)]
pub struct Toolchain {
    /// One line on what is used.
    pub said: String,
    /// Of the folder in which cargo builds: toolchains don't share one.
    pub name: &'static str,
    cargo: PathBuf,
    arguments: Vec<&'static str>,
    set: Vec<(&'static str, OsString)>,
    unset: &'static [&'static str],
    /// The sources of the standard library, and the name that they have in a module.
    pub library: (PathBuf, String),
}

impl Toolchain {
    /// `cargo build` in the folder, as far as the toolchain decides it.
    #[must_use]
    pub fn cargo_build(&self, dir: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(dir).arg("build").args(["--target", TARGET]).args(&self.arguments);
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
        for name in self.unset {
            command.env_remove(name);
        }
        command
    }
}

/// Finds a toolchain for the workspace at `root`: the asked way alone, or the first that works.
///
/// # Errors
/// What was tried, why it failed, and how to help oneself.
pub fn find(asked: Option<Way>, root: &Path) -> Result<Toolchain> {
    first(asked, |way| match way {
        Way::Installed => active::installed(root),
        Way::Rustup => active::by_rustup(root),
        Way::Debian => debian::toolchain(root),
    })
}

fn first<T>(asked: Option<Way>, mut attempt: impl FnMut(Way) -> Result<T>) -> Result<T> {
    let ways = asked.as_ref().map_or(&WAYS[..], std::slice::from_ref);
    let mut tried = String::new();
    for way in ways {
        match attempt(*way) {
            Ok(toolchain) => return Ok(toolchain),
            Err(error) => {
                let name = way
                    .to_possible_value()
                    .map(|value| value.get_name().to_owned())
                    .unwrap_or_default();
                let _ = write!(tried, "\n  {name}: {error:#}");
            }
        }
    }
    bail!(
        "no way to the target {TARGET} was found. Tried:{tried}\n\
         By hand, one of: `rustup target add {TARGET}`; or on Debian, as root, `apt-get install --no-install-recommends {} lld`",
        debian::PACKAGES.join(" ")
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_ways_are_tried_in_order_and_the_first_that_works_is_taken() {
        let mut tried = Vec::new();
        let taken = first(None, |way| {
            tried.push(way);
            if way == Way::Rustup { Ok(way) } else { Err(anyhow!("no")) }
        });
        assert_eq!(taken.unwrap(), Way::Rustup);
        assert_eq!(tried, [Way::Installed, Way::Rustup]);
    }

    #[test]
    fn a_way_that_is_asked_for_is_the_only_one_tried() {
        let mut tried = Vec::new();
        let taken: Result<()> = first(Some(Way::Debian), |way| {
            tried.push(way);
            Err(anyhow!("no"))
        });
        assert!(taken.is_err());
        assert_eq!(tried, [Way::Debian]);
    }

    #[test]
    fn where_none_works_the_error_says_why_each_failed_and_what_to_do() {
        let error = first(None, |way| Err::<(), _>(anyhow!("{way:?} is not here")))
            .unwrap_err()
            .to_string();
        let expected = "no way to the target wasm32-unknown-unknown was found. Tried:\n  installed: Installed is not here\n  \
                        rustup: Rustup is not here\n  debian: Debian is not here\nBy hand, one of: `rustup target add \
                        wasm32-unknown-unknown`; or on Debian, as root, `apt-get install --no-install-recommends rustc-web cargo-web \
                        rust-web-src lld`";
        assert_eq!(error, expected);
    }
}
