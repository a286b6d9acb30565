//! Random commands about data nodes, shards, queries, subscriptions, users and leases.

use influxdb_meta::catalog::{ContinuousQuery, Subscription};

use super::*;

/// Few names and times, so that commands meet, and mostly existing ones.
pub(super) fn command(rng: &mut StdRng, catalog: &Catalog) -> Command {
    // A restore in parts meets few other commands, as in a real log.
    let is_restoring = catalog.restoring.is_some() && rng.random_ratio(3, 4);
    if is_restoring || rng.random_ratio(1, 40) {
        return Command::Internal(restore_parts::command(rng, catalog));
    }
    match rng.random_range(0..41) {
        40 => Command::Internal(InternalCommand::AssignOwners),
        0..=3 => Command::Wire(WireCommand::CreateDataNode {
            http: text(rng, "data"),
            tcp: tcp(rng),
        }),
        4 => Command::Wire(WireCommand::UpdateDataNode {
            id: data_node(rng, catalog),
            http: text(rng, "data"),
            tcp: tcp(rng),
        }),
        5 => Command::Wire(WireCommand::DeleteDataNode {
            id: data_node(rng, catalog),
        }),
        6 => Command::Internal(InternalCommand::RemoveDataNode {
            id: data_node(rng, catalog),
            force: rng.random_ratio(1, 4),
        }),
        7 => Command::Internal(InternalCommand::SetPassive {
            tcp: tcp(rng),
            passive: rng.random_ratio(1, 3),
        }),
        8..=9 => Command::Wire(WireCommand::CreateContinuousQuery {
            database: name(rng),
            query: query(rng),
        }),
        10 => Command::Wire(WireCommand::DropContinuousQuery {
            database: name(rng),
            name: name(rng),
        }),
        11..=12 => Command::Wire(WireCommand::CreateSubscription {
            database: name(rng),
            policy: policy_name(rng, catalog),
            subscription: subscription(rng),
        }),
        13 => Command::Wire(WireCommand::DropSubscription {
            database: name(rng),
            policy: policy_name(rng, catalog),
            name: name(rng),
        }),
        14..=16 => Command::Wire(WireCommand::CreateUser(CreateUser {
            name: name(rng),
            hash: text(rng, "hash"),
            admin: rng.random(),
        })),
        17 => Command::Wire(WireCommand::DropUser { name: name(rng) }),
        18 => Command::Wire(WireCommand::UpdateUser {
            name: name(rng),
            hash: text(rng, "hash"),
        }),
        19..=20 => Command::Wire(WireCommand::SetPrivilege {
            user: name(rng),
            database: name(rng),
            privilege: rng.random_range(-1..4),
        }),
        21 => Command::Wire(WireCommand::SetAdminPrivilege {
            user: name(rng),
            admin: rng.random(),
        }),
        22 => Command::Internal(InternalCommand::SetLeaseHolder {
            lease: name(rng),
            holder: NodeId(rng.random_range(0..4)),
            term: catalog.term + u64::from(rng.random_ratio(1, 5)),
        }),
        23 => Command::Wire(WireCommand::SetData(Box::new(restore::set_data(
            rng, catalog,
        )))),
        _ => shards(rng, catalog),
    }
}

