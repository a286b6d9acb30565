//! Lives of clusters after founding: volumes are wiped, nodes renamed, added, removed and brought
//! back (founding.md 6 to 8).

use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::cluster::{Activity, ClusterApi, Refusal};
use influxdb_meta::wire::identity::Phase;
use tokio::time::{Instant, sleep};

use super::nodes::{Sim, host, ip};
use super::{SECOND, founded, simulate};

/// Limit of all waits, far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn name(n: usize) -> Address {
    Address::new(&host(n), 8091)
}

fn soon() -> Instant {
    Instant::now() + 9 * SECOND
}

async fn settled(seed: u64) -> Sim {
    let sim = founded(seed).await;
    sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
    sim
}

async fn write(sim: &Sim, database: &str) {
    sim.until(LONG, |sim| sim.leader().is_some()).await;
    sim.create(sim.leader().expect("leads"), database)
        .await
        .expect("acknowledged");
}

/// Each founder in turn is wiped, so that the leader, the followers and the first of the list are
/// among them.
#[test]
fn a_wiped_volume_comes_back_as_a_voter_under_its_old_node_id() {
    for wiped in 0..3 {
        simulate(async {
            let mut sim = settled(100 + wiped as u64).await;
            write(&sim, "before").await;
            let (before, ids) = (sim.view(wiped).incarnation, sim.ids((wiped + 1) % 3));
            let raft_id = sim.view(wiped).raft_id;
            sim.wipe(wiped);
            sim.start(wiped).await;
            sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
            assert_ne!(sim.view(wiped).incarnation, before);
            assert_ne!(
                sim.view(wiped).raft_id,
                raft_id,
                "a Raft id is one incarnation's for ever"
            );
            assert_eq!(sim.ids(wiped), ids, "the place keeps its node id");
            assert_eq!(sim.status(wiped).expect("open").voters.len(), 3);
            sim.until(LONG, |sim| sim.has(wiped, "before")).await;
            write(&sim, "after").await;
        });
    }
}

#[test]
fn wiped_twice_in_a_row() {
    simulate(async {
        let mut sim = settled(110).await;
        write(&sim, "kept").await;
        for pause in [0, 1, 3, 5] {
            sim.wipe(1);
            sim.start(1).await;
            sleep(pause * SECOND).await;
        }
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        sim.until(LONG, |sim| sim.has(1, "kept")).await;
    });
}

/// The old half of the joint change needs a majority of the old voters. The replacement waits for
/// it, says so, and then goes on.
#[test]
fn wiped_while_another_is_down() {
    simulate(async {
        let mut sim = settled(111).await;
        write(&sim, "kept").await;
        sim.kill(2);
        sim.wipe(1);
        sim.start(1).await;
        sleep(30 * SECOND).await;
        assert_ne!(sim.view(1).phase, Phase::Member, "{}", sim.describe());
        sim.start(2).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        sim.until(LONG, |sim| sim.has(1, "kept") && sim.has(2, "kept"))
            .await;
    });
}

#[test]
fn three_wiped_at_once_are_a_new_cluster() {
    simulate(async {
        let mut sim = settled(112).await;
        let old = sim.view(0).cluster_id;
        (0..3).for_each(|n| sim.wipe(n));
        sim.start_all().await;
        sim.formed().await;
        assert_ne!(sim.view(0).cluster_id, old);
    });
}

/// A majority has a write; one node of this majority is silent, the other one wiped. The third node
/// must not lead with the wiped one.
#[test]
fn an_acknowledged_write_outlives_a_wipe() {
    simulate(async {
        let mut sim = settled(113).await;
        let leader = sim.leader().expect("leads");
        let (behind, wiped) = ((leader + 1) % 3, (leader + 2) % 3);
        for other in [leader, wiped] {
            sim.network.cut(ip(behind), ip(other));
            sim.network.cut(ip(other), ip(behind));
        }
        write(&sim, "precious").await;
        sim.kill(leader);
        sim.wipe(wiped);
        sim.start(wiped).await;
        sim.network.heal_all();
        sleep(60 * SECOND).await;
        assert!(
            sim.leader().is_none(),
            "nobody that lacks the write may lead: {}",
            sim.describe()
        );
        sim.start(leader).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        sim.until(LONG, |sim| (0..3).all(|n| sim.has(n, "precious")))
            .await;
    });
}

