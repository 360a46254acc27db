//! What a transformation answers.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;

/// How much of a module's own message is told.
const LONGEST: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer<'a> {
    #[serde(borrow)]
    Ok(Option<Changed<'a>>),
    Error(Failure),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Changed<'a> {
    #[serde(borrow)]
    service_entry: &'a RawValue,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

/// The text of the entry that it answers with; none, if it drops the service.
///
/// # Errors
/// Where the answer is an error, or none of the three.
pub(super) fn read(answer: &[u8]) -> Result<Option<&str>, String> {
    let text = str::from_utf8(answer)
        .map_err(|error| format!("answers with what is no UTF-8: {error}"))?;
    match json::read(text) {
        Ok(Answer::Ok(changed)) => Ok(changed.map(|changed| changed.service_entry.get())),
        Ok(Answer::Error(Failure { message })) => {
            Err(format!("answers with an error: {}", shortened(&message)))
        }
        Err(misread) => Err(format!(
            r#"gives no answer that can be read ({}); expected {{"ok": {{"serviceEntry": ...}}}}, {{"ok": null}} or {{"error": {{"message": ...}}}}"#,
            shortened(&misread.to_string())
        )),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}..."),
        None => text.to_owned(),
    }
}
