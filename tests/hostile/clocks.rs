//! Clocks that are wrong.
//!
//! A process here cannot have a clock of its own: whole nodes with wrong clocks are in
//! `tests/it/simulation/clocks.rs`.

use crate::harness::node::{Nodes, SOON};
use crate::harness::wait_for;

/// Nodes tell each other their clocks, and with right clocks no alarm is raised and nothing is
/// repaired.
#[test]
fn with_right_clocks_there_is_no_alarm_and_nothing_to_repair() {
    let nodes = Nodes::formed(3);
    let leader = nodes.leader();
    let node = &nodes.all[leader];
    node.goes_on("db");
    let identity = node.get("/cluster/identity").expect("an answer").json();
    let clock = identity["clock"].as_i64().expect("a clock") / 1_000_000_000;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    assert!((clock - now.as_secs() as i64).abs() < 60, "{identity}");

    for n in 0..3 {
        let metrics = nodes.all[n].get("/metrics").expect("metrics").text();
        for kind in ["clock", "catalog-time"] {
            let line = format!("influxdb_meta_alarm{{kind=\"{kind}\"}} 0");
            assert!(metrics.contains(&line), "no {line} in\n{metrics}");
        }
    }
    // At a follower: the leader answers. The cluster may have to raise its feature level first.
    let follower = &nodes.all[(leader + 1) % 3];
    let typed = wait_for("the refusal of the machine", SOON, || {
        let typed = follower.ctl(&["repair-time"]);
        if typed.stderr.contains("there is nothing to repair") {
            Ok(typed)
        } else {
            Err(format!("{typed:?}"))
        }
    });
    assert_eq!((typed.code, typed.stdout.as_str()), (1, ""), "{typed:?}");
}
