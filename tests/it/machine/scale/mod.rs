//! The cost of a command does not grow with the catalog. It is counted in bytes allocated and bytes
//! encoded, not in time.
//!
//! A restore (`SetData`) is the whole catalog, and freeing what is dropped takes time for each
//! piece; all other commands cost only what they change.

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

/// Allowance for the additional tree nodes that are copied in a deeper tree.
const DEEPER: usize = 6 << 10;
/// Maximum size of new parts: one run of shard groups or one piece of databases, and what is around
/// it.
const NEW: usize = 24 << 10;
/// At most one tenth of the body is encoded: the list of references to its parts, and what is read
/// on the way.
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

/// Costs of a command, in bytes.
#[derive(Debug)]
struct Cost {
    /// Allocated while the command was applied.
    apply: usize,
    /// Allocated while the `Data` for data nodes was encoded after it.
    encode: usize,
    /// Size of those parts of the body that the last body did not have.
    new: usize,
    body: usize,
}

fn costs(grown: &Grown) -> Vec<(String, Cost)> {
    let (mut log, mut encoder) = (grown.log(), Encoder::default());
    let mut last = encoder.encode(&log.catalog);
    let families = families(&log.catalog);
    let cost = |(family, command): (&str, Command)| {
        // The same as in a real node: readers of the last state hold it.
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
