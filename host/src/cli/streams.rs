//! Reading input, writing data and messages. A stream that is closed or full never panics.

use std::io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use istio_cloud_map_core::diagnostic::OneLine;

/// The bytes of a file; `-` is stdin.
pub fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return std::fs::read(file).with_context(|| format!("can't read {}", file.display()));
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).context("can't read stdin")?;
    Ok(bytes)
}

/// Writes data to stdout. A reader that has read enough is no failure.
pub fn write(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("can't write to stdout"),
    }
}

/// Whether what is written to stdout may have colours.
pub fn is_coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a line to stderr, and one only, whatever the text holds. Where that is not possible,
/// it is lost.
pub fn message(line: impl std::fmt::Display) {
    let _unread = writeln!(io::stderr().lock(), "{}", OneLine(&line.to_string()));
}