#[test]
fn a_fourth_and_a_fifth_join_and_three_remain_after_two_leave() {
    simulate(async {
        let mut sim = settled(120).await;
        write(&sim, "db").await;
        let (four, five) = (sim.add(|_| {}), sim.add(|_| {}));
        sim.start(four).await;
        sim.start(five).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, 3, 4]))
            .await;
        assert_eq!(sim.status(0).expect("open").voters.len(), 5);
        for gone in [0, four] {
            sim.cluster(gone).leave("ops", soon()).await.expect("left");
            assert_eq!(sim.view(gone).phase, Phase::Removed);
        }
        sim.until(LONG, |sim| sim.are_members(&[1, 2, 4])).await;
        // A node that an operator removed stays out, however often it restarts.
        sim.kill(0);
        sim.start(0).await;
        sleep(60 * SECOND).await;
        assert_eq!(sim.view(0).phase, Phase::Removed);
        assert!(
            sim.view(0).reason.contains("add-meta"),
            "{}",
            sim.view(0).reason
        );
        // The node comes back when an operator adds it again.
        let at = sim.leader().expect("leads");
        let back = sim
            .cluster(at)
            .join(&name(0), soon())
            .await
            .expect("joins, at the leader");
        assert_eq!(back.http, name(0));
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, 4])).await;
        sim.until(LONG, |sim| sim.has(0, "db")).await;
    });
}

#[test]
fn the_leader_leaves_and_the_last_may_not() {
    simulate(async {
        let mut sim = settled(121).await;
        let leader = sim.leader().expect("leads");
        let rest: Vec<usize> = (0..3).filter(|n| *n != leader).collect();
        sim.cluster(leader)
            .leave("ops", soon())
            .await
            .expect("left");
        sim.until(LONG, |sim| sim.are_members(&rest)).await;
        let leader = sim.leader().expect("leads");
        sim.cluster(leader)
            .leave("ops", soon())
            .await
            .expect("left");
        let last = rest[usize::from(rest[0] == leader)];
        sim.until(LONG, |sim| {
            sim.are_members(&[last]) && sim.leader() == Some(last)
        })
        .await;
        let refusal = sim
            .cluster(last)
            .leave("ops", soon())
            .await
            .expect_err("the last");
        assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
        write(&sim, "goes on").await;
        sim.kill(last);
        sim.start(last).await;
        sim.until(LONG, |sim| sim.leader() == Some(last)).await;
    });
}

#[test]
fn a_dead_node_is_removed_and_told_when_it_comes_back() {
    simulate(async {
        let mut sim = settled(122).await;
        let leader = sim.leader().expect("leads");
        let dead = (leader + 1) % 3;
        sim.kill(dead);
        sleep(5 * SECOND).await;
        let removed = sim
            .cluster(leader)
            .remove(&name(dead), false, "a test", soon())
            .await;
        removed.expect("the rest is a majority of itself");
        let rest: Vec<usize> = (0..3).filter(|n| *n != dead).collect();
        sim.until(LONG, |sim| sim.are_members(&rest)).await;
        sim.start(dead).await;
        sim.until(LONG, |sim| sim.view(dead).phase == Phase::Removed)
            .await;
        assert!(
            sim.view(dead).reason.contains("a test"),
            "{}",
            sim.view(dead).reason
        );
    });
}

