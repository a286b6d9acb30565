//! Two unrelated clusters on one network, both without a cluster name: the members of one ask,
//! announce to and dial the nodes of the other. That is only a hint: no node ends in the wrong
//! cluster.

use serde_json::Value;

use crate::harness::node::{AT_LAST, Node, Nodes, SOON};
use crate::harness::{wait_for, wire};

const ALL: [usize; 3] = [0, 1, 2];

/// `PEERS` of members also lists nodes of the other cluster. The list with which a cluster was
/// founded counts, not the addresses that its members ask now.
#[test]
fn a_fresh_stack_that_a_cluster_asks_founds_its_own() {
    let (mut one, mut other) = (Nodes::formed(3), Nodes::new(3));
    let both = format!("{},{}", list(&one), list(&other));
    for n in ALL {
        assert_eq!(one.all[n].terminate().0, Some(0));
        one.all[n].set("INFLUXDB_META_PEERS", &both);
        one.all[n].start();
    }
    one.wait_ready();
    // While its third node is missing, it could take the other cluster for its own.
    for n in [0, 1] {
        other.all[n].start();
        ALL.iter()
            .for_each(|member| wait_hinted(&other.all[n], &one.all[*member]));
    }
    wait_for_its_third(&other, &other.all[2].http().to_string());
    other.all[2].start();
    assert_eq!(other.wait_voters(&ALL), [1, 2, 3]);
    assert_eq!(one.wait_voters(&ALL), [1, 2, 3]);
    one.all[0].create_database("one").expect("a command");
    other.all[0].create_database("other").expect("a command");
    assert_apart(&one.wait_equal(), &other.wait_equal());

    // A wiped node, too, joins only the cluster of its own list.
    other.all[1].lose_volume();
    wait_hinted(&other.all[1], &one.all[0]);
    assert_eq!(other.wait_voters(&ALL), [1, 2, 3]);
    assert_apart(&one.wait_equal(), &other.wait_equal());
}

/// The address of a member that is down passes to another stack, and DNS still has the old entry:
/// the members ask, announce to and dial that address. Then the member comes back at another
/// address.
#[test]
fn an_address_that_passes_to_another_stack_takes_nobody_along() {
    let (mut one, mut other) = (Nodes::new(3), Nodes::new(3));
    one.set("INFLUXDB_META_GOSSIP_FREQUENCY", "250ms");
    let before = hosts(&one, "one");
    named(&mut one, "one", &before);
    one.start_all();
    one.wait_ready();
    wait_members(&one, "one");
    one.all[0].goes_on("one");
    one.all[2].kill();
    // From here on each has the other's address.
    let (passed, free) = (one.all[2].ip, other.all[0].ip);
    (one.all[2].ip, other.all[0].ip) = (free, passed);
    let stale = before + &hosts(&other, "other");
    named(&mut other, "other", &stale);
    one.all.iter_mut().for_each(|node| node.set_hosts(&stale));

    other.all[0].start();
    other.all[1].start();
    [0, 1]
        .iter()
        .for_each(|member| wait_hinted(&other.all[0], &one.all[*member]));
    wait_for("an announcement", SOON, || {
        let metrics = other.all[0].get("/metrics")?.text();
        let counted = metrics.lines().find(|line| line.contains("/announce"));
        counted.map(|_| ()).ok_or_else(|| "none".to_owned())
    });
    wait_for_its_third(&other, "other-3:8091");
    other.all[2].start();
    other.wait_ready();
    wait_members(&other, "other");
    other.all[0].goes_on("other");
    one.wait_ready();
    wait_members(&one, "one");
    assert_apart(&one.wait_equal(), &other.wait_equal());

    let healed = hosts(&one, "one") + &hosts(&other, "other");
    one.all
        .iter_mut()
        .chain(&mut other.all)
        .for_each(|node| node.set_hosts(&healed));
    one.all[2].start();
    one.wait_ready();
    wait_members(&one, "one");
    wait_members(&other, "other");
    assert_apart(&one.wait_equal(), &other.wait_equal());
    assert_eq!(
        one.all[2].health().expect("healthz")["raft_id"],
        3,
        "as the member that it was"
    );
}

