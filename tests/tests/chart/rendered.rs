//! What the chart renders, without a cluster.

use std::collections::BTreeSet;

use istio_cloud_map_tests::operator::command;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{
    assert_generated, helm, names, only, output, printed, read, rendered, rendered_text, set,
    sets_of_values, yaml,
};

const NOTICE: &str = "# Generated from the chart with values.yaml, by `UPDATE_GOLDEN=1 tests/run \
                      chart`: do not edit.\n";

#[test]
fn every_set_of_values_passes_the_lint() {
    for values in sets_of_values() {
        printed(helm(&["lint", "chart", "--strict", "--values"]).arg(values));
    }
}

#[test]
fn the_operator_accepts_every_configuration_that_is_rendered() {
    let directory = TempDir::new().unwrap();
    for values in sets_of_values().iter().filter(|file| !file.ends_with("existing-values.yaml")) {
        let objects = rendered(values, &["--show-only", "templates/configmap.yaml"]);
        let file = directory.path().join("config.yaml");
        let text = only(&objects, "ConfigMap")["data"]["config.yaml"].as_str().unwrap().to_owned();
        std::fs::write(&file, text).unwrap();
        printed(command(&["config", "check"]).arg(&file));
    }
}

#[test]
fn a_wrong_value_is_refused_and_named() {
    for (argument, named) in [
        ("replica=2", "replica"),
        ("replicas=two", "replicas"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("config.awsRegio=us-west-2", "awsRegio"),
        ("config.translation.addresses=some", "addresses"),
        ("config.listen=:80", "config.listen"),
        ("aws.roleArn=reader", "roleArn"),
        ("policy.enabled=true", "protectedHosts"),
        ("serviceMonitor.enabled=true,service.enabled=false", "service.enabled"),
        ("aws.roleArn=arn:aws:iam::1:role/r,serviceAccount.create=false", "serviceAccount.create"),
    ] {
        let result = output(&mut helm(&["template", "r", "chart", "--set", argument]));
        let stderr = String::from_utf8_lossy(&result.stderr);
        assert!(!result.status.success() && stderr.contains(named), "{argument}: {stderr}");
    }
}

#[test]
fn the_schema_has_each_value_and_the_configuration_files_schema() {
    let text = read("manifests/chart/values.schema.json");
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    let mut config: Value =
        serde_json::from_str(&read("docs/reference/config.schema.json")).unwrap();
    let config_object = config.as_object_mut().unwrap();
    config_object.remove("$schema");
    schema["$defs"] = config_object.remove("$defs").unwrap();
    schema["properties"]["config"] = config;
    let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    assert_generated("manifests/chart/values.schema.json", &expected);

    let mut properties = schema["properties"].clone();
    let properties = properties.as_object_mut().unwrap();
    // Helm's own, for charts that have this one as a part.
    properties.remove("global");
    properties.insert("config".to_owned(), json!({}));
    let values = yaml(&read("manifests/chart/values.yaml"));
    assert_same_keys("", properties, values.as_object().unwrap());
}

fn assert_same_keys(path: &str, schema: &Map<String, Value>, values: &Map<String, Value>) {
    let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(schema), keys(values), "values{path}");
    for (key, value) in schema {
        if let Some(inner) = value["properties"].as_object() {
            assert_same_keys(&format!("{path}.{key}"), inner, values[key].as_object().unwrap());
        }
    }
}

