//! The frozen entries.

use influxdb_meta::base::{Name, NodeId, ShardGroupId, ShardId, Text, UnixNanos};
use influxdb_meta::catalog::{ContinuousQuery, Named, Ordered, Subscription};
use influxdb_meta::machine::{
    Command, CreateUser, InternalCommand, SetData, ShardCopy, WireCommand,
};

use super::state::full_state;

/// Each command, with and without optional fields, in an order in which all but the restore
/// succeed.
pub(super) fn entries() -> Vec<(&'static str, Command)> {
    let mut all = of_shards();
    all.extend(of_queries_and_users());
    all.extend(of_nodes());
    all
}

fn of_shards() -> Vec<(&'static str, Command)> {
    let (database, policy) = (|| Name::from("db"), || Name::from("rp"));
    let copy = |shard, node| ShardCopy {
        shard: ShardId(shard),
        node: NodeId(node),
    };
    let group = |at| {
        Command::Wire(WireCommand::CreateShardGroup {
            database: database(),
            policy: policy(),
            at: UnixNanos(at),
        })
    };
    vec![
        (
            "entry-create-shard-group.bin",
            group(1_700_000_000_000_000_000),
        ),
        (
            "entry-create-shard-group-before-the-epoch.bin",
            group(i64::MIN),
        ),
        (
            "entry-delete-shard-group.bin",
            Command::Wire(WireCommand::DeleteShardGroup {
                database: database(),
                policy: policy(),
                id: ShardGroupId(7),
            }),
        ),
        (
            "entry-truncate-shard-groups.bin",
            Command::Wire(WireCommand::TruncateShardGroups { at: UnixNanos(-1) }),
        ),
        (
            "entry-prune-shard-groups.bin",
            Command::Wire(WireCommand::PruneShardGroups),
        ),
        (
            "entry-drop-shard.bin",
            Command::Wire(WireCommand::DropShard { id: ShardId(5) }),
        ),
        (
            "entry-copy-shard-owner.bin",
            Command::Wire(WireCommand::CopyShardOwner(copy(9, 3))),
        ),
        (
            "entry-remove-shard-owner.bin",
            Command::Wire(WireCommand::RemoveShardOwner(copy(9, 3))),
        ),
        (
            "entry-remove-shard-copy.bin",
            Command::Internal(InternalCommand::RemoveShardCopy {
                copy: copy(7, 5),
                force: false,
            }),
        ),
        (
            "entry-remove-shard-copy-by-force.bin",
            Command::Internal(InternalCommand::RemoveShardCopy {
                copy: copy(3, 5),
                force: true,
            }),
        ),
    ]
}

fn of_queries_and_users() -> Vec<(&'static str, Command)> {
    let (database, policy) = (|| Name::from("db"), || Name::from("rp"));
    let user = || Name::from(b"u\xff");
    let query = ContinuousQuery {
        name: Name::from("q"),
        query: Text::from(b"SELECT \xff"),
    };
    let subscription = |name: &str, destinations: &[&str]| {
        Command::Wire(WireCommand::CreateSubscription {
            database: database(),
            policy: policy(),
            subscription: Subscription {
                name: Name::from(name),
                mode: Text::from("ANY"),
                destinations: destinations.iter().map(Text::from).collect(),
            },
        })
    };
    let create_user = CreateUser {
        name: user(),
        hash: Text::from("$2a$10$hash"),
        admin: true,
    };
    vec![
        (
            "entry-create-continuous-query.bin",
            Command::Wire(WireCommand::CreateContinuousQuery {
                database: database(),
                query,
            }),
        ),
        (
            "entry-drop-continuous-query.bin",
            Command::Wire(WireCommand::DropContinuousQuery {
                database: database(),
                name: Name::from("q"),
            }),
        ),
        (
            "entry-create-subscription.bin",
            subscription("t", &["udp://h:1", "https://h:2"]),
        ),
        (
            "entry-create-subscription-to-nowhere.bin",
            subscription("v", &[]),
        ),
        (
            "entry-drop-subscription.bin",
            Command::Wire(WireCommand::DropSubscription {
                database: database(),
                policy: policy(),
                name: Name::from("t"),
            }),
        ),
        (
            "entry-create-user.bin",
            Command::Wire(WireCommand::CreateUser(create_user)),
        ),
        (
            "entry-update-user.bin",
            Command::Wire(WireCommand::UpdateUser {
                name: user(),
                hash: Text::from("other"),
            }),
        ),
        (
            "entry-set-privilege.bin",
            Command::Wire(WireCommand::SetPrivilege {
                user: user(),
                database: database(),
                privilege: -1,
            }),
        ),
        (
            "entry-set-admin-privilege.bin",
            Command::Wire(WireCommand::SetAdminPrivilege {
                user: user(),
                admin: false,
            }),
        ),
        (
            "entry-drop-user.bin",
            Command::Wire(WireCommand::DropUser { name: user() }),
        ),
    ]
}

fn of_nodes() -> Vec<(&'static str, Command)> {
    let (http, tcp) = (|| Text::from("data-6:8086"), || Text::from("data-6:8088"));
    let lease = Name::from("continuous_querier");
    let state = full_state();
    let restore = SetData {
        index: 7,
        // As read from the wire: their insertion numbers begin with 0.
        databases: anew(state.databases.iter().cloned()),
        users: anew(state.users.iter().cloned()),
        max_shard_group_id: 20,
        max_shard_id: 21,
    };
    vec![
        (
            "entry-create-data-node.bin",
            Command::Wire(WireCommand::CreateDataNode {
                http: http(),
                tcp: tcp(),
            }),
        ),
        (
            "entry-update-data-node.bin",
            Command::Wire(WireCommand::UpdateDataNode {
                id: NodeId(12),
                http: http(),
                tcp: Text::from(b"\xff:8088"),
            }),
        ),
        (
            "entry-set-passive.bin",
            Command::Internal(InternalCommand::SetPassive {
                tcp: tcp(),
                passive: true,
            }),
        ),
        (
            "entry-set-active.bin",
            Command::Internal(InternalCommand::SetPassive {
                tcp: tcp(),
                passive: false,
            }),
        ),
        (
            "entry-remove-data-node.bin",
            Command::Internal(InternalCommand::RemoveDataNode {
                id: NodeId(12),
                force: false,
            }),
        ),
        (
            "entry-remove-data-node-by-force.bin",
            Command::Internal(InternalCommand::RemoveDataNode {
                id: NodeId(5),
                force: true,
            }),
        ),
        (
            "entry-delete-data-node.bin",
            Command::Wire(WireCommand::DeleteDataNode { id: NodeId(4) }),
        ),
        (
            "entry-set-lease-holder.bin",
            Command::Internal(InternalCommand::SetLeaseHolder {
                lease,
                holder: NodeId(3),
                term: 3,
            }),
        ),
        (
            "entry-set-data.bin",
            Command::Wire(WireCommand::SetData(Box::new(restore))),
        ),
    ]
}

fn anew<T: Named>(entries: impl Iterator<Item = T>) -> Ordered<T> {
    let mut all = Ordered::default();
    all.replace_all(entries);
    all
}
