//! Data nodes are removed.

use influxdb_meta::wire::data_node::MessageType;

use super::*;
use crate::harness::data_node::shards::unix_nanos;
use crate::harness::data_node::{Behaviour, On};

impl Stack {
    fn remove_data(&self, n: usize, force: bool) -> Response {
        let addr = self.tcp(n);
        let fields = [("addr", &*addr), ("force", "true")];
        self.ask("/remove-data", if force { &fields } else { &fields[..1] })
    }
}

/// The node forgets its cluster and its data; the others drop the points that they kept for it.
#[test]
fn one_that_lives() {
    let stack = Stack::joined(3);
    let shard = stack.group("db", 3).shards[0].id;
    stack
        .data(2)
        .write("db", "", unix_nanos())
        .expect("a point");
    assert_eq!(stack.owners(shard), Some(vec![4, 5, 6]));
    assert_eq!(stack.remove_data(2, false).status, 204);
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
    let gone = stack.data(2);
    assert_eq!((gone.meta_servers().len(), gone.shards().len()), (0, 0));
    assert_eq!(gone.status().node_status, "disjoined");
    assert!(
        gone.heard().contains(&"LeaveCluster".to_owned()),
        "{:?}",
        gone.heard()
    );
    for n in [0, 1] {
        stack
            .data(n)
            .wait_heard("RemoveHintedHandoff { node: NodeId(6) }", AT_LAST);
    }
    for node in &stack.meta.all {
        assert_eq!(shown(node).len(), 2);
    }
    stack.refused(
        "/remove-data",
        &[("addr", &stack.tcp(2))],
        400,
        &format!("node not found: {}", stack.tcp(2)),
    );
    // The node may come back, with another id.
    assert_eq!(
        stack.done("/add-data", &[("addr", &stack.tcp(2))]).json()["id"],
        7
    );
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
}

#[test]
fn one_that_is_dead() {
    let mut stack = Stack::joined(2);
    let shard = stack.group("db", 2).shards[0].id;
    stack.kill_data(1);
    let before = stack.settled();
    let answer = stack.remove_data(1, false);
    assert_eq!(answer.status, 500, "{}", answer.text());
    let text = error(&answer);
    assert!(
        text.contains("connection refused: nothing was changed;") && text.ends_with("needs force"),
        "{text}"
    );
    assert_eq!(stack.settled(), before);
    assert_eq!(stack.remove_data(1, true).status, 204);
    assert_eq!(stack.owners(shard), Some(vec![4]));
    stack
        .data(0)
        .wait_heard("RemoveHintedHandoff { node: NodeId(5) }", AT_LAST);
    // The node finds that it is not a member.
    stack.start_data(1);
    stack.data(1).wait_for("present catalog", AT_LAST, |data| {
        data.data_nodes.len() == 1
    });
    assert_eq!(stack.data(1).id(), 0);
}

/// Without force, a last copy prevents the removal. With force, another node owns the shard, without
/// its points: late points of the same time can still be written.
#[test]
fn one_with_the_last_copy() {
    let stack = Stack::joined(2);
    let late = unix_nanos();
    let shard = stack.lone_shard("db");
    let before = stack.settled();
    let text = format!(
        "shard {shard} has its only copy on {0}: copy it to another data node first, or use \
         force\n  influxd-ctl copy-shard {0} {1} {shard}\nor all at once:\n  influxd-ctl remove-data \
         -drain {0}",
        stack.tcp(0),
        stack.tcp(1)
    );
    stack.refused("/remove-data", &[("addr", &stack.tcp(0))], 409, &text);
    assert_eq!(stack.settled(), before);
    let addr = stack.tcp(0);
    let fields = [("addr", &*addr), ("force", "true"), ("report", "true")];
    let report = stack.done("/remove-data", &fields).json();
    assert_eq!(
        (&report["answers"], &report["lost-shards"]),
        (&true.into(), &1.into())
    );
    assert_eq!(report["lost"][0]["id"], shard);
    assert_eq!(stack.owners(shard), Some(vec![5]));
    // The node learns from its next poll that it is no member.
    stack
        .data(0)
        .wait_for("a catalog without it", AT_LAST, |data| {
            data.data_nodes.len() == 1
        });
    assert!(
        stack.data(0).shards().contains_key(&shard),
        "with force it is not asked to delete anything"
    );
    assert!(!stack.data(0).heard().contains(&"LeaveCluster".to_owned()));
    let group = stack.data(1).write("db", "", late).expect("a point");
    assert!(
        group.shards.iter().all(|shard| shard.owners == [5]),
        "{group:?}"
    );
}

/// A data node creates a shard only with its first point, so a last copy may be empty. It prevents
/// the removal as well. The command that the refusal names gives the shard to another owner.
#[test]
fn one_with_a_last_copy_of_nothing() {
    let stack = Stack::joined(2);
    let group = stack.group("db", 1);
    let id = stack.data(1).id();
    let shard = group
        .shards
        .iter()
        .find(|shard| shard.owners == [id])
        .expect("a shard of its own")
        .id;
    assert!(
        !stack.data(1).shards().contains_key(&shard),
        "the point is in the other one"
    );
    let (at, other, shard) = (stack.tcp(1), stack.tcp(0), shard.to_string());
    let refused = stack.remove_data(1, false);
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(
        error(&refused).contains("copy it to another data node first"),
        "{}",
        refused.text()
    );
    stack.done(
        "/copy-shard",
        &[("src", &at), ("dest", &other), ("shard", &shard)],
    );
    assert_eq!(stack.remove_data(1, false).status, 204);
    let group = stack
        .data(0)
        .write("db", "", unix_nanos())
        .expect("a point");
    assert!(
        group.shards.iter().all(|shard| shard.owners == [4]),
        "{group:?}"
    );
}

/// A data node that is down for a moment is notified when it is back.
#[test]
fn what_others_keep_for_it_is_dropped_later() {
    let mut stack = Stack::joined(3);
    stack.kill_data(1);
    assert_eq!(stack.remove_data(2, false).status, 204);
    stack
        .data(0)
        .wait_heard("RemoveHintedHandoff { node: NodeId(6) }", AT_LAST);
    stack.start_data(1);
    stack
        .data(1)
        .wait_heard("RemoveHintedHandoff { node: NodeId(6) }", AT_LAST);
}

#[test]
fn one_that_does_not_leave() {
    let stack = Stack::joined(2);
    stack.group("db", 2);
    stack.data(1).set_behaviour(
        On::Call(MessageType::LeaveCluster),
        Behaviour::Failing("busy".to_owned()),
    );
    let tcp = stack.tcp(1);
    let text = format!(
        "{tcp} is not a member any more, but did not reset itself (busy): delete its data by hand"
    );
    stack.refused("/remove-data", &[("addr", &tcp)], 500, &text);
    assert_eq!(stack.settled().data_nodes.len(), 1);
    stack.data(0).wait_heard("RemoveHintedHandoff", AT_LAST);
}

/// The node at that address would be ordered to delete its data, so it must be the right one.
#[test]
fn another_one_at_its_address() {
    let mut stack = Stack::joined(2);
    stack.kill_data(1);
    stack.wipe_data(1);
    stack.start_data_as(1, Some("another:8088"));
    let before = stack.settled();
    let at = stack.tcp(1);
    let text = format!(
        "at {at} a data node answers that calls itself another:8088: nothing was changed; a node \
         that will not come back needs force"
    );
    stack.refused("/remove-data", &[("addr", &at)], 500, &text);
    assert_eq!(stack.settled(), before);
    assert_eq!(stack.data(1).heard(), ["GET /status"]);
}
