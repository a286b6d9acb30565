//! Damaged bytes: no decoder panics, and what one lets through the rest can work with.

use influxdb_meta::base::{LogId, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::machine::{self, Command};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::execute::{self, Decoded};
use influxdb_meta::wire::{data, state};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::commands;
use crate::machine::{Fed, found};

const MUTATIONS: usize = 100_000;

#[test]
fn no_bytes_make_a_decoder_panic() {
    let seeds = seeds();
    let mut rng = StdRng::seed_from_u64(20_241_124);
    let mut let_through = [0; 3];
    for _ in 0..MUTATIONS {
        let bytes = mutated(&seeds, &mut rng);
        let_through[0] += usize::from(as_command(&bytes));
        let_through[1] += usize::from(as_entry(&bytes));
        let_through[2] += usize::from(as_state(&bytes));
    }
    // A mutation that is always refused tests nothing behind the door.
    assert!(let_through.iter().all(|count| *count > MUTATIONS / 200), "{let_through:?}");
}

/// What is let into the log can be read from it, and applied.
fn as_command(bytes: &[u8]) -> bool {
    let Ok(Decoded::Command { command, .. }) = execute::decode(bytes) else { return false };
    let entry = envelope::encode(UnixNanos(1), true, &Body::Wire(bytes.to_vec().into()));
    let stamped = envelope::decode(&entry).expect("what was let in");
    assert_eq!(stamped.command, command);
    let mut catalog = Catalog::default();
    machine::apply(&mut catalog, LogId { term: 1, index: 2 }, &stamped);
    catalog.check().expect("a sound catalog");
    true
}

fn as_entry(bytes: &[u8]) -> bool {
    let Ok(stamped) = envelope::decode(bytes) else { return false };
    let mut catalog = Catalog::default();
    machine::apply(&mut catalog, LogId { term: 1, index: 2 }, &stamped);
    catalog.check().expect("a sound catalog");
    true
}

/// A damaged state that can still be read may be nonsense, and is the same nonsense ever after.
fn as_state(bytes: &[u8]) -> bool {
    let Ok(catalog) = state::decode(bytes) else { return false };
    assert_eq!(state::decode(&state::encode(&catalog)), Ok(catalog.clone()));
    data::encode(&catalog);
    let _ = catalog.check();
    true
}

/// Real commands, entries and states to start from.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = commands().into_iter().map(|(_, bytes)| bytes).collect();
    let mut fed = Fed::default();
    let founding = Command::Found(found(3));
    seeds.push(envelope::encode(UnixNanos(1), true, &Body::Ours(founding.clone())).to_vec());
    fed.apply(founding);
    for bytes in seeds.clone() {
        if let Ok(Decoded::Command { command, .. }) = execute::decode(&bytes) {
            seeds.push(envelope::encode(UnixNanos(-1), false, &Body::Wire(bytes.into())).to_vec());
            fed.apply(command);
            seeds.push(state::encode(&fed.catalog).to_vec());
        }
    }
    seeds
}

fn mutated(seeds: &[Vec<u8>], rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=bytes.len());
        match rng.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.random()),
            2 => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                let from = rng.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ if at == bytes.len() => bytes.push(rng.random()),
            3 => bytes[at] ^= 1 << rng.random_range(0..8),
            4 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            _ => {
                bytes.remove(at);
            }
        }
    }
    bytes
}