fn list(nodes: &Nodes) -> String {
    nodes
        .all
        .iter()
        .map(|node| node.ip.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

/// Hosts file with `one-1` to `one-3` (or another stack's name), as all of them know each other.
fn hosts(nodes: &Nodes, stack: &str) -> String {
    nodes
        .all
        .iter()
        .zip(1..)
        .map(|(node, n)| format!("{} {stack}-{n}\n", node.ip))
        .collect()
}

fn named(nodes: &mut Nodes, stack: &str, hosts: &str) {
    for (node, n) in nodes.all.iter_mut().zip(1..) {
        node.set(
            "INFLUXDB_META_PEERS",
            &format!("{stack}-1,{stack}-2,{stack}-3"),
        );
        node.set("INFLUXDB_META_BIND_ADDRESS", &format!("{stack}-{n}:8089"));
        node.set(
            "INFLUXDB_META_HTTP_BIND_ADDRESS",
            &format!("{stack}-{n}:8091"),
        );
        node.set_hosts(hosts);
    }
}

fn identity(node: &Node) -> Result<Value, String> {
    node.get("/cluster/identity").map(|answer| answer.json())
}

/// Waits until this node was asked by that member, or has asked it.
#[track_caller]
fn wait_hinted(node: &Node, member: &Node) {
    let theirs = identity(member).expect("identity")["incarnation"].clone();
    wait_for(
        &format!("hint of {} at {}", member.ip, node.ip),
        SOON,
        || {
            let heard = identity(node)?["heard"].clone();
            let heard_of = heard
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one[0] == theirs));
            if heard_of {
                Ok(())
            } else {
                Err(heard.to_string())
            }
        },
    );
}

/// Checks that the nodes have heard of the other cluster, and go on waiting for their own third
/// node.
#[track_caller]
fn wait_for_its_third(nodes: &Nodes, third: &str) {
    for node in nodes.all.iter().filter(|node| node.is_running()) {
        wait_for(
            &format!("only {third} missing at {}", node.ip),
            SOON,
            || {
                let health = node.health()?;
                let only =
                    health["missing"][0]["address"] == third && health["missing"][1].is_null();
                let right = only && health["phase"] == "fresh" && health["doing"] == "waiting";
                if right {
                    Ok(())
                } else {
                    Err(health.to_string())
                }
            },
        );
    }
}

/// Waits until each running node is a member, and shows these three and no others.
#[track_caller]
fn wait_members(nodes: &Nodes, stack: &str) {
    let expected: Vec<String> = (1..=3).map(|n| format!("{n} {stack}-{n}:8091")).collect();
    for node in nodes.all.iter().filter(|node| node.is_running()) {
        wait_for(&format!("{expected:?} at {}", node.ip), AT_LAST, || {
            let shown = node.get("/show-cluster")?.json()["meta"].clone();
            let shown: Vec<String> = shown.as_array().into_iter().flatten().map(row).collect();
            let health = node.health()?;
            let right = shown == expected && health["phase"] == "member";
            if right {
                Ok(())
            } else {
                Err(format!("{shown:?} {health}"))
            }
        });
    }
}

fn row(node: &Value) -> String {
    format!(
        "{} {}",
        node["id"],
        node["addr"].as_str().unwrap_or_default()
    )
}

#[track_caller]
fn assert_apart(one: &wire::Data, other: &wire::Data) {
    assert!(one.cluster_id != 0 && other.cluster_id != 0 && one.cluster_id != other.cluster_id);
    assert_eq!(
        (one.databases.as_slice(), other.databases.as_slice()),
        (&["one".to_owned()][..], &["other".to_owned()][..])
    );
    assert!(
        one.meta_nodes.len() == 3 && other.meta_nodes.len() == 3,
        "{one:?} {other:?}"
    );
    assert!(
        one.meta_nodes
            .iter()
            .all(|node| !other.meta_nodes.contains(node)),
        "{one:?} {other:?}"
    );
}
