//! Log entries and a catalog state of format 4: the requirement of the secret, the repair of the
//! time, and a restore in parts.

use influxdb_meta::base::{DurationNanos, LogId, Name, NodeId, ShardGroupId, ShardId, UnixNanos};
use influxdb_meta::catalog::{
    Catalog, Cluster, ContinuousQuery, Database, RetentionPolicy, Shard, ShardGroup, Subscription,
    User,
};
use influxdb_meta::machine::{
    AddRestorePart, BeginRestore, Command, InternalCommand, Outcome, RestoreItem, RestoreRef,
    Stamped, apply,
};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::state as wire_state;

use super::super::{files, read};

const AT: UnixNanos = UnixNanos(1_764_000_000_000_000_000);
const ID: u64 = 0x0102_0304_0506_0708;

fn entries() -> Vec<(&'static str, Command)> {
    let of = RestoreRef { id: ID, parts: 0 };
    let part = AddRestorePart { of, items: items() };
    let begin = BeginRestore {
        id: ID,
        index: 41,
        max_shard_group_id: 12,
        max_shard_id: 13,
    };
    let after = RestoreRef { id: ID, parts: 1 };
    let commands = [
        (
            "entry-begin-restore.bin",
            InternalCommand::BeginRestore(begin),
        ),
        (
            "entry-add-restore-part.bin",
            InternalCommand::AddRestorePart(part),
        ),
        (
            "entry-commit-restore.bin",
            InternalCommand::CommitRestore(after),
        ),
        (
            "entry-abandon-restore.bin",
            InternalCommand::AbandonRestore { id: u64::MAX },
        ),
        ("entry-require-secret.bin", InternalCommand::RequireSecret),
        ("entry-repair-time.bin", InternalCommand::RepairTime),
    ];
    commands
        .into_iter()
        .map(|(file, command)| (file, Command::Internal(command)))
        .collect()
}

/// Items of each kind.
fn items() -> Vec<RestoreItem> {
    let database = Database {
        name: Name::from("db"),
        default_retention_policy: Name::from("rp"),
        retention_policies: Vec::new(),
        continuous_queries: Vec::new(),
    };
    let policy = RetentionPolicy {
        name: Name::from("rp"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos::HOUR,
        replica_n: 2,
        shard_groups: Default::default(),
        subscriptions: Vec::new(),
    };
    let group = ShardGroup {
        id: ShardGroupId(12),
        start: UnixNanos(-1),
        end: UnixNanos(5),
        deleted_at: None,
        truncated_at: Some(UnixNanos(4)),
        shards: vec![Shard {
            id: ShardId(13),
            owners: vec![NodeId(3)],
        }],
    };
    let subscription = Subscription {
        name: Name::from("s"),
        mode: (&"ANY").into(),
        destinations: vec![(&"udp://h:1").into()],
    };
    let query = ContinuousQuery {
        name: Name::from("cq"),
        query: (&"select").into(),
    };
    let user = User {
        name: Name::from("u"),
        hash: (&"h").into(),
        admin: true,
        privileges: [(Name::from("db"), 3)].into_iter().collect(),
        beyond: Default::default(),
    };
    vec![
        RestoreItem::Database(database),
        RestoreItem::Policy(policy),
        RestoreItem::Group(group),
        RestoreItem::Subscription(subscription),
        RestoreItem::Query(query),
        RestoreItem::User(user),
    ]
}

fn started() -> Catalog {
    Catalog {
        term: 3,
        index: 41,
        content_index: 40,
        last_at: AT,
        cluster: Some(Cluster {
            id: influxdb_meta::base::ClusterId([0xc1; 16]),
            name: "prod".to_owned(),
            with_secret: true,
            feature_level: 4,
        }),
        ..Catalog::default()
    }
}

/// The state in the middle of the restore.
fn half_restored() -> Catalog {
    let mut catalog = started();
    for (index, (file, command)) in (100..).zip(entries().into_iter().take(2)) {
        let stamped = Stamped {
            at: AT,
            retention_autocreate: true,
            command,
        };
        let outcome = apply(&mut catalog, LogId { term: 3, index }, &stamped);
        assert!(matches!(outcome, Outcome::Applied { .. }), "{file}");
    }
    catalog
}

#[test]
fn entries_of_format_4_are_read_and_written() {
    for (file, command) in entries() {
        let bytes = read(&format!("compat/v4/{file}"));
        let written = envelope::encode(AT, true, &Body::from(command.clone()));
        assert_eq!(
            written.escape_ascii().to_string(),
            bytes.escape_ascii().to_string(),
            "{file}"
        );
        let want = Stamped {
            at: AT,
            retention_autocreate: true,
            command,
        };
        assert_eq!(envelope::decode(&bytes), Ok(want), "{file}");
    }
}

/// A restore that is half done when a node starts from its snapshot is finished.
#[test]
fn the_state_of_format_4_is_read_and_the_restore_goes_on() {
    let bytes = read("compat/v4/state-restoring.bin");
    let half = half_restored();
    assert_eq!(
        wire_state::encode(&half).escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
    let mut catalog = wire_state::decode(&bytes).expect("a state");
    assert_eq!(catalog, half);
    let commit = read("compat/v4/entry-commit-restore.bin");
    let stamped = envelope::decode(&commit).expect("an entry");
    let log_id = LogId {
        term: 3,
        index: 102,
    };
    assert_eq!(
        apply(&mut catalog, log_id, &stamped),
        Outcome::Applied { index: 102 }
    );
    assert_eq!(catalog.check(), Ok(()));
    assert!(catalog.databases.get(&Name::from("db")).is_some());
    assert_eq!(catalog.restoring, None);
}

#[test]
fn no_frozen_file_is_left_out() {
    let mut named: Vec<_> = entries().into_iter().map(|(file, _)| file).collect();
    named.push("state-restoring.bin");
    named.sort_unstable();
    let named: Vec<_> = named
        .iter()
        .map(|file| format!("compat/v4/{file}"))
        .collect();
    let frozen = files("compat/v4", ".bin").into_iter().map(|(path, _)| path);
    assert_eq!(frozen.collect::<Vec<_>>(), named);
}
