//! A data node is drained: what would fall below its replication factor is copied, then it is
//! removed.

use std::process::{Command, Stdio};

use influxdb_meta::wire::data_node::MessageType;
use serde_json::json;

use super::*;
use crate::harness::ctl::Typed;
use crate::harness::data_node::shards::unix_nanos;
use crate::harness::data_node::{Behaviour, On};
use crate::harness::node::program;

const COPY: On = On::Call(MessageType::CopyShard);
const WEEK: i64 = 7 * 24 * HOUR;

impl Stack {
    /// Makes a group that ended weeks ago, into which the first data node writes a point.
    #[track_caller]
    fn ended_group(&self, database: &str, replica_n: u32) -> data::ShardGroup {
        let node = self.data(0);
        node.execute(&command::create_database(
            database,
            Some(&policy(replica_n)),
        ))
        .expect("a database");
        node.write(database, "", unix_nanos() - 5 * WEEK)
            .expect("a point")
    }

    /// Makes an ended shard of which this data node has the only copy, with a point in it.
    #[track_caller]
    fn ended_shard(&self, database: &str, n: usize) -> u64 {
        let group = self.ended_group(database, 1);
        let own = |shard: &&data::Shard| shard.owners == [self.data(n).id()];
        let shard = group.shards.iter().find(own).expect("its own").id;
        self.data(n).wait_for("the group", AT_LAST, |data| {
            data.policy(database, "")
                .is_ok_and(|policy| !policy.shard_groups.is_empty())
        });
        let at = unix_nanos() - 5 * WEEK;
        self.data(n).write(database, "", at).expect("a point");
        shard
    }

    fn drain(&self, n: usize, more: &[&str]) -> Typed {
        let at = self.meta.all.iter().find(|node| node.is_running());
        let tcp = self.tcp(n);
        let line = [&["remove-data", "-drain"], more, &[&tcp]].concat();
        at.expect("a running meta node").ctl(&line)
    }

    fn copied(&self, shard: u64, from: usize, to: usize) -> String {
        let (from, to) = (self.tcp(from), self.tcp(to));
        format!("Copied shard {shard} from {from} to {to}\n")
    }

    fn removed(&self, n: usize) -> String {
        format!("Removed data node at {}\n", self.tcp(n))
    }

    fn is_passive(&self, n: usize) -> bool {
        let tcp = self.tcp(n);
        let shown = shown(&self.meta.all[self.leader()]);
        let found = shown.iter().find(|node| node["tcpAddr"] == tcp);
        found.expect("a member")["passive"] == true
    }

    fn copies_ordered(&self, n: usize) -> usize {
        let heard = self.data(n).heard();
        let orders = heard.iter().filter(|heard| heard.starts_with("CopyShard"));
        orders.count()
    }
}

/// The command that lowers the replication factor to 1.
fn lowered(database: &str) -> Vec<u8> {
    command::update_retention_policy(database, "rp", None, Some(1), None, false)
}

#[track_caller]
fn done(ran: &Typed, stdout: &str) {
    // A busy machine may elect a leader meanwhile, which stderr says.
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, stdout),
        "{}",
        ran.stderr
    );
}

#[track_caller]
fn failed(ran: &Typed, stdout: &str, said: &str) {
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (1, stdout),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(said), "{:?}", ran.stderr);
}

/// The shards go to those that own the fewest; the data node is reset as in every removal.
#[test]
fn what_only_it_holds_is_copied_first() {
    let stack = Stack::joined(3);
    let first = stack.ended_shard("one", 2);
    let second = stack.ended_shard("two", 2);
    let ran = stack.drain(2, &[]);
    let copies = stack.copied(first, 2, 0) + &stack.copied(second, 2, 1);
    done(&ran, &(copies + &stack.removed(2)));
    assert_eq!(stack.owners(first), Some(vec![4]));
    assert_eq!(stack.owners(second), Some(vec![5]));
    assert_eq!(stack.data(0).shards()[&first].size, 16);
    assert_eq!(stack.data(1).shards()[&second].size, 16);
    let gone = stack.data(2);
    assert_eq!((gone.meta_servers().len(), gone.shards().len()), (0, 0));
    // What it was for its removal it is not for its return.
    stack.done("/add-data", &[("addr", &stack.tcp(2))]);
    assert!(!stack.is_passive(2));
}

/// Two copies of each shard stay two. A shard that has enough without the data node is not copied.
#[test]
fn the_replication_factor_is_kept() {
    let stack = Stack::joined(4);
    let group = stack.ended_group("db", 2);
    let id = stack.data(0).id();
    let (mine, others): (Vec<_>, Vec<_>) = group
        .shards
        .iter()
        .partition(|shard| shard.owners.contains(&id));
    let ran = stack.drain(0, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout.matches("Copied shard").count(), mine.len());
    for shard in mine.iter().chain(&others) {
        let owners = stack.owners(shard.id).expect("a shard");
        assert_eq!(owners.len(), 2, "{shard:?}: {owners:?}");
        assert!(!owners.contains(&id));
    }
}

