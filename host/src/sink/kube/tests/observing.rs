use std::time::Duration;

use futures::stream::{self, StreamExt};
use istio_cloud_map_core::operator::{Observation, Observed, Version, WriteFailure};
use serde_json::{Value, json};

use super::fake::{Answer, Asked, Fake, fails};
use super::{key, stored};
use crate::sink::Sink;
use crate::sink::kube::{KubeOptions, KubeSink, merge};

fn named(name: &str, version: &str) -> Value {
    let mut entry = stored(version);
    entry["metadata"]["name"] = json!(name);
    entry
}

fn page(items: &[Value], next: Option<&str>) -> Answer {
    Answer::Json(
        200,
        json!({"metadata": {"resourceVersion": "50", "continue": next}, "items": items}),
    )
}

fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

fn text(observation: &Observation) -> String {
    match observation {
        Observation::Listed { entries, .. } => {
            format!(
                "listed {}",
                entries.iter().map(|o| o.key.name.clone()).collect::<Vec<_>>().join(" ")
            )
        }
        Observation::Applied(one) => format!("applied {}", one.key.name),
        Observation::Deleted { key, .. } => format!("deleted {}", key.name),
    }
}

#[tokio::test]
async fn without_a_namespace_the_entries_of_all_are_watched() {
    let script = [page(&[named("a", "1")], None), Answer::Never];
    let fake = Fake::start(&["v1"], script).await;
    let options = KubeOptions { namespaces: Vec::new(), ..fake.options() };
    let sink = KubeSink::connect(options).await.unwrap();
    assert_eq!(text(&sink.observe().next().await.unwrap().unwrap()), "listed a");
    let lists = fake.asked().into_iter().filter(|asked| asked.target.contains("/serviceentries"));
    for asked in lists {
        assert!(asked.target.contains("/v1/serviceentries?"), "{}", asked.target);
    }
}

