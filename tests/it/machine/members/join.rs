//! AllocateRaftId and AddMetaNode: asking to join, joining, and replacing another node.

use super::*;

#[test]
fn nothing_happens_before_there_is_a_cluster() {
    let mut none = Members(Fed::default());
    none.refused(allocate(1, 1, true), "there is no cluster yet");
    none.refused(
        Command::Internal(InternalCommand::RaiseFeatureLevel { level: 2 }),
        "there is no cluster yet",
    );
    none.refused(add(1, None), "no meta node has Raft id 1");
    none.refused(moved(1, 1, 1), "no meta node has Raft id 1");
    none.refused(label(1, &[("rack", "r1")], &[]), "node not found: 1");
    none.nothing(remove(1, Some(RemovedWhy::Removed)));
}

#[test]
fn a_newcomer_gets_a_raft_id_of_its_own_and_later_a_node_id() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(4, 4, true))
        .unseen(allocate(5, 5, false));
    assert_eq!(
        (members.pending(4).raft_id, members.pending(5).raft_id),
        (RaftId(4), RaftId(5))
    );
    assert_eq!(members.ids(), [1, 2, 3], "not members yet");

    members.shown(add(5, None)).shown(add(4, None));
    let [first, second] = [4, 5].map(|id| members.node(id));
    assert_eq!(
        (first.raft_id, first.incarnation, first.voter),
        (RaftId(5), incarnation(5), false)
    );
    assert_eq!(
        (second.raft_id, second.incarnation, second.voter),
        (RaftId(4), incarnation(4), true)
    );
    assert_eq!((&second.http, &second.raft), (&http(4), &raft(4)));
    assert!(members.catalog().pendings.is_empty());
}

/// The joiner asks again after a leader crashed or an answer was lost.
#[test]
fn asking_again_keeps_the_raft_id_and_takes_newer_addresses() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(4, 4, false))
        .nothing(allocate(4, 4, false))
        .unseen(allocate(4, 7, false));
    assert_eq!(
        (members.pending(4).raft_id, &members.pending(4).http),
        (RaftId(4), &http(7))
    );
    members.unseen(allocate(5, 5, true));
    assert_eq!(
        members.pending(5).raft_id,
        RaftId(5),
        "no id was used up by asking again"
    );
}

#[test]
fn the_wish_to_vote_is_never_taken_back() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(4, 4, false))
        .unseen(allocate(4, 4, true))
        .nothing(allocate(4, 4, false));
    assert!(members.pending(4).voter);

    members
        .unseen(allocate(5, 5, false))
        .shown(add(5, None))
        .nothing(allocate(5, 9, false));
    assert!(!members.node(4).voter);
    members
        .unseen(allocate(5, 9, true))
        .nothing(allocate(5, 5, false));
    let promoted = members.node(4);
    assert!(promoted.voter);
    assert_eq!(
        (promoted.raft_id, &promoted.http),
        (RaftId(5), &http(5)),
        "moving is another command"
    );
    assert_eq!(
        members.catalog().pendings.len(),
        1,
        "a member does not become pending again"
    );
    assert_eq!(members.catalog().max_raft_id, 5);
}

#[test]
fn adding_again_changes_nothing_and_an_unknown_one_is_refused() {
    let mut members = Members::founded(3);
    members
        .joins(4)
        .nothing(add(4, None))
        .nothing(add(4, Some(1)))
        .nothing(add(1, None));
    members.refused(add(9, None), "no meta node has Raft id 9");
}

/// Data nodes see the same id at the same address: there is nothing for them to fetch.
#[test]
fn a_wiped_node_comes_back_under_its_node_id_and_labels() {
    let mut members = Members::founded(3);
    members.unseen(label(2, &[("rack", "r2")], &[]));
    members
        .unseen(allocate(12, 2, true))
        .unseen(add(4, Some(2)));
    assert_eq!(members.ids(), [1, 2, 3]);
    let node = members.node(2);
    assert_eq!(
        (node.raft_id, node.incarnation, &node.http),
        (RaftId(4), incarnation(12), &http(2))
    );
    assert_eq!(node.labels.get("rack").map(String::as_str), Some("r2"));
    let by = format!("incarnation {}", incarnation(12));
    assert_eq!(
        members.tombstone(2),
        Some((2, RemovedWhy::Replaced, by.as_str()))
    );
    let removed = format!(
        "incarnation {} was removed from this cluster",
        incarnation(2)
    );
    members
        .refused(allocate(2, 2, true), &removed)
        .nothing(add(4, Some(2)));
}

