//! SetData: a data node brings databases back into the running cluster (founding.md 7.9,
//! wire.md Q34).

use influxdb_meta::catalog::{Databases, User, Users};
use influxdb_meta::machine::{AllocateRaftId, SetData};

use super::*;

/// The `Data` that a data node would send: its view, at the index of that view.
fn view(fed: &Fed) -> SetData {
    let Catalog {
        index,
        databases,
        users,
        max_shard_group_id,
        max_shard_id,
        ..
    } = fed.catalog.clone();
    SetData {
        index,
        databases,
        users,
        max_shard_group_id,
        max_shard_id,
    }
}

fn set_data(view: SetData) -> Command {
    Command::Wire(WireCommand::SetData(Box::new(view)))
}

/// Two data nodes, `db` with a group, a user, and some of everything that a restore must not
/// change.
fn fed() -> Fed {
    let mut fed = with_policy(2, 1);
    fed.ok(create_group(NOW))
        .ok(create_user("u", "h", true))
        .unseen(set_passive(3, true));
    fed.unseen(Command::Internal(InternalCommand::SetLeaseHolder {
        lease: Name::from("l"),
        holder: NodeId(2),
        term: 2,
    }));
    fed.unseen(Command::Internal(InternalCommand::AllocateRaftId(
        AllocateRaftId {
            incarnation: Incarnation([9; 16]),
            http: Address::new("meta-9", 8091),
            raft: Address::new("meta-9", 8089),
            voter: true,
        },
    )));
    fed
}

/// Adds `back` to the view, with one group of one shard without owners, under these ids.
fn with_database_back(mut view: SetData, group: u64, shard: u64) -> SetData {
    let mut made = with_policy(0, 1);
    made.put_group(group, (0, DAY), &[(shard, &[])]);
    view.databases.insert(Database {
        name: Name::from("back"),
        ..made.database("db").clone()
    });
    view.max_shard_group_id = view.max_shard_group_id.max(group);
    view.max_shard_id = view.max_shard_id.max(shard);
    view
}

#[test]
fn databases_and_users_are_replaced_and_nothing_else() {
    let mut fed = fed();
    let before = fed.catalog.clone();
    let mut brought = with_database_back(view(&fed), 2, 3);
    brought.databases.remove(&Name::from("db"));
    brought.users = Users::default();
    fed.ok(set_data(brought));
    assert_eq!(
        fed.catalog
            .databases
            .iter()
            .map(|database| database.name.to_string())
            .collect::<Vec<_>>(),
        ["back"]
    );
    assert!(fed.catalog.users.is_empty());
    assert_eq!(
        (fed.catalog.max_shard_group_id, fed.catalog.max_shard_id),
        (2, 3)
    );
    let Catalog {
        term,
        index,
        content_index,
        ref databases,
        ref users,
        ref index_of_shards,
        ..
    } = fed.catalog;
    assert_eq!(content_index, index);
    let rest = Catalog {
        term,
        index,
        content_index,
        databases: databases.clone(),
        users: users.clone(),
        index_of_shards: index_of_shards.clone(),
        max_shard_group_id: 2,
        max_shard_id: 3,
        ..before
    };
    assert_eq!(
        fed.catalog, rest,
        "nodes, pendings, passive nodes, leases and ids stay"
    );
}

#[test]
fn no_highest_id_goes_down() {
    let mut fed = fed();
    let highest = |fed: &Fed| {
        (
            fed.catalog.max_node_id,
            fed.catalog.max_shard_group_id,
            fed.catalog.max_shard_id,
        )
    };
    let before = highest(&fed);
    let nothing = SetData {
        databases: Databases::default(),
        max_shard_group_id: 0,
        max_shard_id: 0,
        ..view(&fed)
    };
    fed.ok(set_data(nothing));
    assert_eq!(highest(&fed), before);
    fed.ok(create_database_with("db", new_policy("rp", 0, DAY, 1)))
        .ok(create_group(NOW));
    assert_eq!(
        (fed.group(2).id.0, fed.owners_in(2)[0].0),
        (2, before.2 + 1)
    );
}

/// Changes that were made since the view would be lost.
#[test]
fn a_view_that_databases_have_left_behind_is_refused() {
    let mut fed = fed();
    let old = view(&fed);
    let index = fed.catalog.index;
    let stale = format!(
        "databases were changed since index {index}, from which the restore was made: start it \
         again"
    );
    let changes: [&[Command]; 4] = [
        &[create_database("new")],
        &[create_group(NOW + DAY)],
        &[create_user("v", "h", false)],
        &[
            create_data_node(4),
            Command::Internal(InternalCommand::RemoveDataNode {
                id: NodeId(2),
                force: true,
            }),
        ],
    ];
    for commands in changes {
        let mut fed = fed.clone();
        commands
            .iter()
            .for_each(|command| _ = fed.ok(command.clone()));
        fed.refused(set_data(old.clone()), &stale);
        let fresh = view(&fed);
        fed.ok(set_data(fresh));
    }
    // A restore is such a change too.
    fed.ok(set_data(old.clone())).refused(set_data(old), &stale);
}

