//! The module, loaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};
use wapc::WapcHost;
use wasmtime_provider::wasmtime::{Config, Engine, Module};
use wasmtime_provider::{WasmtimeEngineProviderBuilder, WasmtimeEngineProviderPre};

/// The bytes of the module.
pub static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = path();
    fs::read(&path).unwrap_or_else(|error| unbuilt(&path, &error))
});

#[expect(clippy::panic, reason = "without the module there is nothing to test")]
fn unbuilt(path: &Path, error: &std::io::Error) -> ! {
    panic!("{}: {error}; `cargo wasm policy` builds it", path.display())
}

/// Where the build tool puts it.
fn path() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), |folder| workspace.join(folder));
    target.join("wasm/policy.wasm")
}

/// Compiled once for all tests.
static COMPILED: LazyLock<WasmtimeEngineProviderPre> = LazyLock::new(|| {
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, &*BYTES).unwrap();
    WasmtimeEngineProviderBuilder::new().engine(engine).module(module).build_pre().unwrap()
});

/// One instance of the policy, as a policy server has it.
pub struct Policy(WapcHost);

impl Policy {
    /// It gets no answer of its host.
    pub fn start() -> Self {
        Self::beside(None)
    }

    /// Its host answers a list of the cluster's entries with this one.
    pub fn beside(entries: Option<Value>) -> Self {
        let engine = COMPILED.rehydrate(None).unwrap();
        let answer = move |_: u64, binding: &str, namespace: &str, operation: &str, _: &[u8]| {
            let asked = [binding, namespace, operation].join("/");
            match &entries {
                Some(list) if asked == "kubewarden/kubernetes/list_all_resources" => {
                    Ok(list.to_string().into_bytes())
                }
                _ => Err(format!("no {asked} here").into()),
            }
        };
        Self(WapcHost::new(Box::new(engine), Some(Box::new(answer))).unwrap())
    }

    /// The answer of an operation, on whatever bytes. An error would be a 500.
    pub fn answer(&self, operation: &str, payload: &[u8]) -> Vec<u8> {
        self.0.call(operation, payload).unwrap()
    }

    /// The same, read: it is always JSON.
    pub fn call(&self, operation: &str, payload: &[u8]) -> Value {
        serde_json::from_slice(&self.answer(operation, payload)).unwrap()
    }

    pub fn validate(&self, request: &Value, settings: &Value) -> Value {
        self.call(
            "validate",
            json!({"request": request, "settings": settings}).to_string().as_bytes(),
        )
    }
}

pub const OPERATOR: &str = "system:serviceaccount:default:istio-cloud-map";

/// A request to make an entry.
pub fn create(user: &str, entry: &Value) -> Value {
    request("CREATE", user, &Value::Null, entry)
}

pub fn request(operation: &str, user: &str, old: &Value, new: &Value) -> Value {
    json!({
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "networking.istio.io", "version": "v1", "kind": "ServiceEntry"},
        "resource": {"group": "networking.istio.io", "version": "v1", "resource": "serviceentries"},
        "operation": operation,
        "userInfo": {"username": user, "groups": ["system:authenticated"]},
        "object": new,
        "oldObject": old,
        "dryRun": false,
    })
}

/// An entry of these hosts that is valid if they are.
pub fn entry(hosts: &[&str]) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "hosts": hosts,
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            "endpoints": [{"address": "10.0.0.1"}],
        },
    })
}

/// `accepted` or `filled`, or the reason of a rejection.
pub fn outcome(verdict: &Value) -> String {
    let key = if verdict["accepted"] == json!(true) { "decision" } else { "reason" };
    verdict["audit_annotations"][key].as_str().unwrap().to_owned()
}
