//! CreateShardGroup.

use super::*;

const MAX_POINT: i64 = 9_223_372_036_854_775_806;

fn span_of(width: i64, at: i64) -> (i64, i64) {
    let mut fed = Fed::with_data_nodes(1);
    fed.ok(create_database_with("db", new_policy("rp", 0, width, 1)))
        .ok(create_group(at));
    let [group] = &fed.groups_of("db", "rp")[..] else {
        panic!("one group")
    };
    assert!(group.takes(UnixNanos(at)), "{group:?} for {at}");
    (group.start.0, group.end.0)
}

/// wire.md Q31a: clients know this answer, and neither database nor policy is looked for.
#[test]
fn without_a_data_node_nothing_is_made_and_nothing_is_wrong() {
    let mut fed = with_policy(0, 1);
    fed.same(create_group(NOW))
        .same(create_group_in("x", "x", NOW));
    assert_eq!(fed.catalog.max_shard_group_id, 0);
}

#[test]
fn database_and_policy_must_be_there_by_their_exact_names() {
    let mut fed = with_policy(1, 1);
    fed.refused(create_group_in("x", "rp", NOW), "database not found: x");
    fed.refused(
        create_group_in("db", "x", NOW),
        "retention policy not found: x",
    );
    fed.refused(
        create_group_in("db", "", NOW),
        "retention policy not found: ",
    );
}

/// Every data node asks for the same group, on the write path, again and again.
#[test]
fn a_group_that_takes_the_time_is_enough() {
    let mut fed = with_policy(3, 2);
    fed.ok(create_group(NOW))
        .same(create_group(NOW))
        .same(create_group(NOW + 18 * HOUR));
    fed.ok(create_group(NOW + 19 * HOUR));
    assert_eq!(fed.spans_of("db", "rp").len(), 2);
    // A deleted group takes no points.
    fed.ok(delete_group(1)).ok(create_group(NOW));
    assert_eq!(fed.groups_of("db", "rp").len(), 3);
}

/// The example of wire.md appendix B: spans are aligned to the year 1, not to 1970.
#[test]
fn spans_are_aligned_to_the_first_of_january_of_the_year_1() {
    for (width, start, end) in [
        (HOUR, 1_704_258_000, 1_704_261_600),
        (100 * HOUR / 60, 1_704_253_200, 1_704_259_200),
        (DAY, 1_704_240_000, 1_704_326_400),
        (36 * HOUR, 1_704_196_800, 1_704_326_400),
        (WEEK, 1_704_067_200, 1_704_672_000),
        (30 * DAY, 1_702_771_200, 1_705_363_200),
    ] {
        let second = 1_000_000_000;
        assert_eq!(
            span_of(width, NOW),
            (start * second, end * second),
            "{width}"
        );
    }
}

/// wire.md Q31b: a span that does not fit into 64 bits is cut. The original wraps around to the
/// other end of time.
#[test]
fn at_the_ends_of_time_spans_are_cut() {
    assert_eq!(
        span_of(WEEK, MAX_POINT),
        (9_222_940_800_000_000_000, i64::MAX)
    );
    assert_eq!(span_of(i64::MAX, 0).1 - span_of(i64::MAX, 0).0, i64::MAX);
    let (start, end) = span_of(WEEK, -MAX_POINT);
    assert_eq!(start, -MAX_POINT);
    assert!((end - start) <= WEEK, "{end}");
    // A week after 1677-09-20T00:00:00Z, which does not fit.
    assert_eq!(end, -9_222_854_400 * 1_000_000_000);
}

/// No point has these times. Asking again must not make a new group each time.
#[test]
fn a_time_that_no_point_has_is_taken_for_the_nearest() {
    let mut fed = with_policy(1, 1);
    for (extreme, nearest) in [
        (i64::MAX, MAX_POINT),
        (i64::MIN, -MAX_POINT),
        (i64::MIN + 1, -MAX_POINT),
    ] {
        fed.ok(create_group(extreme))
            .same(create_group(extreme))
            .same(create_group(nearest));
    }
    assert_eq!(fed.groups_of("db", "rp").len(), 2);
}

/// influxdb-cluster makes lcm(copies, N) / copies shards of N nodes (wire.md 3.4). Here there are
/// as many shards as full sets of nodes (commands.md, "Shard groups"). In every case each shard has
/// as many distinct owners as the policy asks for, or as many as there are nodes.
#[test]
fn a_group_has_a_shard_for_each_full_set_of_nodes() {
    for (nodes, shards_of) in [
        (1, [1, 1, 1, 1]),
        (2, [2, 1, 1, 1]),
        (3, [3, 1, 1, 1]),
        (4, [4, 2, 1, 1]),
        (5, [5, 2, 1, 1]),
        (6, [6, 3, 2, 1]),
    ] {
        for (replica_n, shards) in (1..).zip(shards_of) {
            let mut fed = with_policy(nodes, replica_n);
            fed.ok(create_group(NOW));
            let owned = fed.owners_in(1);
            assert_eq!(owned.len(), shards, "{nodes} nodes, {replica_n} copies");
            for (_, owners) in &owned {
                // That the owners are distinct data nodes is an invariant.
                assert_eq!(
                    owners.len() as u64,
                    u64::from(replica_n).min(nodes),
                    "{nodes} nodes, {replica_n} copies"
                );
            }
        }
    }
}

