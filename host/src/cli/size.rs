//! Sizes as they are written on the command line: `64MiB`, `512KiB`, `1048576`.

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
/// What a module of 32 bits can address.
const MOST: u64 = 1 << 32;

/// Reads one, in bytes; more than zero, and at most 4 GiB.
pub fn parse(text: &str) -> Result<u64, String> {
    let expected = || {
        format!(
            "`{text}` is no size; expected for example 64MiB, 512KiB or a number of bytes, at most 4GiB"
        )
    };
    let (number, unit) = UNITS
        .into_iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
        .unwrap_or((text, 1));
    let number: u64 = number.trim_end().parse().map_err(|_| expected())?;
    number.checked_mul(unit).filter(|bytes| (1..=MOST).contains(bytes)).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_a_unit_or_without() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("512 KiB", 512 << 10),
            ("4GiB", 1 << 32),
            ("7B", 7),
            ("65536", 65536),
        ] {
            assert_eq!(parse(text), Ok(bytes));
        }
        for text in ["", "MiB", "1.5MiB", "64MB", "-1", "0", "5GiB", "99999999999GiB", "1TiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
