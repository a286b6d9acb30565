//! TruncateShardGroups.

use super::*;

/// (truncated at, end) of each group, by id.
fn ends(fed: &Fed) -> Vec<(Option<i64>, i64)> {
    let mut groups = fed.groups_of("db", "rp");
    groups.sort_by_key(|group| group.id);
    groups
        .iter()
        .map(|group| (group.truncated_at.map(|at| at.0), group.end.0))
        .collect()
}

fn ids(fed: &Fed) -> Vec<u64> {
    fed.groups_of("db", "rp")
        .iter()
        .map(|group| group.id.0)
        .collect()
}

/// The example of wire.md appendix B.
#[test]
fn groups_end_where_they_are_truncated_and_later_ones_are_empty() {
    let mut fed = with_policy(1, 1);
    let third = 1_704_240_000 * 1_000_000_000;
    for day in 0..3 {
        fed.ok(create_group(third + day * DAY));
    }
    let (fourth, fifth, sixth) = (third + DAY, third + 2 * DAY, third + 3 * DAY);
    fed.ok(truncate(fourth + 5 * HOUR));
    assert_eq!(
        ends(&fed),
        [
            (None, fourth),
            (Some(fourth + 5 * HOUR), fifth),
            (Some(fifth), sixth)
        ]
    );

    fed.same(create_group(fourth + 4 * HOUR));
    fed.ok(create_group(fourth + 6 * HOUR))
        .ok(create_group(fifth + 6 * HOUR));
    assert_eq!(
        (fed.group(4).start.0, fed.group(4).end.0),
        (fourth + 5 * HOUR, fifth)
    );
    assert_eq!((fed.group(5).start.0, fed.group(5).end.0), (fifth, sixth));
    assert_eq!(ids(&fed), [1, 2, 4, 3, 5]);
}

/// wire.md Q32: groups are sorted at once, not only after the next group.
#[test]
fn the_order_of_the_wire_is_that_of_the_new_ends() {
    let mut fed = with_policy(1, 1);
    fed.put_group(1, (DAY, 2 * DAY), &[(1, &[2])])
        .ok(delete_group(1));
    fed.put_group(2, (DAY, 3 * DAY), &[(2, &[2])]);
    assert_eq!(ids(&fed), [1, 2]);
    fed.ok(truncate(DAY + HOUR));
    assert_eq!(ids(&fed), [2, 1]);
}

#[test]
fn what_has_ended_is_deleted_or_was_cut_earlier_stays() {
    let mut fed = with_policy(1, 1);
    for day in 0..4 {
        fed.ok(create_group(day * DAY + 1));
    }
    fed.ok(delete_group(4)).ok(truncate(DAY + HOUR));
    let first = ends(&fed);
    assert_eq!(
        first,
        [
            (None, DAY),
            (Some(DAY + HOUR), 2 * DAY),
            (Some(2 * DAY), 3 * DAY),
            (None, 4 * DAY)
        ]
    );
    // Truncated again at the same time, and at a later one.
    fed.same(truncate(DAY + HOUR))
        .same(truncate(4 * DAY))
        .same(truncate(i64::MAX));
    assert_eq!(ends(&fed), first);
    // An earlier time cuts again.
    fed.ok(truncate(HOUR));
    assert_eq!(
        ends(&fed),
        [
            (Some(HOUR), DAY),
            (Some(DAY), 2 * DAY),
            (Some(2 * DAY), 3 * DAY),
            (None, 4 * DAY)
        ]
    );
}

/// The instant is the command's, whatever the clock says: `influxd-ctl` accepts a negative delay.
#[test]
fn it_may_lie_in_the_past() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(NOW)).ok(truncate(NOW - HOUR));
    assert_eq!(fed.group(1).truncated_at, Some(UnixNanos(NOW - HOUR)));
    fed.ok(create_group(NOW));
    assert_eq!(fed.group(2).start, UnixNanos(NOW - HOUR));
}

/// wire.md Q31d: on the wire a truncation at the epoch means none. A group that begins there keeps
/// its first nanosecond.
#[test]
fn at_the_epoch_it_is_one_nanosecond_later() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(0)).ok(create_group(-1)).ok(truncate(0));
    assert_eq!(ends(&fed), [(Some(1), DAY), (None, 0)]);
    fed.ok(truncate(i64::MIN));
    assert_eq!(ends(&fed), [(Some(1), DAY), (Some(-DAY), 0)]);
    fed.same(create_group(0)).ok(create_group(1));
    assert_eq!(fed.group(3).start, UnixNanos(1));
}

/// A group that ends at the end of time is not cut.
#[test]
fn at_the_end_of_time_it_cuts_nothing() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(i64::MAX))
        .same(truncate(i64::MAX))
        .ok(truncate(i64::MAX - 1));
    assert_eq!(ends(&fed), [(Some(i64::MAX - 1), i64::MAX)]);
}

#[test]
fn all_policies_of_all_databases_are_concerned() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_database("other"))
        .ok(create_group(NOW))
        .ok(create_group_in("other", "autogen", NOW));
    fed.ok(truncate(NOW));
    assert_eq!(
        [1, 2].map(|id| fed.group(id).truncated_at),
        [Some(UnixNanos(NOW)); 2]
    );
}
