//! RepairTime.

use super::*;

const REPAIR: Command = Command::Internal(InternalCommand::RepairTime);

/// 2099-01-01.
const YEAR_2099: i64 = 4_070_908_800 * 1_000_000_000;

/// A command is stamped 2099: deletions are dated 2099 and never forgotten, also by commands of
/// right clocks. The repair dates them now.
#[test]
fn the_time_goes_back_and_so_do_deletions_of_the_future() {
    let mut fed = with_policy(1, 1);
    for day in 0..3 {
        fed.ok(create_group(NOW + day * DAY));
    }
    fed.ok(delete_group(1));
    fed.now = YEAR_2099;
    fed.ok(delete_group(2));
    fed.now = NOW + DAY;
    fed.ok(delete_group(3));
    assert_eq!(fed.catalog.last_at, UnixNanos(YEAR_2099));
    assert_eq!(fed.group(3).deleted_at, Some(UnixNanos(YEAR_2099)));

    fed.ok(REPAIR);
    assert_eq!(fed.catalog.last_at, UnixNanos(NOW + DAY));
    let deleted = |fed: &Fed, id| fed.group(id).deleted_at.map(|at| at.0);
    assert_eq!(deleted(&fed, 1), Some(NOW), "it was right");
    assert_eq!(deleted(&fed, 2), Some(NOW + DAY));
    assert_eq!(deleted(&fed, 3), Some(NOW + DAY));

    // They are forgotten two weeks later, like all deletions, and not before.
    let prune = || Command::Wire(WireCommand::PruneShardGroups);
    let groups = |fed: &Fed| {
        let policies = &fed.database("db").retention_policies;
        policies.iter().map(|p| p.shard_groups.iter().count()).sum()
    };
    let before: usize = groups(&fed);
    fed.now = NOW + 2 * WEEK - DAY;
    fed.ok(prune());
    assert_eq!(groups(&fed), before);
    fed.now = NOW + 2 * WEEK + DAY + 1;
    fed.ok(prune());
    assert_eq!(groups(&fed), before - 3);
}

#[test]
fn a_time_that_is_right_is_not_repaired() {
    let mut fed = with_policy(1, 1);
    let want = "the catalog's time is not ahead: there is nothing to repair";
    fed.now += 1;
    fed.denied(REPAIR, want);
    assert_eq!(
        fed.catalog.last_at,
        UnixNanos(NOW),
        "a refusal changes nothing"
    );
    // Clocks differ by up to a minute.
    fed.now = NOW - 60_000_000_000;
    fed.denied(REPAIR, want);
    fed.now -= 1;
    fed.unseen(REPAIR);
    assert_eq!(fed.catalog.last_at, UnixNanos(NOW - 60_000_000_001));
    fed.denied(REPAIR, want);
}

#[test]
fn removals_of_the_future_are_dated_now() {
    let mut fed = Fed::with_data_nodes(1);
    let incarnation = Incarnation([9; 16]);
    let add = machine::AllocateRaftId {
        incarnation,
        http: Address::new("new", 8091),
        raft: Address::new("new", 8089),
        voter: true,
    };
    fed.unseen(Command::Internal(InternalCommand::AllocateRaftId(add)));
    let raft_id = fed.catalog.pendings[&incarnation].raft_id;
    fed.now = YEAR_2099;
    let tombstone = machine::Removal {
        why: influxdb_meta::catalog::RemovedWhy::Removed,
        by: "a test".to_owned(),
    };
    fed.unseen(Command::Internal(InternalCommand::RemoveMetaNode(
        machine::RemoveMetaNode {
            raft_id,
            tombstone: Some(tombstone),
        },
    )));
    fed.now = NOW;
    fed.unseen(REPAIR);
    assert_eq!(
        fed.catalog.tombstones[&incarnation].at,
        UnixNanos(NOW),
        "{:?}",
        fed.catalog.tombstones
    );
}
