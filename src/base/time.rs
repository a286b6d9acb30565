//! Instants and durations in nanoseconds, signed 64-bit, as on the wire.

use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch. 0 on the wire often means "unset" (wire.md 2.5).
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The instant one nanosecond later. The last instant stays the same.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A signed duration in nanoseconds.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DurationNanos(pub i64);

impl DurationNanos {
    pub const HOUR: Self = Self(3_600_000_000_000);
    pub const DAY: Self = Self(24 * Self::HOUR.0);
}

/// Writes RFC 3339 in UTC, with a fraction of up to nine digits without trailing zeros, like Go's
/// `RFC3339Nano`; for any instant.
impl std::fmt::Display for UnixNanos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SECOND: i64 = 1_000_000_000;
        let (seconds, nanos) = (self.0.div_euclid(SECOND), self.0.rem_euclid(SECOND));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if nanos > 0 {
            write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// A duration for messages, in one unit that keeps the text the same from one moment to the next.
pub fn rough(duration: std::time::Duration) -> String {
    let minutes = duration.as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        2880..1_051_200 => format!("{} days", minutes / 1440),
        _ => format!("{} years", minutes / 525_600),
    }
}

/// Year, month and day of this number of days after 1970-01-01, in the proleptic Gregorian
/// calendar. In the computation years begin in March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + next_year, month, date)
}

#[cfg(test)]
mod tests {
    use super::UnixNanos;

    #[test]
    fn instants_are_written_as_go_writes_them() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (1_704_067_200_000_000_000, "2024-01-01T00:00:00Z"),
            (1_709_164_800_500_000_000, "2024-02-29T00:00:00.5Z"),
            (1_795_401_265_636_276_486, "2026-11-23T02:34:25.636276486Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(UnixNanos(nanos).to_string(), text);
        }
    }
}
