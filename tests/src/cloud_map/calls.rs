//! What was asked, and how it ended.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::Target;
use super::error::ErrorKind;
use super::operation::Operation;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// With an error.
    Refused(ErrorKind),
    /// With a fault that leaves the caller without a readable answer.
    Broken,
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Calls {
    arrived: BTreeMap<Operation, u64>,
    ended: BTreeMap<(Operation, Outcome), u64>,
    /// By the plain names of namespace and service.
    about_services: BTreeMap<(Operation, String, String), u64>,
    unknown: u64,
    in_flight: usize,
    peak: usize,
    access_keys: BTreeSet<String>,
}

impl Calls {
    pub(super) fn arrive(&mut self, operation: Operation) {
        *self.arrived.entry(operation).or_default() += 1;
        self.in_flight += 1;
        self.peak = self.peak.max(self.in_flight);
    }

    pub(super) fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(super) fn arrive_unknown(&mut self) {
        self.unknown += 1;
    }

    pub(super) fn sign(&mut self, access_key: &str) {
        if !self.access_keys.contains(access_key) {
            self.access_keys.insert(access_key.to_owned());
        }
    }

    pub(super) fn concern(&mut self, operation: Operation, target: &Target) {
        if let (Some(namespace), Some(service)) = (target.namespace.first(), target.service.first())
        {
            *self
                .about_services
                .entry((operation, namespace.clone(), service.clone()))
                .or_default() += 1;
        }
    }

    pub(super) fn end(&mut self, operation: Operation, outcome: Outcome) {
        *self.ended.entry((operation, outcome)).or_default() += 1;
    }

    pub(super) fn of(&self, operation: Operation) -> u64 {
        self.arrived.get(&operation).copied().unwrap_or_default()
    }

    pub(super) fn ended(&self, operation: Operation, outcome: Outcome) -> u64 {
        self.ended.get(&(operation, outcome)).copied().unwrap_or_default()
    }

    pub(super) fn about(&self, operation: Operation, namespace: &str, service: &str) -> u64 {
        let key = (operation, namespace.to_owned(), service.to_owned());
        self.about_services.get(&key).copied().unwrap_or_default()
    }

    pub(super) fn total(&self) -> u64 {
        self.arrived.values().sum::<u64>() + self.unknown
    }

    pub(super) const fn unknown(&self) -> u64 {
        self.unknown
    }

    pub(super) const fn peak(&self) -> usize {
        self.peak
    }

    pub(super) const fn access_keys(&self) -> &BTreeSet<String> {
        &self.access_keys
    }

    /// What is in flight stays so.
    pub(super) fn reset(&mut self) {
        *self = Self { in_flight: self.in_flight, peak: self.in_flight, ..Self::default() };
    }
}
