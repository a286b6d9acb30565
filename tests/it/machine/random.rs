//! Random sequences of commands: every invariant holds after each step, and replicas agree byte for
//! byte.

mod data;
mod groups;
mod history;
mod members;
mod restore;
mod restore_parts;
mod roles;

use std::collections::BTreeSet;
use std::ops::Range;

use influxdb_meta::machine::SizeEffect;
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::state;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use history::{History, SEEN, in_words};

const STEPS: usize = 500;

/// Bytes that no command adds which is possible in a full catalog. `Found` adds most: five nodes.
const MAX_NEUTRAL_GROWTH: u64 = 1024;

/// Seeds to run; `make soak` runs many more.
fn seeds() -> Range<u64> {
    if std::env::var_os("SOAK").is_some() {
        0..5_000
    } else {
        0..32
    }
}

#[test]
fn invariants_hold_and_replicas_agree() {
    let happened: BTreeSet<String> = seeds().flat_map(run).collect();
    for want in SEEN {
        assert!(
            happened.iter().any(|what| what.starts_with(want)),
            "{want:?} never happened: {happened:#?}"
        );
    }
}

/// A failure prints its seed: put it here to run that one alone.
#[test]
fn one_seed() {
    run(4_711);
}

/// One log on two replicas, of which one is restarted from its own snapshot again and again.
#[test]
fn a_replica_that_is_restored_at_any_point_stays_the_same() {
    for seed in seeds() {
        let mut proposer = Proposer::new(seed);
        let (mut lived, mut log) = (Catalog::default(), Vec::new());
        for _ in 0..STEPS {
            let entry = proposer.propose(&lived);
            applied(&mut lived, &entry);
            log.push((entry, state::encode(&lived)));
        }
        let (mut restored, mut rng) = (Catalog::default(), StdRng::seed_from_u64(seed));
        for (entry, after) in &log {
            if rng.random_ratio(1, 4) {
                restored = state::decode(&state::encode(&restored)).expect("own snapshot");
            }
            applied(&mut restored, entry);
            assert_eq!(
                state::encode(&restored),
                *after,
                "seed {seed}, after {}",
                entry.log_id
            );
        }
        assert_eq!(restored, lived, "seed {seed}");
    }
}

/// Runs one seed and returns the kinds of events that happened.
fn run(seed: u64) -> BTreeSet<String> {
    let mut proposer = Proposer::new(seed);
    let mut replicas = [Catalog::default(), Catalog::default()];
    let mut history = History::default();
    let mut happened = BTreeSet::new();
    for step in 0..STEPS {
        let entry = proposer.propose(&replicas[0]);
        let what = format!(
            "seed {seed}, step {step}: {:?}",
            envelope::decode(&entry.bytes)
        );
        let before = replicas[0].clone();
        let outcome = apply_checked(&mut replicas[0], &entry, &what);
        assert_eq!(applied(&mut replicas[1], &entry), outcome, "{what}");
        assert_eq!(replicas[0], replicas[1], "replicas differ after {what}");
        history.add(&before, &replicas[0], &what);
        happened.insert(in_words(&entry.bytes, &before, &replicas[0], &outcome));

        let [one, other] = replicas.each_ref().map(state::encode);
        let size = replicas[0].size();
        assert!(one.len() as u64 <= size, "{} bytes: {what}", one.len());
        assert_eq!(one, other, "replicas differ after {what}");
        // One of the replicas is restarted from its snapshot with a probability of 1/20.
        if proposer.rng.random_ratio(1, 20) {
            replicas[1] = state::decode(&other).expect("own snapshot");
            assert_eq!(replicas[0], replicas[1], "{what}");
        }
    }
    happened
}

fn applied(catalog: &mut Catalog, entry: &Entry) -> Outcome {
    machine::apply(
        catalog,
        entry.log_id,
        &envelope::decode(&entry.bytes).expect("an entry of ours"),
    )
}