/// With one of three members silent, removing a healthy one would leave one of two.
#[test]
fn a_removal_that_would_stop_the_cluster_is_refused() {
    // Also right away, before any member can have missed the dead one.
    for after in [0, 1, 5] {
        simulate(async {
            let mut sim = settled(123).await;
            let leader = sim.leader().expect("leads");
            let (dead, well) = ((leader + 1) % 3, (leader + 2) % 3);
            sim.kill(dead);
            sleep(after * SECOND).await;
            let refusal = loop {
                let at = sim.leader().unwrap_or(leader);
                match sim
                    .cluster(at)
                    .remove(&name(well), false, "a test", soon())
                    .await
                {
                    // Another node leads, or the removed one led and the next is not ready.
                    Err(Refusal::NotLeader | Refusal::NotYet(_)) => sleep(SECOND / 10).await,
                    Ok(()) => panic!("after {after} s: one of two is no majority"),
                    Err(refusal) => break refusal,
                }
            };
            assert!(
                matches!(refusal, Refusal::Conflict(_)),
                "after {after} s: {refusal}"
            );
            write(&sim, "goes on").await;
        });
    }
}

#[test]
fn a_renamed_member_is_moved_and_two_swapped_names_heal() {
    simulate(async {
        let mut sim = settled(130).await;
        sim.kill(2);
        sim.network.name("new-name", &[ip(2)]);
        sim.network.name(&host(2), &[]);
        sim.nodes[2].config.hostname = Some("new-name".to_owned());
        let id = sim.ids(0)[&host(2)];
        sim.start(2).await;
        sim.until(LONG, |sim| sim.ids(0).get("new-name") == Some(&id))
            .await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;

        let ids = sim.ids(0);
        let (one, two) = (host(0), host(1));
        (0..2).for_each(|n| sim.kill(n));
        sim.network.name(&one, &[ip(1)]);
        sim.network.name(&two, &[ip(0)]);
        sim.start(0).await;
        sim.start(1).await;
        sim.until(LONG, |sim| sim.is_formed()).await;
        sim.until(LONG, |sim| {
            sim.ids(0).get(&one) == Some(&ids[&two]) && sim.ids(0).get(&two) == Some(&ids[&one])
        })
        .await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
    });
}

/// A replacement is begun while the old member is only cut off from the leader. The third member
/// hears it, so it stays.
#[test]
fn a_member_that_somebody_hears_is_not_replaced() {
    simulate(async {
        let mut sim = settled(131).await;
        let leader = sim.leader().expect("leads");
        let (old, witness) = ((leader + 1) % 3, (leader + 2) % 3);
        for (from, to) in [(old, leader), (leader, old)] {
            sim.network.cut(ip(from), ip(to));
        }
        // Another volume under the old one's name: the name leads to the new node only.
        let duplicate = sim.add(|_| {});
        sim.nodes[duplicate].config.hostname = Some(host(old));
        sim.network.name(&host(old), &[ip(duplicate)]);
        let before = sim.view(old).incarnation;
        sim.start(duplicate).await;
        sleep(60 * SECOND).await;
        let catalog = sim.catalog(witness).expect("open");
        assert!(
            catalog.meta_node_by_incarnation(before).is_some(),
            "{}",
            sim.describe()
        );
        assert_ne!(
            sim.view(duplicate).phase,
            Phase::Member,
            "{}",
            sim.describe()
        );
    });
}

/// The original volume comes back after an empty node took its place. It learns this and asks to
/// join again.
#[test]
fn a_replaced_volume_that_comes_back_asks_to_join_again() {
    simulate(async {
        let mut sim = settled(132).await;
        write(&sim, "db").await;
        sim.kill(2);
        let old = std::mem::replace(
            &mut sim.nodes[2].disk,
            influxdb_meta::runtime::disk::Fake::new(),
        );
        sim.start(2).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        // The empty node goes, and the old volume is mounted again.
        sim.kill(2);
        sim.nodes[2].disk = old;
        sim.start(2).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        sim.until(LONG, |sim| sim.has(2, "db")).await;
        assert_eq!(sim.status(0).expect("open").voters.len(), 3);
    });
}

