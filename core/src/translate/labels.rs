//! Labels and weights of endpoints.

use super::endpoints::Slot;
use super::options::Options;
use super::report::Report;
use crate::diagnostic::Code;
use crate::service_entry::is_label_value;
use crate::sorted::SortedMap;

/// The labels that the options name, of the providers of one endpoint. Of two that differ the first
/// provider's stands.
pub(super) fn labels(
    slots: &[Slot<'_, '_>],
    options: &Options,
    report: &mut Report,
) -> SortedMap<String, String> {
    let mut labels: SortedMap<String, String> = SortedMap::new();
    for (key, attribute) in options.endpoint_labels.iter() {
        for Slot { provider, .. } in slots {
            let Some(value) = provider.instance.attributes.get(attribute) else { continue };
            if let Some(problem) = problem(labels.get(key.as_str()), value) {
                let message = format!(
                    "the label `{}` from `{attribute}` is left out: {problem}",
                    key.as_str()
                );
                report.instance(provider.record, provider.instance, Code::InvalidLabel, message);
                continue;
            }
            if !labels.contains_key(key.as_str()) {
                labels.insert(key.as_str().to_owned(), value.clone());
            }
        }
    }
    labels
}

fn problem(present: Option<&String>, value: &str) -> Option<String> {
    if !is_label_value(value) {
        return Some(format!(
            "`{value}` is no label value, expected at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends"
        ));
    }
    let present = present.filter(|present| *present != value)?;
    Some(format!("another instance of this address says `{present}`, this one `{value}`"))
}

/// The weight that the options' attribute says: the highest of the providers of one endpoint.
pub(super) fn weight(
    slots: &[Slot<'_, '_>],
    options: &Options,
    report: &mut Report,
) -> Option<u32> {
    let attribute = options.weight_attribute.as_ref()?;
    let mut highest = None;
    for Slot { provider, .. } in slots {
        let Some(text) =
            provider.instance.attributes.get(attribute).filter(|text| !text.is_empty())
        else {
            continue;
        };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let weight = text.parse::<u32>().ok().filter(|weight| digits && *weight > 0);
        highest = highest.max(weight);
        if weight.is_none() {
            let message = format!(
                "`{attribute}` is `{text}`, which is no weight in 1..=4294967295; it is ignored"
            );
            report.instance(provider.record, provider.instance, Code::InvalidWeight, message);
        }
    }
    highest
}
