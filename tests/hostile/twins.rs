//! Copies of a volume that run beside the original, and nodes that are cut off.

use crate::harness::node::{AT_LAST, Node, Nodes, SOON};
use crate::harness::wait_for;

/// A leader whose followers are frozen stays the leader of its term for Raft. It must not count as
/// one for people and for alerts: it commits nothing, and another node may lead.
#[test]
fn a_leader_without_a_majority_does_not_show_itself_as_leader() {
    let nodes = Nodes::formed(3);
    let leader = nodes.leader();
    let followers: Vec<_> = (0..3).filter(|n| *n != leader).collect();
    for follower in &followers {
        nodes.all[*follower].signal("STOP");
    }
    let alone = &nodes.all[leader];
    wait_for("another role than leader", SOON, || {
        let health = alone.health()?;
        match health["raft_state"]["role"].as_str() {
            Some("no-majority") => Ok(()),
            _ => Err(health.to_string()),
        }
    });
    let metrics = alone.get("/metrics").expect("metrics").text();
    assert!(!metrics.contains("raft_role{role=\"leader\"}"), "{metrics}");
    assert!(
        metrics.contains("raft_role{role=\"no-majority\"} 1"),
        "{metrics}"
    );
    assert_eq!(alone.get("/readyz").expect("readyz").status, 503);
    let shown = alone.ctl(&["show", "-v"]).stdout;
    assert_eq!(role_of(&shown, &alone.http().to_string()), "no-majority");

    for follower in &followers {
        nodes.all[*follower].signal("CONT");
    }
    nodes.wait_ready();
    let leader = &nodes.all[nodes.leader()];
    wait_for("the role leader", SOON, || {
        let health = leader.health()?;
        match health["raft_state"]["role"].as_str() {
            Some("leader") => Ok(()),
            _ => Err(health.to_string()),
        }
    });
}

/// The column *Role* of the table *Details* of `show -v`.
#[track_caller]
fn role_of(shown: &str, address: &str) -> String {
    let details = shown.split("Details").nth(1).expect("the table Details");
    let row = details
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|cells| cells.get(1) == Some(&address));
    let row = row.unwrap_or_else(|| panic!("no row of {address} in\n{shown}"));
    row[4].to_owned()
}

/// Words of the alarm about a copy in log, `/healthz` and `show -v`.
const ALARM: &str = "stop the copy and delete its volume";

/// A copy of a founder's volume speaks no Raft while the original runs. Both, and every other node,
/// say that it runs, as long as it does.
#[test]
fn a_copy_of_a_founder_halts_and_every_node_raises_the_alarm() {
    let mut nodes = Nodes::formed(3);
    let original = nodes.leader();
    nodes.all[original].goes_on("before");
    let before = term(&nodes, original);
    let copy = nodes.add_copy_of(original);
    nodes.all[copy].start();
    halts_as_a_copy(&nodes.all[copy]);
    (0..4).for_each(|n| raises_the_alarm(&nodes.all[n]));
    nodes.all[original].goes_on("beside the copy");
    // It opened no Raft: it would have stored one more start, and asked for votes.
    assert_eq!(starts(&nodes, copy), starts(&nodes, original));
    assert_eq!(term(&nodes, original), before);

    nodes.all[copy].kill();
    (0..3).for_each(|n| ends_the_alarm(&nodes.all[n]));
    assert_eq!(nodes.leader(), original);
    nodes.wait_voters(&[0, 1, 2]);
}

/// A node that joined later knows the address of its original only from the catalog. A copy of it
/// halts as soon as it has read that, and the original keeps its place.
#[test]
fn a_copy_of_a_member_that_joined_later_halts() {
    let mut nodes = Nodes::formed(3);
    let original = nodes.add();
    nodes.all[original].start();
    nodes.wait_voters(&[0, 1, 2, original]);
    let copy = nodes.add_copy_of(original);
    nodes.all[copy].start();
    halts_as_a_copy(&nodes.all[copy]);
    (0..5).for_each(|n| raises_the_alarm(&nodes.all[n]));

    nodes.all[copy].kill();
    (0..4).for_each(|n| ends_the_alarm(&nodes.all[n]));
    nodes.wait_voters(&[0, 1, 2, original]);
    nodes.all[original].goes_on("after");
}

