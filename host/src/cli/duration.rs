//! Durations as they are written on the command line: `5s`, `2m`, `500ms`.

use std::str::FromStr;
use std::time::Duration;

/// Shorter intervals only keep a processor busy.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_hours(1);

/// Reads one from 100ms to 1h.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = read(text, "5s, 2m or 500ms")?;
    if (SHORTEST..=LONGEST).contains(&duration) {
        Ok(duration)
    } else {
        Err("expected 100ms to 1h".to_owned())
    }
}

/// A shortest and a longest interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// As often as this while things change.
    pub shortest: Duration,
    /// As seldom as this when they have not for long.
    pub longest: Duration,
}

impl FromStr for Range {
    type Err = String;

    /// `5s`, or `5s..60s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (shortest, longest) = text.split_once("..").unwrap_or((text, text));
        let range = Self { shortest: parse(shortest)?, longest: parse(longest)? };
        if range.shortest <= range.longest {
            Ok(range)
        } else {
            Err("expected the shorter interval first, as in 5s..60s".to_owned())
        }
    }
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
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("{error}; expected for example {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_neither_too_short_nor_too_long() {
        for (text, seconds) in [("100ms", 0.1), ("5s", 5.0), (" 2m", 120.0), ("1h", 3600.0)] {
            assert_eq!(parse(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in [
            "",
            "0",
            "0s",
            "1us",
            "99ms",
            "61m",
            "500000000000y",
            "99999999999999999999y",
            "5",
            "-5s",
            "soon",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let range = |shortest, longest| {
            Ok(Range {
                shortest: Duration::from_secs(shortest),
                longest: Duration::from_secs(longest),
            })
        };
        assert_eq!(
            ("5s".parse(), "5s..60s".parse(), "5s .. 1m".parse()),
            (range(5, 5), range(5, 60), range(5, 60))
        );
        for text in ["..", "5s..", "..5s", "60s..5s", "5s..2h", "1ms..5s", "5s..6s..7s"] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
        assert_eq!(
            (parse_or_zero("0"), parse_or_zero("0s")),
            (Ok(Duration::ZERO), Ok(Duration::ZERO))
        );
        assert!(parse_or_zero("2h").is_err());
    }
}
