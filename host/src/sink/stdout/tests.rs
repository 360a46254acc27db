//! What a reader of standard output sees.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn key(name: &str) -> EntryKey {
    EntryKey { namespace: "mesh".to_owned(), name: name.to_owned() }
}

fn entry(name: &str) -> Apply {
    let json = json!({"metadata": {"name": name}, "spec": {"hosts": ["80"]}}).to_string();
    Apply { key: key(name), json, replaces: None }
}

async fn written_by(format: Format, once: bool) -> String {
    let screen = Screen::default();
    let sink = StdoutSink::to(Box::new(screen.clone()), format, once);
    sink.apply(entry("b")).await.unwrap();
    sink.apply(entry("a")).await.unwrap();
    sink.apply(entry("c")).await.unwrap();
    sink.delete(&key("c"), &Version::default()).await.unwrap();
    sink.finish().await.unwrap();
    let text = screen.0.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

fn yaml_of(name: &str) -> String {
    format!("metadata:\n  name: {name}\nspec:\n  hosts:\n  - \"80\"\n")
}

#[tokio::test]
async fn a_single_pass_is_one_sorted_stream() {
    assert_eq!(
        written_by(Format::Yaml, true).await,
        format!("{}---\n{}", yaml_of("a"), yaml_of("b"))
    );
    let list: Value = serde_json::from_str(&written_by(Format::Json, true).await).unwrap();
    assert_eq!(
        (&list["kind"], &list["items"][1]["metadata"]["name"]),
        (&json!("List"), &json!("b"))
    );
}

#[tokio::test]
async fn otherwise_each_change_is_written_at_once() {
    let expected = ["b", "a", "c"].map(|name| format!("---\n{}", yaml_of(name))).concat()
        + "# deleted mesh/c\n";
    assert_eq!(written_by(Format::Yaml, false).await, expected);
    let lines = written_by(Format::Json, false).await;
    assert_eq!(lines.lines().last(), Some(r#"{"deleted":{"name":"c","namespace":"mesh"}}"#));
    assert_eq!(lines.lines().count(), 4);
}

#[tokio::test]
async fn a_closed_pipe_is_an_error_and_ends_the_sink() {
    let sink = StdoutSink::to(Box::new(Closed), Format::Yaml, false);
    let mut observed = sink.observe();
    assert!(matches!(observed.next().await, Some(Ok(Observation::Listed { .. }))));
    let error = sink.apply(entry("a")).await.unwrap_err();
    assert_eq!(
        (error.failure, error.message.as_str()),
        (WriteFailure::Other, "standard output was closed by its reader")
    );
    assert_eq!(observed.next().await, Some(Err(error)));
    assert_eq!(observed.next().await, None);
}
