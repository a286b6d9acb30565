//! A data node gets a copy of a shard, and becomes its owner once it has the copy.

use influxdb_meta::wire::data_node::{CopyShard, MessageType, answer};
use serde_json::json;

use super::*;
use crate::harness::data_node::{Behaviour, Held, On};

const COPY: On = On::Call(MessageType::CopyShard);

impl Stack {
    fn copy(&self, shard: u64) -> Response {
        self.ask("/copy-shard", &self.fields(shard).each())
    }

    /// Parameters of a copy from the first data node to the second.
    fn fields(&self, shard: u64) -> Fields {
        Fields([
            ("src", self.tcp(0)),
            ("dest", self.tcp(1)),
            ("shard", shard.to_string()),
        ])
    }

    /// Asks for a copy at this node. With `forwarded` the caller uses the name of a published port,
    /// so that a follower forwards.
    fn copy_at(&self, node: usize, shard: u64, forwarded: bool) -> Result<Response, String> {
        let at = self.meta.all[node].http();
        let host = if forwarded {
            "localhost:18091".to_owned()
        } else {
            at.to_string()
        };
        post_form(at, &host, "/copy-shard", &self.fields(shard).each())
    }

    /// Kills the leader once the destination has the request to copy; then the destination goes on.
    #[track_caller]
    fn killed_during_copy<T: Send>(&self, leader: usize, copy: impl FnOnce() -> T + Send) -> T {
        self.data(1).set_behaviour(COPY, Behaviour::Held);
        std::thread::scope(|scope| {
            let copy = scope.spawn(copy);
            self.data(1).wait_heard("CopyShard", AT_LAST);
            self.meta.all[leader].signal("KILL");
            self.data(1).set_behaviour(COPY, Behaviour::Normal);
            copy.join().expect("no panic")
        })
    }

    fn orders(&self) -> usize {
        self.data(1)
            .heard()
            .iter()
            .filter(|heard| heard.starts_with("CopyShard"))
            .count()
    }
}

