//! Passive data nodes accept writes and own nothing.

use influxdb_meta::wire::data_node::MessageType;

use super::*;
use crate::harness::data_node::shards::unix_nanos;
use crate::harness::data_node::{Behaviour, On};

impl Stack {
    fn add(&self, n: usize, passive: bool) -> Response {
        let addr = self.tcp(n);
        let fields = [("addr", &*addr), ("passive", "true")];
        self.ask("/add-data", if passive { &fields } else { &fields[..1] })
    }

    fn passive(&self) -> Vec<(u64, bool)> {
        let nodes = shown(&self.meta.all[0]);
        let passive = |node: &Value| (node["id"].as_u64().expect("an id"), node["passive"] == true);
        nodes.iter().map(passive).collect()
    }
}

#[test]
fn it_owns_nothing_ever() {
    let stack = Stack::of(3);
    assert_eq!(stack.add(0, false).json()["id"], 4);
    assert_eq!(stack.add(1, true).json()["id"], 5);
    assert_eq!(stack.add(1, true).json()["id"], 5, "again");
    stack.settled();
    assert_eq!(stack.passive(), [(4, false), (5, true)]);
    // The passive node creates groups like any other node: for three copies, of which one node can
    // have only one.
    let passive = stack.data(1);
    passive
        .execute(&command::create_database("db", Some(&policy(3))))
        .expect("a database");
    for week in 0..3 {
        let group = passive
            .write("db", "", unix_nanos() + week * 7 * 24 * HOUR)
            .expect("a point");
        assert_eq!(
            group
                .shards
                .iter()
                .map(|shard| shard.owners.clone())
                .collect::<Vec<_>>(),
            [[4]]
        );
        assert_eq!(passive.shards().len(), 0);
    }
    stack.data(0).wait_for("the database", AT_LAST, |data| {
        data.database("db").is_some()
    });
    let shard = stack
        .data(0)
        .write("db", "", unix_nanos())
        .expect("a point")
        .shards[0]
        .id
        .to_string();
    let copy = [
        ("src", &*stack.tcp(0)),
        ("dest", &*stack.tcp(1)),
        ("shard", &*shard),
    ];
    stack.refused(
        "/copy-shard",
        &copy,
        400,
        &format!("\"{}\" is passive: it owns no shards", stack.tcp(1)),
    );
    // Adding a node again does not make it passive if it may own shards.
    let text = format!(
        "{} is data node 4 and not passive: remove it first, to add it as a passive one",
        stack.tcp(0)
    );
    let answer = stack.add(0, true);
    assert_eq!((answer.status, error(&answer)), (409, text));
    // With a new address it is still passive; removed and added again it is not.
    stack.done(
        "/update-data",
        &[("oldAddr", &stack.tcp(1)), ("newAddr", &stack.tcp(2))],
    );
    assert_eq!(stack.passive(), [(4, false), (5, true)]);
    stack.done("/remove-data", &[("addr", &stack.tcp(2))]);
    assert_eq!(stack.add(2, false).json()["id"], 6);
    stack.settled();
    assert_eq!(stack.passive(), [(4, false), (6, false)]);
}

/// The last request counts.
#[test]
fn one_that_did_not_come_as_passive_may_come_as_active() {
    let stack = Stack::of(1);
    let join = On::Call(MessageType::JoinCluster);
    stack
        .data(0)
        .set_behaviour(join, Behaviour::Failing("not now".to_owned()));
    let answer = stack.add(0, true);
    assert_eq!((answer.status, error(&answer).as_str()), (500, "not now"));
    stack.data(0).set_behaviour(join, Behaviour::Normal);
    assert_eq!(stack.add(0, false).json()["id"], 4);
    stack.settled();
    assert_eq!(stack.passive(), [(4, false)]);
}
