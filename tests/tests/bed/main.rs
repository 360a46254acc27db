//! The bed does what other tests rely on.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod api_server;
mod judge;

use serde_json::{Value, json};

/// The tutorial's entry.
fn tutorial() -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "ServiceEntry",
        "metadata": {
            "name": "cloudmap-getistio-external-service.my-namespace",
            "namespace": "default",
        },
        "spec": {
            "hosts": ["getistio-external-service.my-namespace"],
            "addresses": ["52.192.72.89"],
            "ports": [
                {"name": "http", "number": 80, "protocol": "HTTP"},
                {"name": "https", "number": 443, "protocol": "HTTPS"},
            ],
            "endpoints": [{"address": "52.192.72.89", "ports": {"http": 80, "https": 443}}],
            "resolution": "STATIC",
        },
    })
}
