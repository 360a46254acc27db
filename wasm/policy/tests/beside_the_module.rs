//! What lies beside the module says the same as it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use istio_cloud_map_core::admission;
use istio_cloud_map_policy::METADATA;
use serde_json::{Value, json};

const METADATA_YML: &str = include_str!("../metadata.yml");
const QUESTIONS: &str = include_str!("../questions-ui.yml");
const MANIFEST: &str = include_str!("../../../manifests/policy/cluster-admission-policy.yaml");
const README: &str = include_str!("../README.md");

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn metadata() -> Value {
    serde_json::from_str(METADATA).unwrap()
}

fn validity(settings: &Value) -> Value {
    serde_json::from_str(&admission::validate_settings(settings.to_string().as_bytes())).unwrap()
}

#[test]
fn the_yaml_says_what_the_module_says() {
    assert_eq!(yaml(METADATA_YML), metadata());
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(
        metadata()["annotations"]["io.kubewarden.policy.version"],
        json!(env!("CARGO_PKG_VERSION"))
    );
    assert!(
        yaml(MANIFEST)["spec"]["module"]
            .as_str()
            .unwrap()
            .ends_with(concat!(":v", env!("CARGO_PKG_VERSION")))
    );
}

/// What `kwctl scaffold artifacthub` asks for, and what it leaves out of the package where it is
/// absent.
#[test]
fn the_metadata_has_all_that_a_package_of_artifact_hub_is_made_of() {
    let metadata = metadata();
    let annotation = |name: &str| {
        metadata["annotations"][name]
            .as_str()
            .filter(|text| !text.trim().is_empty())
            .unwrap_or_else(|| unreachable!("{name}"))
    };
    for name in ["title", "description", "ociUrl", "version", "license", "severity", "category"] {
        annotation(&format!("io.kubewarden.policy.{name}"));
    }
    annotation("io.artifacthub.displayName");
    annotation("io.artifacthub.resources");
    assert!(annotation("io.artifacthub.keywords").split(',').all(|word| !word.trim().is_empty()));
    let (name, address) = annotation("io.kubewarden.policy.author").split_once(" <").unwrap();
    assert!(
        !name.is_empty() && address.ends_with('>') && address.contains('@'),
        "{name} <{address}"
    );
    assert_eq!(annotation("io.kubewarden.policy.url"), env!("CARGO_PKG_HOMEPAGE"));
    assert_eq!(annotation("io.kubewarden.policy.source"), env!("CARGO_PKG_REPOSITORY"));
    // The package names the image as the address, `:v` and the version; an address with a tag would
    // have two.
    let image = yaml(MANIFEST)["spec"]["module"].as_str().unwrap().to_owned();
    let expected = format!(
        "{}:v{}",
        annotation("io.kubewarden.policy.ociUrl"),
        annotation("io.kubewarden.policy.version")
    );
    assert_eq!(image.strip_prefix("registry://"), Some(expected.as_str()));
}

#[test]
fn the_form_asks_for_settings_that_there_are_with_the_values_that_hold_without_it() {
    let form = yaml(QUESTIONS);
    let mut settings = json!({});
    for question in form["questions"].as_array().unwrap() {
        let (variable, default) = (question["variable"].as_str().unwrap(), &question["default"]);
        for text in ["label", "description", "group", "type"] {
            assert!(
                question[text].as_str().is_some_and(|text| !text.is_empty()),
                "{variable}: {text}"
            );
        }
        let shown = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        assert!(
            README.contains(&format!("| `{variable}` | `{shown}` |")),
            "{variable} is in the README with the default {shown}"
        );
        settings[variable] = default.clone();
        for option in question["options"].as_array().into_iter().flatten() {
            assert_eq!(
                validity(&json!({variable: option})),
                json!({"valid": true}),
                "{variable}: {option}"
            );
        }
    }
    assert_eq!(settings.as_object().unwrap().len(), 6);
    assert_eq!(validity(&settings), json!({"valid": true}));
}

#[test]
fn the_manifest_asks_for_what_the_policy_is_about_and_fails_closed() {
    let spec = &yaml(MANIFEST)["spec"];
    assert_eq!(spec["rules"], metadata()["rules"]);
    assert_eq!(spec["backgroundAudit"], metadata()["backgroundAudit"]);
    assert_eq!(spec["failurePolicy"], json!("Fail"));
}

#[test]
fn under_the_manifest_the_operator_has_its_host_and_a_stranger_has_not() {
    let settings = &yaml(MANIFEST)["spec"]["settings"];
    assert_eq!(validity(settings), json!({"valid": true}));
    for (user, host, accepted) in [
        (
            "system:serviceaccount:default:istio-cloud-map",
            "getistio-external-service.my-namespace",
            true,
        ),
        ("system:serviceaccount:default:default", "getistio-external-service.my-namespace", false),
        ("system:serviceaccount:default:default", "*.my-namespace", false),
        ("system:serviceaccount:default:default", "api.example.com", true),
    ] {
        let entry = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": "web"},
            "spec": {"hosts": [host], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}], "resolution": "STATIC"},
        });
        let request = json!({
            "kind": {"group": "networking.istio.io", "version": "v1", "kind": "ServiceEntry"},
            "operation": "CREATE", "userInfo": {"username": user}, "object": entry,
        });
        let payload = json!({"request": request, "settings": settings}).to_string();
        let verdict: Value =
            serde_json::from_str(&admission::validate(payload.as_bytes(), &|_| {
                Err("no cluster".to_owned())
            }))
            .unwrap();
        assert_eq!(verdict["accepted"], json!(accepted), "{user}, {host}: {verdict}");
    }
}

#[test]
fn the_settings_that_the_readme_shows_are_valid() {
    let blocks =
        README.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("yaml\n"));
    let settings: Vec<Value> =
        blocks.map(yaml).filter_map(|shown| shown.get("settings").cloned()).collect();
    assert!(!settings.is_empty());
    for settings in settings {
        assert_eq!(validity(&settings), json!({"valid": true}), "{settings}");
    }
}
