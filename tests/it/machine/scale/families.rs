//! One command of each family, where the catalog is biggest: in the database with most groups, or
//! among most databases.

use std::collections::{BTreeMap, BTreeSet};

use influxdb_meta::base::RaftId;
use influxdb_meta::catalog::{ContinuousQuery, RemovedWhy, Subscription};
use influxdb_meta::machine::{
    AddMetaNode, AllocateRaftId, MoveMetaNode, Removal, RemoveMetaNode, SetLabels,
};

use super::*;

/// Number of the database with most groups.
pub const DEEP: usize = 3;

type Families = Vec<(&'static str, Command)>;

/// Commands in an order in which each of them succeeds.
pub fn families(catalog: &Catalog) -> Families {
    let middle = format!("db{}", catalog.databases.len() / 2);
    [
        databases(&middle),
        policies(&middle),
        shard_groups(catalog),
        users(&middle),
        data_nodes(),
        meta_nodes(),
    ]
    .concat()
}

fn databases(middle: &str) -> Families {
    let query = ContinuousQuery {
        name: Name::from("q"),
        query: Text::from("SELECT 1"),
    };
    let (database, name) = (Name::from(middle), Name::from("q"));
    vec![
        (
            "CreateDatabase",
            create_database_with("new", new_policy("rp", 0, HOUR, 1)),
        ),
        ("CreateDatabase, there", create_database(middle)),
        (
            "CreateContinuousQuery",
            Command::Wire(WireCommand::CreateContinuousQuery {
                database: database.clone(),
                query,
            }),
        ),
        (
            "DropContinuousQuery",
            Command::Wire(WireCommand::DropContinuousQuery { database, name }),
        ),
        ("DropDatabase", drop_database("new")),
    ]
}

fn policies(middle: &str) -> Families {
    let deep = format!("db{DEEP}");
    let (database, policy) = (Name::from(&deep), Name::from("rp"));
    let (name, mode) = (Name::from("s"), Text::from("ALL"));
    let subscription = Subscription {
        name: name.clone(),
        mode,
        destinations: vec![Text::from("udp://h:1")],
    };
    let altered = UpdateRetentionPolicy {
        duration: Some(DurationNanos(WEEK)),
        ..update(&deep, "rp")
    };
    vec![
        (
            "CreateRetentionPolicy",
            create_policy(middle, new_policy("other", 0, HOUR, 1), false),
        ),
        (
            "CreateRetentionPolicy, deep",
            create_policy(&deep, new_policy("other", 0, HOUR, 1), false),
        ),
        ("SetDefaultRetentionPolicy", set_default(&deep, "other")),
        (
            "UpdateRetentionPolicy",
            Command::Wire(WireCommand::UpdateRetentionPolicy(altered.clone())),
        ),
        (
            "UpdateRetentionPolicy, same",
            Command::Wire(WireCommand::UpdateRetentionPolicy(altered)),
        ),
        ("DropRetentionPolicy", drop_policy(&deep, "other")),
        (
            "CreateSubscription",
            Command::Wire(WireCommand::CreateSubscription {
                database: database.clone(),
                policy: policy.clone(),
                subscription,
            }),
        ),
        (
            "DropSubscription",
            Command::Wire(WireCommand::DropSubscription {
                database,
                policy,
                name,
            }),
        ),
    ]
}

fn shard_groups(catalog: &Catalog) -> Families {
    let deep = format!("db{DEEP}");
    let policy = catalog
        .databases
        .get(&Name::from(&deep))
        .and_then(|deep| deep.retention_policy(&Name::from("rp")));
    let groups: Vec<&ShardGroup> = policy.expect("rp").shard_groups.iter().collect();
    if groups.is_empty() {
        return vec![("CreateShardGroup", create_group_in(&deep, "rp", 0))];
    }
    let at = groups.len() / 2;
    let (shard, owner) = (groups[at].shards[0].id.0, groups[at].shards[0].owners[0].0);
    let other = (2..6)
        .find(|id| !groups[at].shards[0].owners.contains(&NodeId(*id)))
        .expect("a node without it");
    let end = groups[groups.len() - 1].end.0;
    vec![
        ("CreateShardGroup", create_group_in(&deep, "rp", end)),
        ("CreateShardGroup, there", create_group_in(&deep, "rp", 0)),
        (
            "CopyShardOwner",
            Command::Wire(WireCommand::CopyShardOwner(copy(shard, other))),
        ),
        (
            "RemoveShardOwner",
            Command::Wire(WireCommand::RemoveShardOwner(copy(shard, other))),
        ),
        (
            "RemoveShardCopy",
            Command::Internal(InternalCommand::RemoveShardCopy {
                copy: copy(shard, owner),
                force: true,
            }),
        ),
        (
            "DropShard",
            Command::Wire(WireCommand::DropShard {
                id: groups[at].shards[1].id,
            }),
        ),
        (
            "DeleteShardGroup",
            delete_group_in(&deep, "rp", groups[at + 1].id.0),
        ),
        ("TruncateShardGroups", truncate(end + HOUR / 2)),
        (
            "PruneShardGroups",
            Command::Wire(WireCommand::PruneShardGroups),
        ),
    ]
}

fn users(middle: &str) -> Families {
    let (name, user, database) = (Name::from("u"), Name::from("u"), Name::from(middle));
    vec![
        ("CreateUser", create_user("u", "hash", false)),
        (
            "UpdateUser",
            Command::Wire(WireCommand::UpdateUser {
                name: name.clone(),
                hash: Text::from("other"),
            }),
        ),
        (
            "SetPrivilege",
            Command::Wire(WireCommand::SetPrivilege {
                user: user.clone(),
                database,
                privilege: 1,
            }),
        ),
        (
            "SetAdminPrivilege",
            Command::Wire(WireCommand::SetAdminPrivilege { user, admin: true }),
        ),
        ("DropUser", Command::Wire(WireCommand::DropUser { name })),
    ]
}

fn data_nodes() -> Families {
    let id = NodeId(6);
    vec![
        ("CreateDataNode", create_data_node(6)),
        (
            "UpdateDataNode",
            Command::Wire(WireCommand::UpdateDataNode {
                id,
                http: http(7),
                tcp: tcp(7),
            }),
        ),
        ("SetPassive", set_passive(7, true)),
        (
            "RemoveDataNode",
            Command::Internal(InternalCommand::RemoveDataNode { id, force: false }),
        ),
        ("CreateDataNode, again", create_data_node(7)),
        (
            "DeleteDataNode",
            Command::Wire(WireCommand::DeleteDataNode { id: NodeId(7) }),
        ),
    ]
}

fn meta_nodes() -> Families {
    let (http, raft) = (Address::new("meta-2", 8091), Address::new("meta-2", 8089));
    let asked = AllocateRaftId {
        incarnation: Incarnation([2; 16]),
        http,
        raft,
        voter: true,
    };
    let raft_id = RaftId(2);
    let to = MoveMetaNode {
        raft_id,
        http: Address::new("meta-3", 8091),
        raft: Address::new("meta-3", 8089),
    };
    let tombstone = Some(Removal {
        why: RemovedWhy::Removed,
        by: "a test".to_owned(),
    });
    let label = BTreeMap::from([("rack".to_owned(), "1".to_owned())]);
    let (lease, holder) = (Name::from("continuous_querier"), NodeId(2));
    vec![
        (
            "AllocateRaftId",
            Command::Internal(InternalCommand::AllocateRaftId(asked)),
        ),
        (
            "AddMetaNode",
            Command::Internal(InternalCommand::AddMetaNode(AddMetaNode {
                raft_id,
                replaces: None,
            })),
        ),
        (
            "MoveMetaNode",
            Command::Internal(InternalCommand::MoveMetaNode(to)),
        ),
        (
            "RemoveMetaNode",
            Command::Internal(InternalCommand::RemoveMetaNode(RemoveMetaNode {
                raft_id,
                tombstone,
            })),
        ),
        (
            "SetLabels",
            Command::Internal(InternalCommand::SetLabels(SetLabels {
                node_id: NodeId(1),
                set: label,
                delete: BTreeSet::new(),
            })),
        ),
        (
            "SetLeaseHolder",
            Command::Internal(InternalCommand::SetLeaseHolder {
                lease,
                holder,
                term: 2,
            }),
        ),
        (
            "RaiseFeatureLevel",
            Command::Internal(InternalCommand::RaiseFeatureLevel { level: DATA_LEVEL }),
        ),
        (
            "RequireSecret",
            Command::Internal(InternalCommand::RequireSecret),
        ),
        ("RepairTime", Command::Internal(InternalCommand::RepairTime)),
        ("Found", Command::Internal(InternalCommand::Found(found(1)))),
    ]
}
