//! Copies of shards are removed, and shards truncated.

use influxdb_meta::wire::data_node::MessageType;

use super::*;
use crate::harness::data_node::shards::unix_nanos;
use crate::harness::data_node::{Behaviour, Held, On};

const REMOVE: On = On::Call(MessageType::RemoveShard);

impl Stack {
    fn remove(&self, n: usize, shard: u64, force: bool) -> Response {
        let (src, shard) = (self.tcp(n), shard.to_string());
        let fields = [("src", &*src), ("shard", &*shard), ("force", "true")];
        self.ask("/remove-shard", if force { &fields } else { &fields[..2] })
    }

    #[track_caller]
    fn kept(&self, n: usize, shard: u64, force: bool, status: u16, text: &str) {
        let answer = self.remove(n, shard, force);
        assert_eq!((answer.status, error(&answer).as_str()), (status, text));
    }
}

#[test]
fn one_copy_goes_and_the_last_one_stays() {
    let stack = Stack::joined(2);
    let shard = stack.group("db", 2).shards[0].id;
    stack
        .data(1)
        .write("db", "", unix_nanos())
        .expect("a point");
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
    assert_eq!(stack.remove(0, shard, false).status, 204);
    assert_eq!(stack.owners(shard), Some(vec![5]));
    assert!(!stack.data(0).shards().contains_key(&shard));
    let text = format!("\"{}\" is not an owner of shard {shard}", stack.tcp(0));
    stack.kept(0, shard, false, 400, &text);
    stack.kept(0, shard, true, 400, &text);
    let text = format!(
        "shard {shard} has its only copy on {}: copy it to another data node first, or use force",
        stack.tcp(1)
    );
    stack.kept(1, shard, false, 409, &text);
    assert!(stack.data(1).shards().contains_key(&shard));
    assert_eq!(stack.remove(1, shard, true).status, 204);
    assert_eq!(stack.owners(shard), None);
    assert!(!stack.data(1).shards().contains_key(&shard));
    stack.kept(
        1,
        shard,
        false,
        400,
        &format!("shard not found for id: {shard}"),
    );
    stack.kept(
        1,
        0,
        false,
        400,
        "invalid parameter value for 'shard': shard id must be greater than 0",
    );
    // Points of that time have a shard again.
    let group = stack
        .data(0)
        .write("db", "", unix_nanos())
        .expect("a point");
    assert_eq!(group.shards[0].owners, [4, 5]);
}

/// An owner that never got a point of the shard answers that it has no such shard: there is nothing
/// to delete (wire.md Q21).
#[test]
fn nothing_to_delete_is_no_error() {
    let stack = Stack::joined(2);
    let shard = stack.group("db", 2).shards[0].id;
    assert!(!stack.data(1).shards().contains_key(&shard));
    assert_eq!(stack.remove(1, shard, false).status, 204);
    assert_eq!(stack.owners(shard), Some(vec![4]));
    assert!(
        stack
            .data(1)
            .heard()
            .contains(&format!("RemoveShard {{ shard: {shard} }}"))
    );
}

/// The copy goes out of the catalog first, so that queries do not use it any more. The data can be
/// deleted later.
#[test]
fn the_node_does_not_delete_it() {
    let mut stack = Stack::joined(2);
    let shard = stack.group("db", 2).shards[0].id;
    stack
        .data(1)
        .write("db", "", unix_nanos())
        .expect("a point");
    stack
        .data(1)
        .set_behaviour(REMOVE, Behaviour::Failing("input/output error".to_owned()));
    let later = |why: &str| {
        let tcp = stack.tcp(1);
        format!(
            "{tcp} is no owner of shard {shard} any more, but may still hold its data ({why}): \
             remove it again with force once that node answers"
        )
    };
    stack.kept(1, shard, false, 500, &later("input/output error"));
    assert_eq!(stack.owners(shard), Some(vec![4]));
    stack.data(1).set_behaviour(REMOVE, Behaviour::Normal);
    assert_eq!(stack.remove(1, shard, true).status, 204);
    assert!(!stack.data(1).shards().contains_key(&shard));

    let other = stack.group("other", 2).shards[0].id;
    stack.data(1).hold(other, Held::new("other", "rp", 1));
    stack.kill_data(1);
    let answer = stack.remove(1, other, false);
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(
        error(&answer).contains("connection refused"),
        "{}",
        answer.text()
    );
    stack.start_data(1);
    assert_eq!(stack.owners(other), Some(vec![4]));
    assert_eq!(stack.remove(1, other, true).status, 204);
    assert!(!stack.data(1).shards().contains_key(&other));
}

/// A copy on disk that the catalog does not have.
#[test]
fn a_stray_goes_with_force_only() {
    let stack = Stack::joined(1);
    stack.data(0).hold(99, Held::new("gone", "rp", 1));
    stack.kept(0, 99, false, 400, "shard not found for id: 99");
    assert!(stack.data(0).shards().contains_key(&99));
    assert_eq!(stack.remove(0, 99, true).status, 204);
    assert!(!stack.data(0).shards().contains_key(&99));
}

#[test]
fn truncated_groups_take_no_more() {
    let stack = Stack::joined(2);
    let (node, before) = (stack.data(0), unix_nanos());
    let old = stack.group("db", 1);
    stack.done("/truncate-shards", &[("delay", "0s")]);
    let data = stack.settled();
    let truncated = &data.policy("db", "").expect("a policy").shard_groups[0];
    let at = truncated.truncated_at;
    assert!(
        (before..=unix_nanos()).contains(&at) && truncated.end == old.end,
        "{truncated:?}"
    );
    let new = node.write("db", "", at).expect("a point");
    assert_eq!((new.start, new.id == old.id), (at, false));
    assert_eq!(node.write("db", "", at - 1).expect("a point").id, old.id);
    // A truncation in the future: only groups that reach beyond it end there.
    stack.done("/truncate-shards", &[("delay", "1h")]);
    let data = stack.settled();
    let groups = &data.policy("db", "").expect("a policy").shard_groups;
    let ends: Vec<_> = groups
        .iter()
        .map(|group| (group.id, group.truncated_at))
        .collect();
    assert_eq!(ends[0], (old.id, at));
    assert!(ends[1].0 == new.id && ends[1].1 > at + HOUR / 2, "{ends:?}");
    let cases = [
        ("", "time: invalid duration \"\""),
        ("5", "time: missing unit in duration \"5\""),
        ("1d", "time: unknown unit \"d\" in duration \"1d\""),
    ];
    for (delay, text) in cases {
        stack.refused("/truncate-shards", &[("delay", delay)], 400, text);
    }
}
