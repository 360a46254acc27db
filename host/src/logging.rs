//! Log lines: to stderr, as text for a person or as JSON for a machine.
//!
//! A thread of its own writes them. A reader of stderr that is slow, stuck or closed costs lines,
//! which are counted, and never holds up the operator.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use clap::ValueEnum;
use istio_cloud_map_core::diagnostic::{OneLine, is_unsafe_to_print};
use tracing_subscriber::EnvFilter;

static FORMAT: OnceLock<Format> = OnceLock::new();
static QUEUE: OnceLock<SyncSender<Line>> = OnceLock::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// More than the first pass over a large account logs.
const QUEUED_LINES: usize = 20_000;
/// How long the end of the process waits for its last lines to be read.
pub const LAST_LINES: Duration = Duration::from_secs(1);

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// What needs a person.
    Error,
    /// What may need one.
    Warn,
    /// Every change.
    #[default]
    Info,
    /// What led to it: every read, observation and write.
    Debug,
    /// Everything.
    Trace,
}

/// Starts it. Libraries are silent below debug: what they meet comes to us as an error, and they
/// would log it again for each of a thousand calls. What they trace is never shown: requests with
/// their tokens are part of it.
pub fn start(format: Format, level: Level) {
    let _started = FORMAT.set(format);
    let filter = match level {
        Level::Error => "off,istio_cloud_map=error",
        Level::Warn => "off,istio_cloud_map=warn",
        Level::Info => "off,istio_cloud_map=info",
        Level::Debug => "warn,istio_cloud_map=debug",
        Level::Trace => "info,istio_cloud_map=trace",
    };
    start_writer();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(|| Queue)
        .with_target(false);
    let builder = builder.log_internal_errors(false);
    let colour = io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // A second start (in tests) keeps the first one's settings.
    let _started = match format {
        Format::Text => builder.with_ansi(colour).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Whether lines are read by a machine, which needs fields, or by a person, for whom the
/// message is enough.
pub fn is_json() -> bool {
    FORMAT.get() == Some(&Format::Json)
}

/// Why the process ends.
pub fn fatal(message: &str) {
    if is_json() {
        tracing::error!("{message}");
    } else {
        queue(Line::Text(format!("error: {}\n", OneLine(message)).into_bytes()));
    }
    flush(LAST_LINES);
}

/// Waits until everything logged so far is written, but no longer than `limit`.
pub fn flush(limit: Duration) {
    let (sender, receiver) = sync_channel(1);
    queue(Line::Flush(sender));
    let _in_time = receiver.recv_timeout(limit);
}

enum Line {
    Text(Vec<u8>),
    Flush(SyncSender<()>),
}

fn start_writer() {
    let (sender, receiver) = sync_channel(QUEUED_LINES);
    // Without a thread there are no log lines, but there is no process without one either.
    if QUEUE.set(sender).is_ok() {
        let _thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&receiver, &mut io::stderr()));
    }
}

fn queue(line: Line) {
    let Some(sender) = QUEUE.get() else { return };
    if let Err(TrySendError::Full(Line::Text(_))) = sender.try_send(line) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

fn write_all(lines: &Receiver<Line>, stderr: &mut impl Write) {
    for line in lines {
        // Where stderr can't be written to, nobody reads it.
        let _written = match line {
            Line::Text(bytes) => {
                stderr.write_all(visible(&String::from_utf8_lossy(&bytes)).as_bytes())
            }
            Line::Flush(done) => {
                let _waiting = done.try_send(());
                Ok(())
            }
        };
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "log lines were dropped: stderr was not read in time");
        }
    }
}

/// Characters that turn the direction of writing round, are invisible, or break a line are escaped:
/// names come from anyone who may write to Cloud Map. The form is JSON's, so that a JSON line stays
/// one.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Those of ASCII are escaped in what comes here, or they are its layout.
    let misleading = |c: char| is_unsafe_to_print(c) && !matches!(c, '\0'..='\x1f');
    if !text.contains(misleading) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        let _infallible = if misleading(c) {
            write!(escaped, "\\u{:04x}", u32::from(c))
        } else {
            escaped.write_char(c)
        };
    }
    escaped.into()
}

/// Takes what `tracing` writes, a line at a time.
struct Queue;

impl Write for Queue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        queue(Line::Text(bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_a_reader_is_escaped_and_json_stays_json() {
        assert_eq!(
            visible("web\u{202e}moc\u{2066}\u{feff} grün"),
            "web\\u202emoc\\u2066\\ufeff grün"
        );
        let line = serde_json::json!({"message": "a\u{202e}b"}).to_string();
        let read: serde_json::Value = serde_json::from_str(&visible(&line)).unwrap_or_default();
        assert_eq!(
            read.pointer("/message").and_then(serde_json::Value::as_str),
            Some("a\u{202e}b")
        );
    }
}
