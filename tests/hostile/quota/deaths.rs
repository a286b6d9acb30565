//! Deaths while an entry is applied or a snapshot is loaded: two in a row halt the node, others never
//! do.

use std::fs;

use influxdb_meta::base::{Incarnation, LogId};
use influxdb_meta::wire::attempt_note::{self, Attempts};

use crate::harness::node::{Node, Nodes};
use crate::harness::writers::{Writers, assert_kept};

/// Leaves the note `file` as two processes do that died while they applied the node's last entry, or
/// loaded a snapshot that ends with it.
fn note_two_deaths(node: &Node, file: &str) {
    let health = node.health().expect("healthz");
    let number = |name: &str| {
        let applied = &health["raft_state"]["applied"];
        applied[name].as_u64().expect("an applied entry")
    };
    let attempts = Attempts {
        entry: LogId {
            term: number("term"),
            index: number("index"),
        },
        bytes: 17,
        count: 2,
    };
    let incarnation = health["incarnation"].as_str().expect("an incarnation");
    let incarnation = hex::decode(incarnation).expect("hex");
    let incarnation = Incarnation(incarnation.try_into().expect("16 bytes"));
    let note = attempt_note::encode(incarnation, Some(attempts));
    fs::write(node.data_dir().join(file), note).expect("written");
}

/// A member that finds such a note says all these texts, and stays up without a part. Without the
/// note it tries again.
fn halts_on_note(file: &str, texts: &[&str]) {
    let mut nodes = Nodes::formed(3);
    let leader = nodes.leader();
    nodes.all[leader].goes_on("before");
    nodes.wait_equal();
    let victim = (leader + 1) % 3;
    note_two_deaths(&nodes.all[victim], file);
    nodes.all[victim].kill();
    // The note that the test wrote is the one that the next process finds: nothing was applied
    // since.
    nodes.all[victim].start();
    for text in texts {
        nodes.all[victim].wait_says(text);
    }
    let live = nodes.all[victim].get("/livez").expect("it stays up");
    assert_eq!(live.status, 200);
    let ready = nodes.all[victim].get("/readyz").expect("it stays up");
    assert_eq!(ready.status, 503);
    nodes.all[leader].goes_on("after");

    // Without the note the node tries again, like the text says.
    nodes.all[victim].terminate();
    fs::remove_file(nodes.all[victim].data_dir().join(file)).expect("removed");
    nodes.all[victim].start();
    nodes.all[victim].wait_ready();
    nodes.wait_equal();
}

#[test]
fn a_node_that_died_twice_at_one_entry_stays_up_and_says_so() {
    let texts = ["died 2 times while it applied log entry", "CreateDatabase"];
    halts_on_note("applying", &texts);
}

#[test]
fn a_node_that_died_twice_at_one_snapshot_stays_up_and_says_so() {
    let texts = ["died 2 times while it loaded a snapshot", "/loading"];
    halts_on_note("loading", &texts);
}

#[test]
fn kills_under_load_never_halt_a_node() {
    let mut nodes = Nodes::formed(1);
    let writers = Writers::start(4, vec![nodes.all[0].http()]);
    for _ in 0..20 {
        writers.wait_progress();
        nodes.all[0].kill();
        nodes.all[0].start();
        nodes.all[0].wait_ready();
    }
    let written = writers.finish();
    assert_kept(&written, &nodes.wait_equal().databases);
}
