//! The alerts and the dashboard.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{TOOLS, only, printed, read, rendered, set, yaml};

const TESTS: &str = include_str!("alerts.yaml");

/// The alerts, as they are installed.
fn alerts() -> Vec<Value> {
    let objects = rendered(&set("default"), &["--set", "prometheusRule.enabled=true"]);
    let groups = &only(&objects, "PrometheusRule")["spec"]["groups"];
    groups[0]["rules"].as_array().unwrap().clone()
}

#[test]
fn each_alert_fires_in_time_and_only_then() {
    let mut rules = alerts();
    let tested = yaml(TESTS);
    let is_tested = |alert: &Value| {
        let tests = tested["tests"].as_array().unwrap().iter();
        let mut checks = tests.filter_map(|test| test["alert_rule_test"].as_array()).flatten();
        checks.any(|check| check["alertname"] == *alert && check["exp_alerts"] != json!([]))
    };
    for rule in &mut rules {
        assert!(is_tested(&rule["alert"]), "no test of {}", rule["alert"]);
        let annotations = rule["annotations"].as_object_mut().unwrap();
        assert!(annotations.remove("description").is_some(), "{rule}");
    }
    let directory = TempDir::new().unwrap();
    // JSON is YAML.
    let rules = json!({"groups": [{"name": "alerts", "rules": rules}]});
    fs::write(directory.path().join("rules.yaml"), rules.to_string()).unwrap();
    fs::write(directory.path().join("alerts.yaml"), TESTS).unwrap();
    let promtool = |arguments: &[&str]| {
        printed(TOOLS.promtool().args(arguments).current_dir(directory.path()))
    };
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]);
    promtool(&["test", "rules", "alerts.yaml"]);
}

#[test]
fn alerts_can_be_left_out_and_labelled_and_more_be_added() {
    let objects = rendered(&set("all"), &[]);
    let rules = &only(&objects, "PrometheusRule")["spec"]["groups"][0]["rules"];
    let rules = rules.as_array().unwrap();
    let installed = |name: &str| rules.iter().find(|rule| rule["alert"] == name);
    assert!(installed("IstioCloudMapThrottled").is_none());
    assert_eq!(installed("IstioCloudMapDown").unwrap()["labels"]["severity"], "page");
    assert_eq!(rules.last().unwrap()["record"], "namespace:istio_cloud_map_entries:sum");
}

/// The queries of the dashboard.
fn queries() -> Vec<String> {
    let dashboard: Value =
        serde_json::from_str(&read("manifests/chart/files/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn prometheus_understands_every_query_of_the_dashboard() {
    let as_rule = |(number, query): (usize, &String)| {
        let query = query.replace("$__rate_interval", "5m");
        json!({"record": format!("query:{number}"), "expr": query})
    };
    let rules: Vec<Value> = queries().iter().enumerate().map(as_rule).collect();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rules.yaml");
    let rules = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    fs::write(&file, rules.to_string()).unwrap();
    printed(TOOLS.promtool().args(["check", "rules"]).arg(file));
}

#[test]
fn every_metric_and_code_of_the_alerts_and_the_dashboard_exists() {
    let (alerts, queries) = (alerts(), queries());
    let expressions = alerts.iter().map(|rule| rule["expr"].as_str().unwrap());
    let expressions = expressions.chain(queries.iter().map(String::as_str));
    let metrics = backquoted(&read("docs/reference/metrics.md"));
    let codes = backquoted(&read("docs/reference/diagnostics.md"));
    let mut used = BTreeSet::new();
    for expression in expressions {
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words
            .filter(|word| word.starts_with("istio_cloud_map_") || word.starts_with("process_"))
        {
            // One of the series of a histogram.
            let name = word.trim_end_matches("_bucket");
            assert!(metrics.contains(name), "no metric {word} of {expression}");
            used.insert(name.to_owned());
        }
        let given = expression.split("code=").skip(1).filter_map(|rest| rest.split('"').nth(1));
        for code in given.flat_map(|codes| codes.split('|')) {
            assert!(codes.contains(code), "no code {code} of {expression}");
        }
    }
    // And what is worth a panel or an alert has one.
    let own = metrics.iter().filter(|name| name.starts_with("istio_cloud_map_"));
    let unused: Vec<&String> = own.filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "on no panel: {unused:?}");
}

/// The first cells of a table of the reference.
fn backquoted(page: &str) -> BTreeSet<String> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(str::to_owned).collect()
}
