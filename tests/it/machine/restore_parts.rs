//! A restore in parts (commands.md, "Restores"): seen by nobody before its last command, and then
//! what a restore of one command would be.

use bytes::Bytes;
use influxdb_meta::catalog::{ContinuousQuery, Databases, Subscription, User, Users};
use influxdb_meta::machine::{
    AddRestorePart, BeginRestore, RestoreItem, RestoreRef, SetData, is_long,
};
use influxdb_meta::wire::budget::{self, MAX_COMMAND_COST};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::execute;
use influxdb_meta::wire::restore_parts::SplitRestore;
use influxdb_meta::wire::state;

use super::*;
use crate::allocated::peak_bytes;

const GONE: &str = "another restore began, or this one was given up: start it again";

fn internal(command: impl Into<InternalCommand>) -> Command {
    Command::Internal(command.into())
}

fn begin_of(fed: &Fed, id: u64) -> Command {
    internal(InternalCommand::BeginRestore(BeginRestore {
        id,
        index: fed.catalog.index,
        max_shard_group_id: 1000,
        max_shard_id: 1000,
    }))
}

fn part(id: u64, parts: u32, items: Vec<RestoreItem>) -> Command {
    let of = RestoreRef { id, parts };
    internal(InternalCommand::AddRestorePart(AddRestorePart {
        of,
        items,
    }))
}

fn commit(id: u64, parts: u32) -> Command {
    internal(InternalCommand::CommitRestore(RestoreRef { id, parts }))
}

fn bare(name: &str) -> RestoreItem {
    RestoreItem::Database(Database {
        name: Name::from(name),
        default_retention_policy: Name::default(),
        retention_policies: Vec::new(),
        continuous_queries: Vec::new(),
    })
}

fn group(id: u64) -> ShardGroup {
    ShardGroup {
        id: ShardGroupId(id),
        start: UnixNanos(id as i64 * HOUR),
        end: UnixNanos((id as i64 + 1) * HOUR),
        deleted_at: None,
        truncated_at: None,
        shards: vec![Shard {
            id: ShardId(id),
            owners: vec![NodeId(2), NodeId(77)],
        }],
    }
}

fn rp(name: &str, groups: impl Iterator<Item = u64>) -> RetentionPolicy {
    RetentionPolicy {
        name: Name::from(name),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos(HOUR),
        replica_n: 1,
        shard_groups: groups.map(group).collect(),
        subscriptions: vec![Subscription {
            name: Name::from("s"),
            mode: Text::from("ALL"),
            destinations: vec![Text::from("udp://h:1")],
        }],
    }
}

/// A restore with a database of very many groups between small ones.
fn large(index: u64, shards: u64) -> SetData {
    let database = |name: &str, policies: Vec<RetentionPolicy>| Database {
        name: Name::from(name),
        default_retention_policy: Name::from("rp"),
        retention_policies: policies,
        continuous_queries: vec![ContinuousQuery {
            name: Name::from("cq"),
            query: Text::from("select"),
        }],
    };
    let mut databases = Databases::default();
    databases.insert(database("first", vec![rp("rp", 1..3)]));
    databases.insert(database(
        "large",
        vec![rp("small", 3..6), rp("rp", 6..shards), rp("empty", 0..0)],
    ));
    databases.insert(database("last", Vec::new()));
    let mut users = Users::default();
    for name in ["u", "v"] {
        users.insert(User {
            name: Name::from(name),
            hash: Text::from("h"),
            admin: false,
            privileges: [(Name::from("first"), 3)].into_iter().collect(),
            beyond: Default::default(),
        });
    }
    SetData {
        index,
        databases,
        users,
        max_shard_group_id: shards,
        max_shard_id: shards,
    }
}

fn split(restore: &SetData) -> SplitRestore {
    let command = WireCommand::SetData(Box::new(restore.clone()));
    let bytes: Bytes = execute::encode(&command);
    let count = budget::count(&bytes).expect("well-formed");
    assert!(count.check().is_err(), "it needs parts");
    SplitRestore::of(7, &bytes).expect("can be split")
}

