//! What a command costs does not grow with the catalog: counted in bytes asked for and bytes
//! encoded, not in time.
//!
//! A restore (`SetData`) is the whole catalog, and what is dropped is taken down piece by piece;
//! all other commands cost what they change.

#[allow(unreachable_pub, reason = "shared with the benches")]
mod families;
#[allow(unreachable_pub, reason = "shared with the benches")]
mod grown;

use std::collections::BTreeSet;

use influxdb_meta::wire::data::{Encoder, Rope};

use super::*;
use crate::allocated::bytes_allocated;
use families::families;
use grown::Grown;

/// A few nodes of a deeper tree are copied more.
const DEEPER: usize = 6 << 10;
/// One run of shard groups or one piece of databases, and what stands around it.
const NEW: usize = 24 << 10;
/// The body as a list of references to its parts, and what is looked at on the way.
const LISTED: usize = 10;

#[test]
fn a_command_costs_the_same_in_a_big_catalog() {
    let small = costs(&Grown {
        databases: 8,
        groups: 10,
        deep: 16,
    });
    let big = costs(&Grown {
        databases: 2_000,
        groups: 10,
        deep: 30_000,
    });
    for ((family, small), (_, big)) in small.iter().zip(&big) {
        assert!(
            big.apply <= small.apply + DEEPER,
            "{family}: {big:?}, in a small one {small:?}"
        );
        assert!(big.new <= NEW, "{family}: {big:?}");
        assert!(big.encode <= big.body / LISTED, "{family}: {big:?}");
    }
}

/// In bytes.
#[derive(Debug)]
struct Cost {
    /// Asked for while the command was applied.
    apply: usize,
    /// Asked for while what data nodes see was encoded after it.
    encode: usize,
    /// Of the body: in parts that the last body did not have.
    new: usize,
    body: usize,
}

fn costs(grown: &Grown) -> Vec<(String, Cost)> {
    let (mut log, mut encoder) = (grown.log(), Encoder::default());
    let mut last = encoder.encode(&log.catalog);
    let families = families(&log.catalog);
    let cost = |(family, command): (&str, Command)| {
        // As in life: those who look at the last state hold it.
        let _seen = log.catalog.clone();
        let ((), apply) = bytes_allocated(|| log.ok(command));
        let (rope, encode) = bytes_allocated(|| encoder.encode(&log.catalog));
        let cost = Cost {
            apply,
            encode,
            new: new_bytes(&rope, &last),
            body: rope.len(),
        };
        last = rope;
        (family.to_owned(), cost)
    };
    families.into_iter().map(cost).collect()
}

fn new_bytes(rope: &Rope, last: &Rope) -> usize {
    let known: BTreeSet<_> = last.plain().iter().map(|part| part.as_ptr()).collect();
    rope.plain()
        .iter()
        .filter(|part| !known.contains(&part.as_ptr()))
        .map(|part| part.len())
        .sum()
}
