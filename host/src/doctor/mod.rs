//! What `serve` needs, checked without changing anything.
//!
//! One file a group of checks: [`aws`] a source, [`bill`] what it costs, [`kube`] the cluster, [`istio`]
//! the mesh. Groups run side by side, each for so long at most; what it has found by then is reported.

mod aws;
mod bill;
mod istio;
mod kube;
mod report;

use std::time::{Duration, SystemTime};

use futures::future::join_all;

pub use istio::Version;
pub use report::{Checked, Outcome, json, lines};

use crate::config::{Config, SinkKind};
use report::Checks;

/// How long a group of checks may take. Lists of a large account take their time.
const LONGEST: Duration = Duration::from_secs(90);
/// AWS refuses a signature that is older than five minutes.
const MOST_SKEW: Duration = Duration::from_mins(1);

/// Makes all checks.
pub async fn check(config: &Config, istio: Option<Version>) -> Vec<Checked> {
    let has_several = config.sources.len() > 1;
    let interval = (config.interval, config.longest_interval);
    let sources = config.sources.iter().map(|source| async move {
        let mut checks = Checks::of_source(has_several.then(|| source.name.clone()));
        if tokio::time::timeout(LONGEST, aws::check(source, interval, &mut checks)).await.is_err() {
            late(&mut checks);
        }
        checks.into_list()
    });
    let sink = async {
        let mut checks = Checks::default();
        if tokio::time::timeout(LONGEST, target(config, istio, &mut checks)).await.is_err() {
            late(&mut checks);
        }
        checks.into_list()
    };
    let (sources, sink) = futures::future::join(join_all(sources), sink).await;
    sources.into_iter().flatten().chain(sink).collect()
}

fn late(checks: &mut Checks) {
    let message =
        format!("no end after {} s; the checks that follow are missing", LONGEST.as_secs());
    checks.failed("time", message, "check the network, and what the checks above report");
}

async fn target(config: &Config, istio: Option<Version>, checks: &mut Checks) {
    match &config.sink.kind {
        SinkKind::Kube { kube_config, api_version } => {
            let options = kube::options(kube_config.as_deref(), *api_version);
            kube::check(config, options, istio, checks).await;
        }
        SinkKind::Dir(path) => match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                checks.ok("directory", format!("{} is there", path.display()));
            }
            Ok(_) => checks.failed(
                "directory",
                format!("{} is not a directory", path.display()),
                "give another path with --to dir:PATH",
            ),
            Err(error) => checks.warning(
                "directory",
                format!("{}: {error}", path.display()),
                "serve creates it; check that it may",
            ),
        },
        SinkKind::Stdout { .. } => checks.ok("output", "standard output"),
    }
}

/// The local clock against another one.
fn clock(whose: &str, (there, here): (SystemTime, SystemTime), checks: &mut Checks) {
    let (skew, direction) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    };
    if skew > MOST_SKEW {
        checks.failed(
            "clock",
            format!(
                "this machine's clock is {} s {direction} that of {whose}; AWS refuses signatures from 5 minutes on",
                skew.as_secs()
            ),
            "set the clock of the machine, for a pod that of its node, for example with: sudo chronyc makestep",
        );
    } else {
        checks.ok("clock", format!("as that of {whose}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_fails_with_how_far() {
        let result = |there: u64, here: u64| {
            let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let mut checks = Checks::default();
            clock("AWS", (at(there), at(here)), &mut checks);
            checks.into_list().remove(0)
        };
        assert_eq!(result(1_000, 1_002).result, Outcome::Ok);
        let ahead = result(1_000, 1_600);
        assert_eq!(ahead.result, Outcome::Failed);
        assert!(ahead.message.contains("600 s ahead of that of AWS"), "{}", ahead.message);
        assert!(result(1_600, 1_000).message.contains("600 s behind"));
    }
}
