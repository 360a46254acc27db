//! What the services that claim an entry need: one entry of the first of them, or one of all of
//! them merged.

use std::sync::Arc;

use super::inventory::{DesiredEntry, DesiredState, ServiceState};
use super::queue::ReadKey;
use super::{EntryKey, Observed, Operator, ServiceId, Time};
use crate::cloud_map::Record;
use crate::translate::{Conflicts, Outcome, Translator};

/// What the services that claim an entry need.
pub(super) enum Resolved {
    /// Not known yet: the current entry stays.
    Unknown,
    /// No entry.
    Nothing,
    /// This one. `is_partial`: it may lack endpoints of a service that was not read.
    Entry { entry: Arc<DesiredEntry>, is_partial: bool },
}

impl Operator {
    /// Resolves the claims on an entry. A service that was not read takes nothing over: the entry
    /// of another service stays.
    pub(super) fn resolve(&mut self, key: &EntryKey, now: Time) -> Resolved {
        let Some(entry) = self.entries.get(key) else { return Resolved::Nothing };
        let made_from = entry.observed.as_ref().and_then(service_of);
        let is_made_from = |id: &ServiceId| made_from.as_ref() == Some(id);
        let is_unknown = |state: &ServiceState| state.desired == DesiredState::Unknown;
        let claims = entry.claims.iter();
        let claims: Vec<_> =
            claims.filter_map(|id| self.service(id).map(|state| (id, state))).collect();
        if claims.is_empty() {
            // Where a service chooses its own host, the entry's name is not known before the
            // service was read, and so its entry is not deleted before that.
            let unread = made_from.as_ref().and_then(|id| self.service(id));
            let unread = unread.is_some_and(is_unknown);
            return if unread { Resolved::Unknown } else { Resolved::Nothing };
        }
        if self.merges() && claims.len() > 1 {
            let is_partial = claims.iter().any(|(_, state)| is_unknown(state));
            let untried =
                claims.iter().any(|(_, state)| is_unknown(state) && !state.attempts.tried);
            if untried {
                return Resolved::Unknown;
            }
            let merged = self.merge(key, now);
            return merged.map_or(Resolved::Unknown, |entry| Resolved::Entry { entry, is_partial });
        }
        if claims.iter().any(|(id, state)| is_unknown(state) && is_made_from(id)) {
            return Resolved::Unknown;
        }
        let mut untried = false;
        for (id, state) in claims {
            match &state.desired {
                DesiredState::Unknown => untried |= !state.attempts.tried,
                DesiredState::Entry(_) | DesiredState::Omitted if untried && !is_made_from(id) => {
                    return Resolved::Unknown;
                }
                DesiredState::Entry(entry) => {
                    return Resolved::Entry { entry: entry.clone(), is_partial: false };
                }
                DesiredState::Omitted => return Resolved::Nothing,
                DesiredState::Excluded => {}
            }
        }
        Resolved::Unknown
    }

    pub(super) fn merges(&self) -> bool {
        self.config.translate.conflicts == Conflicts::Merge
    }

    /// The merged entry of all services that claim it. None, where one of them has to be read
    /// first.
    fn merge(&mut self, key: &EntryKey, now: Time) -> Option<Arc<DesiredEntry>> {
        let entry = self.entries.get(key)?;
        if let Some(merged) = &entry.merged {
            return Some(merged.clone());
        }
        let has_entry = |id: &&ServiceId| {
            self.service(id).is_some_and(|state| {
                !matches!(state.desired, DesiredState::Unknown | DesiredState::Excluded)
            })
        };
        let claims: Vec<ServiceId> = entry.claims.iter().filter(has_entry).cloned().collect();
        let lacks_record =
            |id: &&ServiceId| self.service(id).is_some_and(|state| state.record.is_none());
        let unread: Vec<ServiceId> = claims.iter().filter(lacks_record).cloned().collect();
        if !unread.is_empty() {
            for id in unread {
                if let Some(state) = self.inventory.services.get_mut(&id) {
                    state.discover = true;
                }
                self.expedite(ReadKey::Service(id), now);
            }
            return None;
        }
        let records: Vec<&Record> =
            claims.iter().filter_map(|id| self.service(id)?.record.as_deref()).collect();
        let first = claims.first()?;
        let source = self.inventory.sources.get(&first.source)?;
        let translator =
            Translator::new(&source.options).with_transform(self.config.transform.as_deref());
        let Outcome::Entry(merged) = translator.translate(&records, self.last_known(key)).outcome
        else {
            return None;
        };
        let merged = DesiredEntry::from_entry(&merged, first, &source.config.target_namespace)?;
        let merged = Arc::new(merged);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.merged = Some(merged.clone());
        }
        Some(merged)
    }
}

/// The service that an entry was made from.
fn service_of(entry: &Observed) -> Option<ServiceId> {
    let (scope, service) = entry.scope.as_ref().zip(entry.service.as_ref())?;
    Some(ServiceId {
        source: scope.source.as_str().into(),
        namespace: scope.namespace.as_str().into(),
        service: service.as_str().into(),
    })
}