/// Over time each node gets its share, whatever remains unused in a single group.
#[test]
fn shards_are_spread_evenly() {
    for (nodes, replica_n) in [(3, 2), (5, 2), (5, 3), (7, 4), (4, 1)] {
        let mut fed = with_policy(nodes, replica_n);
        for day in 0..20 {
            fed.ok(create_group(NOW + day * DAY));
            let owned: Vec<_> = (2..nodes + 2)
                .map(|id| fed.catalog.shards_owned_by(NodeId(id)))
                .collect();
            let (least, most) = (owned.iter().min(), owned.iter().max());
            assert!(
                most.zip(least)
                    .is_some_and(|(most, least)| most - least <= 1),
                "{nodes}, {replica_n}: {owned:?}"
            );
        }
    }
}

/// Shards of deleted groups do not count. A new node gets one shard of each new group, not all of
/// them.
#[test]
fn owners_are_those_who_own_least() {
    let mut fed = with_policy(2, 1);
    fed.put_group(1, (0, DAY), &[(1, &[2]), (2, &[2]), (3, &[2])]);
    fed.catalog.max_shard_id = 3;
    fed.ok(create_policy("db", new_policy("one", 0, DAY, 1), false));
    fed.ok(create_data_node(4)).ok(create_data_node(5));
    fed.ok(create_database_with("other", new_policy("rp", 0, DAY, 2)));
    fed.ok(create_group_in("other", "rp", NOW));
    assert_eq!(fed.owners_in(2), [(4, vec![3, 4]), (5, vec![2, 5])]);
    fed.ok(delete_group(1));
    fed.ok(create_group_in("other", "rp", NOW + DAY));
    assert_eq!(fed.owners_in(3), [(6, vec![2, 3]), (7, vec![4, 5])]);
}

/// The longer scenario of wire.md appendix B.
#[test]
fn a_group_fills_what_its_neighbours_leave() {
    let mut fed = with_policy(1, 1);
    let minute = HOUR / 60;
    fed.ok(create_group(0))
        .ok(create_group(DAY))
        .ok(truncate(DAY - minute));
    fed.ok(create_group(DAY - 1))
        .ok(create_group(DAY))
        .ok(create_group(5 * DAY + HOUR));
    let mut wider = update("db", "rp");
    wider.shard_group_duration = Some(DurationNanos(10 * DAY));
    fed.ok(Command::Wire(WireCommand::UpdateRetentionPolicy(wider)));
    fed.ok(create_group(3 * DAY))
        .ok(create_group(6 * DAY))
        .ok(create_group(9 * DAY));
    let spans: Vec<_> = fed
        .spans_of("db", "rp")
        .into_iter()
        .map(|(_, start, end)| (start, end))
        .collect();
    assert_eq!(
        spans,
        [
            (0, DAY - minute),
            (DAY - minute, DAY),
            // Truncated before it began: empty, and still in the way of its neighbours.
            (DAY, DAY),
            (DAY, 2 * DAY),
            (2 * DAY, 5 * DAY),
            (5 * DAY, 6 * DAY),
            (6 * DAY, 8 * DAY),
            (8 * DAY, 18 * DAY),
        ]
    );
}

/// Data nodes make the next group in advance from the last one, so the latest group must be last.
#[test]
fn groups_stand_in_the_order_of_the_wire() {
    let mut fed = with_policy(1, 1);
    for day in [3, 0, 2, 1] {
        fed.ok(create_group(NOW + day * DAY));
    }
    let ids = |fed: &Fed| {
        fed.groups_of("db", "rp")
            .iter()
            .map(|group| group.id.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&fed), [2, 4, 3, 1]);
    // A deleted group keeps its place.
    fed.ok(delete_group(3));
    assert_eq!(ids(&fed), [2, 4, 3, 1]);
}

#[test]
fn ids_go_on_whatever_is_dropped() {
    let mut fed = with_policy(3, 1);
    fed.ok(create_group(NOW));
    assert_eq!(
        fed.owners_in(1)
            .iter()
            .map(|(id, _)| *id)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    fed.ok(drop_database("db"))
        .ok(create_database_with("db", new_policy("rp", 0, DAY, 3)));
    assert_eq!(fed.catalog.shard_count(), 0);
    fed.ok(create_group(NOW));
    assert_eq!(fed.owners_in(2), [(4, vec![2, 3, 4])]);
    fed.ok(drop_policy("db", "rp"));
    assert_eq!(
        (
            fed.catalog.shard_count(),
            fed.catalog.shards_owned_by(NodeId(2))
        ),
        (0, 0)
    );
    assert_eq!(
        (fed.catalog.max_shard_group_id, fed.catalog.max_shard_id),
        (2, 4)
    );
}
