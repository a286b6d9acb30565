//! Durations as Go reads them, with its error texts: `1m0s`, `-5m`, `1.5h`.

use crate::base::DurationNanos;

/// Names of units, and their lengths in nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// Reasons why a text is no duration. The texts are Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoDurationError {
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit { unit: String, text: String },
}

/// Parses a duration with its unit, as Go's `time.ParseDuration` does.
///
/// # Errors
/// See [`GoDurationError`]. A duration of 292 years or more is invalid too.
pub fn parse(text: &str) -> Result<DurationNanos, GoDurationError> {
    let invalid = || GoDurationError::Invalid(text.to_owned());
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(DurationNanos(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, after) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let (unit, next) = after.split_at(after.find(is_number).unwrap_or(after.len()));
        if unit.is_empty() {
            return Err(GoDurationError::MissingUnit(text.to_owned()));
        }
        let known = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, scale) = known.ok_or_else(|| GoDurationError::UnknownUnit {
            unit: unit.to_owned(),
            text: text.to_owned(),
        })?;
        nanos += number * scale;
        rest = next;
    }
    if nanos >= i64::MAX as f64 {
        return Err(invalid());
    }
    Ok(DurationNanos((sign * nanos) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("1m0s", 60_000_000_000),
            ("90s", 90_000_000_000),
            ("-5m", -300_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("0", 0),
            ("+0", 0),
            ("2h45m", 9_900_000_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("3ms", 3_000_000),
        ] {
            assert_eq!(parse(text), Ok(DurationNanos(nanos)), "{text}");
        }
        for (text, error) in [
            ("", "time: invalid duration \"\""),
            ("-", "time: invalid duration \"-\""),
            ("5", "time: missing unit in duration \"5\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("m", "time: invalid duration \"m\""),
            ("1.1.1s", "time: invalid duration \"1.1.1s\""),
            ("9999999h", "time: invalid duration \"9999999h\""),
        ] {
            let found = parse(text).expect_err("no duration");
            assert_eq!(found.to_string(), error, "{text}");
        }
    }
}
