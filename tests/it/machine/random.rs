//! Random sequences of commands: every invariant after each step, and replicas that agree byte for byte.

mod history;
mod members;

use std::collections::BTreeSet;

use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::{execute, state};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use history::{History, SEEN, in_words};

const STEPS: usize = 300;

#[test]
fn invariants_hold_and_replicas_agree() {
    let happened: BTreeSet<String> = (0..20).flat_map(run).collect();
    for want in SEEN {
        assert!(happened.iter().any(|what| what.starts_with(want)), "{want:?} never happened: {happened:#?}");
    }
}

/// A failure prints its seed: paste it here to see that run alone.
#[test]
fn one_seed() {
    run(4_711);
}

/// Returns what happened, in words.
fn run(seed: u64) -> BTreeSet<String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut log_id = LogId { term: 1, index: 1 };
    let mut replicas = [Catalog::default(), Catalog::default()];
    let mut history = History::default();
    let mut happened = BTreeSet::new();
    for step in 0..STEPS {
        log_id = next(log_id, &mut rng);
        let entry = propose(&mut rng, &replicas[0]);
        let what = format!("seed {seed}, step {step}: {:?}", envelope::decode(&entry));
        let before = replicas[0].clone();
        let outcomes = replicas.each_mut().map(|catalog| apply_checked(catalog, log_id, &entry, &what));
        history.add(&before, &replicas[0], &what);
        happened.insert(in_words(&entry, &before, &replicas[0], &outcomes[0]));

        let [one, other] = replicas.each_ref().map(state::encode);
        assert_eq!(outcomes[0], outcomes[1], "{what}");
        assert_eq!(one, other, "replicas differ after {what}");
        // One of them is restarted from its snapshot now and then.
        if rng.random_ratio(1, 20) {
            replicas[1] = state::decode(&other).expect("own snapshot");
            assert_eq!(replicas[0], replicas[1], "{what}");
        }
    }
    happened
}

/// Applies an entry, and holds what is true of every one against before and after.
fn apply_checked(catalog: &mut Catalog, log_id: LogId, entry: &[u8], what: &str) -> Outcome {
    let before = catalog.clone();
    let stamped = envelope::decode(entry).expect("an entry of ours");
    let outcome = machine::apply(catalog, log_id, &stamped);
    catalog.check().unwrap_or_else(|violation| panic!("{violation} after {what}"));

    assert_eq!(catalog.last_at, before.last_at.max(stamped.at), "{what}");
    let moved = stamped.command.is_of_the_wire() || seen(&before) != seen(catalog);
    let stands = if moved { (log_id.term, log_id.index) } else { (before.term, before.index) };
    assert_eq!((catalog.term, catalog.index), stands, "{what}");
    match &outcome {
        Outcome::Applied { index } => assert_eq!(*index, catalog.index, "{what}"),
        Outcome::Refused(_) => {
            let Catalog { term, index, last_at, .. } = *catalog;
            assert_eq!(*catalog, Catalog { term, index, last_at, ..before }, "half of a refused {what}");
        }
    }
    outcome
}

fn next(log_id: LogId, rng: &mut StdRng) -> LogId {
    let gap = if rng.random_ratio(1, 4) { rng.random_range(1..5) } else { 0 };
    LogId { term: log_id.term + u64::from(rng.random_ratio(1, 30)), index: log_id.index + 1 + gap }
}

/// An entry as some proposer would make it: its clock is anywhere, its configuration its own.
fn propose(rng: &mut StdRng, catalog: &Catalog) -> bytes::Bytes {
    let at = match rng.random_range(0..10) {
        0 => rng.random(),
        1 => -1,
        _ => rng.random_range(0..2_000_000_000_000_000_000),
    };
    let command = if rng.random() { command(rng) } else { members::command(rng, catalog) };
    let body = match execute::encode(&command) {
        Some(bytes) => Body::Wire(bytes),
        None => Body::Ours(command),
    };
    envelope::encode(UnixNanos(at), rng.random_ratio(3, 4), &body)
}

fn command(rng: &mut StdRng) -> Command {
    let database = name(rng);
    match rng.random_range(0..16) {
        0 => Command::Found(found(rng.random_range(0..6))),
        1..=4 => Command::CreateDatabase {
            name: database,
            retention_policy: rng.random::<bool>().then(|| policy(rng)),
        },
        5 => Command::DropDatabase { name: database },
        6..=8 => Command::CreateRetentionPolicy { database, policy: policy(rng), default: rng.random() },
        9..=10 => Command::DropRetentionPolicy { database, name: name(rng) },
        11 => Command::SetDefaultRetentionPolicy { database, name: name(rng) },
        _ => Command::UpdateRetentionPolicy(UpdateRetentionPolicy {
            database,
            name: name(rng),
            new_name: rng.random::<bool>().then(|| name(rng)),
            duration: rng.random::<bool>().then(|| duration(rng)),
            replica_n: rng.random::<bool>().then(|| rng.random_range(0..4)),
            shard_group_duration: rng.random::<bool>().then(|| duration(rng)),
            default: rng.random_ratio(1, 4),
        }),
    }
}

/// Few, so that commands meet; some that may not be.
fn name(rng: &mut StdRng) -> Name {
    match rng.random_range(0..20) {
        0 => Name::default(),
        1 => Name::from(&[b'x'; 255]),
        2 => Name::from(&[b'x'; 256]),
        3 => Name::from(b"\xff\0"),
        k => Name::from(["a", "b", "c", "autogen"][k % 4]),
    }
}

fn policy(rng: &mut StdRng) -> NewRetentionPolicy {
    NewRetentionPolicy {
        name: name(rng),
        duration: duration(rng),
        shard_group_duration: duration(rng),
        replica_n: rng.random_range(0..4),
    }
}

fn duration(rng: &mut StdRng) -> DurationNanos {
    let durations = [0, 0, 0, 1, -1, HOUR - 1, HOUR, HOUR, DAY, 2 * DAY, WEEK, 180 * DAY, i64::MAX, i64::MIN];
    DurationNanos(durations[rng.random_range(0..durations.len())])
}
