//! The documented ways to form a cluster manually, with the commands as an operator types them.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use crate::data_nodes::post_form;
use crate::harness::ctl::{influxd_ctl, meta_nodes};
use crate::harness::data_node::{DataNode, Options};
use crate::harness::node::{Nodes, SOON};
use crate::harness::{wait_for, wire};

const ALL: [usize; 3] = [0, 1, 2];

fn started(count: u8) -> Nodes {
    let mut nodes = Nodes::without_peers(count);
    nodes.start_all();
    // Where no name is configured, a node's own name is the address that it is bound to.
    for node in &nodes.all {
        node.wait_says(&node.http().to_string());
    }
    nodes
}

fn address(nodes: &Nodes, n: usize) -> String {
    nodes.all[n].http().to_string()
}

/// The steps of the installation guide: one node adds all nodes, itself first.
#[test]
fn from_one_node_all_including_itself() {
    from_the_first(&[0, 1, 2]);
}

/// That guide does not prescribe the order.
#[test]
fn from_one_node_all_including_itself_last() {
    from_the_first(&[1, 2, 0]);
}

/// The steps of the guide for containers: one node adds the other two.
#[test]
fn from_one_node_the_other_two() {
    from_the_first(&[1, 2]);
}

fn from_the_first(added: &[usize]) {
    let nodes = started(3);
    for n in added {
        let address = address(&nodes, *n);
        let said = nodes.all[0].ctl_done(&["add-meta", &address]);
        assert!(
            said.starts_with("Added meta node ") && said.contains(&format!(" at {address}")),
            "{said}"
        );
    }
    let ids = nodes.wait_voters(&ALL);
    // Adding a member again, from any node, gives the same answer and changes nothing.
    let before = nodes.wait_equal();
    for (n, id) in ids.iter().enumerate() {
        let address = address(&nodes, n);
        for node in &nodes.all {
            let said = node.ctl_done(&["add-meta", &address]);
            let want = format!("Added meta node {id} at {address}; it is a member already\n");
            assert_eq!(said, want);
        }
    }
    assert_eq!(nodes.wait_voters(&ALL), ids);
    assert_eq!(nodes.wait_equal().meta_nodes, before.meta_nodes);
    nodes.all[2].create_database("db").expect("a command");
}

/// The steps of the Helm chart: ordinal 0 adds itself, the others join it, all at once, each again
/// every 2 s until it succeeds.
#[test]
fn ordinal_zero_and_the_others_all_at_once() {
    let nodes = started(3);
    let [zero, one, two] = ALL.map(|n| nodes.all[n].http());
    thread::scope(|scope| {
        scope.spawn(|| until_done(zero, &["add-meta", &zero.to_string()]));
        for at in [one, two] {
            scope.spawn(move || until_done(at, &["join", &zero.to_string()]));
        }
    });
    // Each of these orders reaches ordinal 0, so that founds.
    assert_eq!(nodes.wait_voters(&ALL)[0], 1);
    nodes.wait_equal();
}

/// The node that is asked founds, leads and has id 1, also if the other one's incarnation is lower.
#[test]
fn the_asked_node_founds_and_has_id_1() {
    let nodes = started(2);
    let incarnation = |n: usize| nodes.all[n].health().expect("healthz")["incarnation"].to_string();
    let (asked, other) = if incarnation(0) > incarnation(1) {
        (0, 1)
    } else {
        (1, 0)
    };
    let address = address(&nodes, other);
    let said = nodes.all[asked].ctl_done(&["add-meta", &address]);
    assert_eq!(said, format!("Added meta node 2 at {address}\n"));
    assert_eq!(nodes.wait_voters(&[asked, other]), [1, 2]);
    assert_eq!(nodes.leader(), asked);
}