#[test]
fn a_joiner_that_dies_half_way_holds_up_nobody() {
    simulate(async {
        let mut sim = settled(133).await;
        let (dies, joins) = (sim.add(|_| {}), sim.add(|_| {}));
        sim.start(dies).await;
        sim.until(LONG, |sim| sim.view(dies).phase == Phase::Joining)
            .await;
        sim.kill(dies);
        sim.start(joins).await;
        sim.until(10 * SECOND, |sim| sim.view(joins).phase == Phase::Member)
            .await;
        sim.start(dies).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, dies, joins]))
            .await;
    });
}

/// The next leader finishes what it finds, at whatever step the last one died.
#[test]
fn the_leader_is_killed_at_each_step_of_a_join() {
    killed_at_each_step(|sim| {
        let newcomer = sim.add(|_| {});
        (newcomer, vec![0, 1, 2, newcomer])
    });
}

#[test]
fn the_leader_is_killed_at_each_step_of_a_replacement() {
    killed_at_each_step(|sim| {
        let wiped = (sim.leader().expect("leads") + 1) % 3;
        sim.wipe(wiped);
        (wiped, vec![0, 1, 2])
    });
}

/// Kills the leader at each step of a join. A step takes a few network hops of 1 ms; the pace is
/// that of the joiner's requests and of the leader's checks.
fn killed_at_each_step(begin: impl Fn(&mut Sim) -> (usize, Vec<usize>)) {
    let (step, last) = if std::env::var_os("SOAK").is_some() {
        (3, 4000)
    } else {
        (160, 3200)
    };
    for after in (0..last).step_by(step) {
        simulate(async {
            let mut sim = settled(1000 + after).await;
            write(&sim, "kept").await;
            let (newcomer, all) = begin(&mut sim);
            sim.start(newcomer).await;
            sleep(Duration::from_millis(after)).await;
            let leader = sim.leader();
            if let Some(leader) = leader {
                sim.kill(leader);
                sleep(3 * SECOND).await;
                sim.start(leader).await;
            }
            sim.until(LONG, |sim| sim.are_members(&all)).await;
            sim.until(LONG, |sim| all.iter().all(|n| sim.has(*n, "kept")))
                .await;
        });
    }
}

#[test]
fn two_nodes_are_added_while_one_member_reboots() {
    simulate(async {
        let mut sim = settled(135).await;
        let (four, five) = (sim.add(|_| {}), sim.add(|_| {}));
        sim.kill(1);
        sim.start(four).await;
        sim.start(five).await;
        sleep(2 * SECOND).await;
        sim.start(1).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, four, five]))
            .await;
        assert_eq!(sim.status(0).expect("open").voters.len(), 5);
    });
}

/// The joiner's place is given up after ten minutes unseen. It comes back and gets another Raft id.
#[test]
fn a_joiner_that_stays_away_loses_its_place_and_gets_another() {
    simulate(async {
        let mut sim = settled(134).await;
        let late = sim.add(|_| {});
        sim.start(late).await;
        sim.until(LONG, |sim| sim.view(late).phase == Phase::Joining)
            .await;
        sim.kill(late);
        let raft_id = sim
            .catalog(0)
            .expect("open")
            .pendings
            .values()
            .next()
            .map(|pending| pending.raft_id);
        sim.until(900 * SECOND, |sim| {
            sim.catalog(0)
                .is_some_and(|catalog| catalog.pendings.is_empty())
        })
        .await;
        sim.start(late).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, late]))
            .await;
        assert_ne!(sim.view(late).raft_id, raft_id);
    });
}

#[test]
fn a_join_only_node_is_a_learner_until_somebody_adds_it_by_name() {
    simulate(async {
        let mut sim = settled(140).await;
        let extra = sim.add(|config| config.bootstrap_expect = Some(0));
        sim.start(extra).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, extra]))
            .await;
        assert_eq!(sim.status(0).expect("open").voters.len(), 3);
        sleep(60 * SECOND).await;
        assert_eq!(
            sim.status(0).expect("open").voters.len(),
            3,
            "never by itself"
        );
        let leader = sim.leader().expect("leads");
        sim.cluster(leader)
            .join(&name(extra), soon())
            .await
            .expect("known, at the leader");
        sim.until(LONG, |sim| {
            sim.status(0).is_some_and(|status| status.voters.len() == 4)
        })
        .await;
    });
}

