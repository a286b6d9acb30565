//! Formatting timestamps of the API (RFC 3339) for tables. A text that is no timestamp stays as it
//! is.

/// Go's zero time, which means no time.
pub(super) const NEVER: &str = "0001-01-01T00:00:00Z";

/// Formats without the fraction of a second. Empty for [`NEVER`].
pub(super) fn to_the_second(text: &str) -> String {
    if text == NEVER {
        return String::new();
    }
    let Some(parts) = TimestampParts::of(text) else {
        return text.to_owned();
    };
    format!("{}T{}{}", parts.date, parts.clock, parts.zone)
}

/// Formats as Go does: `2023-06-22 23:45:09.470696179 +0000 UTC`.
pub(super) fn as_go(text: &str) -> String {
    let Some(TimestampParts {
        date,
        clock,
        fraction,
        zone,
    }) = TimestampParts::of(text)
    else {
        return text.to_owned();
    };
    let zone = match zone {
        "Z" => "+0000 UTC".to_owned(),
        // Go prints the offset in place of a zone's name that it does not know.
        offset => offset.replace(':', "") + " " + &offset.replace(':', ""),
    };
    format!("{date} {clock}{fraction} {zone}")
}

struct TimestampParts<'a> {
    date: &'a str,
    clock: &'a str,
    /// Fraction of a second with its point, or empty.
    fraction: &'a str,
    /// `Z`, `+02:00`.
    zone: &'a str,
}

impl<'a> TimestampParts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (date, rest) = text
            .split_once('T')
            .filter(|(date, _)| date.starts_with(|c: char| c.is_ascii_digit()))?;
        let (time, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
        let (clock, fraction) = time.split_at(time.find('.').unwrap_or(time.len()));
        Some(Self {
            date,
            clock,
            fraction,
            zone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let cases = [
            (
                "2026-01-26T18:00:00Z",
                "2026-01-26T18:00:00Z",
                "2026-01-26 18:00:00 +0000 UTC",
            ),
            (
                "2026-01-26T18:05:36.41Z",
                "2026-01-26T18:05:36Z",
                "2026-01-26 18:05:36.41 +0000 UTC",
            ),
            (
                "2026-01-26T18:05:36.418734949+02:00",
                "2026-01-26T18:05:36+02:00",
                "2026-01-26 18:05:36.418734949 +0200 +0200",
            ),
            (
                "2026-01-26T18:00:00-07:30",
                "2026-01-26T18:00:00-07:30",
                "2026-01-26 18:00:00 -0730 -0730",
            ),
            (NEVER, "", "0001-01-01 00:00:00 +0000 UTC"),
            ("", "", ""),
            ("TodayZ", "TodayZ", "TodayZ"),
        ];
        for (text, to_the_second_, as_go_) in cases {
            assert_eq!(
                (to_the_second(text).as_str(), as_go(text).as_str()),
                (to_the_second_, as_go_),
                "{text}"
            );
        }
    }
}
