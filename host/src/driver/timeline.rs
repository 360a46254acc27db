//! The last changes, for a person.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use istio_cloud_map_core::operator::{Action, EntryKey, Write, WriteError};
use serde::{Serialize, Serializer};

/// So many changes are kept.
const MOST_CHANGES: usize = 200;
/// So many characters of a failure are kept.
const LONGEST_ERROR: usize = 500;

/// Something that the operator has done, or tried to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// When it ended.
    #[serde(serialize_with = "rfc3339")]
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    pub time: SystemTime,
    /// `create`, `update`, `adopt`, `delete`; or `reload`, of the configuration file.
    pub action: &'static str,
    /// The entry.
    pub entry: Option<EntryKey>,
    /// How many endpoints it has now.
    pub endpoints: Option<usize>,
    /// What differed.
    pub fields: Vec<&'static str>,
    /// Why it failed, or why a changed file is not used; none, if it was done.
    pub error: Option<String>,
    /// It was not done, because of `--dry-run`.
    pub pretended: bool,
    /// How often in a row it has failed this way.
    pub times: u32,
}

/// The last changes, the newest first.
#[derive(Debug, Default)]
pub struct Timeline(Mutex<VecDeque<Change>>);

impl Timeline {
    /// A write has ended.
    pub fn wrote(&self, write: &Write, pretended: bool, error: Option<&WriteError>) {
        let fields = match &write.action {
            Action::Update { fields, .. } | Action::Adopt { fields, .. } => fields.clone(),
            Action::Create | Action::Delete => Vec::new(),
        };
        self.add(Change {
            time: SystemTime::now(),
            action: write.action.as_str(),
            entry: Some(write.key.clone()),
            endpoints: write.json.is_some().then_some(write.endpoints),
            fields,
            error: error.map(|error| shortened(&error.message)),
            pretended,
            times: 1,
        });
    }

    /// The settings of a changed file are used from now on, or are not, because of an error.
    pub fn reloaded(&self, error: Option<&str>) {
        self.add(Change {
            time: SystemTime::now(),
            action: "reload",
            entry: None,
            endpoints: None,
            fields: Vec::new(),
            error: error.map(shortened),
            pretended: false,
            times: 1,
        });
    }

    /// The changes, the newest first.
    pub fn changes(&self) -> Vec<Change> {
        let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.iter().cloned().collect()
    }

    /// A failure that is repeated counts up, so that an outage does not displace all else.
    fn add(&self, change: Change) {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if change.error.is_some()
            && let Some(last) = changes.front_mut()
            && (last.action, &last.entry, &last.error)
                == (change.action, &change.entry, &change.error)
        {
            last.time = change.time;
            last.times = last.times.saturating_add(1);
            return;
        }
        changes.truncate(MOST_CHANGES - 1);
        changes.push_front(change);
    }
}

fn shortened(error: &str) -> String {
    error.chars().take(LONGEST_ERROR).collect()
}

/// As RFC 3339 has it, in whole seconds.
pub(super) fn rfc3339<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&humantime::format_rfc3339_seconds(*time))
}

#[cfg(test)]
mod tests {
    use istio_cloud_map_core::operator::WriteFailure;

    use super::*;

    fn write(name: &str) -> Write {
        Write {
            key: EntryKey { namespace: "default".to_owned(), name: name.to_owned() },
            source: "default".into(),
            json: None,
            endpoints: 0,
            replaces: None,
            action: Action::Delete,
        }
    }

    #[test]
    fn the_newest_changes_are_kept_and_no_more_than_two_hundred() {
        let timeline = Timeline::default();
        for n in 0..300 {
            timeline.wrote(&write(&n.to_string()), false, None);
        }
        let names: Vec<_> =
            timeline.changes().into_iter().filter_map(|change| Some(change.entry?.name)).collect();
        assert_eq!(names.len(), MOST_CHANGES);
        assert_eq!(names.first().map(String::as_str), Some("299"));
    }

    #[test]
    fn a_failure_that_is_repeated_is_one_change() {
        let timeline = Timeline::default();
        let error = WriteError::new(WriteFailure::Forbidden, "x".repeat(9_000));
        (0..5).for_each(|_| timeline.wrote(&write("a"), false, Some(&error)));
        timeline.wrote(&write("a"), false, None);
        let times: Vec<_> = timeline.changes().iter().map(|change| change.times).collect();
        assert_eq!(times, [1, 5]);
        let longest = timeline.changes().iter().find_map(|change| change.error.clone());
        assert_eq!(longest.map(|error| error.len()), Some(LONGEST_ERROR));
    }
}
