//! Short constructors of commands.

use super::*;

pub(super) fn new_policy(
    name: &str,
    duration: i64,
    shard_group_duration: i64,
    replica_n: u32,
) -> NewRetentionPolicy {
    NewRetentionPolicy {
        name: Name::from(name),
        duration: DurationNanos(duration),
        shard_group_duration: DurationNanos(shard_group_duration),
        replica_n,
    }
}

pub(super) fn create_database(name: &str) -> Command {
    Command::Wire(WireCommand::CreateDatabase {
        name: Name::from(name),
        retention_policy: None,
    })
}

pub(super) fn create_database_with(name: &str, policy: NewRetentionPolicy) -> Command {
    Command::Wire(WireCommand::CreateDatabase {
        name: Name::from(name),
        retention_policy: Some(policy),
    })
}

pub(super) fn create_policy(database: &str, policy: NewRetentionPolicy, default: bool) -> Command {
    Command::Wire(WireCommand::CreateRetentionPolicy {
        database: Name::from(database),
        policy,
        default,
    })
}

pub(super) fn drop_policy(database: &str, name: &str) -> Command {
    Command::Wire(WireCommand::DropRetentionPolicy {
        database: Name::from(database),
        name: Name::from(name),
    })
}

pub(super) fn set_default(database: &str, name: &str) -> Command {
    Command::Wire(WireCommand::SetDefaultRetentionPolicy {
        database: Name::from(database),
        name: Name::from(name),
    })
}

pub(super) fn drop_database(name: &str) -> Command {
    Command::Wire(WireCommand::DropDatabase {
        name: Name::from(name),
    })
}

/// Address of data node `id`: `data-2:8088` for 2.
pub(super) fn tcp(id: u64) -> Text {
    Text::from(&format!("data-{id}:8088"))
}

pub(super) fn http(id: u64) -> Text {
    Text::from(&format!("data-{id}:8086"))
}

pub(crate) fn create_data_node(id: u64) -> Command {
    Command::Wire(WireCommand::CreateDataNode {
        http: http(id),
        tcp: tcp(id),
    })
}

pub(super) fn create_group(at: i64) -> Command {
    create_group_in("db", "rp", at)
}

pub(super) fn create_group_in(database: &str, policy: &str, at: i64) -> Command {
    let (database, policy) = (Name::from(database), Name::from(policy));
    Command::Wire(WireCommand::CreateShardGroup {
        database,
        policy,
        at: UnixNanos(at),
    })
}

pub(super) fn delete_group(id: u64) -> Command {
    delete_group_in("db", "rp", id)
}

pub(super) fn delete_group_in(database: &str, policy: &str, id: u64) -> Command {
    let (database, policy) = (Name::from(database), Name::from(policy));
    Command::Wire(WireCommand::DeleteShardGroup {
        database,
        policy,
        id: ShardGroupId(id),
    })
}

pub(super) fn truncate(at: i64) -> Command {
    Command::Wire(WireCommand::TruncateShardGroups { at: UnixNanos(at) })
}

pub(super) fn copy(shard: u64, node: u64) -> ShardCopy {
    ShardCopy {
        shard: ShardId(shard),
        node: NodeId(node),
    }
}

pub(super) fn create_user(name: &str, hash: &str, admin: bool) -> Command {
    Command::Wire(WireCommand::CreateUser(CreateUser {
        name: Name::from(name),
        hash: Text::from(hash),
        admin,
    }))
}

pub(super) fn set_passive(id: u64, passive: bool) -> Command {
    Command::Internal(InternalCommand::SetPassive {
        tcp: tcp(id),
        passive,
    })
}

/// An update that changes nothing yet.
pub(super) fn update(database: &str, name: &str) -> UpdateRetentionPolicy {
    UpdateRetentionPolicy {
        database: Name::from(database),
        name: Name::from(name),
        new_name: None,
        duration: None,
        replica_n: None,
        shard_group_duration: None,
        default: false,
    }
}

pub(crate) fn found(n: u8) -> Found {
    let founder = |k: u8| Founder {
        incarnation: Incarnation([k; 16]),
        http: Address::new(&format!("meta-{k}"), 8091),
        raft: Address::new(&format!("meta-{k}"), 8089),
    };
    Found {
        cluster_id: ClusterId([0xc1; 16]),
        name: "prod".to_owned(),
        founders: (1..=n).map(founder).collect(),
        with_secret: false,
        feature_level: 1,
    }
}
