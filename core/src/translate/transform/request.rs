//! What a transformation is asked.

use serde::Serialize;

use crate::cloud_map::Record;
use crate::order;
use crate::service_entry::ServiceEntry;

#[derive(Serialize)]
struct Request<'a> {
    input: Input<'a>,
    options: Options,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    service_entry: &'a ServiceEntry,
    records: Vec<Record>,
}

/// None yet; a request has the form of all calls.
#[derive(Serialize)]
struct Options {}

/// The request about an entry. Cloud Map answers in a random order, which nothing that is computed
/// from it may depend on: instances and tags are sorted.
pub(super) fn text(entry: &ServiceEntry, records: &[&Record]) -> Result<String, String> {
    let records = records.iter().map(|record| {
        let mut record = (*record).clone();
        order::sort(&mut record.instances);
        order::sort(&mut record.tags);
        record
    });
    let request = Request {
        input: Input { service_entry: entry, records: records.collect() },
        options: Options {},
    };
    serde_json::to_string(&request).map_err(|error| format!("can't be asked: {error}"))
}
