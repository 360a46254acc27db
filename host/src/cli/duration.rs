//! Durations as they are written on the command line: `5s`, `2m`, `500ms`.

use std::time::Duration;

/// Shorter intervals only keep a processor busy.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_hours(1);

/// Reads one from 100ms to 1h.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = read(text, "5s, 2m or 500ms")?;
    if (SHORTEST..=LONGEST).contains(&duration) { Ok(duration) } else { Err("expected 100ms to 1h".to_owned()) }
}

/// Reads one that may be zero, up to 1h.
pub fn parse_or_zero(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let duration = read(text, "10s, or 0")?;
    if duration <= LONGEST { Ok(duration) } else { Err("expected 0 to 1h".to_owned()) }
}

fn read(text: &str, example: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim()).map_err(|error| format!("{error}; expected for example {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_neither_too_short_nor_too_long() {
        for (text, seconds) in [("100ms", 0.1), ("5s", 5.0), (" 2m", 120.0), ("1h", 3600.0)] {
            assert_eq!(parse(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "0", "0s", "1us", "99ms", "61m", "500000000000y", "99999999999999999999y", "5", "-5s", "soon"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!((parse_or_zero("0"), parse_or_zero("0s")), (Ok(Duration::ZERO), Ok(Duration::ZERO)));
        assert!(parse_or_zero("2h").is_err());
    }
}
