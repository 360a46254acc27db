//! Durations as they are written on the command line: `5s`, `2m`, `500ms`.

use std::time::Duration;

/// Reads one; more than zero.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; expected for example 5s, 2m or 500ms"))?;
    if duration.is_zero() {
        return Err("expected more than zero".to_owned());
    }
    Ok(duration)
}

/// Reads one that may be zero.
pub fn parse_or_zero(text: &str) -> Result<Duration, String> {
    if text == "0" {
        Ok(Duration::ZERO)
    } else {
        humantime::parse_duration(text).map_err(|error| format!("{error}; expected for example 10s, or 0"))
    }
}