/// The open shards are ended first, and copied once no more points can come for them. New shards
/// have other owners from the first request on.
#[test]
fn shards_that_take_points_are_ended_first() {
    let stack = Stack::joined(3);
    let shard = stack.lone_shard("db");
    stack.settled();
    let next = stack.data(1).write("db", "", unix_nanos() + 8 * WEEK);
    let next = next.expect("a group made ahead of time");
    let plan = stack.done("/drain-data", &[("addr", &stack.tcp(0))]).json();
    assert_eq!(
        (&plan["copies-left"], &plan["open-shards"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        (&plan["next"], &plan["answers"]),
        (&json!(null), &json!(true))
    );
    assert!(plan["open-for-ms"].as_u64() > Some(1000), "{plan}");
    let later = stack.data(1).write("db", "", unix_nanos() + 16 * WEEK);
    for shard in later.expect("a group").shards {
        assert!(!shard.owners.contains(&4), "{shard:?}");
    }
    let ran = stack.drain(0, &["-delay", "0s"]);
    let copied = stack.copied(shard, 0, 1);
    done(
        &ran,
        &format!("Truncated shards.\n{copied}{}", stack.removed(0)),
    );
    assert_eq!(stack.owners(shard), Some(vec![5]));
    assert_eq!(stack.data(1).shards()[&shard].size, 16);
    // The group that was made ahead became empty, so nothing of it was copied.
    assert!(
        next.shards
            .iter()
            .all(|shard| !ran.stdout.contains(&format!("shard {} ", shard.id)))
    );
    let group = stack
        .data(1)
        .write("db", "", unix_nanos())
        .expect("a point");
    assert!(group.shards.iter().all(|shard| !shard.owners.contains(&4)));
}

/// A shard without points has nothing to copy, and needs an owner all the same.
#[test]
fn an_empty_shard_gets_an_owner() {
    let stack = Stack::joined(3);
    let group = stack.ended_group("db", 1);
    let id = stack.data(1).id();
    let own = |shard: &&data::Shard| shard.owners == [id];
    let shard = group.shards.iter().find(own).expect("its own").id;
    let ran = stack.drain(1, &[]);
    let copied = stack.copied(shard, 1, 0);
    assert_eq!((ran.code, ran.stdout), (0, copied + &stack.removed(1)));
    assert!(
        ran.stderr.contains("there was nothing to copy"),
        "{}",
        ran.stderr
    );
    assert_eq!(stack.owners(shard), Some(vec![4]));
    assert_eq!(stack.copies_ordered(0), 0);
}

#[test]
fn too_few_data_nodes_are_left() {
    let stack = Stack::joined(2);
    stack.ended_group("db", 2);
    let before = stack.settled();
    let ran = stack.drain(0, &[]);
    let said = format!(
        "without {} 1 data nodes may own shards, and retention policies ask for more copies: add a \
         data node first, or lower what they ask for\n  2 copies: ALTER RETENTION POLICY \"rp\" ON \
         \"db\" REPLICATION 1\n",
        stack.tcp(0)
    );
    failed(&ran, "", &said);
    assert_eq!(stack.settled(), before);
    assert!(!stack.is_passive(0));
    stack.data(0).execute(&lowered("db")).expect("lowered");
    done(&stack.drain(0, &[]), &stack.removed(0));
}

/// Two drains at once could take each other's destinations. One that was broken off may be given up.
#[test]
fn one_at_a_time() {
    let stack = Stack::joined(4);
    stack.ended_shard("db", 0);
    let first = [("addr", &*stack.tcp(0))];
    let cancel = [("addr", &*stack.tcp(0)), ("cancel", "true")];
    let not_drained = format!("{} is not being drained", stack.tcp(0));
    stack.refused("/drain-data", &cancel, 409, &not_drained);
    stack.done("/drain-data", &first);
    assert!(stack.is_passive(0));
    let refused = stack.drain(1, &[]);
    let said = format!(
        "{0} is being drained: go on with it first (influxd-ctl remove-data -drain {0})",
        stack.tcp(0)
    );
    failed(&refused, "", &said);
    let kept = stack.drain(0, &["-cancel"]);
    done(
        &kept,
        &format!("Data node at {} gets new shards again\n", stack.tcp(0)),
    );
    assert!(!stack.is_passive(0));
    stack.refused("/drain-data", &cancel, 409, &not_drained);
    done_with_copies(&stack.drain(1, &[]), &stack, 1);
    let unknown = [("addr", "nobody:8088")];
    stack.refused("/drain-data", &unknown, 400, "node not found: nobody:8088");
}

#[track_caller]
fn done_with_copies(ran: &Typed, stack: &Stack, n: usize) {
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.ends_with(&stack.removed(n)), "{ran:?}");
}

/// The copy that was under way is completed without the command, and is not made twice.
#[test]
fn broken_off_and_taken_up_again() {
    let stack = Stack::joined(2);
    let first = stack.ended_shard("one", 0);
    let second = stack.ended_shard("two", 0);
    stack.data(1).set_behaviour(COPY, Behaviour::Held);
    let at = stack.meta.all[0].http().to_string();
    let mut drain = Command::new(program());
    std::os::unix::process::CommandExt::arg0(&mut drain, "influxd-ctl");
    let mut drain = drain
        .args(["-bind", &at, "remove-data", "-drain", &stack.tcp(0)])
        .stdin(Stdio::null())
        .env_clear()
        .spawn()
        .expect("influxd-ctl runs");
    stack.data(1).wait_heard("CopyShard", AT_LAST);
    let pid = drain.id().to_string();
    // Not SIGINT: tests that were started in the background of a shell ignore it, and so does the tool.
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.expect("sent").success());
    assert!(!drain.wait().expect("ended").success());
    assert_eq!(stack.owners(first), Some(vec![4]));
    assert!(stack.is_passive(0));
    stack.data(1).set_behaviour(COPY, Behaviour::Normal);
    let ran = stack.drain(0, &[]);
    done_with_copies(&ran, &stack, 0);
    assert!(ran.stdout.contains(&stack.copied(second, 0, 1)), "{ran:?}");
    assert_eq!(stack.owners(first), Some(vec![5]));
    assert_eq!(stack.owners(second), Some(vec![5]));
    assert_eq!(stack.copies_ordered(1), 2);
}

