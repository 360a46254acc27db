//! Protected owners: what their entries in the cluster protect.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::{Asked, OPERATOR, entry, outcome, verdict_beside};

/// The operator's entries in the cluster.
fn cluster(hosts: &[&str]) -> Value {
    let entry = |(n, host): (usize, &&str)| {
        json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
            "metadata": {"name": format!("cloudmap-{n}"), "namespace": "mesh", "labels": {"istio-cloud-map/owner": "prod"}},
            "spec": {"hosts": [host], "resolution": "STATIC"},
        })
    };
    let items: Vec<Value> = hosts.iter().enumerate().map(entry).collect();
    json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
}

fn owned(host: &str) -> Value {
    let mut entry = entry(host);
    entry["metadata"]["labels"] = json!({"istio-cloud-map/owner": "prod"});
    entry
}

/// The outcome beside a cluster of these hosts, and how often that was asked.
fn ask(asked: Asked, hosts: &[&str]) -> (String, usize) {
    let calls = RefCell::new(Vec::new());
    let list = |request: &[u8]| {
        calls.borrow_mut().push(serde_json::from_slice::<Value>(request).unwrap());
        Ok(cluster(hosts).to_string().into_bytes())
    };
    let settings = json!({"protectedOwners": ["prod", "lab"], "trustedUsers": [OPERATOR]});
    let verdict = verdict_beside(&asked.under(settings).payload(), &list);
    let calls = calls.into_inner();
    for call in &calls {
        assert_eq!(call["label_selector"], "istio-cloud-map/owner in (prod,lab)");
        let kind = (&call["api_version"], &call["kind"]);
        assert_eq!(kind, (&json!("networking.istio.io/v1"), &json!("ServiceEntry")));
    }
    (outcome(&verdict), calls.len())
}

#[test]
fn a_host_that_an_entry_of_the_operator_has_is_for_trusted_users() {
    let theirs = ["db.shop", "web.shop", "*.lab.local"];
    for (host, overlaps) in [
        ("web.shop", Some("`web.shop` of the ServiceEntry mesh/cloudmap-1")),
        ("WEB.shop.", Some("`web.shop` of the ServiceEntry mesh/cloudmap-1")),
        ("*.shop", Some("`db.shop` of the ServiceEntry mesh/cloudmap-0")),
        ("a.lab.local", Some("`*.lab.local` of the ServiceEntry mesh/cloudmap-2")),
        ("other.shop", None),
    ] {
        let (stranger, calls) = ask(Asked::create("alice", entry(host)), &theirs);
        match overlaps {
            Some(part) => {
                assert!(stranger.starts_with("403 protected-host: "), "{host}: {stranger}");
                assert!(stranger.contains(part), "{host}: {stranger}");
            }
            None => assert_eq!(stranger, "accepted", "{host}"),
        }
        assert_eq!(calls, 1, "{host}");
        let trusted = ask(Asked::create(OPERATOR, owned(host)), &theirs);
        assert_eq!(trusted, ("accepted".to_owned(), 0), "{host}: nothing is asked");
    }
}

#[test]
fn an_entry_with_the_owner_label_is_for_trusted_users() {
    let (mine, theirs) = (entry("new.shop"), owned("new.shop"));
    for (name, asked) in [
        ("created", Asked::create("alice", theirs.clone())),
        ("labelled", Asked::to("UPDATE", "alice", mine.clone(), theirs.clone())),
        ("its label taken away", Asked::to("UPDATE", "alice", theirs.clone(), mine.clone())),
        ("deleted", Asked::to("DELETE", "alice", theirs, Value::Null)),
    ] {
        let (outcome, calls) = ask(asked, &[]);
        assert!(outcome.starts_with("403 protected-owner: "), "{name}: {outcome}");
        assert!(outcome.contains("the label istio-cloud-map/owner is `prod`"), "{name}: {outcome}");
        assert_eq!(calls, 0, "{name}");
    }
    assert_eq!(ask(Asked::to("DELETE", "alice", mine, Value::Null), &["new.shop"]).0, "accepted");
}

#[test]
fn where_the_cluster_does_not_answer_a_stranger_is_rejected() {
    let settings = json!({"protectedOwners": ["prod"], "trustedUsers": [OPERATOR]});
    for answer in [Err("not allowed".to_owned()), Ok(b"[]".to_vec()), Ok(Vec::new())] {
        let asked = Asked::create("alice", entry("web.shop")).under(settings.clone());
        let outcome = outcome(&verdict_beside(&asked.payload(), &|_| answer.clone()));
        assert!(
            outcome.starts_with("500 cluster: the entries of prod can't be listed: "),
            "{outcome}"
        );
        assert!(outcome.contains("contextAwareResources"), "{outcome}");
    }
}