/// Three fresh nodes that are ordered to join each other in a ring form one cluster.
#[test]
fn a_ring_of_orders_is_one_cluster() {
    let nodes = started(3);
    thread::scope(|scope| {
        for n in ALL {
            let (at, next) = (nodes.all[n].http(), address(&nodes, (n + 1) % 3));
            // What does not join is told by 409 how to: a later order does it.
            scope.spawn(move || influxd_ctl(&["-bind", &at.to_string(), "add-meta", &next]));
        }
    });
    let founder = wait_for("a member", SOON, || {
        let is_member = |n: &usize| {
            let health = nodes.all[*n].health().ok();
            health.is_some_and(|health| health["phase"] == "member")
        };
        ALL.into_iter().find(is_member).ok_or_else(String::new)
    });
    for n in ALL {
        nodes.all[founder].ctl_done(&["add-meta", &address(&nodes, n)]);
    }
    nodes.wait_voters(&ALL);
    nodes.wait_equal();
}

/// Ordinal 0 of a Helm chart adds itself at every start. If its volume was lost, it joins its
/// cluster again and founds no second one.
#[test]
fn ordinal_zero_that_lost_its_volume_comes_back() {
    let mut nodes = started(3);
    let zero = address(&nodes, 0);
    for n in ALL {
        nodes.all[0].ctl_done(&["add-meta", &address(&nodes, n)]);
    }
    let ids = nodes.wait_voters(&ALL);
    let cluster = nodes.wait_equal().cluster_id;
    nodes.all[0].lose_volume();
    until_done(nodes.all[0].http(), &["add-meta", &zero]);
    assert_eq!(nodes.wait_voters(&ALL), ids);
    assert_eq!(nodes.wait_equal().cluster_id, cluster);
}

/// Names that lead to loopback in /etc/hosts are a cluster on one host: its nodes join, and are
/// replaced.
#[test]
fn names_that_all_lead_to_loopback_join_and_are_replaced() {
    let mut nodes = named(&["h1", "h2", "h3"]);
    nodes.start_all();
    for node in &nodes.all {
        node.wait_says("part of no cluster");
    }
    for n in [1, 2] {
        let address = format!("h{}:8091", n + 1);
        let by_ip = self::address(&nodes, n);
        let said = nodes.all[0].ctl_done(&["add-meta", &by_ip]);
        assert_eq!(said, format!("Added meta node {} at {address}\n", n + 1));
    }
    for node in &nodes.all {
        node.wait_says("\"voter\"");
    }
    nodes.all[1].lose_volume();
    nodes.all[1].wait_says("part of no cluster");
    let said = nodes.all[0].ctl_done(&["add-meta", &self::address(&nodes, 1)]);
    assert_eq!(said, "Added meta node 2 at h2:8091\n", "in its own place");
}

/// Nodes that are bound to names, each of which knows the names of all.
fn named(names: &[&str]) -> Nodes {
    let mut nodes = Nodes::without_peers(names.len() as u8);
    let mut hosts = String::new();
    for (name, node) in names.iter().zip(&nodes.all) {
        hosts += &format!("{} {name}\n", node.ip);
    }
    for (name, node) in names.iter().zip(&mut nodes.all) {
        node.set("INFLUXDB_META_BIND_ADDRESS", &format!("{name}:8089"));
        node.set("INFLUXDB_META_HTTP_BIND_ADDRESS", &format!("{name}:8091"));
        node.set_hosts(&hosts);
    }
    nodes
}