#[test]
fn the_roles_are_in_the_namespaces_that_the_configuration_names() {
    let roles = |name: &str| {
        names(&rendered(&set(name), &[]), |kind| kind == "Role" || kind == "ClusterRole")
    };
    assert_eq!(roles("default"), ["Role mesh istio-cloud-map", "Role mesh istio-cloud-map-leases"]);
    assert_eq!(
        roles("sources"),
        [
            "Role mesh istio-cloud-map",
            "Role mesh istio-cloud-map-leases",
            "Role payments istio-cloud-map",
            "Role shop istio-cloud-map",
        ]
    );
    assert_eq!(
        roles("template"),
        ["ClusterRole - istio-cloud-map-mesh", "Role mesh istio-cloud-map-leases"]
    );
    let also = rendered(&set("template"), &["--set", "rbac.namespaces={shop}"]);
    assert_eq!(names(&also, |kind| kind == "ClusterRole").len(), 1, "all entries are watched");
    let alone = rendered(&set("default"), &["--set", "config.leaderElect=false"]);
    assert_eq!(names(&alone, |kind| kind == "Role"), ["Role mesh istio-cloud-map"], "no leases");
    let auto = rendered(&set("default"), &["--set", "config.translation.mesh=auto"]);
    assert!(
        names(&auto, |kind| kind == "Role")
            .contains(&"Role istio-system istio-cloud-map-mesh".to_owned()),
        "istiod is asked"
    );
    assert_eq!(
        roles("existing"),
        [
            "Role mesh istio-cloud-map-leases",
            "Role payments istio-cloud-map",
            "Role shop istio-cloud-map",
        ]
    );
    assert_eq!(
        roles("all"),
        ["Role mesh cloud-map-operator", "Role mesh-leases cloud-map-operator-leases"]
    );
}

#[test]
fn only_a_change_of_what_needs_a_restart_restarts_the_pods() {
    let pods = |argument: &str| {
        let objects = rendered(&set("sources"), &["--set", argument]);
        only(&objects, "Deployment")["spec"]["template"].clone()
    };
    let before = pods("config.interval=5s");
    assert_eq!(before, pods("config.interval=9s"));
    for argument in ["config.id=other", "config.awsRegion=us-east-1", "config.leaderElect=false"] {
        assert_ne!(before, pods(argument), "{argument}");
    }
}

#[test]
fn a_budget_and_a_spread_come_with_the_second_replica() {
    let objects = |replicas: &str| rendered(&set("default"), &["--set", replicas]);
    let is_budget = |kind: &str| kind == "PodDisruptionBudget";
    let spread = |objects: &[Value]| {
        only(objects, "Deployment")
            .pointer("/spec/template/spec/topologySpreadConstraints")
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    let (one, two) = (objects("replicas=1"), objects("replicas=2"));
    assert_eq!((names(&one, is_budget).len(), spread(&one)), (0, 0));
    assert_eq!((names(&two, is_budget).len(), spread(&two)), (1, 2));
}

#[test]
fn the_versions_are_those_of_the_crate() {
    let chart = yaml(&read("manifests/chart/Chart.yaml"));
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!(env!("CARGO_PKG_VERSION")))
    );
    let images = chart["annotations"]["artifacthub.io/images"].as_str().unwrap();
    let deployment = rendered_text(&set("default"), &["--show-only", "templates/deployment.yaml"]);
    for line in yaml(images).as_array().unwrap() {
        let image = line["image"].as_str().unwrap();
        assert!(deployment.contains(&format!("image: {image}\n")), "{image}");
    }
}

#[test]
fn the_plain_manifests_are_what_the_chart_renders() {
    let values = super::in_repository("manifests/values.yaml");
    let text = printed(
        helm(&["template", "istio-cloud-map", "chart", "--namespace", "default", "--values"])
            .arg(values),
    );
    // What only Helm needs.
    let lines = text.lines().filter(|line| {
        !["# Source: ", "    app.kubernetes.io/managed-by: ", "    helm.sh/chart: "]
            .iter()
            .any(|start| line.starts_with(start))
    });
    let mut expected = NOTICE.to_owned();
    for line in lines {
        expected.extend([line, "\n"]);
    }
    assert_generated("manifests/istio-cloud-map.yaml", &expected);
}

#[test]
fn the_policy_is_that_of_the_manifest() {
    let arguments =
        ["policy.enabled=true", "policy.protectedHosts={getistio-external-service.my-namespace}"];
    let mut helm = helm(&["template", "istio-cloud-map", "chart", "--namespace", "default"]);
    for argument in arguments {
        helm.args(["--set", argument]);
    }
    let chart = yaml(&printed(helm.args(["--show-only", "templates/policy.yaml"])));
    let manifest = yaml(&read("manifests/policy/cluster-admission-policy.yaml"));
    assert_eq!(chart["spec"], manifest["spec"]);
}
