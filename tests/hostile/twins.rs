//! Copies of a volume that run beside the original, and nodes that are cut off.

use crate::harness::node::{Nodes, SOON};
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
