//! The JavaScript side of a module that is not one of the package's, for Node:
//! `cargo run -p istio-cloud-map-wasm-build --example bindgen -- MODULE.wasm FOLDER`.

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let module = arguments.next().context("expected MODULE.wasm and FOLDER")?;
    let folder = arguments.next().context("expected MODULE.wasm and FOLDER")?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).typescript(false);
    bindgen.nodejs(true)?.generate(folder).context("wasm-bindgen")
}