/// A node whose name is not known at the asked one is refused at once, with the cure.
#[test]
fn a_refused_node_is_told_with_reason_and_cure() {
    let mut nodes = named(&["h1", "h2"]);
    let without_h2 = format!("{} h1\n", nodes.all[0].ip);
    nodes.all[0].set_hosts(&without_h2);
    nodes.start_all();
    for node in &nodes.all {
        node.wait_says("part of no cluster");
    }
    let refused = nodes.all[0].ctl(&["add-meta", &address(&nodes, 1)]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let reason = "h2, a name that is not known here: set INFLUXDB_HOSTNAME there to one that all \
                  members can resolve";
    assert!(refused.stderr.contains(reason), "{refused:?}");
}

/// Without an address and without a terminal, a fresh node is not made a cluster by mistake. At a
/// member the same command says that it is one.
#[test]
fn a_fresh_node_needs_an_address() {
    let nodes = started(1);
    let own = address(&nodes, 0);
    for command in ["add-meta", "join"] {
        let refused = nodes.all[0].ctl(&[command]);
        assert_eq!(refused.code, 1, "{refused:?}");
        let cure = format!("to form a new cluster of it: influxd-ctl {command} {own}");
        assert!(refused.stderr.contains(&cure), "{refused:?}");
        nodes.all[0].wait_says("part of no cluster");
    }
    let added = nodes.all[0].ctl_done(&["add-meta", &own]);
    assert_eq!(added, format!("Added meta node 1 at {own}\n"));
    let again = nodes.all[0].ctl_done(&["add-meta"]);
    assert_eq!(
        again,
        format!("Added meta node 1 at {own}; it is a member already\n")
    );
}

/// Five vote. The sixth is told that it has no vote, and when it gets one.
#[test]
fn the_sixth_is_told_that_it_has_no_vote() {
    let nodes = started(6);
    for n in 0..5 {
        nodes.all[0].ctl_done(&["add-meta", &address(&nodes, n)]);
    }
    nodes.wait_voters(&[0, 1, 2, 3, 4]);
    let sixth = address(&nodes, 5);
    let want = format!(
        "Added meta node 6 at {sixth}; it has no vote: 5 vote already; it gets one when one of them \
         leaves\n"
    );
    for _ in 0..2 {
        assert_eq!(nodes.all[0].ctl_done(&["add-meta", &sixth]), want);
    }
}

/// The port of a data node is no meta node. The error names the command for data nodes.
#[test]
fn a_data_node_is_not_added_as_a_meta_node() {
    let nodes = started(1);
    let folder = tempfile::tempdir().expect("a folder");
    let ip = nodes.all[0].ip;
    let _data = DataNode::start(Options::at(folder.path(), ip.into()));
    let refused = nodes.all[0].ctl(&["add-meta", &format!("{ip}:8088")]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("influxd-ctl add-data"),
        "{refused:?}"
    );
}

#[track_caller]
fn until_done(at: SocketAddr, command: &[&str]) {
    let bind = at.to_string();
    for _ in 0..15 {
        let typed = influxd_ctl(&[&["-bind", &bind], command].concat());
        if typed.code == 0 {
            return;
        }
        eprintln!("{at} {command:?}: {typed:?}");
        thread::sleep(Duration::from_secs(2));
    }
    panic!("{at} {command:?} never succeeds");
}

/// Two fresh nodes that are ordered to join each other at the same moment form one cluster.
#[test]
fn two_that_join_each_other_at_once_are_one_cluster() {
    let nodes = started(2);
    let [a, b] = [0, 1].map(|n| nodes.all[n].http());
    thread::scope(|scope| {
        scope.spawn(move || until_done(a, &["join", &b.to_string()]));
        scope.spawn(move || until_done(b, &["join", &a.to_string()]));
    });
    nodes.wait_voters(&[0, 1]);
    nodes.wait_equal();
}

/// `join` and `leave` act on the node of the host where they are run, so each command of the
/// sequence is given there.
#[test]
fn join_adds_this_node_and_leave_takes_it_out() {
    let nodes = started(2);
    let first = address(&nodes, 0);
    let created = nodes.all[0].ctl_done(&["join", &first]);
    assert!(
        created.contains("Successfully created cluster"),
        "{created}"
    );
    assert!(
        created.contains(&format!("influxd-ctl join {first}")),
        "{created}"
    );
    let joined = nodes.all[1].ctl_done(&["join", &first]);
    assert!(joined.contains("Successfully joined cluster"), "{joined}");
    nodes.wait_voters(&[0, 1]);
    let left = nodes.all[1].ctl_done(&["leave", "-y"]);
    assert!(left.contains("Successfully left cluster"), "{left}");
    nodes.wait_voters(&[0]);
    nodes.all[1].ctl_done(&["join", &first]);
    nodes.wait_voters(&[0, 1]);
}

/// A node that is a cluster already adds itself, which changes nothing. Then it adds another node.
#[test]
fn a_single_server_adds_itself_and_then_another() {
    let mut nodes = Nodes::without_peers(2);
    nodes.all[0].flags.push("-single-server".to_owned());
    nodes.start_all();
    nodes.all[0].wait_ready();
    let [first, second] = [0, 1].map(|n| address(&nodes, n));
    let expected = format!("Added meta node 1 at {first}; it is a member already\n");
    assert_eq!(nodes.all[0].ctl_done(&["add-meta", &first]), expected);
    assert_eq!(nodes.all[0].ctl_done(&["add-meta"]), expected);
    assert_eq!(
        nodes.all[0].ctl_done(&["add-meta", &second]),
        format!("Added meta node 2 at {second}\n")
    );
    nodes.wait_voters(&[0, 1]);
}

/// For nodes with data, `PEERS` is only a list of addresses to ask: introduced later, or removed,
/// node by node, it breaks nothing.
#[test]
fn peers_come_and_go() {
    let mut nodes = started(3);
    for n in [1, 2] {
        nodes.all[0].ctl_done(&["add-meta", &address(&nodes, n)]);
    }
    let ids = nodes.wait_voters(&ALL);
    nodes.all[0].create_database("db").expect("a command");
    let before = nodes.wait_equal();
    let list = nodes
        .all
        .iter()
        .map(|n| n.ip.to_string())
        .collect::<Vec<_>>()
        .join(",");
    for peers in [Some(&list), None] {
        for n in ALL {
            assert_eq!(nodes.all[n].terminate().0, Some(0));
            match peers {
                Some(list) => nodes.all[n].set("INFLUXDB_META_PEERS", list),
                None => drop(nodes.all[n].env.remove("INFLUXDB_META_PEERS")),
            }
            nodes.all[n].start();
            nodes.all[n].wait_ready();
        }
        assert_eq!(nodes.wait_voters(&ALL), ids);
        let data = nodes.wait_equal();
        assert_eq!(
            (data.cluster_id, &data.databases),
            (before.cluster_id, &before.databases)
        );
    }
}

/// The reverse: a cluster that was formed by `PEERS`, then runs without it. A volume that is lost
/// then is brought back manually.
#[test]
fn peers_are_taken_from_a_cluster_that_they_formed() {
    let mut nodes = Nodes::formed(3);
    let ids = nodes.wait_voters(&ALL);
    for n in ALL {
        nodes.all[n].kill();
        nodes.all[n].env.remove("INFLUXDB_META_PEERS");
        nodes.all[n].start();
        nodes.all[n].wait_ready();
    }
    assert_eq!(nodes.wait_voters(&ALL), ids);
    nodes.all[1].lose_volume();
    nodes.all[1].wait_says("add-meta");
    nodes.all[1].ctl_done(&["join", &address(&nodes, 0)]);
    assert_eq!(nodes.wait_voters(&ALL), ids);
}

/// A node with `PEERS` that is not a member yet forms its cluster by itself, and says so to
/// the operator.
#[test]
fn a_node_with_peers_is_not_formed_by_hand() {
    let mut nodes = Nodes::new(2);
    nodes.all[0].start();
    nodes.all[0].wait_says(&address(&nodes, 1));
    let refused = nodes.all[0].ctl(&["add-meta", &address(&nodes, 0)]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("auto-join in progress"),
        "{refused:?}"
    );
    nodes.all[1].start();
    nodes.wait_voters(&[0, 1]);
}

/// Two clusters that were formed manually stay two.
#[test]
fn a_member_of_another_cluster_is_refused() {
    let nodes = started(2);
    for n in [0, 1] {
        nodes.all[n].ctl_done(&["add-meta", &address(&nodes, n)]);
    }
    let other = address(&nodes, 1);
    let refused = nodes.all[0].ctl(&["add-meta", &other]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let cure = format!("first take it out there (influxd-ctl remove-meta {other})");
    assert!(
        refused.stderr.contains("is a member of another cluster") && refused.stderr.contains(&cure),
        "{refused:?}"
    );
    nodes.wait_voters(&[0]);
    nodes.wait_voters(&[1]);
}

#[test]
fn labels_are_shown_by_every_node() {
    let nodes = Nodes::formed(3);
    nodes.all[0].ctl_done(&[
        "node-labels",
        "set",
        "-nodeid",
        "2",
        "-labels",
        r#"{"az":"east","rack":"7"}"#,
    ]);
    wait_labels(&nodes, r#"{"az":"east","rack":"7"}"#);
    nodes.all[1].ctl_done(&[
        "node-labels",
        "set",
        "-nodeid",
        "2",
        "-labels",
        r#"{"az":"west"}"#,
    ]);
    wait_labels(&nodes, r#"{"az":"west","rack":"7"}"#);
    nodes.all[2].ctl_done(&[
        "node-labels",
        "delete",
        "-nodeid",
        "2",
        "-labels",
        r#"["rack"]"#,
    ]);
    wait_labels(&nodes, r#"{"az":"west"}"#);
    let unknown = nodes.all[0].ctl(&[
        "node-labels",
        "set",
        "-nodeid",
        "9",
        "-labels",
        r#"{"az":"x"}"#,
    ]);
    assert!(
        unknown.code == 1 && unknown.stderr.contains("node not found"),
        "{unknown:?}"
    );
}

#[track_caller]
fn wait_labels(nodes: &Nodes, labels: &str) {
    for node in &nodes.all {
        wait_for(&format!("{labels} at {}", node.ip), SOON, || {
            let shown = meta_nodes(&node.ctl(&["show"]).stdout);
            let of = |n: usize| {
                shown
                    .get(&address(nodes, n))
                    .map_or("", |(_, rest)| rest.as_str())
            };
            let right = of(1).ends_with(labels) && of(0).ends_with("{}") && of(2).ends_with("{}");
            if right {
                Ok(())
            } else {
                Err(format!("{shown:?}"))
            }
        });
    }
}

/// curl without `-L` takes a redirect for success. So a follower gets the leader's answer to
/// whatever operators and scripts order, also under its own name; data nodes are redirected.
#[test]
fn no_order_of_an_operator_is_redirected() {
    let nodes = Nodes::formed(3);
    let follower = (nodes.leader() + 1) % 3;
    let at = nodes.all[follower].http();
    let own = at.to_string();
    let answer = |path: &str, form: &[(&str, &str)]| {
        let answer = post_form(at, &own, path, form).expect("an answer");
        (answer.status, answer.text())
    };
    assert_eq!(answer("/join", &[("addr", &own)]).0, 200);
    assert_eq!(answer("/truncate-shards", &[("delay", "1m")]).0, 204);
    for (path, form) in [
        ("/remove", &[("httpAddr", "127.0.0.9:8091")][..]),
        ("/remove-data", &[("addr", "127.0.0.9:8088")]),
        (
            "/update-data",
            &[("oldAddr", "127.0.0.9:8088"), ("newAddr", "127.0.0.8:8088")],
        ),
        (
            "/copy-shard",
            &[("src", "a:8088"), ("dest", "b:8088"), ("shard", "1")],
        ),
        ("/remove-shard", &[("src", "a:8088"), ("shard", "1")]),
        ("/repair-time", &[]),
    ] {
        let (status, text) = answer(path, form);
        assert!(
            status >= 400 && status != 503 && text.contains("error"),
            "{path}: {status} {text}"
        );
    }
    let labels = r#"{"nodeid":1,"set":{"az":"east"}}"#;
    let labelled = nodes.all[follower].post("/node-labels", labels.as_bytes());
    assert_eq!(labelled.expect("an answer").status, 204);
    let command = nodes.all[follower].post("/execute", &wire::create_database("db"));
    assert_eq!(command.expect("an answer").status, 307);
}
