//! Members whose host gets another name (founding.md 4.1 and 7.2). The clusters were founded by a
//! list, manually, and alone; no configuration names the nodes.

use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::cluster::{ClusterApi, Warning};
use tokio::time::{Instant, sleep};

use super::nodes::{Sim, host, ip};
use super::{SECOND, founded, simulate};

/// Limit of all waits, far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Restarts a node as a host of another name. Its former name leads nowhere.
async fn rename(sim: &mut Sim, n: usize, old: &str, new: &str) {
    sim.kill(n);
    sim.network.name(old, &[]);
    sim.network.name(new, &[ip(n)]);
    sim.nodes[n].config.system_host_name = new.to_owned();
    sim.start(n).await;
}

/// Waits until all running nodes have this node under this name, with this node id.
async fn until_named(sim: &Sim, name: &str, id: u64) {
    let is_named = |sim: &Sim, n| sim.catalog(n).is_some() && sim.ids(n).get(name) == Some(&id);
    sim.until(LONG, |sim| (0..sim.nodes.len()).all(|n| is_named(sim, n)))
        .await;
}

/// All nodes leave the list and get other names, each twice.
#[test]
fn founders_without_their_list_take_the_names_of_their_hosts() {
    simulate(async {
        let mut sim = founded(170).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        let ids = sim.ids(0);
        for n in 0..3 {
            sim.nodes[n].config.peers.clear();
            let (first, second) = (format!("first-{n}"), format!("second-{n}"));
            rename(&mut sim, n, &host(n), &first).await;
            until_named(&sim, &first, ids[&host(n)]).await;
            rename(&mut sim, n, &first, &second).await;
            until_named(&sim, &second, ids[&host(n)]).await;
        }
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        sim.until(LONG, |sim| sim.leader().is_some()).await;
    });
}

/// The list still has the former name, and nobody answers to it any more.
#[test]
fn a_founder_whose_entry_leads_nowhere_takes_the_name_of_its_host() {
    simulate(async {
        let mut sim = founded(171).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        let id = sim.ids(0)[&host(1)];
        rename(&mut sim, 1, &host(1), "meta-2b").await;
        until_named(&sim, "meta-2b", id).await;
        // The name is back: the list wins.
        sim.network.name(&host(1), &[ip(1)]);
        until_named(&sim, &host(1), id).await;
    });
}

/// An entry of the list that leads to this node wins over the name of the host, also while polls of
/// it fail.
#[test]
fn the_list_wins_over_the_name_of_the_host() {
    simulate(async {
        let mut sim = founded(172).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        let ids = sim.ids(0);
        sim.kill(1);
        sim.network.name("other", &[ip(1)]);
        sim.nodes[1].config.system_host_name = "other".to_owned();
        sim.start(1).await;
        sleep(10 * SECOND).await;
        assert_eq!(sim.ids(0), ids, "{}", sim.describe());
        sim.network.name(&host(1), &[]);
        sleep(10 * SECOND).await;
        assert_eq!(sim.ids(0), ids, "it was seen there: {}", sim.describe());
    });
}

#[test]
fn formed_manually_and_renamed() {
    simulate(async {
        let mut sim = Sim::new(173, 3);
        for n in 0..3 {
            sim.nodes[n].config.peers.clear();
            sim.nodes[n].config.system_host_name = host(n);
        }
        sim.start_all().await;
        sleep(2 * SECOND).await;
        for n in 0..3 {
            let deadline = Instant::now() + 9 * SECOND;
            let added = sim
                .cluster(0)
                .join(&Address::new(&host(n), 8091), deadline)
                .await;
            added.expect("added");
        }
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        let ids = sim.ids(0);
        for n in 0..3 {
            let new = format!("new-{n}");
            rename(&mut sim, n, &host(n), &new).await;
            until_named(&sim, &new, ids[&host(n)]).await;
        }
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
    });
}

/// The only member has no other node to tell.
#[test]
fn a_single_server_is_renamed() {
    simulate(async {
        let mut sim = Sim::new(174, 1);
        sim.nodes[0].config.peers.clear();
        sim.nodes[0].config.single_server = true;
        sim.nodes[0].config.system_host_name = host(0);
        sim.start(0).await;
        sim.formed().await;
        for (old, new) in [(host(0).as_str(), "second"), ("second", "third")] {
            rename(&mut sim, 0, old, new).await;
            until_named(&sim, new, 1).await;
        }
        sim.until(LONG, |sim| sim.leader() == Some(0)).await;
    });
}

/// The last to claim a name keeps it. The other one does not take it back: the name would pass
/// between them for ever.
#[test]
fn two_nodes_that_claim_one_name_do_not_take_turns() {
    simulate(async {
        let mut sim = founded(175).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        let ids = sim.ids(0);
        for n in [1, 2] {
            sim.nodes[n].config.peers.clear();
            rename(&mut sim, n, &host(n), "same").await;
            sim.until(LONG, |sim| sim.ids(0).get("same") == Some(&ids[&host(n)]))
                .await;
        }
        // The name leads to either node in turn.
        let mut holders = vec![ids[&host(2)]];
        for turn in 0..40 {
            sim.network.name("same", &[ip(1 + turn % 2)]);
            sleep(SECOND).await;
            holders.extend(sim.ids(0).get("same"));
        }
        // A node that had not heard yet that it had the name takes it back once.
        holders.dedup();
        assert!(holders.len() <= 2, "{holders:?}: {}", sim.describe());
        sim.network.name("same", &[ip(1), ip(2)]);
        let taken = Warning::NameTaken(Address::new("same", 8091));
        sim.until(LONG, |sim| {
            [1, 2]
                .iter()
                .any(|n| sim.view(*n).warnings.contains(&taken))
        })
        .await;
    });
}