/// Returns the entries of a restore in parts.
fn entries(restore: &SetData) -> Vec<Bytes> {
    let split = split(restore);
    let begin = InternalCommand::BeginRestore(split.begin().expect("whole"));
    let parts = (0..split.len())
        .map(|number| InternalCommand::AddRestorePart(split.part(number).expect("whole")));
    let commit = InternalCommand::CommitRestore(split.after(split.len()));
    [begin]
        .into_iter()
        .chain(parts)
        .chain([commit])
        .map(|command| envelope::encode(UnixNanos(NOW), false, &Body::Internal(command)))
        .collect()
}

/// Each part stays within the budget, whatever it is applied to; a snapshot may come between any
/// two of them; and the end is that of a restore of one command.
#[test]
fn many_parts_are_one_restore() {
    let fed = Fed::with_data_nodes(1);
    let restore = large(fed.catalog.index, 20_000);
    let entries = entries(&restore);
    assert!(entries.len() > 5, "{} entries", entries.len());
    let mut catalog = fed.catalog.clone();
    let last = entries.len() - 1;
    for (number, entry) in entries.iter().enumerate() {
        let index = fed.log_id.index + 1 + number as u64;
        let log_id = LogId { term: 2, index };
        let mut published = catalog.clone();
        let (outcome, peak) = peak_bytes(|| {
            let stamped = envelope::decode(entry).expect("decodes");
            assert_eq!(is_long(&catalog, &stamped.command), number == last);
            machine::apply(&mut published, log_id, &stamped)
        });
        assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
        if number < last {
            let peak = (peak + entry.len()) as u64;
            assert!(peak <= MAX_COMMAND_COST, "part {number}: {peak} bytes");
            assert_eq!(published.databases, fed.catalog.databases, "seen too early");
            assert_eq!(published.index, fed.catalog.index);
        }
        let decoded = state::decode(&state::encode(&published)).expect("own snapshot");
        assert_eq!(decoded, published, "after part {number}");
        catalog = decoded;
    }
    let mut whole = fed.clone();
    whole.log_id.index += last as u64;
    whole.ok(Command::Wire(WireCommand::SetData(Box::new(restore))));
    assert_eq!(catalog, whole.catalog);
    assert_eq!(catalog.check(), Ok(()));
    let owners = catalog
        .shard(ShardId(9))
        .expect("restored")
        .shard
        .owners
        .clone();
    assert_eq!(owners, [NodeId(2)], "77 is no data node");
}

#[test]
fn only_the_parts_of_one_restore_make_it() {
    let mut fed = with_policy(2, 1);
    let begin = begin_of(&fed, 1);
    fed.denied(part(1, 0, vec![]), GONE)
        .denied(commit(1, 0), GONE)
        .unseen(begin)
        .unseen(part(1, 0, vec![bare("a")]));
    fed.denied(part(1, 0, vec![bare("b")]), GONE)
        .denied(part(2, 1, vec![bare("b")]), GONE)
        .denied(commit(1, 2), GONE);
    // A second restore drops the parts of the first.
    let second = begin_of(&fed, 2);
    fed.unseen(second).denied(part(1, 1, vec![bare("b")]), GONE);
    fed.unseen(part(2, 0, vec![bare("b")]));
    fed.unseen(internal(InternalCommand::AbandonRestore { id: 1 }));
    let index = fed.log_id.index + 1;
    assert_eq!(fed.apply(commit(2, 1)), Outcome::Applied { index });
    let names: Vec<_> = fed
        .catalog
        .databases
        .iter()
        .map(|d| d.name.to_string())
        .collect();
    assert_eq!(names, ["b"]);
    assert_eq!(
        (fed.catalog.content_index, &fed.catalog.restoring),
        (index, &None)
    );
    fed.denied(commit(2, 1), GONE);
}

