//! The waPC guest.
#![expect(
    unsafe_code,
    reason = "a name that is exported and a section that is named are attributes of the unsafe kind"
)]

use istio_cloud_map_core::admission;
use wapc_guest::{host_call, register_function};

use crate::METADATA;

/// The same bytes as [`METADATA`], where Kubewarden looks for them.
#[used]
#[unsafe(link_section = "io.kubewarden.metadata")]
static SECTION: [u8; METADATA.len()] = *include_bytes!("../metadata.json");

/// The host calls this once, before all else.
#[unsafe(no_mangle)]
extern "C" fn wapc_init() {
    register_function("validate", |payload| {
        Ok(admission::validate(payload, &list_all_resources).into_bytes())
    });
    register_function("validate_settings", |settings| {
        Ok(admission::validate_settings(settings).into_bytes())
    });
    register_function("protocol_version", |_| Ok(br#""v1""#.to_vec()));
}

/// Asks Kubewarden, which asks the API server.
fn list_all_resources(request: &[u8]) -> Result<Vec<u8>, String> {
    let answer = host_call("kubewarden", "kubernetes", "list_all_resources", request);
    answer.map_err(|error| error.to_string())
}
