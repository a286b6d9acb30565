//! Log entries and catalog states of format 3: data nodes, shards, users, queries, subscriptions,
//! restores and leases.

mod entries;
mod state;

use influxdb_meta::base::{LogId, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::machine::{Outcome, Stamped, apply};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::state as wire_state;

use super::super::{files, read};
use entries::entries;
use state::full_state;

const AT: UnixNanos = UnixNanos(1_764_000_000_000_000_000);

#[test]
fn entries_of_format_3_are_read() {
    for (file, command) in entries() {
        let want = Stamped {
            at: AT,
            retention_autocreate: true,
            command,
        };
        assert_eq!(
            envelope::decode(&read(&format!("compat/v3/{file}"))),
            Ok(want),
            "{file}"
        );
    }
}

#[test]
fn the_state_of_format_3_is_read() {
    assert_eq!(full_state().check(), Ok(()));
    assert_eq!(
        wire_state::decode(&read("compat/v3/state-full.bin")),
        Ok(full_state())
    );
}

/// Holds as long as no newer format is written for them.
#[test]
fn format_3_is_what_is_written() {
    for (file, command) in entries() {
        assert_written(file, &envelope::encode(AT, true, &Body::from(command)));
    }
    assert_written("state-full.bin", &wire_state::encode(&full_state()));
}

#[test]
fn no_frozen_entry_is_left_out() {
    let frozen = files("compat/v3", ".bin").into_iter().map(|(path, _)| path);
    let named = entries()
        .into_iter()
        .map(|(file, _)| file)
        .chain(["state-full.bin"]);
    let mut named: Vec<_> = named.map(|file| format!("compat/v3/{file}")).collect();
    named.sort();
    assert_eq!(frozen.collect::<Vec<_>>(), named);
}

/// Entries on a volume are applied, not only read: the frozen entries on the frozen state.
#[test]
fn frozen_entries_are_applied() {
    let mut catalog = frozen_state();
    for (index, (file, _)) in (100..).zip(entries()) {
        let stamped = envelope::decode(&read(&format!("compat/v3/{file}"))).expect("an entry");
        let outcome = apply(&mut catalog, LogId { term: 3, index }, &stamped);
        // The restore is refused: its content index is older than the state's.
        let refused = matches!(outcome, Outcome::Refused(_));
        assert_eq!(refused, file == "entry-set-data.bin", "{file}: {outcome:?}");
        assert_eq!(catalog.check(), Ok(()), "{file}");
    }
    assert_eq!(
        wire_state::decode(&wire_state::encode(&catalog)),
        Ok(catalog)
    );
}

fn frozen_state() -> Catalog {
    wire_state::decode(&read("compat/v3/state-full.bin")).expect("a state")
}

fn assert_written(file: &str, written: &[u8]) {
    let frozen = read(&format!("compat/v3/{file}"));
    assert_eq!(
        written.escape_ascii().to_string(),
        frozen.escape_ascii().to_string(),
        "{file}"
    );
}
