//! What a file may say, and what is said about what it may not.
#![expect(clippy::unwrap_used, reason = "tests")]

use istio_cloud_map_core::translate::Conflicts;

use super::*;
use crate::cli::config_flags;

fn parse(text: &str) -> Result<File, String> {
    File::parse(text, &config_flags())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_file_says_what_flags_say_and_more() {
    let file = parse(
        "
interval: 5s..60s
maxDeletePercent: 10
dryRun: true
policy: upsert-only
logFormat: json
transform:
translation:
  conflicts: merge
  protocols: {\"8080\": HTTP}
  overrides:
  - service: web*
    ports: http:80
sources:
- name: west
  region: us-west-2
  services: {exclude: [\"*-canary\"]}
  targetNamespace: team-{namespace}
- name: lab
  file: lab.json
  readTags: true
",
    )
    .unwrap();
    assert_eq!(file.translation.conflicts, Conflicts::Merge);
    let names: Vec<_> = file.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["west", "lab"]);
    let flags: Vec<_> =
        file.flags.iter().map(|(id, value)| (id.as_str(), value.as_str())).collect();
    assert_eq!(
        flags,
        [
            ("interval", "5s..60s"),
            ("max_delete_percent", "10"),
            ("dry_run", "true"),
            ("policy", "upsert-only"),
            ("log_format", "json"),
        ]
    );
}

#[test]
fn json_is_yaml_and_an_empty_file_says_nothing() {
    let file = parse(r#"{"interval": "10s", "sources": [{"name": "a", "region": "eu-west-1"}]}"#);
    assert_eq!(file.unwrap().sources.len(), 1);
    for text in ["", "# nothing\n", "{}", "sources:\ntranslation:\n"] {
        assert!(parse(text).is_ok_and(|file| file.sources.is_empty()), "{text:?}");
    }
}

#[test]
fn zones_of_a_role_are_not_known_unless_they_are_listed() {
    let role = "  roleArn: arn:aws:iam::123456789012:role/x\n";
    let listed = "  zones: {us-east-1a: us-east-1c}\n";
    let zones = |keys: &str| {
        let text = format!("sources:\n- name: a\n  region: us-east-1\n{keys}");
        let zones = parse(&text).unwrap().sources.first().unwrap().zones();
        zones.map(|zones| zones.iter().map(|(a, b)| format!("{a} {b}")).collect::<Vec<_>>())
    };
    assert_eq!(zones(""), None);
    assert_eq!(zones(role), Some(Vec::new()));
    assert_eq!(zones("  zones: {}\n"), Some(Vec::new()));
    for keys in [listed, &[role, listed].concat()] {
        assert_eq!(zones(keys), Some(vec!["us-east-1a us-east-1c".to_owned()]));
    }
}

/// The file, and what is said about it.
const MISTAKES: &[(&str, &str)] = &[
    // Typing errors in keys: at the top, in the translation, in a source.
    ("intervall: 5s\n", "line 1: unknown key `intervall`, did you mean `interval`?"),
    (
        "translation:\n  adresses: none\n",
        "line 2: unknown key `adresses`, did you mean `addresses`?",
    ),
    (
        "sources:\n- name: a\n  regoin: us-west-2\n",
        "line 3: unknown key `regoin`, did you mean `region`?",
    ),
    // The spelling of flags.
    (
        "max-delete-percent: 10\n",
        "line 1: unknown key `max-delete-percent`, did you mean `maxDeletePercent`?",
    ),
    // The right key in the wrong place.
    ("conflicts: merge\n", "line 1: unknown key `conflicts`; it belongs in `translation`"),
    // Values.
    (
        "interval: 5\n",
        "line 1: `interval`: `5`: time unit needed, for example 5sec or 5ms; expected for example 5s, 2m or 500ms",
    ),
    ("maxDeletePercent: 130\n", "line 1: `maxDeletePercent`: `130`: 130 is not in 0..=100"),
    (
        "policy: upsert\n",
        "line 1: `policy`: `upsert`: expected sync, upsert-only, create-only, did you mean `upsert-only`?",
    ),
    ("dryRun: perhaps\n", "line 1: `dryRun`: expected true or false"),
    (
        "\ntranslation:\n  conflicts: mrge\n",
        "line 3: `conflicts`: `mrge`: expected refuse, merge, did you mean `merge`?",
    ),
    (
        "sources:\n- name: a\n  region: Oregon\n",
        "line 3: `region`: `Oregon`: expected an AWS region such as us-west-2",
    ),
    (
        "sources:\n- name: a\n  region: us-west-2\n  targetNamespace: Team\n",
        "line 4: `targetNamespace`: `Team`: expected the name of a Kubernetes namespace, or a template with {namespace} and {service}",
    ),
    (
        "sources:\n- name: a\n  roleArn: arn:aws:iam::1:user/x\n",
        "line 3: `roleArn`: `arn:aws:iam::1:user/x`: expected a role such as arn:aws:iam::123456789012:role/NAME",
    ),
    (
        "sources:\n- name: a\n  endpointUrl: https://me:secret@example.com\n",
        "line 3: `endpointUrl`: the URL has a user name or password, which Cloud Map does not accept; expected a URL without",
    ),
    (
        "sources:\n- name: a\n  zones: {us-east-1a: us-east-1/c}\n",
        "line 3: `zones`: `us-east-1/c`: expected the name of a zone such as us-east-1a",
    ),
    // Shapes.
    ("interval: 1s\n  to: [\n", "line 2: mapping values are not allowed in this context"),
    (
        "sources:\n  name: a\n  region: us-west-2\n",
        "line 2: `sources`: expected a list, each item after `- `",
    ),
    (
        "sources:\n- name: a\n  namespaces:\n    include: prod*\n",
        "line 4: `include`: expected a list, each item after `- `",
    ),
    // Sources against each other.
    (
        "sources:\n- name: a\n  region: us-west-2\n- name: a\n  region: us-east-1\n",
        "line 4: two sources are called `a`; expected a name of its own for each",
    ),
    ("sources:\n- region: us-west-2\n", "line 2: a source has no `name`"),
    (
        "sources:\n- name: a\n  region: us-west-2\n  file: a.json\n",
        "line 2: the source `a` has a `file` and so can't have `region`",
    ),
    (
        "translation:\n  owner: me\n",
        "`owner` can't be set in `translation`; set `id` at the top of the file",
    ),
    (
        "from: file:a.json\nsources:\n- name: a\n  region: us-west-2\n",
        "`from` and `sources` can't both be set; expected a source of `sources` with `file: PATH`",
    ),
    ("interval: 5s\ninterval: 6s\n", "line 2: the key `interval` is there twice"),
    // Several at once.
    (
        "intervall: 5s\nonce: 3\n",
        "line 1: unknown key `intervall`, did you mean `interval`?\nline 2: `once`: expected true or false",
    ),
];

#[test]
fn a_mistake_is_answered_with_its_line_its_key_and_what_was_expected() {
    let mut wrong = Vec::new();
    for (text, expected) in MISTAKES {
        let said = parse(text).map_or_else(|said| said, |_| "nothing".to_owned());
        if said != *expected {
            wrong.push(format!("---\n{text}says     {said}\nexpected {expected}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
}

#[test]
fn text_that_is_no_yaml_is_refused_with_its_line() {
    for text in ["interval: [5s\n", "interval: 5s\n\tlisten: x\n", "just words\n", "- a\n- b\n"] {
        let said = parse(text).unwrap_err();
        assert!(said.starts_with("line "), "{text:?}: {said}");
    }
}

#[test]
fn every_flag_of_serve_but_the_file_itself_has_a_key() {
    let keys = root_keys(&config_flags());
    for key in ["from", "to", "kubeConfig", "transformMaxMemory", "logLevel", "id", "useFips"] {
        assert!(keys.iter().any(|known| known == key), "{key}");
    }
    assert!(!keys.iter().any(|key| key == "config" || key == "set"));
}
