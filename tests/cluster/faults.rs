//! SIGKILL, frozen processes, deleted logs: what was acknowledged stays, and the other nodes go on.

use std::fs;
use std::time::Duration;

use crate::harness::node::Nodes;
use crate::harness::writers::{Writers, assert_kept};
use crate::rounds;

/// SIGKILL of each node under write load, the leader included, again and again.
#[test]
fn sigkill_under_load_loses_nothing() {
    let mut nodes = Nodes::formed(3);
    let writers = Writers::start(4, nodes.all.iter().map(|n| n.http()).collect());
    for round in 0..rounds(9, 200) {
        writers.wait_progress();
        // Every third time the leader, otherwise each node in turn.
        let victim = if round % 3 == 0 {
            nodes.leader()
        } else {
            round % 3
        };
        nodes.all[victim].kill();
        writers.wait_progress();
        nodes.all[victim].start();
        nodes.wait_ready();
    }
    let acknowledged = writers.finish();
    assert_kept(&acknowledged, &nodes.wait_equal().databases);
}

/// All at once, under load: what was acknowledged is on a majority of disks.
#[test]
fn sigkill_of_all_under_load_loses_nothing() {
    let mut nodes = Nodes::formed(3);
    for _ in 0..rounds(3, 50) {
        let writers = Writers::start(4, nodes.all.iter().map(|n| n.http()).collect());
        writers.wait_progress();
        nodes.all.iter_mut().for_each(|n| n.kill());
        let acknowledged = writers.finish();
        nodes.start_all();
        nodes.wait_ready();
        assert_kept(&acknowledged, &nodes.wait_equal().databases);
    }
}

/// A frozen leader is replaced. When it goes on, it becomes a follower and never answers with old
/// data as if it were new.
#[test]
fn a_frozen_leader_is_replaced() {
    let mut nodes = Nodes::formed(3);
    let leader = nodes.leader();
    nodes.all[leader].signal("STOP");
    let others: Vec<_> = (0..3).filter(|n| *n != leader).collect();
    let writers = Writers::start(2, others.iter().map(|n| nodes.all[*n].http()).collect());
    writers.wait_progress();
    nodes.all[leader].signal("CONT");
    let acknowledged = writers.finish();
    assert_kept(&acknowledged, &nodes.wait_equal().databases);
    nodes.all[leader].goes_on("after");
    nodes.all.iter_mut().for_each(|n| n.kill());
}

/// A log that an operator deleted is a loss, not a beginning: the node halts and says so, the
/// others go on.
#[test]
fn a_deleted_log_halts_one_node_only() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("db").expect("a command");
    nodes.all[1].kill();
    fs::remove_dir_all(nodes.all[1].data_dir().join("wal")).expect("deleted");
    nodes.all[1].start();
    nodes.all[1].wait_says("halted");
    assert_eq!(nodes.all[1].get("/livez").expect("livez").status, 200);
    assert_eq!(nodes.all[1].get("/readyz").expect("readyz").status, 503);
    nodes.all[0].goes_on("two of three");
}

/// A flipped byte in the middle of the log is damage: the node halts, and never repairs it
/// silently.
#[test]
fn a_damaged_log_halts_one_node_only() {
    let mut nodes = Nodes::formed(3);
    for n in 0..50 {
        nodes.all[n % 3]
            .create_database(&format!("db-with-a-long-name-{n}"))
            .expect("a command");
    }
    assert_eq!(nodes.all[2].terminate().0, Some(0));
    let segment = fs::read_dir(nodes.all[2].data_dir().join("wal"))
        .expect("wal")
        .map(|e| e.expect("entry").path());
    let segment = segment.min().expect("a segment");
    let mut bytes = fs::read(&segment).expect("bytes");
    let at = bytes
        .windows(22)
        .position(|w| w == b"db-with-a-long-name-20")
        .expect("that entry");
    bytes[at] ^= 1;
    fs::write(&segment, bytes).expect("damaged");
    nodes.all[2].start();
    nodes.all[2].wait_says("halted");
    nodes.all[0].goes_on("two of three");
}

/// Garbage on either port changes nothing.
#[test]
fn garbage_from_outside_stops_nothing() {
    use std::io::Write;
    let nodes = Nodes::formed(3);
    for node in &nodes.all {
        for port in [8089, 8091] {
            let mut stream = std::net::TcpStream::connect((node.ip, port)).expect("connect");
            stream
                .set_write_timeout(Some(Duration::from_secs(2)))
                .expect("timeout");
            let garbage: Vec<u8> = (0..65_536u32)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect();
            // The node may close the connection in the middle of it.
            let _cut = stream.write_all(&garbage);
        }
        // `08 03`: two bytes that make a cluster of the original unusable for ever.
        let answer = node.post("/execute", &[0x08, 0x03]).expect("an answer");
        assert!(
            answer.status == 200 || answer.status == 307,
            "{} {}",
            answer.status,
            answer.text()
        );
    }
    nodes.all[0].create_database("db").expect("a command");
    nodes.wait_equal();
}

/// Without a majority the tool says what is true of each command, within its default timeout: one
/// that was never proposed is not done, and stays so; one in the log of the leader may still happen.
#[test]
fn without_a_majority_the_tool_says_what_was_not_done_and_what_may_still_happen() {
    let mut nodes = Nodes::formed(3);
    let leader = nodes.leader();
    let others: Vec<_> = (0..3).filter(|n| *n != leader).collect();
    let label = |key: &str| {
        let labels = format!(r#"{{"{key}":"1"}}"#);
        nodes.all[leader].ctl(&["node-labels", "set", "-nodeid", "1", "-labels", &labels])
    };
    others.iter().for_each(|n| nodes.all[*n].signal("STOP"));
    // The leader does not know yet that it is alone: the command gets into its log.
    let may_happen = label("first");
    assert!(
        may_happen.stderr.contains("it may still happen: "),
        "{may_happen:?}"
    );
    let not_done = label("second");
    assert_eq!(
        not_done.stderr.lines().last(),
        Some("node-labels: not done: no leader (1 of 3 meta nodes reachable)"),
        "{not_done:?}"
    );
    others.iter().for_each(|n| nodes.all[*n].signal("CONT"));
    nodes.wait_ready();
    nodes.wait_equal();
    let shown = nodes.all[leader].ctl_done(&["show"]);
    assert!(!shown.contains("second"), "{shown}");
    nodes.all.iter_mut().for_each(|n| n.kill());
}