/// A newcomer at other addresses replaces the old node all the same, and clients see the new
/// addresses.
#[test]
fn a_replacement_may_stand_elsewhere() {
    let mut members = Members::founded(3);
    members.unseen(allocate(12, 8, true)).shown(add(4, Some(2)));
    assert_eq!(
        (members.ids(), &members.node(2).http),
        (vec![1, 2, 3], &http(8))
    );
}

#[test]
fn an_address_of_another_meta_node_is_in_use() {
    let mut members = Members::founded(3);
    members.unseen(allocate(4, 2, true));
    members.refused(
        add(4, None),
        "another meta node has the address meta-2:8091",
    );
    members.refused(
        add(4, Some(3)),
        "another meta node has the address meta-2:8091",
    );
    members.refused(
        add(4, Some(9)),
        "another meta node has the address meta-2:8091",
    );
    assert_eq!(members.ids(), [1, 2, 3], "3 was not taken out for it");

    // The HTTP address is free, the Raft address is not.
    members.shown(moved(2, 7, 2));
    members.refused(
        add(4, None),
        "another meta node has the address meta-2:8089",
    );
    members.shown(add(4, Some(2)));
}

/// The replaced node was removed meanwhile: the newcomer is one more node.
#[test]
fn a_place_that_is_gone_is_not_taken() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(12, 2, true))
        .shown(remove(2, None))
        .shown(add(4, Some(2)));
    assert_eq!(members.ids(), [1, 3, 4]);
    assert_eq!(members.tombstone(2), None);
}

/// Raft's membership had a node that never became a meta node. It was replaced too, and must not
/// speak Raft again.
#[test]
fn a_pending_is_replaced_too() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(4, 4, true))
        .unseen(allocate(14, 4, true))
        .shown(add(5, Some(4)));
    assert!(members.catalog().pendings.is_empty());
    assert_eq!(
        members.tombstone(4).map(|(raft_id, why, _)| (raft_id, why)),
        Some((4, RemovedWhy::Replaced))
    );
    assert_eq!(members.node(4).raft_id, RaftId(5));
}

#[test]
fn one_that_replaces_itself_just_comes_in() {
    let mut members = Members::founded(3);
    members.unseen(allocate(4, 4, true)).shown(add(4, Some(4)));
    assert_eq!(
        (members.node(4).raft_id, members.tombstone(4)),
        (RaftId(4), None)
    );
}

/// Data nodes get their ids from the same counter: an id always belongs to one node, of whichever
/// kind.
#[test]
fn node_ids_go_on_from_the_highest_of_all_nodes() {
    let mut members = Members::founded(3);
    members.0.catalog.max_node_id = 9;
    members.joins(4);
    assert_eq!(
        (members.ids(), members.catalog().max_node_id),
        (vec![1, 2, 3, 10], 10)
    );
    assert_eq!(
        members.catalog().max_raft_id,
        4,
        "Raft ids count by themselves"
    );
    members.shown(remove(4, None)).joins(5);
    assert_eq!(
        members.ids(),
        [1, 2, 3, 11],
        "a node id is not given out twice"
    );
    assert_eq!(members.node(11).raft_id, RaftId(5), "nor is a Raft id");
}

#[test]
fn the_feature_level_only_rises() {
    let mut members = Members::founded(3);
    let level = |members: &Members| {
        members
            .catalog()
            .cluster
            .as_ref()
            .map(|cluster| cluster.feature_level)
    };
    assert_eq!(level(&members), Some(1));
    members.unseen(Command::Internal(InternalCommand::RaiseFeatureLevel {
        level: 3,
    }));
    members
        .nothing(Command::Internal(InternalCommand::RaiseFeatureLevel {
            level: 2,
        }))
        .nothing(Command::Internal(InternalCommand::RaiseFeatureLevel {
            level: 0,
        }));
    assert_eq!(level(&members), Some(3));
}
