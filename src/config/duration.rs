//! Durations in Go's syntax, plus the units d and w of InfluxDB Enterprise's manual.

use std::time::Duration;

/// Unit names and their nanoseconds.
const UNITS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Reason why a text is not a duration, without the text itself: `has …`, `is …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("is negative")]
    Negative,
    #[error("has a number without a unit")]
    NoUnit,
    #[error("has the unknown unit {unit:?} (known: ns, us, ms, s, m, h, d, w)")]
    UnknownUnit { unit: String },
    #[error("has a part without a number")]
    NoNumber,
    #[error("is too long")]
    TooLong,
    #[error("is no duration")]
    NoDuration,
}

/// Parses `1m30s`, `1.5h`, `500ms`, `0`.
pub(super) fn parse(text: &str) -> Result<Duration, DurationError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Err(DurationError::Negative);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, scale)| *scale);
        let scale = scale.ok_or_else(|| match unit {
            "" => DurationError::NoUnit,
            unit => DurationError::UnknownUnit {
                unit: unit.to_owned(),
            },
        })?;
        nanos = nanos.saturating_add(scaled(number, scale)?);
        rest = next;
    }
    let nanos = u64::try_from(nanos).map_err(|_| DurationError::TooLong)?;
    if text.trim_start_matches('+').is_empty() {
        return Err(DurationError::NoDuration);
    }
    Ok(Duration::from_nanos(nanos))
}

/// Returns `number`, such as `1.5`, times `scale` nanoseconds, without rounding errors.
fn scaled(number: &str, scale: u128) -> Result<u128, DurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(DurationError::NoNumber);
    }
    let digits = |text: &str| {
        if text.is_empty() {
            Ok(0)
        } else {
            text.parse::<u128>().map_err(|_| DurationError::NoNumber)
        }
    };
    // Digits after the 18th are worth less than a nanosecond.
    let fraction = &fraction[..fraction.len().min(18)];
    let power = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    Ok(digits(whole)?
        .saturating_mul(scale)
        .saturating_add(digits(fraction)?.saturating_mul(scale) / power))
}

/// Formats as Go does: `1m30s`, `500ms`, `0s`.
pub(super) fn print(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".into();
    }
    for (unit, scale, below) in [
        ("ns", 1, 1_000),
        ("µs", 1_000, 1_000_000),
        ("ms", 1_000_000, 1_000_000_000),
    ] {
        if nanos < below {
            return format!("{}{unit}", decimal(nanos, scale));
        }
    }
    let minutes = nanos / 60_000_000_000;
    let seconds = format!("{}s", decimal(nanos % 60_000_000_000, 1_000_000_000));
    match (minutes / 60, minutes % 60) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// Formats `value / scale` without trailing zeros. `scale` is a power of ten.
fn decimal(value: u128, scale: u128) -> String {
    let width = scale.ilog10() as usize;
    let text = format!("{}.{:0width$}", value / scale, value % scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        let cases = [
            ("0", 0, "0s"),
            ("0s", 0, "0s"),
            ("500ms", 500_000_000, "500ms"),
            ("1m30s", 90_000_000_000, "1m30s"),
            ("1.5h", 5_400_000_000_000, "1h30m0s"),
            ("1h", 3_600_000_000_000, "1h0m0s"),
            ("5d", 432_000_000_000_000, "120h0m0s"),
            ("2w", 1_209_600_000_000_000, "336h0m0s"),
            (".25s", 250_000_000, "250ms"),
            ("1500us", 1_500_000, "1.5ms"),
            ("10µs", 10_000, "10µs"),
            ("7ns", 7, "7ns"),
            ("+1.000000001s", 1_000_000_001, "1.000000001s"),
        ];
        for (text, nanos, printed) in cases {
            let parsed = parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(parsed, Duration::from_nanos(nanos), "{text}");
            assert_eq!(print(parsed), printed);
            assert_eq!(parse(printed), Ok(parsed));
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, why) in [
            ("5", "without a unit"),
            ("1m5", "without a unit"),
            ("-1s", "negative"),
            ("1x", "unknown unit \"x\""),
            ("s", "without a number"),
            ("1..5s", "without a number"),
            (".s", "without a number"),
            ("soon", "unknown unit"),
            ("+", "no duration"),
            ("99999999999w", "too long"),
        ] {
            let found = parse(text).expect_err(text).to_string();
            assert!(found.contains(why), "{text}: {found}");
        }
    }
}
