//! Clusters grow by nodes that know one member, and go on while their members come, die and reboot.

use crate::harness::node::{Nodes, SOON};
use crate::harness::wait_for;
use crate::harness::writers::{Writers, assert_kept};

/// The fourth node lists the others and itself, the fifth lists one of the others and no more;
/// nothing else is changed.
#[test]
fn a_fourth_and_a_fifth_join_by_a_list_of_their_own() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("db").expect("a command");
    let cluster = nodes.wait_equal().cluster_id;
    let (four, five) = (nodes.add(), nodes.add());
    let list =
        nodes.all[0].env["INFLUXDB_META_PEERS"].clone() + "," + &nodes.all[four].ip.to_string();
    nodes.all[four].set("INFLUXDB_META_PEERS", &list);
    let one = nodes.all[1].ip.to_string();
    nodes.all[five].set("INFLUXDB_META_PEERS", &one);
    nodes.all[four].start();
    assert_eq!(nodes.wait_voters(&[0, 1, 2, four]), [1, 2, 3, 4]);
    nodes.all[five].start();
    assert_eq!(nodes.wait_voters(&[0, 1, 2, four, five]), [1, 2, 3, 4, 5]);
    let data = nodes.wait_equal();
    assert_eq!(
        (data.cluster_id, data.databases.as_slice()),
        (cluster, ["db".to_owned()].as_slice())
    );
    // Five voters go on with two of them down.
    nodes.all[0].kill();
    nodes.all[1].kill();
    nodes.all[2].goes_on("three of five");
    nodes.all[five].goes_on("by the fifth");
}

/// A longer list, 3 to 5 nodes, is rolled out node by node: nodes that have data ignore the change.
#[test]
fn a_longer_list_is_rolled_out_under_load() {
    let mut nodes = Nodes::formed(3);
    let writers = Writers::start(2, nodes.all.iter().map(|n| n.http()).collect());
    writers.wait_progress();
    let (four, five) = (nodes.add(), nodes.add());
    let list = nodes
        .all
        .iter()
        .map(|n| n.ip.to_string())
        .collect::<Vec<_>>()
        .join(",");
    nodes.set("INFLUXDB_META_PEERS", &list);
    nodes.all[four].start();
    nodes.all[five].start();
    for n in 0..3 {
        assert_eq!(nodes.all[n].terminate().0, Some(0));
        nodes.all[n].start();
        nodes.all[n].wait_ready();
        writers.wait_progress();
    }
    let ids = nodes.wait_voters(&[0, 1, 2, four, five]);
    // Either of the two may have come first and be node 4.
    assert_eq!(ids[..3], [1, 2, 3]);
    assert!(ids[3..] == [4, 5] || ids[3..] == [5, 4], "{ids:?}");
    assert_kept(&writers.finish(), &nodes.wait_equal().databases);
}

/// Two nodes join while a member reboots, and one of the two dies half-way and comes later.
#[test]
fn two_come_while_a_member_reboots() {
    let mut nodes = Nodes::formed(3);
    let (four, five) = (nodes.add(), nodes.add());
    let rebooting = (nodes.leader() + 1) % 3;
    nodes.all[rebooting].kill();
    nodes.all[four].start();
    nodes.all[five].start();
    wait_for("a joiner half-way, or further", SOON, || {
        let phase = nodes.all[four].health()?["phase"].to_string();
        if phase.contains("fresh") {
            Err(phase)
        } else {
            Ok(())
        }
    });
    nodes.all[four].kill();
    nodes.all[rebooting].start();
    nodes.all[five].wait_ready();
    nodes.all[four].start();
    let ids = nodes.wait_voters(&[0, 1, 2, four, five]);
    assert_eq!(ids[..3], [1, 2, 3]);
    nodes.wait_equal();
}

/// A node with `bootstrap-expect = 0` follows without a vote, and its stops and starts affect no
/// other node, until it is added by name.
#[test]
fn a_join_only_node_has_no_vote_until_it_is_added_by_name() {
    let mut nodes = Nodes::formed(3);
    let extra = nodes.add();
    nodes.all[extra].set("INFLUXDB_META_BOOTSTRAP_EXPECT", "0");
    nodes.all[extra].start();
    nodes.all[extra].wait_ready();
    assert_eq!(
        nodes.all[extra]
            .get("/readyz?voter")
            .expect("readyz")
            .status,
        503
    );
    assert_eq!(
        nodes.all[0]
            .get("/peers")
            .expect("peers")
            .json()
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    for _ in 0..2 {
        nodes.all[extra].kill();
        nodes.all[0].goes_on("without it");
        nodes.all[extra].start();
        nodes.all[extra].wait_ready();
    }
    assert_eq!(nodes.wait_equal().databases, ["without it"]);
    let added = nodes.all[0].ctl_done(&["add-meta", &nodes.all[extra].http().to_string()]);
    assert_eq!(
        added,
        format!("Added meta node 4 at {}\n", nodes.all[extra].http())
    );
    nodes.wait_voters(&[0, 1, 2, extra]);
}
