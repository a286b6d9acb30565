//! RemoveMetaNode: nodes that go.

use super::*;

#[test]
fn a_removed_meta_node_is_remembered() {
    let mut members = Members::founded(3);
    members.shown(remove(2, Some(RemovedWhy::Removed)));
    assert_eq!(members.ids(), [1, 3]);
    assert_eq!(
        members.tombstone(2),
        Some((2, RemovedWhy::Removed, "a person"))
    );
    let at = members
        .catalog()
        .tombstones
        .get(&incarnation(2))
        .map(|tombstone| tombstone.at);
    assert_eq!(
        at,
        Some(members.catalog().last_at),
        "when, by the log's time"
    );
    let removed = format!(
        "incarnation {} was removed from this cluster",
        incarnation(2)
    );
    members.refused(allocate(2, 2, true), &removed);
}

/// A second leader may repeat the removal with a reason of its own.
#[test]
fn the_first_reason_stays() {
    let mut members = Members::founded(3);
    members
        .shown(remove(2, Some(RemovedWhy::Restored)))
        .nothing(remove(2, Some(RemovedWhy::Removed)));
    members.nothing(remove(9, Some(RemovedWhy::Removed)));
    assert_eq!(
        members.tombstone(2),
        Some((2, RemovedWhy::Restored, "a person"))
    );
}

/// A pending that was not seen for long was never a voter. It may join again, under a new Raft id.
#[test]
fn a_pending_is_dropped_without_a_trace() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(4, 4, true))
        .unseen(remove(4, None))
        .unseen(allocate(4, 4, false));
    assert_eq!(
        (members.pending(4).raft_id, members.pending(4).voter),
        (RaftId(5), false)
    );
    members.unseen(remove(5, Some(RemovedWhy::Removed)));
    assert_eq!(
        members.tombstone(4),
        Some((5, RemovedWhy::Removed, "a person"))
    );
}

#[test]
fn a_pending_at_the_address_of_a_removed_one_stays() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(12, 2, true))
        .shown(remove(2, Some(RemovedWhy::Removed)));
    members.shown(add(4, None));
    assert_eq!(
        (members.ids(), &members.node(4).http),
        (vec![1, 3, 4], &http(2))
    );
}

#[test]
fn all_may_go() {
    let mut members = Members::founded(1);
    members.shown(remove(1, None));
    members.joins(2);
    assert_eq!(members.ids(), [2]);
}