/// All volumes but a learner's are lost. The founders say what keeps them from founding, and the
/// learner says what became of its voters. Once the learner is gone, they found.
#[test]
fn a_learner_that_outlives_the_voters_is_named_and_in_the_way() {
    simulate(async {
        let mut sim = settled(145).await;
        let extra = sim.add(|config| config.bootstrap_expect = Some(0));
        sim.start(extra).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, extra]))
            .await;
        let old = sim.view(extra).cluster_id.expect("a member");
        (0..3).for_each(|n| sim.wipe(n));
        for n in 0..3 {
            sim.start(n).await;
        }
        let said = format!(
            "cluster {old} is known only to {} (learner); its voters are gone",
            name(extra)
        );
        sim.until(LONG, |sim| {
            (0..3).all(|n| sim.view(n).reason.contains(&said))
        })
        .await;
        let of_itself = "this node is a learner and its voters are gone";
        sim.until(LONG, |sim| sim.view(extra).reason.contains(of_itself))
            .await;
        sim.wipe(extra);
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        assert_ne!(sim.view(0).cluster_id, Some(old));
    });
}

/// A learner that was taken out is dialled by no node and dials no node. It sees that others have a
/// leader, and asks.
#[test]
fn a_learner_taken_out_while_it_is_away_hears_of_it() {
    simulate(async {
        let mut sim = settled(143).await;
        let extra = sim.add(|config| config.bootstrap_expect = Some(0));
        sim.start(extra).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2, extra]))
            .await;
        sim.kill(extra);
        let leader = sim.leader().expect("leads");
        let removed = sim
            .cluster(leader)
            .remove(&name(extra), false, "a test", soon())
            .await;
        removed.expect("a learner, at the leader");
        sleep(30 * SECOND).await;
        sim.start(extra).await;
        sim.until(LONG, |sim| sim.view(extra).phase == Phase::Removed)
            .await;
    });
}

/// Started as a fresh node, it would found a second cluster before it could ask to join.
#[test]
fn a_node_that_founds_alone_by_configuration_is_not_brought_back() {
    simulate(async {
        let mut sim = unjoined(144).await;
        sim.kill(0);
        sim.nodes[0].config.single_server = true;
        sim.start(0).await;
        sim.until(LONG, |sim| sim.are_members(&[0])).await;
        until_joined(&sim, 0, 1).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1])).await;
        sim.cluster(0).leave("ops", soon()).await.expect("left");
        sim.until(LONG, |sim| sim.are_members(&[1])).await;
        sim.kill(0);
        sim.start(0).await;
        sleep(5 * SECOND).await;
        let refusal = sim
            .cluster(1)
            .join(&name(0), soon())
            .await
            .expect_err("configured to found alone");
        assert!(refusal.to_string().contains("-single-server"), "{refusal}");
        assert_eq!(sim.view(0).phase, Phase::Removed);
        sim.kill(0);
        sim.nodes[0].config.single_server = false;
        sim.start(0).await;
        sleep(5 * SECOND).await;
        until_joined(&sim, 1, 0).await;
        sim.until(LONG, |sim| sim.are_members(&[0, 1])).await;
        assert_eq!(sim.view(0).cluster_id, sim.view(1).cluster_id);
    });
}

#[test]
fn a_node_of_another_cluster_name_is_told_what_to_set() {
    simulate(async {
        let mut sim = settled(142).await;
        sim.wipe(0);
        sim.nodes[0].config.cluster_name = "other".to_owned();
        sim.start(0).await;
        sim.until(LONG, |sim| sim.view(0).doing == Activity::Blocked)
            .await;
        let reason = &sim.view(0).reason;
        assert!(
            reason.contains("INFLUXDB_META_CLUSTER_NAME") && reason.contains("\"demo\""),
            "{reason}"
        );
    });
}

