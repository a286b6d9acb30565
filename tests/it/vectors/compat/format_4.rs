//! Log entries of format 4: the requirement of the secret, and the repair of the time.

use influxdb_meta::base::UnixNanos;
use influxdb_meta::machine::{Command, InternalCommand, Stamped};
use influxdb_meta::wire::envelope::{self, Body};

use super::super::{files, read};

const AT: UnixNanos = UnixNanos(1_764_000_000_000_000_000);

fn entries() -> Vec<(&'static str, Command)> {
    vec![
        (
            "entry-require-secret.bin",
            Command::Internal(InternalCommand::RequireSecret),
        ),
        (
            "entry-repair-time.bin",
            Command::Internal(InternalCommand::RepairTime),
        ),
    ]
}

#[test]
fn entries_of_format_4_are_read() {
    for (file, command) in entries() {
        let want = Stamped {
            at: AT,
            retention_autocreate: true,
            command,
        };
        assert_eq!(
            envelope::decode(&read(&format!("compat/v4/{file}"))),
            Ok(want),
            "{file}"
        );
    }
}

/// Holds as long as no newer format is written for them.
#[test]
fn format_4_is_what_is_written() {
    for (file, command) in entries() {
        let frozen = read(&format!("compat/v4/{file}"));
        assert_eq!(
            envelope::encode(AT, true, &Body::from(command))
                .escape_ascii()
                .to_string(),
            frozen.escape_ascii().to_string(),
            "{file}"
        );
    }
}

#[test]
fn no_frozen_entry_is_left_out() {
    let frozen = files("compat/v4", ".bin").into_iter().map(|(path, _)| path);
    let mut named: Vec<_> = entries()
        .into_iter()
        .map(|(file, _)| format!("compat/v4/{file}"))
        .collect();
    named.sort();
    assert_eq!(frozen.collect::<Vec<_>>(), named);
}