struct Fields([(&'static str, String); 3]);

impl Fields {
    fn each(&self) -> Vec<(&'static str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }
}

#[test]
fn it_is_shown_while_it_goes_on_and_owned_afterwards() {
    let stack = Stack::joined(2);
    let shard = stack.lone_shard("db");
    assert_eq!(stack.look("/copy-shard-status").json(), json!([]));
    stack.data(1).set_behaviour(COPY, Behaviour::Held);
    std::thread::scope(|scope| {
        let copy = scope.spawn(|| stack.copy(shard));
        stack.data(1).wait_heard("CopyShard", AT_LAST);
        let mut status = stack.look("/copy-shard-status").json();
        let started = status[0]["started-at"].take();
        assert!(
            started
                .as_str()
                .is_some_and(|at| at.contains('T') && at.ends_with('Z')),
            "{started}"
        );
        let expected = json!([{
            "source": stack.tcp(0), "dest": stack.tcp(1), "database": "db", "policy": "rp",
            "shard-id": shard, "total-size": 16, "current-size": 0, "started-at": null,
        }]);
        assert_eq!(status, expected);
        // The same copy is requested again while it is under way.
        let text = format!("shard {shard} is being copied to {} already", stack.tcp(1));
        stack.refused("/copy-shard", &stack.fields(shard).each(), 409, &text);
        // A copy that is not owned yet does not count as a stray copy.
        let stray = [
            ("src", &*stack.tcp(1)),
            ("shard", &*shard.to_string()),
            ("force", "true"),
        ];
        let text = format!(
            "shard {shard} is being copied to {}: it owns it soon",
            stack.tcp(1)
        );
        stack.refused("/remove-shard", &stray, 409, &text);
        assert_eq!(stack.owners(shard), Some(vec![4]));
        stack.data(1).set_behaviour(COPY, Behaviour::Normal);
        assert_eq!(copy.join().expect("no panic").status, 204);
    });
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
    assert_eq!(stack.data(1).shards()[&shard].size, 16);
    assert_eq!(stack.orders(), 1);
    assert_eq!(stack.look("/copy-shard-status").json(), json!([]));
    let text = format!("\"{}\" already has a copy of shard {shard}", stack.tcp(1));
    stack.refused("/copy-shard", &stack.fields(shard).each(), 400, &text);
}

#[test]
fn what_fails_changes_nothing() {
    let stack = Stack::joined(2);
    let shard = stack.lone_shard("db");
    let fails = |behaviour: Behaviour, text: &str| {
        stack.data(1).set_behaviour(COPY, behaviour);
        let answer = stack.copy(shard);
        assert_eq!(answer.status, 500, "{}", answer.text());
        assert!(error(&answer).contains(text), "{}", answer.text());
        assert_eq!(stack.owners(shard), Some(vec![4]));
    };
    fails(
        Behaviour::Failing("no space left on device".to_owned()),
        "no space left on device",
    );
    fails(Behaviour::HangUp, "read message type: EOF");
    // The destination reports success, and does not have the shard.
    fails(
        Behaviour::Raw(answer::<CopyShard>(&Ok(())).expect("an answer").to_vec()),
        "does not have it",
    );
    // The source breaks off before its first file, which the destination takes for a copy.
    let backup = On::BackupShard;
    stack.data(0).set_behaviour(backup, Behaviour::HangUp);
    fails(Behaviour::Normal, "has nothing of what");
    stack.data(0).set_behaviour(backup, Behaviour::Normal);
    // A new copy overwrites what an earlier one left.
    fails(Behaviour::ActThenHangUp, "read message type: EOF");
    assert!(stack.data(1).shards().contains_key(&shard));
    stack.data(1).set_behaviour(COPY, Behaviour::Normal);
    assert_eq!(stack.copy(shard).status, 204);
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
}

/// In the original an empty stream is restored, and a node without data becomes an owner
/// (wire.md Q20).
#[test]
fn nothing_is_not_copied() {
    let stack = Stack::joined(3);
    let group = stack.group("db", 2);
    // Only one owner has the first point.
    let shard = group.shards[0].id;
    let (with, without): (Vec<usize>, Vec<usize>) =
        (0..3).partition(|n| stack.data(*n).shards().contains_key(&shard));
    let empty = *without
        .iter()
        .find(|n| group.shards[0].owners.contains(&stack.data(**n).id()))
        .expect("an owner");
    let outside = *without.iter().find(|n| **n != empty).expect("no owner");
    let fields = |src: usize| {
        Fields([
            ("src", stack.tcp(src)),
            ("dest", stack.tcp(outside)),
            ("shard", shard.to_string()),
        ])
    };
    let text = format!(
        "{} holds no data of shard {shard}: there is nothing to copy; {} owns the shard too and \
         holds it",
        stack.tcp(empty),
        stack.tcp(with[0])
    );
    stack.refused("/copy-shard", &fields(empty).each(), 500, &text);
    stack.done("/copy-shard", &fields(with[0]).each());
    assert_eq!(stack.owners(shard), Some(vec![4, 5, 6]));
    // An owner that lost its copy gets it again, and is not added to the owners twice.
    let again = Fields([
        ("src", stack.tcp(with[0])),
        ("dest", stack.tcp(empty)),
        ("shard", shard.to_string()),
    ]);
    stack.done("/copy-shard", &again.each());
    assert_eq!(stack.owners(shard), Some(vec![4, 5, 6]));
    assert!(stack.data(empty).shards().contains_key(&shard));
}

/// A data node creates a shard only with its first point: one without points gets another owner, and
/// no data node is asked to copy it. An owner that does not answer may have points of it.
#[test]
fn an_empty_shard_gets_an_owner() {
    let mut stack = Stack::joined(3);
    let group = stack.group("db", 1);
    let shard = |n: usize| {
        let owners = [stack.data(n).id()];
        let found = group.shards.iter().find(|shard| shard.owners == owners);
        found.expect("a shard of its own").id
    };
    let (empty, other) = (shard(1), shard(2));
    let copy = |stack: &Stack, src: usize, dest: usize, shard: u64| {
        let (src, dest) = (stack.tcp(src), stack.tcp(dest));
        let fields = [
            ("src", &*src),
            ("dest", &*dest),
            ("shard", &*shard.to_string()),
            ("report", "true"),
        ];
        stack.ask("/copy-shard", &fields)
    };
    let copied = copy(&stack, 1, 0, empty);
    assert_eq!(
        (copied.status, copied.json()),
        (200, json!({ "empty": true }))
    );
    assert_eq!(stack.owners(empty), Some(vec![4, 5]));
    assert!(!stack.data(0).shards().contains_key(&empty));
    assert!(
        !stack
            .data(0)
            .heard()
            .iter()
            .any(|heard| heard.starts_with("CopyShard")),
        "{:?}",
        stack.data(0).heard()
    );
    let copied = copy(&stack, 2, 0, other);
    assert_eq!(
        (copied.status, stack.owners(other)),
        (200, Some(vec![4, 6]))
    );
    stack.kill_data(2);
    let refused = copy(&stack, 0, 1, other);
    assert_eq!(refused.status, 500, "{}", refused.text());
    assert_eq!(stack.owners(other), Some(vec![4, 6]));
}

#[test]
fn a_wrong_parameter_says_why() {
    let stack = Stack::joined(2);
    let shard = stack.lone_shard("db").to_string();
    let (one, two, nobody) = (&*stack.tcp(0), &*stack.tcp(1), "nobody:8088");
    let cases: [(&str, &str, &str, String); 9] = [
        ("", two, &shard, "'src' is a required parameter".to_owned()),
        (one, "", &shard, "'dest' is a required parameter".to_owned()),
        (one, one, &shard, "dest and src are the same".to_owned()),
        (
            nobody,
            two,
            &shard,
            format!("unable to find node for \"{nobody}\""),
        ),
        (
            one,
            nobody,
            &shard,
            format!("unable to find node for \"{nobody}\""),
        ),
        (
            one,
            two,
            "x",
            "error converting shard to int: \"x\" is no shard id".to_owned(),
        ),
        (
            one,
            two,
            "0",
            "invalid parameter value for 'shard': shard id must be greater than 0".to_owned(),
        ),
        (one, two, "99", "shard not found for id: 99".to_owned()),
        (
            two,
            one,
            &shard,
            format!("\"{two}\" is not an owner of shard {shard}"),
        ),
    ];
    for (src, dest, shard, text) in cases {
        stack.refused(
            "/copy-shard",
            &[("src", src), ("dest", dest), ("shard", shard)],
            400,
            &text,
        );
    }
    stack
        .data(0)
        .execute(&command::drop_shard(99))
        .expect("nothing to drop");
    let group = stack
        .data(0)
        .cached()
        .policy("db", "")
        .expect("a policy")
        .shard_groups[0]
        .id;
    stack
        .data(0)
        .execute(&command::delete_shard_group("db", "rp", group))
        .expect("deleted");
    let text = format!("shard {shard} is deleted: the data nodes are about to drop it");
    stack.refused(
        "/copy-shard",
        &[("src", one), ("dest", two), ("shard", &shard)],
        400,
        &text,
    );
}

#[test]
fn the_caller_hangs_up() {
    let stack = Stack::joined(2);
    for (n, forwarded) in [false, true].into_iter().enumerate() {
        let shard = stack.lone_shard(&format!("db{n}"));
        stack.data(1).set_behaviour(COPY, Behaviour::Held);
        let node = if forwarded {
            stack.follower()
        } else {
            stack.leader()
        };
        let at = stack.meta.all[node].http();
        let host = if forwarded {
            "localhost:18091".to_owned()
        } else {
            at.to_string()
        };
        let body = form(&stack.fields(shard).each());
        let caller =
            http::send(at, &form_head(&host, "/copy-shard"), body.as_bytes()).expect("sent");
        wait_for("the order to copy", AT_LAST, || {
            if stack.orders() == n + 1 {
                Ok(())
            } else {
                Err(format!("{:?}", stack.data(1).heard()))
            }
        });
        drop(caller);
        stack.data(1).set_behaviour(COPY, Behaviour::Normal);
        stack.data(0).wait_for("ownership", AT_LAST, |data| {
            let groups = data
                .databases
                .iter()
                .flat_map(|db| &db.retention_policies[0].shard_groups);
            groups
                .flat_map(|group| &group.shards)
                .any(|found| found.id == shard && found.owners == [4, 5])
        });
    }
    stack.settled();
}

/// The follower that forwarded the request has the copy made again by the next leader.
#[test]
fn the_leader_is_killed_meanwhile() {
    let mut stack = Stack::joined(2);
    let shard = stack.lone_shard("db");
    let (leader, follower) = (stack.leader(), stack.follower());
    let answer = stack.killed_during_copy(leader, || stack.copy_at(follower, shard, true));
    assert_eq!(answer.expect("an answer").status, 204);
    assert_eq!(stack.orders(), 2);
    stack.meta.all[leader].kill();
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
    stack.meta.all[leader].start();
    stack.settled();
}

/// No follower forwarded the request: the caller sees the connection break, and asks again.
#[test]
fn the_leader_is_killed_and_the_caller_alone_knows() {
    let mut stack = Stack::joined(2);
    let shard = stack.lone_shard("db");
    let leader = stack.leader();
    let answer = stack.killed_during_copy(leader, || stack.copy_at(leader, shard, false));
    answer.expect_err("it is dead");
    stack.meta.all[leader].kill();
    assert_eq!(stack.owners(shard), Some(vec![4]));
    stack.leader();
    assert_eq!(stack.copy(shard).status, 204);
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
}

/// The leader is deposed while it waits, and the copy is made all the same: the next leader makes
/// the data node an owner.
#[test]
fn the_leader_is_deposed_meanwhile() {
    let stack = Stack::joined(2);
    let shard = stack.lone_shard("db");
    stack.data(1).set_behaviour(COPY, Behaviour::Held);
    let (leader, follower) = (stack.leader(), stack.follower());
    let answer = std::thread::scope(|scope| {
        let copy = scope.spawn(|| stack.copy_at(follower, shard, true));
        stack.data(1).wait_heard("CopyShard", AT_LAST);
        stack.freeze(leader);
        stack.data(1).set_behaviour(COPY, Behaviour::Normal);
        wait_for("the copy", AT_LAST, || {
            if stack.data(1).shards().contains_key(&shard) {
                Ok(())
            } else {
                Err("nothing".to_owned())
            }
        });
        stack.meta.all[leader].signal("CONT");
        copy.join().expect("no panic").expect("an answer")
    });
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
    assert_eq!(stack.orders(), 1);
}

/// A stray copy at the destination does not count as a copy: it is overwritten.
#[test]
fn a_stray_is_overwritten() {
    let stack = Stack::joined(2);
    let shard = stack.lone_shard("db");
    stack.data(1).hold(shard, Held::new("db", "rp", 7));
    assert_eq!(stack.copy(shard).status, 204);
    assert_eq!(stack.data(1).shards()[&shard].size, 16);
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
}
