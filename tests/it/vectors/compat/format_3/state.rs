//! The frozen catalog.

use influxdb_meta::base::{
    Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, ShardGroupId, ShardId,
    Text, UnixNanos,
};
use influxdb_meta::catalog::{
    Catalog, Cluster, ContinuousQuery, DataNode, Database, MetaNode, RetentionPolicy, Shard,
    ShardGroup, Subscription, User,
};

const DAY: i64 = DurationNanos::DAY.0;

/// A catalog where every field that format 3 added has a value of its own.
pub(super) fn full_state() -> Catalog {
    let mut catalog = Catalog {
        term: 3,
        index: 41,
        content_index: 40,
        last_at: super::AT,
        cluster: Some(Cluster {
            id: ClusterId([0xc1; 16]),
            name: "prod".to_owned(),
            with_secret: true,
            feature_level: 3,
        }),
        passive: ["data-4:8088", "to-come:8088"]
            .iter()
            .map(Text::from)
            .collect(),
        removed_data_nodes: ["data-9:8088"].iter().map(Text::from).collect(),
        leases: [("continuous_querier", 3), ("\u{e9}", 0)]
            .into_iter()
            .map(|(name, holder)| (Name::from(name), NodeId(holder)))
            .collect(),
        max_node_id: 11,
        max_shard_group_id: 12,
        max_shard_id: 13,
        max_raft_id: 14,
        ..Catalog::default()
    };
    catalog.meta_nodes.insert(NodeId(1), meta_node());
    for id in [3, 4, 5].map(NodeId) {
        catalog.data_nodes.insert(id, data_node(id));
    }
    for name in ["gone", "db", "b\u{e9}"] {
        catalog.databases.insert(database(name));
        catalog.users.insert(user(name));
    }
    catalog.databases.remove(&Name::from("gone"));
    catalog.users.remove(&Name::from("gone"));
    for group in groups() {
        catalog.put_shard_group(&Name::from("db"), &Name::from("rp"), group);
    }
    catalog
}

fn meta_node() -> MetaNode {
    MetaNode {
        id: NodeId(1),
        http: Address::new("meta-1", 8091),
        raft: Address::new("meta-1", 8089),
        raft_id: RaftId(2),
        incarnation: Incarnation([1; 16]),
        voter: true,
        labels: Default::default(),
    }
}

/// Data nodes: one with labels, one whose address is not text.
fn data_node(id: NodeId) -> DataNode {
    let http = if id.0 == 5 {
        Text::from(b"\xff")
    } else {
        Text::from(&format!("data-{id}:8086"))
    };
    let labels: &[(&str, &str)] = if id.0 == 3 {
        &[("az", ""), ("rack", "r\u{e9}1")]
    } else {
        &[]
    };
    DataNode {
        id,
        http,
        tcp: Text::from(&format!("data-{id}:8088")),
        labels: labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn database(name: &str) -> Database {
    let policy = |name: &str| RetentionPolicy {
        name: Name::from(name),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos::DAY,
        replica_n: 2,
        shard_groups: Default::default(),
        subscriptions: vec![
            Subscription {
                name: Name::from("s"),
                mode: Text::from("ALL"),
                destinations: ["udp://h:9", "http://h:9/\u{e9}"]
                    .iter()
                    .map(Text::from)
                    .collect(),
            },
            Subscription {
                name: Name::default(),
                mode: Text::default(),
                destinations: Vec::new(),
            },
        ],
    };
    let query = |name: &str, query: &[u8]| ContinuousQuery {
        name: Name::from(name),
        query: Text::from(query),
    };
    Database {
        name: Name::from(name),
        default_retention_policy: Name::from("rp"),
        retention_policies: vec![policy("rp"), policy("other")],
        continuous_queries: vec![query("z", b"SELECT \xff"), query("a", b"")],
    }
}

fn user(name: &str) -> User {
    let privileges: &[(&str, i32)] = if name == "db" {
        &[("b", -1), ("db", 3), ("gone", 0)]
    } else {
        &[]
    };
    User {
        name: Name::from(name),
        hash: Text::from("$2a$10$hash"),
        admin: name == "db",
        privileges: privileges
            .iter()
            .map(|(name, privilege)| (Name::from(name), *privilege))
            .collect(),
        beyond: Default::default(),
    }
}

/// Shard groups before the epoch, across it, truncated, empty, deleted, without owners; not in the
/// order of their ids.
fn groups() -> Vec<ShardGroup> {
    let shard = |(id, owners): &(u64, &[u64])| Shard {
        id: ShardId(*id),
        owners: owners.iter().copied().map(NodeId).collect(),
    };
    let group = |id, start: i64, end: i64, shards: &[(u64, &[u64])]| ShardGroup {
        id: ShardGroupId(id),
        start: UnixNanos(start),
        end: UnixNanos(end),
        deleted_at: None,
        truncated_at: None,
        shards: shards.iter().map(shard).collect(),
    };
    vec![
        group(7, -2 * DAY, -DAY, &[(1, &[3, 4]), (2, &[5, 4])]),
        ShardGroup {
            truncated_at: Some(UnixNanos(-1)),
            ..group(2, -DAY, DAY, &[(3, &[5])])
        },
        ShardGroup {
            truncated_at: Some(UnixNanos(DAY)),
            ..group(6, DAY, 2 * DAY, &[(5, &[3])])
        },
        group(3, DAY, 2 * DAY, &[(9, &[4]), (8, &[])]),
        ShardGroup {
            deleted_at: Some(UnixNanos(77)),
            ..group(1, DAY, 3 * DAY, &[(4, &[4]), (6, &[])])
        },
        ShardGroup {
            deleted_at: Some(UnixNanos(-78)),
            ..group(4, 0, 1, &[])
        },
        group(5, 2 * DAY, i64::MAX, &[(7, &[3, 5, 4])]),
    ]
}