/// The command is bound to a follower and goes on through the next leader.
#[test]
fn the_leader_is_killed_meanwhile() {
    let mut stack = Stack::joined(2);
    let shard = stack.ended_shard("db", 0);
    stack.data(1).set_behaviour(COPY, Behaviour::Held);
    let (leader, follower) = (stack.leader(), stack.follower());
    let tcp = stack.tcp(0);
    let ran = std::thread::scope(|scope| {
        let node = &stack.meta.all[follower];
        let line = ["-timeout", "1m", "remove-data", "-drain", &tcp];
        let drain = scope.spawn(move || node.ctl(&line));
        stack.data(1).wait_heard("CopyShard", AT_LAST);
        stack.meta.all[leader].signal("KILL");
        stack.data(1).set_behaviour(COPY, Behaviour::Normal);
        drain.join().expect("no panic")
    });
    done_with_copies(&ran, &stack, 0);
    stack.meta.all[leader].kill();
    assert_eq!(stack.owners(shard), Some(vec![5]));
    stack.meta.all[leader].start();
    stack.settled();
}

/// A copy that fails is tried again; after three failures the command says how to go on.
#[test]
fn a_copy_fails() {
    let stack = Stack::joined(2);
    let shard = stack.ended_shard("db", 0);
    let full = Behaviour::Failing("no space left on device".to_owned());
    stack.data(1).set_behaviour(COPY, full);
    let ran = stack.drain(0, &[]);
    failed(&ran, "", "no space left on device");
    let said = format!(
        "{0} is still a member and gets no new shards. The same command goes on; influxd-ctl \
         remove-data -drain -cancel {0} keeps the data node\n",
        stack.tcp(0)
    );
    assert!(ran.stderr.ends_with(&said), "{}", ran.stderr);
    assert_eq!(stack.copies_ordered(1), 3);
    assert_eq!(stack.owners(shard), Some(vec![4]));
    stack.data(1).set_behaviour(COPY, Behaviour::Normal);
    done(
        &stack.drain(0, &[]),
        &(stack.copied(shard, 0, 1) + &stack.removed(0)),
    );
}

/// Its shards are copied from their other owners. Last copies can only be lost.
#[test]
fn one_that_does_not_answer() {
    let mut stack = Stack::joined(3);
    let group = stack.ended_group("db", 2);
    let held = |n: usize| group.shards[0].owners.contains(&stack.data(n).id());
    let gone = (1..3).find(|n| held(*n)).expect("an owner");
    let shard = group.shards[0].id;
    let with: Vec<usize> = (0..3)
        .filter(|n| stack.data(*n).shards().contains_key(&shard))
        .collect();
    assert_eq!(with, [0], "the first point");
    stack.kill_data(gone);
    let before = stack.settled();
    failed(
        &stack.drain(gone, &[]),
        "",
        "copy its shards from their other owners with force",
    );
    assert_eq!(stack.settled(), before);
    let free = (1..3).find(|n| *n != gone).expect("another one");
    let ran = stack.drain(gone, &["-force"]);
    let copied = stack.copied(shard, 0, free);
    assert_eq!(
        (ran.code, ran.stdout),
        (0, copied + &stack.removed(gone)),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("did not answer: its data is still on its disk")
    );
    assert_eq!(stack.owners(shard).map(|owners| owners.len()), Some(2));
    // Now the first one has shards of its own and goes.
    let lone = stack.ended_shard("lone", 0);
    stack.data(0).execute(&lowered("db")).expect("lowered");
    stack.kill_data(0);
    let ran = stack.drain(0, &["-force"]);
    let said = format!(
        "{} does not answer, and has the only copies of 1 shards, shard {lone} first",
        stack.tcp(0)
    );
    failed(&ran, "", &said);
    assert!(!stack.is_passive(0));
}
