//! MoveMetaNode: nodes at other addresses.

use super::*;

#[test]
fn a_meta_node_moves_to_free_addresses() {
    let mut members = Members::founded(3);
    members.shown(moved(2, 7, 7)).nothing(moved(2, 7, 7));
    assert_eq!(
        members.hosts(),
        [
            ("meta-1", "meta-1"),
            ("meta-7", "meta-7"),
            ("meta-3", "meta-3")
        ]
    );
    members.refused(moved(9, 8, 8), "no meta node has Raft id 9");
}

/// A pending reports new addresses by asking to join again.
#[test]
fn a_pending_does_not_move() {
    let mut members = Members::founded(3);
    members
        .unseen(allocate(4, 4, true))
        .refused(moved(4, 8, 8), "no meta node has Raft id 4");
}

#[test]
fn swapped_names_heal() {
    let mut members = Members::founded(3);
    members.shown(moved(1, 2, 2));
    assert_eq!(
        members.hosts(),
        [
            ("meta-2", "meta-2"),
            ("meta-1", "meta-1"),
            ("meta-3", "meta-3")
        ]
    );
    members.nothing(moved(2, 1, 1));
}

/// Each node reports its own addresses. In whichever order they come, the nodes end at their actual
/// addresses.
#[test]
fn names_that_went_round_heal_in_any_order() {
    let turns = [(1, 2), (2, 3), (3, 1)];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut members = Members::founded(3);
        for (raft_id, to) in order.map(|turn| turns[turn]) {
            members.0.apply(moved(raft_id, to, to));
        }
        assert_eq!(
            members.hosts(),
            [
                ("meta-2", "meta-2"),
                ("meta-3", "meta-3"),
                ("meta-1", "meta-1")
            ]
        );
    }
}

/// A node that keeps one of its addresses exchanges only the other one.
#[test]
fn one_address_is_exchanged_alone() {
    let mut members = Members::founded(3);
    members.shown(moved(1, 1, 2));
    assert_eq!(
        members.hosts(),
        [
            ("meta-1", "meta-2"),
            ("meta-2", "meta-1"),
            ("meta-3", "meta-3")
        ]
    );
    members.shown(moved(1, 3, 2));
    assert_eq!(
        members.hosts(),
        [
            ("meta-3", "meta-2"),
            ("meta-2", "meta-1"),
            ("meta-1", "meta-3")
        ]
    );
}

#[test]
fn two_others_do_not_both_make_way() {
    let mut members = Members::founded(3);
    members.refused(
        moved(1, 2, 3),
        "another meta node has the address meta-2:8091",
    );
}

/// A pending at an address does not prevent a move there: the membership task deals with the
/// pending.
#[test]
fn a_pending_holds_nothing() {
    let mut members = Members::founded(3);
    members.unseen(allocate(4, 7, true)).shown(moved(2, 7, 7));
    members.refused(
        add(4, None),
        "another meta node has the address meta-7:8091",
    );
}
