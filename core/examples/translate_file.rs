//! Translates a file of Cloud Map JSON, and prints the `ServiceEntry`s and the diagnostics.
//!
//! ```sh
//! aws servicediscovery discover-instances --namespace-name shop --service-name web > web.json
//! cargo run --package istio-cloud-map-core --example translate_file -- web.json
//! ```

#![expect(clippy::disallowed_methods, reason = "an example, not the core, reads a file")]

use std::error::Error;

use istio_cloud_map_core::cloud_map::{self, InputOptions};
use istio_cloud_map_core::translate::{Options, Translator};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("expected the path of a file of Cloud Map JSON")?;
    let text = std::fs::read_to_string(path)?;
    // One record for each service, with its instances.
    let input = cloud_map::parse(&text, &InputOptions::default())?;
    let options = Options::default();
    let translated = Translator::new(&options).translate_all(&input.records);
    for entry in &translated.entries {
        println!("{}", serde_json::to_string_pretty(entry)?);
    }
    for diagnostic in input.diagnostics.iter().chain(&translated.diagnostics) {
        eprintln!("{diagnostic}");
    }
    Ok(())
}