/// Data nodes send such commands all the time: they must not make a view too old.
#[test]
fn commands_without_effect_on_databases_make_no_view_old() {
    let mut fed = fed();
    let old = view(&fed);
    let mut same_policy = update("db", "rp");
    same_policy.replica_n = Some(1);
    fed.ok(create_group(NOW))
        .ok(Command::Wire(WireCommand::PruneShardGroups))
        .ok(create_database("db"))
        .ok(drop_database("x"));
    fed.ok(drop_policy("db", "x"))
        .ok(set_default("db", "rp"))
        .ok(Command::Wire(WireCommand::UpdateRetentionPolicy(
            same_policy,
        )));
    fed.ok(create_user("u", "h", true))
        .ok(truncate(i64::MAX))
        .ok(Command::Wire(WireCommand::DropShard { id: ShardId(99) }));
    fed.ok(create_data_node(2))
        .ok(create_data_node(4))
        .refused(delete_group(9), "shard group not found");
    fed.unseen(set_passive(2, true));
    fed.ok(set_data(with_database_back(old, 2, 3)));
}

/// Data nodes may still hold the shards that such an id named before.
#[test]
fn an_id_that_is_gone_does_not_come_back() {
    let mut fed = fed();
    fed.ok(create_group(NOW + DAY)).ok(drop_database("db"));
    let fresh = view(&fed);
    let of_a_group = "the restore contradicts itself: shard group 2 was another one, which is gone";
    fed.refused(
        set_data(with_database_back(fresh.clone(), 2, 9)),
        of_a_group,
    );
    let of_a_shard = "the restore contradicts itself: shard 1 was another one, which is gone";
    fed.refused(
        set_data(with_database_back(fresh.clone(), 3, 1)),
        of_a_shard,
    );
    fed.ok(set_data(with_database_back(fresh, 3, 9)));
}

/// The cluster continues from the highest ids. A restore whose ids leave no room would leave the
/// cluster without ids.
#[test]
fn highest_ids_that_leave_no_room_are_refused() {
    let mut fed = fed();
    for highest in [u64::MAX, u64::MAX / 2] {
        let text =
            format!("the restore contradicts itself: {highest} is no id that a cluster comes to");
        fed.refused(
            set_data(SetData {
                max_shard_id: highest,
                ..view(&fed)
            }),
            &text,
        );
        fed.refused(
            set_data(SetData {
                max_shard_group_id: highest,
                ..view(&fed)
            }),
            &text,
        );
    }
    fed.ok(set_data(SetData {
        max_shard_id: u64::MAX / 4,
        max_shard_group_id: u64::MAX / 4,
        ..view(&fed)
    }));
    fed.ok(create_group(NOW + DAY));
}

/// Owners that this cluster does not have are dropped. Values of policies are corrected like those
/// of new ones (wire.md Q31c).
#[test]
fn what_an_old_backup_has_is_settled() {
    let mut fed = fed();
    let mut old = with_database_back(view(&fed), 2, 3);
    old.databases.update(&Name::from("back"), |database| {
        let policy = &mut database.retention_policies[0];
        (policy.shard_group_duration, policy.replica_n) = (DurationNanos(0), 0);
        let mut group = policy.shard_groups.iter().next().expect("a group").clone();
        group.shards[0].owners = vec![NodeId(9), NodeId(3), NodeId(1)];
        policy.shard_groups = [group].into_iter().collect();
    });
    fed.ok(set_data(old));
    assert_eq!(fed.policy("back", "rp"), (0, WEEK, 1));
    assert_eq!(fed.owners_in(2), [(3, vec![3])]);
    assert_eq!(fed.catalog.shards_owned_by(NodeId(3)), 2, "with that of db");
}

/// Contradictions would stay in the catalog for ever.
#[test]
fn a_view_that_contradicts_itself_is_refused() {
    let mut fed = fed();
    let text = |broken: &str, found: &str| {
        format!("the restore contradicts itself: invariant {broken:?} is broken: {found}")
    };
    let mut nameless = view(&fed);
    let user = nameless.users.iter().next().expect("a user").clone();
    nameless.users.insert(User {
        name: Name::default(),
        ..user
    });
    fed.refused(set_data(nameless), &text("users have names", "\"\""));
    let twice = with_database_back(view(&fed), 1, 3);
    fed.refused(
        set_data(twice),
        &text(
            "a shard group id belongs to one group",
            "shard group ShardGroupId(1) twice",
        ),
    );
    let mut beyond = with_database_back(view(&fed), 2, 3);
    beyond.max_shard_id = 2;
    fed.refused(
        set_data(beyond),
        &text(
            "shard ids are from 1 to the highest given out",
            "ShardId(3)",
        ),
    );
}

/// State that is kept under a database's insertion number is never taken for another database's.
#[test]
fn what_was_brought_has_insertion_numbers_of_its_own() {
    let mut fed = fed();
    let numbers = |fed: &Fed| {
        let databases: Vec<u64> = fed
            .catalog
            .databases
            .numbered()
            .0
            .map(|(number, _)| number)
            .collect();
        let users: Vec<u64> = fed
            .catalog
            .users
            .numbered()
            .0
            .map(|(number, _)| number)
            .collect();
        (databases, users)
    };
    assert_eq!(numbers(&fed), (vec![0], vec![0]));
    let same = view(&fed);
    fed.ok(set_data(same));
    assert_eq!(numbers(&fed), (vec![1], vec![1]));
}
