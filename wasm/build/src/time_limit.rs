//! Commands that may hang: ended, with all that they started, when their time is over.

use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Runs a command to its end.
///
/// # Errors
/// Where it can't be run, fails, or takes longer than `limit`; with the last of what it said.
pub fn run_within(limit: Duration, command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let mut said = tempfile::tempfile()?;
    // A group of its own, by which its children can be reached.
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said.try_clone()?);
    let mut child = command.spawn().context(name)?;
    let status = wait_within(limit, &mut child)?;
    if status.is_some_and(|status| status.success()) {
        return Ok(());
    }
    let mut text = String::new();
    said.rewind()?;
    said.read_to_string(&mut text)?;
    let last: Vec<_> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    let last = last.into_iter().rev().collect::<Vec<_>>().join("; ");
    match status {
        Some(status) => bail!("{status}: {last}"),
        None => bail!("not done after {} s, ended: {last}", limit.as_secs()),
    }
}

/// None where the time was over first.
fn wait_within(limit: Duration, child: &mut Child) -> Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            killpg(Pid::from_raw(child.id().try_into()?), Signal::SIGKILL)?;
            child.wait()?;
            return Ok(None);
        }
        sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        // The child holds the lock of the file for as long as it lives.
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = format!("flock {} sleep 60 & echo started; wait", file.path().display());
        let error = run_within(Duration::from_millis(500), &mut shell(&script)).unwrap_err();
        assert!(error.to_string().ends_with("ended: started"), "{error}");
        // Blocks until the child is gone.
        file.as_file().lock().unwrap();
    }

    #[test]
    fn a_failure_tells_the_last_of_what_was_said() {
        let error = run_within(
            Duration::from_mins(1),
            &mut shell("echo first; echo no network >&2; exit 3"),
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "exit status: 3: first; no network");
    }

    #[test]
    fn success_is_silent() {
        run_within(Duration::from_mins(1), &mut shell("echo done")).unwrap();
    }
}
