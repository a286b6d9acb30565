//! A log entry and a catalog state of format 5: shards without owners, which are sought.

use influxdb_meta::base::{
    ClusterId, DurationNanos, LogId, Name, NodeId, ShardGroupId, ShardId, Text, UnixNanos,
};
use influxdb_meta::catalog::{
    Catalog, Cluster, DataNode, Database, RetentionPolicy, Shard, ShardGroup,
};
use influxdb_meta::machine::{Command, InternalCommand, Outcome, Stamped, apply};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::state as wire_state;

use super::super::{files, read};

const AT: UnixNanos = UnixNanos(1_764_000_000_000_000_000);
const ENTRY: &str = "compat/v5/entry-assign-owners.bin";
const STATE: &str = "compat/v5/state-seeking-owners.bin";

fn entry() -> Stamped {
    Stamped {
        at: AT,
        retention_autocreate: true,
        command: Command::Internal(InternalCommand::AssignOwners),
    }
}

/// A cluster with one data node and a restored shard.
fn seeking() -> Catalog {
    let mut catalog = Catalog {
        term: 3,
        index: 41,
        content_index: 40,
        last_at: AT,
        cluster: Some(Cluster {
            id: ClusterId([0xc1; 16]),
            name: "prod".to_owned(),
            with_secret: false,
            feature_level: 5,
        }),
        max_node_id: 4,
        max_shard_group_id: 12,
        max_shard_id: 13,
        owners_sought_since: Some(UnixNanos(AT.0 - 1)),
        ..Catalog::default()
    };
    let node = DataNode {
        id: NodeId(4),
        http: Text::from("d:8086"),
        tcp: Text::from("d:8088"),
        labels: Default::default(),
    };
    catalog.data_nodes.insert(node.id, node);
    let group = ShardGroup {
        id: ShardGroupId(12),
        start: UnixNanos(0),
        end: UnixNanos(5),
        deleted_at: None,
        truncated_at: None,
        shards: vec![Shard {
            id: ShardId(13),
            owners: Vec::new(),
        }],
    };
    let policy = RetentionPolicy {
        name: Name::from("rp"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos::HOUR,
        replica_n: 1,
        shard_groups: [group].into_iter().collect(),
        subscriptions: Vec::new(),
    };
    catalog.replace_databases([Database {
        name: Name::from("db"),
        default_retention_policy: Name::from("rp"),
        retention_policies: vec![policy],
        continuous_queries: Vec::new(),
    }]);
    catalog
}

#[test]
fn the_entry_of_format_5_is_read_and_written() {
    let bytes = read(ENTRY);
    let written = envelope::encode(AT, true, &Body::from(entry().command));
    assert_eq!(
        written.escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
    assert_eq!(envelope::decode(&bytes), Ok(entry()));
}

/// A node that starts from this snapshot ends the search as the others do.
#[test]
fn the_state_of_format_5_is_read_and_the_search_ends() {
    let bytes = read(STATE);
    assert_eq!(
        wire_state::encode(&seeking()).escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
    let mut catalog = wire_state::decode(&bytes).expect("a state");
    assert_eq!(catalog, seeking());
    let log_id = LogId { term: 3, index: 42 };
    assert_eq!(
        apply(&mut catalog, log_id, &entry()),
        Outcome::Applied { index: 42 }
    );
    let shard = catalog.shard(ShardId(13)).expect("a shard").shard;
    assert_eq!(shard.owners, [NodeId(4)]);
    assert_eq!(catalog.owners_sought_since, None);
    assert_eq!(catalog.check(), Ok(()));
}

#[test]
fn no_frozen_file_is_left_out() {
    let frozen = files("compat/v5", ".bin").into_iter().map(|(path, _)| path);
    assert_eq!(frozen.collect::<Vec<_>>(), [ENTRY, STATE]);
}
