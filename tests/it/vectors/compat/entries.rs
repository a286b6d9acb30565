//! Log entries and catalog states of format 1.

use influxdb_meta::base::{
    Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, UnixNanos,
};
use influxdb_meta::catalog::{
    Catalog, Cluster, Database, MetaNode, Pending, RemovedWhy, RetentionPolicy, Tombstone,
};
use influxdb_meta::machine::{
    Command, Found, Founder, InternalCommand, NewRetentionPolicy, Stamped, WireCommand,
};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::state;

use super::super::read;

#[test]
fn entries_of_format_1_are_read() {
    for (file, want) in entries() {
        assert_eq!(
            envelope::decode(&read(&format!("compat/v1/{file}"))),
            Ok(want),
            "{file}"
        );
    }
}

#[test]
fn the_state_of_format_1_is_read() {
    assert_eq!(
        state::decode(&read("compat/v1/state-full.bin")),
        Ok(full_state())
    );
    assert_eq!(
        state::decode(&read("compat/v1/state-fresh.bin")),
        Ok(Catalog::default())
    );
}

/// A newer format is used only for what this one has no place for.
#[test]
fn format_1_is_what_is_written() {
    for (file, stamped) in entries() {
        let Stamped {
            at,
            retention_autocreate,
            command,
        } = stamped;
        let body = Body::from(command);
        let written = envelope::encode(at, retention_autocreate, &body);
        assert_eq!(
            hex::encode(written),
            hex::encode(read(&format!("compat/v1/{file}"))),
            "{file}"
        );
    }
    for (file, catalog) in [
        ("state-full.bin", full_state()),
        ("state-fresh.bin", Catalog::default()),
    ] {
        let frozen = read(&format!("compat/v1/{file}"));
        assert_eq!(
            hex::encode(state::encode(&catalog)),
            hex::encode(frozen),
            "{file}"
        );
    }
}

fn entries() -> Vec<(&'static str, Stamped)> {
    let create_database = Command::Wire(WireCommand::CreateDatabase {
        name: Name::from("db"),
        retention_policy: Some(NewRetentionPolicy {
            name: Name::from(b"rp\xff"),
            duration: DurationNanos(0),
            shard_group_duration: DurationNanos::DAY,
            replica_n: 2,
        }),
    });
    let founder = |k: u8| Founder {
        incarnation: Incarnation([k; 16]),
        http: Address::new(&format!("meta-{k}"), 8091),
        raft: Address::new(&format!("meta-{k}"), 8089),
    };
    let found = Command::Internal(InternalCommand::Found(Found {
        cluster_id: ClusterId([0xc1; 16]),
        name: "prod".to_owned(),
        founders: (1..=3).map(founder).collect(),
        with_secret: true,
        feature_level: 1,
    }));
    let stamped = |at, retention_autocreate, command| Stamped {
        at,
        retention_autocreate,
        command,
    };
    vec![
        (
            "entry-wire.bin",
            stamped(UnixNanos(1_732_450_000_000_000_000), true, create_database),
        ),
        ("entry-found.bin", stamped(UnixNanos(-1), false, found)),
    ]
}

/// A catalog where every field has a value of its own.
fn full_state() -> Catalog {
    let mut catalog = Catalog {
        term: 3,
        index: 41,
        last_at: UnixNanos(1_732_450_000_000_000_000),
        cluster: Some(Cluster {
            id: ClusterId([0xc1; 16]),
            name: "prod".to_owned(),
            with_secret: true,
            feature_level: 2,
        }),
        max_node_id: 11,
        max_shard_group_id: 12,
        max_shard_id: 13,
        max_raft_id: 14,
        ..Catalog::default()
    };
    let node = MetaNode {
        id: NodeId(1),
        http: Address::new("meta-1", 8091),
        raft: Address::new("fd00::1", 8089),
        raft_id: RaftId(4),
        incarnation: Incarnation([1; 16]),
        voter: true,
        labels: Default::default(),
    };
    catalog.meta_nodes.insert(node.id, node);
    let pending = Pending {
        raft_id: RaftId(5),
        incarnation: Incarnation([2; 16]),
        http: Address::new("meta-2", 8091),
        raft: Address::new("meta-2", 8089),
        voter: true,
    };
    catalog.pendings.insert(pending.incarnation, pending);
    let whys = [
        RemovedWhy::Removed,
        RemovedWhy::Replaced,
        RemovedWhy::Unseen,
        RemovedWhy::Restored,
    ];
    for (k, why) in (3u8..).zip(whys) {
        let incarnation = Incarnation([k; 16]);
        let tombstone = Tombstone {
            incarnation,
            raft_id: RaftId(u64::from(k) + 3),
            why,
            at: UnixNanos(k.into()),
            by: String::new(),
        };
        catalog.tombstones.insert(incarnation, tombstone);
    }
    for name in ["first", "gone", "last"] {
        catalog.databases.insert(database(name));
    }
    catalog.databases.remove(&Name::from("gone"));
    catalog
}

fn database(name: &str) -> Database {
    let policy = |name: &[u8], duration| RetentionPolicy {
        name: Name::from(name),
        duration: DurationNanos(duration),
        shard_group_duration: DurationNanos::DAY,
        replica_n: 2,
        shard_groups: Default::default(),
        subscriptions: Vec::new(),
    };
    Database {
        name: Name::from(name),
        default_retention_policy: Name::from("dangling"),
        retention_policies: vec![policy(b"rp\xff", 0), policy(b"b", -1)],
        continuous_queries: Vec::new(),
    }
}
