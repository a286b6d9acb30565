//! Sizes in bytes: a whole number, or one with the unit k, m or g, as in files of data nodes.

/// Units and their bytes, the largest first.
const UNITS: &[(&str, u64)] = &[("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10)];

/// Parses `268435456`, `256m`, `256M`.
pub(super) fn parse(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let with_unit = |(unit, bytes): &(&str, u64)| Some((lower.strip_suffix(unit)?, *bytes));
    let (number, unit) = UNITS
        .iter()
        .find_map(with_unit)
        .unwrap_or((lower.as_str(), 1));
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Formats a size with the largest unit of which it is a whole number.
pub(super) fn print(bytes: u64) -> String {
    let fits = |(_, unit): &&(&str, u64)| bytes >= *unit && bytes.is_multiple_of(*unit);
    match UNITS.iter().find(fits) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, printed) in [
            ("0", 0, "0"),
            ("1000", 1000, "1000"),
            ("1024", 1 << 10, "1k"),
            ("1536k", 1536 << 10, "1536k"),
            ("256M", 256 << 20, "256m"),
            ("1024m", 1 << 30, "1g"),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
            assert_eq!(print(bytes), printed);
        }
        for text in ["", "m", "-1", "1.5m", "1mb", "1 m", "256x", "99999999999g"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