#[tokio::test]
async fn all_pages_are_one_list_and_what_follows_is_told_one_by_one() {
    let lines = vec![
        event("ADDED", &named("c", "51")),
        event(
            "BOOKMARK",
            &json!({"kind": "ServiceEntry", "apiVersion": "x/v1", "metadata": {"resourceVersion": "52"}}),
        ),
        event("DELETED", &named("a", "53")),
    ];
    let resumed = Answer::Lines(vec![event("MODIFIED", &named("b", "54"))]);
    let script = [
        page(&[named("a", "1")], Some("more")),
        page(&[named("b", "2")], None),
        Answer::Lines(lines),
        resumed,
    ];
    let fake = Fake::start(&["v1"], script).await;
    let sink = fake.connect().await.unwrap();
    let observed: Vec<_> = sink.observe().take(4).map(|item| text(&item.unwrap())).collect().await;
    assert_eq!(observed, ["listed a b", "applied c", "deleted a", "applied b"]);
    let asked = fake.asked();
    assert!(
        asked[0].target.contains("limit=100") && asked[1].target.contains("continue=more"),
        "{asked:?}"
    );
    assert!(
        asked[2].target.contains("resourceVersion=50")
            && asked[3].target.contains("resourceVersion=53"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn after_410_everything_is_listed_again() {
    let gone = json!({"kind": "Status", "code": 410, "message": "too old resource version", "reason": "Expired"});
    let script = [
        page(&[named("a", "1")], None),
        Answer::Lines(vec![event("ERROR", &gone)]),
        page(&[named("b", "2")], None),
    ];
    let fake = Fake::start(&["v1"], script).await;
    let sink = fake.connect().await.unwrap();
    let observed: Vec<_> = sink.observe().take(2).map(|item| text(&item.unwrap())).collect().await;
    assert_eq!(observed, ["listed a", "listed b"]);
}

#[tokio::test]
async fn a_watch_that_is_refused_from_where_it_stood_lists_again() {
    let script =
        [page(&[named("a", "1")], None), fails(410, "too old"), page(&[named("b", "2")], None)];
    let fake = Fake::start(&["v1"], script).await;
    let sink = fake.connect().await.unwrap();
    let observed: Vec<_> = sink
        .observe()
        .filter_map(|item| async { item.ok() })
        .take(2)
        .map(|o| text(&o))
        .collect()
        .await;
    assert_eq!(observed, ["listed a", "listed b"]);
}

#[tokio::test]
async fn an_outage_is_reported_once_and_survived() {
    let down = || fails(503, "starting");
    let script = [down(), down(), down(), page(&[named("a", "1")], None)];
    let fake = Fake::start(&["v1"], script).await;
    let sink = fake.connect().await.unwrap();
    let observed: Vec<_> = sink.observe().take(2).collect().await;
    let error = observed[0].clone().unwrap_err();
    assert_eq!(error.failure, WriteFailure::Unreachable);
    assert_eq!(
        error.message,
        "can't observe the entries of namespace mesh: the API server can't answer now (503): starting"
    );
    assert_eq!(text(observed[1].as_ref().unwrap()), "listed a");
}

/// The requests and messages within some seconds.
async fn observe_for(fake: &Fake, seconds: u64) -> (Vec<Asked>, Vec<String>, String) {
    let sink = fake.connect().await.unwrap();
    let mut messages = Vec::new();
    let mut observations = sink.observe();
    let observing = observations.by_ref().for_each(|item| {
        messages.push(item.map_or_else(|error| error.message, |observation| text(&observation)));
        std::future::ready(())
    });
    assert!(
        tokio::time::timeout(Duration::from_secs(seconds), observing).await.is_err(),
        "it goes on"
    );
    // A watch that is dropped takes its metric along.
    let metrics = sink.options.metrics.text().unwrap();
    drop(observations);
    assert!(!sink.options.metrics.text().unwrap().contains("watch_connected{namespace"));
    (fake.asked(), messages, metrics)
}

#[tokio::test]
async fn watches_that_end_at_once_are_begun_at_most_twice_a_second_told_once_and_counted() {
    const SECONDS: u64 = 6;
    let ends = std::iter::repeat_n(Answer::Lines(Vec::new()), 10_000);
    let fake = Fake::start(&["v1"], std::iter::once(page(&[], None)).chain(ends)).await;
    let (asked, messages, metrics) = observe_for(&fake, SECONDS).await;
    println!("{} requests in {SECONDS} s", asked.len());
    assert!(asked.len() as u64 <= 2 * SECONDS, "{} requests", asked.len());
    let ended = "can't observe the entries of namespace mesh: the watch ended at once; the API server may be shutting down";
    assert_eq!(messages, ["listed ", ended]);
    assert!(metrics.contains("istio_cloud_map_watch_connected{namespace=\"mesh\"} 0"), "{metrics}");
    let restarts = format!(
        "istio_cloud_map_watch_restarts_total{{namespace=\"mesh\",reason=\"failed\"}} {}",
        asked.len() - 1
    );
    assert!(metrics.contains(&restarts), "{restarts} in {metrics}");
}

#[tokio::test]
async fn watches_that_tell_of_something_and_end_at_once_are_begun_once_a_second() {
    let ends = std::iter::repeat_n(Answer::Lines(vec![event("ADDED", &named("a", "51"))]), 10_000);
    let fake = Fake::start(&["v1"], std::iter::once(page(&[], None)).chain(ends)).await;
    let (asked, ..) = observe_for(&fake, 3).await;
    assert!(asked.len() <= 5, "{} requests", asked.len());
}

#[tokio::test]
async fn a_watch_that_is_not_permitted_is_reported_once_and_not_retried_quickly() {
    let refusals = std::iter::repeat_n(
        fails(403, "serviceentries is forbidden: User \"u\" cannot watch resource \"x\""),
        100,
    );
    let fake = Fake::start(&["v1"], std::iter::once(page(&[], None)).chain(refusals)).await;
    let (asked, messages, _) = observe_for(&fake, 5).await;
    assert_eq!(
        (asked.len(), messages.len()),
        (2, 2),
        "one list, one watch: {asked:?} {messages:?}"
    );
    assert!(messages[1].contains("not permitted to watch"), "{messages:?}");
}

#[tokio::test]
async fn a_list_is_tried_again_when_the_api_server_asks_for_it() {
    let fake = Fake::start(&["v1"], std::iter::repeat_n(Answer::Later(429, "60"), 100)).await;
    let (asked, ..) = observe_for(&fake, 2).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[tokio::test]
async fn several_namespaces_are_listed_as_one_and_a_new_list_of_one_is_reported_as_changes() {
    let entry = |name: &str| Observed::from_json(&named(name, "1"), None, "");
    let listed = |names: &[&str]| {
        Ok(Observation::Listed {
            entries: names.iter().map(|name| entry(name)).collect(),
            version: Version::default(),
        })
    };
    let first = stream::iter(vec![listed(&["a", "b"]), listed(&["b", "c"])]);
    let second = stream::iter(vec![Ok(Observation::Applied(Box::new(entry("y")))), listed(&["x"])]);
    // One after the other, so that the test does not depend on who is first.
    let (ready, wait) = tokio::sync::oneshot::channel::<()>();
    let second =
        second.chain(stream::once(async move { drop(ready) }).filter_map(|()| async { None }));
    let first = first.enumerate().then({
        let mut wait = Some(wait);
        move |(index, item)| {
            let wait = (index == 1).then(|| wait.take()).flatten();
            async move {
                if let Some(wait) = wait {
                    drop(wait.await);
                }
                item
            }
        }
    });
    let all: Vec<_> = merge::all(vec![first.boxed(), second.boxed()])
        .map(|item| text(&item.unwrap()))
        .collect()
        .await;
    assert_eq!(all, ["listed a b x", "deleted a", "applied b", "applied c"]);
    assert_eq!(key().namespace, "mesh");
}