/// Nodes without `peers`, as an installation guide does it: one node adds itself and the other two.
#[test]
fn by_hand_from_one_node_all_nodes_including_itself() {
    by_hand(150, &[0, 1, 2]);
}

/// The steps of the guide for containers: one node adds the other two.
#[test]
fn by_hand_from_one_node_the_other_two() {
    by_hand(151, &[1, 2]);
}

fn by_hand(seed: u64, added: &[usize]) {
    simulate(async {
        let sim = unjoined(seed).await;
        for n in added {
            let node = until_joined(&sim, 0, *n).await;
            assert_eq!(node.http, name(*n));
        }
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
        // Asking again changes nothing.
        let ids = sim.ids(0);
        for n in added {
            until_joined(&sim, 0, *n).await;
        }
        assert_eq!(sim.ids(0), ids);
    });
}

/// The steps of a Helm chart: ordinal 0 adds itself, the others are added at it by their own names,
/// all at once and repeatedly.
#[test]
fn by_hand_all_at_once() {
    simulate(async {
        let sim = unjoined(152).await;
        tokio::join!(
            until_joined(&sim, 0, 0),
            until_joined(&sim, 0, 1),
            until_joined(&sim, 0, 2)
        );
        sim.until(LONG, |sim| sim.are_members(&[0, 1, 2])).await;
    });
}

/// Two fresh nodes are ordered at the same time to join each other. One cluster results, whichever
/// node is the lower one.
#[test]
fn by_hand_two_told_to_join_each_other_are_one_cluster() {
    for seed in 153..156 {
        simulate(async {
            let sim = unjoined(seed).await;
            tokio::join!(until_joined(&sim, 0, 1), until_joined(&sim, 1, 0));
            sim.until(LONG, |sim| sim.are_members(&[0, 1])).await;
            assert_eq!(sim.view(2).phase, Phase::Fresh);
        });
    }
}

/// Three nodes are ordered to join each other in a ring.
#[test]
fn by_hand_a_ring_of_three_is_never_two_clusters() {
    for seed in 163..166 {
        simulate(async {
            let sim = unjoined(seed).await;
            let once = |at: usize, n: usize| {
                let cluster = sim.cluster(at).clone();
                async move { cluster.join(&name(n), soon()).await }
            };
            let _ = tokio::join!(once(0, 1), once(1, 2), once(2, 0));
            sleep(30 * SECOND).await;
            let clusters: std::collections::BTreeSet<_> =
                (0..3).filter_map(|n| sim.view(n).cluster_id).collect();
            assert_eq!(clusters.len(), 1, "{}", sim.describe());
        });
    }
}

async fn unjoined(seed: u64) -> Sim {
    let mut sim = Sim::new(seed, 3);
    for n in 0..3 {
        sim.nodes[n].config.peers.clear();
        sim.nodes[n].config.hostname = Some(host(n));
    }
    sim.start_all().await;
    sleep(2 * SECOND).await;
    sim
}

/// Repeats the request until it succeeds, at the leader when the node is a member, as operators and
/// charts do.
async fn until_joined(sim: &Sim, at: usize, n: usize) -> influxdb_meta::cluster::NodeRef {
    let end = Instant::now() + LONG;
    loop {
        let at = sim
            .leader()
            .filter(|_| sim.view(at).phase == Phase::Member)
            .unwrap_or(at);
        match sim.cluster(at).join(&name(n), soon()).await {
            Ok(node) => return node,
            Err(Refusal::NotLeader) => {}
            Err(refusal) => assert!(
                Instant::now() < end
                    && matches!(refusal, Refusal::NotYet(_) | Refusal::Conflict(_)),
                "{refusal}: {}",
                sim.describe()
            ),
        }
        sleep(2 * SECOND).await;
    }
}