/// Applies an entry, and checks what holds for every entry, before against after.
fn apply_checked(catalog: &mut Catalog, entry: &Entry, what: &str) -> Outcome {
    let before = catalog.clone();
    let Stamped { at, command, .. } = envelope::decode(&entry.bytes).expect("an entry of ours");
    let outcome = applied(catalog, entry);
    catalog
        .check()
        .unwrap_or_else(|violation| panic!("{violation} after {what}"));
    groups::compare(&command, &before, catalog, what);
    roles::compare(catalog, what);
    let bound = match command.size_effect() {
        SizeEffect::Grows => u64::MAX,
        SizeEffect::Neutral => before.size() + MAX_NEUTRAL_GROWTH,
        SizeEffect::Shrinks => before.size(),
    };
    assert!(catalog.size() <= bound, "{} bytes: {what}", catalog.size());

    assert_eq!(catalog.last_at, before.last_at.max(at), "{what}");
    let LogId { term, index } = entry.log_id;
    // A restore gives all databases new insertion numbers, even if it changes nothing else.
    let content_changed = (&before.databases, &before.users, &before.roles)
        != (&catalog.databases, &catalog.users, &catalog.roles);
    let is_wire = matches!(command, Command::Wire(_));
    let moved = is_wire || content_changed || seen(&before) != seen(catalog);
    let stands = if moved {
        (term, index)
    } else {
        (before.term, before.index)
    };
    assert_eq!((catalog.term, catalog.index), stands, "{what}");
    let noted = content_changed && catalog.feature_level() >= DATA_LEVEL;
    assert_eq!(
        catalog.content_index,
        if noted { index } else { before.content_index },
        "{what}"
    );
    match &outcome {
        Outcome::Applied { index } => assert_eq!(*index, catalog.index, "{what}"),
        Outcome::Refused(_) => {
            let Catalog {
                term,
                index,
                last_at,
                ref restoring,
                ..
            } = *catalog;
            // Time may have passed for an abandoned restore.
            assert!(
                restoring.is_none() || *restoring == before.restoring,
                "{what}"
            );
            assert_eq!(
                *catalog,
                Catalog {
                    term,
                    index,
                    last_at,
                    restoring: restoring.clone(),
                    ..before
                },
                "half of a refused {what}"
            );
        }
    }
    outcome
}

/// An entry of the log.
struct Entry {
    log_id: LogId,
    bytes: bytes::Bytes,
}

/// Source of entries as changing leaders would make them: any clocks, and a configuration for each.
struct Proposer {
    rng: StdRng,
    log_id: LogId,
    now: i64,
    /// Whether clocks may be arbitrarily wrong.
    hostile: bool,
}

impl Proposer {
    fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self {
            rng,
            log_id: LogId { term: 1, index: 1 },
            now: NOW,
            hostile: seed.is_multiple_of(3),
        }
    }

    fn propose(&mut self, catalog: &Catalog) -> Entry {
        let rng = &mut self.rng;
        let gap = if rng.random_ratio(1, 4) {
            rng.random_range(1..5)
        } else {
            0
        };
        self.log_id.term += u64::from(rng.random_ratio(1, 30));
        self.log_id.index += 1 + gap;
        let command = match rng.random_range(0..5) {
            0 => command(rng),
            1 => members::command(rng, catalog),
            2 if rng.random_ratio(1, 3) => Command::Internal(roles::command(rng)),
            _ => data::command(rng, catalog),
        };
        let body = Body::from(command);
        let (at, autocreate) = (self.clock(), self.rng.random_ratio(3, 4));
        Entry {
            log_id: self.log_id,
            bytes: envelope::encode(at, autocreate, &body),
        }
    }

    /// Correct clocks still jump a little back, and a week ahead.
    fn clock(&mut self) -> UnixNanos {
        let rng = &mut self.rng;
        if self.hostile {
            return UnixNanos(
                [rng.random(), -1, 0, rng.random_range(0..2 * NOW)][rng.random_range(0..4)],
            );
        }
        self.now += if rng.random_ratio(1, 30) {
            WEEK
        } else {
            HOUR / 4
        };
        UnixNanos(self.now - rng.random_range(0..HOUR))
    }
}

fn command(rng: &mut StdRng) -> Command {
    let database = name(rng);
    match rng.random_range(0..16) {
        0 => Command::Internal(InternalCommand::Found(found(rng.random_range(0..6)))),
        1..=4 => Command::Wire(WireCommand::CreateDatabase {
            name: database,
            retention_policy: rng.random::<bool>().then(|| policy(rng)),
        }),
        5 => Command::Wire(WireCommand::DropDatabase { name: database }),
        6..=8 => Command::Wire(WireCommand::CreateRetentionPolicy {
            database,
            policy: policy(rng),
            default: rng.random(),
        }),
        9..=10 => Command::Wire(WireCommand::DropRetentionPolicy {
            database,
            name: name(rng),
        }),
        11 => Command::Wire(WireCommand::SetDefaultRetentionPolicy {
            database,
            name: name(rng),
        }),
        _ => Command::Wire(WireCommand::UpdateRetentionPolicy(UpdateRetentionPolicy {
            database,
            name: name(rng),
            new_name: rng.random::<bool>().then(|| name(rng)),
            duration: rng.random::<bool>().then(|| duration(rng)),
            replica_n: rng.random::<bool>().then(|| rng.random_range(0..4)),
            shard_group_duration: rng.random::<bool>().then(|| duration(rng)),
            default: rng.random_ratio(1, 4),
        })),
    }
}

/// A name out of few, so that commands meet; some names are not allowed.
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
    let durations = [
        0,
        0,
        0,
        1,
        -1,
        HOUR - 1,
        HOUR,
        HOUR,
        DAY,
        2 * DAY,
        WEEK,
        180 * DAY,
        i64::MAX,
        i64::MIN,
    ];
    DurationNanos(durations[rng.random_range(0..durations.len())])
}
