//! Which settings are valid.

use serde_json::{Value, json};

use super::super::validate_settings;

fn answer(settings: &str) -> Value {
    serde_json::from_str(&validate_settings(settings.as_bytes())).unwrap()
}

#[test]
fn valid_settings_are_accepted() {
    for (name, settings) in [
        ("nothing", json!({})),
        (
            "everything",
            json!({
                "protectedHosts": ["web.prod.local", "*.prod.local", "*", "Web.Prod.Local."],
                "trustedUsers": ["system:serviceaccount:istio-system:istio-cloud-map"],
                "trustedGroups": ["mesh-admins"],
                "rejectInvalid": false,
                "source": "fill",
                "translation": {"location": "MESH_INTERNAL", "addresses": "none"},
            }),
        ),
        ("check", json!({"source": "check"})),
        ("off as YAML reads it", json!({"source": false})),
    ] {
        assert_eq!(answer(&settings.to_string()), json!({"valid": true}), "{name}");
    }
}

#[test]
fn invalid_settings_are_an_error_with_the_reason_and_the_path() {
    for (name, settings, expected) in [
        (
            "an unknown key",
            json!({"protectedHost": []}),
            "unknown field `protectedHost`, expected one of `protectedHosts`",
        ),
        (
            "an unknown key of the translation",
            json!({"translation": {"adresses": "none"}}),
            "translation.adresses: unknown field `adresses`",
        ),
        (
            "no list",
            json!({"protectedHosts": "web.prod.local"}),
            "protectedHosts: expected an array, got the string",
        ),
        (
            "a number in a list",
            json!({"trustedUsers": ["a", 5]}),
            "trustedUsers[1]: expected a string, got the number 5",
        ),
        (
            "a text that is no id",
            json!({"protectedOwners": ["a b"]}),
            "protectedOwners[0]: `a b` is not the id of an operator; expected a label value",
        ),
        ("null", json!({"trustedUsers": null}), "trustedUsers: expected an array, got null"),
        (
            "an IP address",
            json!({"protectedHosts": ["web.a", "10.0.0.1"]}),
            "protectedHosts[1]: `10.0.0.1` can't be protected: its last label is all digits",
        ),
        (
            "a CIDR block",
            json!({"protectedHosts": ["10.0.0.0/8"]}),
            "protectedHosts[0]: `10.0.0.0/8` can't be protected",
        ),
        (
            "an empty host",
            json!({"protectedHosts": [""]}),
            "protectedHosts[0]: `` can't be protected: it is empty",
        ),
        (
            "an inner wildcard",
            json!({"protectedHosts": ["a.*.b"]}),
            "protectedHosts[0]: `a.*.b` can't be protected",
        ),
        (
            "a part of a label",
            json!({"protectedHosts": ["*a.b"]}),
            "expected a host name, `*.NAME` or `*`",
        ),
        (
            "an empty user",
            json!({"trustedUsers": [""]}),
            "trustedUsers[0]: it is empty, expected a name",
        ),
        (
            "an empty group",
            json!({"trustedGroups": [" "]}),
            "trustedGroups[0]: it is empty, expected a name",
        ),
        (
            "no boolean",
            json!({"rejectInvalid": "yes"}),
            "rejectInvalid: expected a boolean, got the string",
        ),
        (
            "an unknown source",
            json!({"source": "always"}),
            "source: unknown variant `always`, expected one of `off`, `check`, `fill`",
        ),
        ("on", json!({"source": true}), "source: "),
        (
            "a bad translation",
            json!({"translation": {"exportTo": ["*", "a"]}}),
            "translation: `*` is not allowed in exportTo",
        ),
        ("a list", json!([[]]), "the settings are not an object"),
        ("nothing at all", Value::Null, "the settings are not an object"),
    ] {
        let answer = answer(&settings.to_string());
        assert_eq!(answer["valid"], json!(false), "{name}");
        assert!(
            answer["message"].as_str().is_some_and(|message| message.contains(expected)),
            "{name}: {answer}"
        );
    }
    for garbage in ["", "{", "{}{}", r#"{"source":"off","source":"fill"}"#] {
        assert_eq!(answer(garbage)["valid"], json!(false), "{garbage}");
    }
    assert!(validate_settings(b"\xff").contains("not UTF-8"));
}
