//! `cargo wasm`: builds the WebAssembly modules, optimizes them, checks that they are what their
//! hosts expect, and writes them into one folder. See `wasm/README.md`.

mod build;
mod check;
mod inspect;
mod report;
mod tools;

use std::fs::File;

use anyhow::{Context, Result};
use clap::Parser;
use clap::builder::PossibleValuesParser;

use crate::build::{Checkout, build, write};
use crate::check::MODULES;

/// Builds the WebAssembly modules, optimized and checked, into the folder `wasm` of the target
/// folder.
#[derive(Parser)]
#[command(bin_name = "cargo wasm")]
struct Arguments {
    /// The modules to build [default: all].
    #[arg(value_name = "MODULE", value_parser = PossibleValuesParser::new(MODULES.map(|module| module.name)))]
    modules: Vec<String>,
    /// Build again from a copy of the sources in another folder, and fail if a file differs.
    #[arg(long)]
    verify_reproducible: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let names = &arguments.modules;
    let checkout = Checkout::current()?;
    std::fs::create_dir_all(checkout.work())?;
    // Two runs must not write the same files; cargo's own lock covers its part only.
    let lock = File::create(checkout.work().join("lock"))?;
    lock.lock().context("locking the build folder")?;
    tools::add_target()?;
    let mut products = Vec::new();
    for module in &MODULES {
        if names.is_empty() || names.iter().any(|name| name == module.name) {
            let product = build(module, &checkout)?;
            write(&product, &checkout.output())?;
            products.push(product);
        }
    }
    println!("{}", report::table(&products));
    println!("in {}", checkout.output().display());
    if arguments.verify_reproducible {
        check::reproducible(&products, &checkout)?;
        println!("another checkout with another target folder gives the same bytes");
    }
    Ok(())
}
