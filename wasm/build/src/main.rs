//! `cargo wasm`: builds the WebAssembly modules, gives the one for JavaScript its other side,
//! optimises them, checks that they are what hosts were promised, and puts them into one folder.
//! `wasm/README.md` says how to use it.

mod bindgen;
mod check;
mod compile;
mod inspect;
mod lock;
mod module;
mod optimise;
mod product;
mod report;
mod reproducible;
mod time_limit;
mod toolchain;
mod workspace;

use std::env::var;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use clap::builder::PossibleValuesParser;

use crate::module::MODULES;
use crate::optimise::Optimiser;
use crate::toolchain::Way;
use crate::workspace::Workspace;

/// Builds the WebAssembly modules, optimised and checked, into the folder `wasm` of the target
/// folder.
#[derive(Parser)]
#[command(bin_name = "cargo wasm")]
struct Arguments {
    /// Which modules to build [default: all].
    #[arg(value_name = "MODULE", value_parser = PossibleValuesParser::new(MODULES.map(|module| module.name)))]
    modules: Vec<String>,
    /// The one way to the target wasm32-unknown-unknown to take [default: the first of these that
    /// works].
    #[arg(long, value_name = "WAY")]
    toolchain: Option<Way>,
    /// Build once more, from a copy of the sources in another folder, and fail if that gives other
    /// bytes.
    #[arg(long)]
    verify_reproducible: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::around(Path::new("."), None)?;
    let modules = workspace.modules(&arguments.modules)?;
    std::fs::create_dir_all(workspace.work())
        .with_context(|| workspace.work().display().to_string())?;
    let _lock = lock::locked(&workspace.work().join("lock"))?;
    let toolchain = toolchain::find(arguments.toolchain, &workspace.root)?;
    eprintln!("toolchain: {}", toolchain.said);
    if let Some(line) = compile::unused_flags(|name| var(name).ok()) {
        eprintln!("note: {line}");
    }
    let optimiser = Optimiser::installed()?;
    let mut products = Vec::new();
    for module in modules {
        let product = product::make(module, &workspace, &toolchain, &optimiser)?;
        product::write(&product, &workspace.output())?;
        if let Some(line) = check::beyond_goal(module, product.size) {
            eprintln!("note: {line}");
        }
        products.push(product);
    }
    println!("{}", report::table(&products));
    println!("in {}", workspace.output().display());
    if arguments.verify_reproducible {
        reproducible::verify(&products, &workspace, &toolchain, &optimiser)?;
        println!("another checkout with another target folder gives the same bytes");
    }
    Ok(())
}