/// Restarts, moves and backups end one process before they begin the next one.
#[test]
fn restarts_a_move_and_a_restored_backup_are_no_copies() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].terminate();
    nodes.all[0].start();
    nodes.wait_ready();
    nodes.all[1].kill();
    nodes.all[1].start();
    nodes.wait_ready();
    // The same volume at another address.
    let unused = nodes.add();
    let moved_to = nodes.all[unused].ip;
    nodes.all[2].kill();
    nodes.all[2].ip = moved_to;
    nodes.all[2].start();
    nodes.wait_ready();
    let at = nodes.all[2].http().to_string();
    (0..3).for_each(|n| {
        wait_for("the new address", SOON, || {
            let shown = nodes.all[n].ctl(&["show"]).stdout;
            shown.contains(&at).then_some(()).ok_or(shown)
        });
    });
    // An older state of the volume, while nothing else runs on it.
    nodes.all[0].terminate();
    nodes.all[0].back_up();
    nodes.all[0].start();
    nodes.wait_ready();
    nodes.all[0].kill();
    nodes.all[0].restore();
    nodes.all[0].start();
    nodes.wait_ready();
    nodes.all[0].goes_on("after");
    nodes.wait_voters(&[0, 1, 2]);

    let logs = nodes.logs();
    assert!(!logs.contains(ALARM), "{logs}");
    (0..3).for_each(|n| ends_the_alarm(&nodes.all[n]));
}

#[track_caller]
fn halts_as_a_copy(copy: &Node) {
    wait_for("the halted copy", SOON, || {
        let health = copy.health()?;
        let reason = health["reason"].as_str().unwrap_or_default();
        if health["doing"] == "halted" && reason.contains("with a copy of this volume") {
            Ok(())
        } else {
            Err(health.to_string())
        }
    });
}

#[track_caller]
fn raises_the_alarm(node: &Node) {
    wait_for(&format!("the alarm of {}", node.ip), SOON, || {
        let metrics = node.get("/metrics")?.text();
        let raised = metrics.contains("influxdb_meta_alarm{kind=\"twin\"} 1");
        raised.then_some(()).ok_or(metrics)
    });
    let health = node.health().expect("health");
    assert!(health["warnings"].to_string().contains(ALARM), "{health}");
    // Warnings are on stderr.
    let shown = node.ctl(&["show", "-v"]).stderr;
    assert!(shown.contains(ALARM), "{shown}");
    let log = node.log();
    let mut lines = log.lines();
    let is_alarm = |line: &str| line.contains("event=cluster.alarm") && line.contains(ALARM);
    assert!(lines.any(is_alarm), "{log}");
}

#[track_caller]
fn ends_the_alarm(node: &Node) {
    wait_for(&format!("no alarm of {}", node.ip), AT_LAST, || {
        let metrics = node.get("/metrics")?.text();
        let ended = metrics.contains("influxdb_meta_alarm{kind=\"twin\"} 0");
        ended.then_some(()).ok_or(metrics)
    });
}

#[track_caller]
fn term(nodes: &Nodes, of: usize) -> u64 {
    let health = nodes.all[of].health().expect("health");
    let term = health["raft_state"]["term"].as_u64();
    term.unwrap_or_else(|| panic!("no term in {health}"))
}

/// Number of starts after which this node's volume spoke Raft.
#[track_caller]
fn starts(nodes: &Nodes, of: usize) -> u64 {
    let identity = nodes.all[of].get("/cluster/identity").expect("an answer");
    let identity = identity.json();
    let counter = identity["starts"]["counter"].as_u64();
    counter.unwrap_or_else(|| panic!("no counter in {identity}"))
}