fn shards(rng: &mut StdRng, catalog: &Catalog) -> Command {
    let copy = |rng: &mut StdRng| ShardCopy {
        shard: shard(rng, catalog),
        node: data_node(rng, catalog),
    };
    match rng.random_range(0..16) {
        0..=6 => {
            let (database, policy) = place(rng, catalog);
            Command::Wire(WireCommand::CreateShardGroup {
                database,
                policy,
                at: time(rng),
            })
        }
        7..=8 => {
            let (database, policy) = place(rng, catalog);
            let id =
                ShardGroupId(rng.random_range(0..=catalog.max_shard_group_id.saturating_add(1)));
            Command::Wire(WireCommand::DeleteShardGroup {
                database,
                policy,
                id,
            })
        }
        9 => Command::Wire(WireCommand::TruncateShardGroups { at: time(rng) }),
        10 => Command::Wire(WireCommand::PruneShardGroups),
        11 => Command::Wire(WireCommand::DropShard {
            id: shard(rng, catalog),
        }),
        12..=13 => Command::Wire(WireCommand::CopyShardOwner(copy(rng))),
        14 => Command::Wire(WireCommand::RemoveShardOwner(copy(rng))),
        _ => Command::Internal(InternalCommand::RemoveShardCopy {
            copy: copy(rng),
            force: rng.random_ratio(1, 3),
        }),
    }
}

/// A time, mostly within these two weeks.
pub(super) fn time(rng: &mut StdRng) -> UnixNanos {
    match rng.random_range(0..20) {
        0 => UnixNanos(rng.random()),
        1 => UnixNanos([i64::MIN, -1, 0, 1, i64::MAX][rng.random_range(0..5)]),
        _ => UnixNanos(NOW + rng.random_range(0..28) * DAY / 2),
    }
}

/// A database and policy, mostly existing ones.
fn place(rng: &mut StdRng, catalog: &Catalog) -> (Name, Name) {
    let policies = catalog.databases.iter().flat_map(|database| {
        let name = |policy: &RetentionPolicy| (database.name.clone(), policy.name.clone());
        database
            .retention_policies
            .iter()
            .map(name)
            .collect::<Vec<_>>()
    });
    let all: Vec<_> = policies.collect();
    if all.is_empty() || rng.random_ratio(1, 10) {
        (name(rng), name(rng))
    } else {
        all[rng.random_range(0..all.len())].clone()
    }
}

fn policy_name(rng: &mut StdRng, catalog: &Catalog) -> Name {
    place(rng, catalog).1
}

fn data_node(rng: &mut StdRng, catalog: &Catalog) -> NodeId {
    let all: Vec<_> = catalog.data_nodes.keys().copied().collect();
    match rng.random_range(0..8) {
        0 => NodeId(rng.random_range(0..20)),
        _ if all.is_empty() => NodeId(1),
        _ => all[rng.random_range(0..all.len())],
    }
}

fn shard(rng: &mut StdRng, catalog: &Catalog) -> ShardId {
    let policies = catalog
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    let groups = policies.flat_map(|policy| policy.shard_groups.iter());
    let all: Vec<_> = groups
        .flat_map(|group| &group.shards)
        .map(|shard| shard.id)
        .collect();
    match rng.random_range(0..8) {
        0 => ShardId(rng.random_range(0..=catalog.max_shard_id.saturating_add(1))),
        _ if all.is_empty() => ShardId(1),
        _ => all[rng.random_range(0..all.len())],
    }
}

fn tcp(rng: &mut StdRng) -> Text {
    super::tcp(rng.random_range(1..8))
}

fn text(rng: &mut StdRng, what: &str) -> Text {
    match rng.random_range(0..10) {
        0 => Text::from(b"\xff"),
        k => Text::from(&format!("{what}-{}", k % 2)),
    }
}

fn query(rng: &mut StdRng) -> ContinuousQuery {
    let queries: [&[u8]; 4] = [b"SELECT", b"select", b"\xff", b"\xfe"];
    ContinuousQuery {
        name: name(rng),
        query: Text::from(queries[rng.random_range(0..4)]),
    }
}

fn subscription(rng: &mut StdRng) -> Subscription {
    let urls = ["udp://h:1", "http://h:2", "https://h:3", "udp://h"];
    let destinations =
        (0..rng.random_range(0..3)).map(|_| Text::from(urls[rng.random_range(0..4)]));
    let destinations = destinations.collect();
    Subscription {
        name: name(rng),
        mode: Text::from("ANY"),
        destinations,
    }
}
