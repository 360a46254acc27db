//! The whole state of this process, for those who ask.
//!
//! Only the loop has the operator, and a report costs as much as there are services. So all who ask
//! within a second get the same one, and the loop builds none if nobody asks.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use axum::body::Bytes;
use istio_cloud_map_core::operator::StatusReport;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::timeline::{Change, rfc3339};

/// A report that is older is built again.
const MAX_AGE: Duration = Duration::from_secs(1);
/// How long to wait for the loop.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// The state of this process: what `/status.json` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "Status of istio-cloud-map"))]
pub struct Report {
    /// The version of the program.
    pub version: &'static str,
    /// When this was true.
    #[serde(serialize_with = "rfc3339")]
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    pub time: SystemTime,
    /// Who leads the sources; none, without leader election.
    pub replicas: Option<Replicas>,
    /// What is read here, and what becomes of it.
    #[serde(flatten)]
    pub operator: StatusReport,
    /// The last changes, the newest first.
    pub changes: Vec<Change>,
    #[serde(skip)]
    taken: Instant,
    /// Written once, however many ask.
    #[serde(skip)]
    json: OnceLock<Bytes>,
}

/// The replicas, as this one observes them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Replicas {
    /// The name of this replica.
    pub identity: String,
    /// All sources, by whichever replica they are read.
    pub sources: Vec<Led>,
}

/// The leader of a source.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Led {
    /// The source's name.
    pub name: String,
    /// The name of the replica that leads it; none, if none does.
    pub leader: Option<String>,
    /// This replica leads it.
    pub leads: bool,
}

impl Report {
    /// A report of now.
    pub fn new(operator: StatusReport, replicas: Option<Replicas>, changes: Vec<Change>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            time: SystemTime::now(),
            replicas,
            operator,
            changes,
            taken: Instant::now(),
            json: OnceLock::new(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> Bytes {
        let write = || serde_json::to_vec(self).unwrap_or_default().into();
        self.json.get_or_init(write).clone()
    }

    fn is_current(&self) -> bool {
        self.taken.elapsed() < MAX_AGE
    }
}

fn is_current(report: Option<&Arc<Report>>) -> bool {
    report.is_some_and(|report| report.is_current())
}

/// Where those who ask and the loop meet.
#[derive(Debug, Default)]
pub struct Reports {
    requested: Notify,
    latest: watch::Sender<Option<Arc<Report>>>,
}

impl Reports {
    /// A report of no more than a second ago; none, if the loop does not answer.
    pub async fn latest(&self) -> Option<Arc<Report>> {
        let mut latest = self.latest.subscribe();
        if !is_current(latest.borrow().as_ref()) {
            self.requested.notify_one();
        }
        let report = timeout(LONGEST_WAIT, latest.wait_for(|report| is_current(report.as_ref())))
            .await
            .ok()?
            .ok()?;
        report.clone()
    }

    /// Waits until someone asks.
    pub async fn requested(&self) {
        loop {
            self.requested.notified().await;
            if !is_current(self.latest.borrow().as_ref()) {
                return;
            }
        }
    }

    /// Answers all who ask.
    pub fn publish(&self, report: Report) {
        self.latest.send_replace(Some(Arc::new(report)));
    }

    /// Drops a report that is too old: it may be large.
    pub fn expire(&self) {
        self.latest
            .send_if_modified(|latest| latest.take_if(|report| !report.is_current()).is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::new(StatusReport::default(), None, Vec::new())
    }

    #[tokio::test]
    async fn all_who_ask_at_once_get_one_report() {
        let reports = Arc::new(Reports::default());
        let asking: Vec<_> = (0..50)
            .map(|_| {
                let reports = reports.clone();
                tokio::spawn(async move { reports.latest().await })
            })
            .collect();
        reports.requested().await;
        reports.publish(report());
        for answer in asking {
            assert!(matches!(answer.await, Ok(Some(_))));
        }
        let again = timeout(Duration::from_millis(50), reports.requested()).await;
        assert!(again.is_err(), "a second one was requested");
    }

    #[tokio::test]
    async fn a_report_is_dropped_when_it_is_old() {
        let reports = Reports::default();
        let taken = Instant::now().checked_sub(MAX_AGE).unwrap_or_else(Instant::now);
        reports.publish(Report { taken, ..report() });
        reports.expire();
        assert!(reports.latest.borrow().is_none());
        reports.publish(report());
        reports.expire();
        assert!(reports.latest.borrow().is_some());
    }
}