#[test]
fn a_restore_that_nobody_ends_is_dropped() {
    let mut fed = with_policy(2, 1);
    let begun = |fed: &mut Fed| {
        let begin = begin_of(fed, 1);
        fed.unseen(begin).unseen(part(1, 0, vec![bare("a")]));
        assert!(fed.catalog.restoring.is_some());
    };
    begun(&mut fed);
    fed.unseen(internal(InternalCommand::AbandonRestore { id: 1 }));
    assert_eq!(fed.catalog.restoring, None);

    // The catalog that it was made from has changed.
    begun(&mut fed);
    fed.ok(create_database("new"));
    assert_eq!(fed.catalog.restoring, None);

    // Ten minutes without a part. Commands that change nothing keep it until then.
    begun(&mut fed);
    fed.now += 10 * 60 * 1_000_000_000;
    fed.ok(create_database("new"));
    assert!(fed.catalog.restoring.is_some());
    fed.now += 1;
    fed.ok(create_database("new"));
    assert_eq!(fed.catalog.restoring, None);
}

/// Applying such a command is not done on the threads that carry Raft.
#[test]
fn what_may_free_a_begun_restore_takes_long() {
    let mut fed = with_policy(2, 1);
    let begin = begin_of(&fed, 1);
    let abandon = || internal(InternalCommand::AbandonRestore { id: 1 });
    let short = |fed: &Fed| {
        let commands = [abandon(), create_database("new"), begin_of(fed, 2)];
        commands.map(|command| is_long(&fed.catalog, &command))
    };
    assert_eq!(short(&fed), [false; 3]);
    fed.unseen(begin).unseen(part(1, 0, vec![bare("a")]));
    assert_eq!(short(&fed), [true; 3]);
    assert!(!is_long(&fed.catalog, &part(1, 1, vec![bare("b")])));
    fed.unseen(abandon());
    assert_eq!(short(&fed), [false; 3]);
}

/// It looks at all shard groups.
#[test]
fn a_repair_of_the_time_of_many_shards_takes_long() {
    let repair = internal(InternalCommand::RepairTime);
    let mut fed = Fed::with_data_nodes(1);
    assert!(!is_long(&fed.catalog, &repair));
    let restore = large(fed.catalog.index, 2_000);
    fed.ok(Command::Wire(WireCommand::SetData(Box::new(restore))));
    assert!(is_long(&fed.catalog, &repair));
}

#[test]
fn what_a_whole_restore_may_not_do_its_parts_may_not() {
    let mut fed = with_policy(2, 1);
    let mut begin = BeginRestore {
        id: 1,
        index: 0,
        max_shard_group_id: 9,
        max_shard_id: 9,
    };
    let command = |begin| internal(InternalCommand::BeginRestore(begin));
    fed.denied(
        command(begin),
        "databases were changed since index 0, from which the restore was made: start it again",
    );
    begin.index = fed.catalog.index;
    begin.max_shard_id = u64::MAX;
    let text =
        "the restore contradicts itself: 18446744073709551615 is no id that a cluster comes to";
    fed.denied(command(begin), text);
    begin.max_shard_id = 9;
    fed.unseen(command(begin));
    let unsound = |text: &str| format!("the restore contradicts itself: {text}");
    let nothing = unsound("a part of it belongs to nothing");
    fed.denied(part(1, 0, vec![RestoreItem::Group(group(1))]), &nothing)
        .denied(
            part(1, 0, vec![bare("a"), RestoreItem::Group(group(1))]),
            &nothing,
        )
        .denied(
            part(1, 0, vec![bare("a"), bare("a")]),
            &unsound("\"a\" is in it twice"),
        );
    let policy = RestoreItem::Policy(rp("rp", 5..6));
    fed.denied(
        part(
            1,
            0,
            vec![bare("a"), policy.clone(), RestoreItem::Group(group(5))],
        ),
        &unsound("shard group 5 is in it twice"),
    );
    // Invariants are checked at the end, and a refused end leaves everything as it was.
    let beyond = RestoreItem::Group(group(10));
    fed.unseen(part(1, 0, vec![bare("a"), policy, beyond]));
    let broken = unsound(
        "invariant \"shard group ids are from 1 to the highest given out\" is broken: \
         ShardGroupId(10)",
    );
    fed.denied(commit(1, 1), &broken);
}
