//! Values as they are written on the command line: durations (`5s`, `2m`, `500ms`) and sizes
//! (`64MiB`, `512KiB`, `1048576`).

use std::str::FromStr;
use std::time::Duration;

/// Shorter intervals only keep a processor busy.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_hours(1);

/// Reads one from 100ms to 1h.
pub fn duration(text: &str) -> Result<Duration, String> {
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
        let range = Self { shortest: duration(shortest)?, longest: duration(longest)? };
        if range.shortest <= range.longest {
            Ok(range)
        } else {
            Err("expected the shorter interval first, as in 5s..60s".to_owned())
        }
    }
}

/// Reads one that may be zero, up to 1h.
pub fn duration_or_zero(text: &str) -> Result<Duration, String> {
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

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
/// What a module of 32 bits can address.
const LARGEST: u64 = 1 << 32;

/// Reads a size in bytes; more than zero, and at most 4 GiB.
pub fn size(text: &str) -> Result<u64, String> {
    let expected = || {
        format!(
            "`{text}` is not a valid size; expected for example 64MiB, 512KiB or a number of bytes, at most 4GiB"
        )
    };
    let (number, unit) = UNITS
        .into_iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
        .unwrap_or((text, 1));
    let number: u64 = number.trim_end().parse().map_err(|_| expected())?;
    number.checked_mul(unit).filter(|bytes| (1..=LARGEST).contains(bytes)).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_neither_too_short_nor_too_long() {
        for (text, seconds) in [("100ms", 0.1), ("5s", 5.0), (" 2m", 120.0), ("1h", 3600.0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
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
            assert!(duration(text).is_err(), "{text}");
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
            (duration_or_zero("0"), duration_or_zero("0s")),
            (Ok(Duration::ZERO), Ok(Duration::ZERO))
        );
        assert!(duration_or_zero("2h").is_err());
    }

    #[test]
    fn sizes_are_numbers_with_a_unit_or_without() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("512 KiB", 512 << 10),
            ("4GiB", 1 << 32),
            ("7B", 7),
            ("65536", 65536),
        ] {
            assert_eq!(size(text), Ok(bytes));
        }
        for text in ["", "MiB", "1.5MiB", "64MB", "-1", "0", "5GiB", "99999999999GiB", "1TiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
