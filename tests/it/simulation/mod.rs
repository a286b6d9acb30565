//! Three whole nodes in one thread under paused time: founding, restarts, losses, and the same
//! trace from the same seed.

mod clocks;
mod line;
mod lives;
mod names;
mod nodes;
mod random;
mod removal;

use std::time::Duration;

use influxdb_meta::cluster::{Activity, ClusterApi, ClusterError, Warning};
use influxdb_meta::runtime::Rng;
use influxdb_meta::wire::identity::Phase;
use tokio::time::{Instant, sleep};

use nodes::{Sim, host};

const SECOND: Duration = Duration::from_secs(1);

/// Runs in one thread with paused time.
fn simulate<T>(scenario: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(scenario)
}

async fn founded(seed: u64) -> Sim {
    let mut sim = Sim::new(seed, 3);
    sim.start_all().await;
    sim.formed().await;
    sim
}

#[test]
fn three_nodes_found_take_commands_and_agree() {
    simulate(async {
        let begun = Instant::now();
        let sim = founded(1).await;
        assert!(
            begun.elapsed() < Duration::from_millis(2500),
            "{:?}",
            begun.elapsed()
        );
        let leader = sim.leader().expect("leads");
        sim.create(leader, "db").await.expect("acknowledged");
        sim.until(5 * SECOND, |sim| (0..3).all(|n| sim.has(n, "db")))
            .await;
        assert_eq!(sim.catalog(0), sim.catalog(1));
        assert_eq!(sim.catalog(0), sim.catalog(2));
        // Each saw itself in a committed membership and stored that.
        sim.until(5 * SECOND, |sim| {
            (0..3).all(|n| sim.view(n).phase == Phase::Member)
        })
        .await;
        let catalog = sim.catalog(0).expect("open");
        let names: Vec<String> = catalog
            .meta_nodes
            .values()
            .map(|node| node.http.to_string())
            .collect();
        assert_eq!(names, ["meta-1:8091", "meta-2:8091", "meta-3:8091"]);
        assert_eq!(
            catalog.cluster.expect("founded").id,
            sim.view(0).cluster_id.expect("known")
        );
    });
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        simulate(async move {
            let mut sim = Sim::new(seed, 3);
            sim.start_all().await;
            let (begun, mut lines) = (Instant::now(), Vec::new());
            while begun.elapsed() < 6 * SECOND {
                let line = sim.snapshot();
                if lines.last().is_none_or(|(_, last)| *last != line) {
                    lines.push((begun.elapsed(), line));
                }
                if begun.elapsed() == 3 * SECOND {
                    let leader = sim.leader().expect("leads by then");
                    sim.kill(leader);
                }
                sleep(Duration::from_millis(1)).await;
            }
            lines
        })
    };
    let (one, two) = (trace(7), trace(7));
    assert!(one.len() > 10, "{one:#?}");
    for (place, (one, two)) in one.iter().zip(&two).enumerate() {
        assert_eq!(one, two, "line {place}");
    }
    assert_eq!(one.len(), two.len());
    assert_ne!(one, trace(8));
}

/// If first entries differed, or if nodes were admitted before initialising, a founder would be
/// left here with a vote and no log (founding.md 5.3).
#[test]
fn two_founders_killed_between_the_first_vote_and_the_first_append_come_back() {
    for power_loss in [false, true] {
        simulate(async move {
            let mut sim = Sim::new(11, 3);
            sim.start_all().await;
            let has_voted = |sim: &Sim, n: usize| {
                sim.status(n)
                    .is_some_and(|s| s.term >= 1 && s.last_log.is_some_and(|last| last.index == 0))
            };
            sim.until(10 * SECOND, |sim| {
                (0..3).filter(|n| has_voted(sim, *n)).count() >= 2
            })
            .await;
            let killed: Vec<usize> = (0..3).filter(|n| has_voted(&sim, *n)).take(2).collect();
            for n in &killed {
                if power_loss {
                    sim.power_off(*n)
                } else {
                    sim.kill(*n)
                }
            }
            sleep(3 * SECOND).await;
            assert!(
                sim.leader().is_none(),
                "one of three leads nobody: {}",
                sim.describe()
            );
            for n in killed {
                sim.start(n).await;
            }
            sim.formed().await;
            assert_eq!(sim.catalog(0).expect("open").meta_nodes.len(), 3);
        });
    }
}

/// Founders are killed at any moment of founding, each fsync included, by SIGKILL or by power loss.
#[test]
fn founders_killed_anywhere_in_the_founding_moment_come_back() {
    for seed in 0..40 {
        simulate(async move {
            let mut sim = Sim::new(seed, 3);
            sim.start_all().await;
            for _ in 0..2 {
                sleep(Duration::from_micros(900_000 + sim.rng.u64() % 700_000)).await;
                let first = (sim.rng.u64() % 3) as usize;
                for n in [first, (first + 1) % 3] {
                    if sim.rng.u64().is_multiple_of(2) {
                        sim.kill(n)
                    } else {
                        sim.power_off(n)
                    }
                    sim.start(n).await;
                }
            }
            sim.formed().await;
            let ids: Vec<_> = (0..3).map(|n| sim.view(n).cluster_id).collect();
            assert!(
                ids[0].is_some() && ids.iter().all(|id| *id == ids[0]),
                "seed {seed}: {ids:?}"
            );
        });
    }
}

#[test]
fn a_third_node_ten_minutes_late() {
    simulate(async {
        let mut sim = Sim::new(21, 3);
        sim.start(0).await;
        sim.start(1).await;
        sleep(600 * SECOND).await;
        for n in [0, 1] {
            let view = sim.view(n);
            assert_eq!((view.doing, view.cluster_id), (Activity::Waiting, None));
            assert!(view.reason.contains("meta-3:8091"), "{}", view.reason);
            assert_eq!(view.missing.len(), 1);
        }
        sim.start(2).await;
        let begun = Instant::now();
        sim.formed().await;
        assert!(begun.elapsed() < 3 * SECOND, "{:?}", begun.elapsed());
    });
}

/// A node with data waits for no other node.
#[test]
fn two_of_three_come_back_without_the_third() {
    simulate(async {
        let mut sim = founded(31).await;
        sim.create(sim.leader().expect("leads"), "kept")
            .await
            .expect("acknowledged");
        (0..3).for_each(|n| sim.kill(n));
        sim.start(1).await;
        sim.start(2).await;
        sim.formed().await;
        sim.until(5 * SECOND, |sim| sim.has(1, "kept") && sim.has(2, "kept"))
            .await;
    });
}

#[test]
fn all_back_with_swapped_addresses() {
    simulate(async {
        let mut sim = founded(32).await;
        sim.until(5 * SECOND, |sim| {
            (0..3).all(|n| sim.view(n).phase == Phase::Member)
        })
        .await;
        (0..3).for_each(|n| sim.kill(n));
        // Each name leads to another host now: the volumes were moved around.
        let disks: Vec<_> = (0..3)
            .map(|n| sim.nodes[(n + 1) % 3].disk.clone())
            .collect();
        for (node, disk) in sim.nodes.iter_mut().zip(disks) {
            node.disk = disk;
        }
        sim.start_all().await;
        sim.formed().await;
    });
}

/// An operator deletes a damaged log, as a cure. All other fences would let the node vote again,
/// without what it acknowledged (founding.md 5.2).
#[test]
fn a_member_whose_log_is_gone_halts_and_the_others_go_on() {
    simulate(async {
        let mut sim = founded(41).await;
        let leader = sim.leader().expect("leads");
        sim.create(leader, "db").await.expect("acknowledged");
        let cured = (leader + 1) % 3;
        sim.kill(cured);
        sim.delete_log(cured);
        sim.start(cured).await;
        sim.until(5 * SECOND, |sim| sim.view(cured).doing == Activity::Halted)
            .await;
        let view = sim.view(cured);
        assert!(
            view.reason.contains("the log of this member is gone"),
            "{}",
            view.reason
        );
        assert!(
            sim.cluster(cured)
                .identity()
                .expect("started")
                .halted
                .is_some(),
            "others are told"
        );
        assert!(sim.cluster(cured).raft().is_err(), "no Raft to ask");
        // It never votes again: without the leader, the third node has no majority.
        sim.create(leader, "more")
            .await
            .expect("two of three go on");
        sim.kill(leader);
        sleep(10 * SECOND).await;
        assert!(sim.leader().is_none(), "{}", sim.describe());
    });
}

#[test]
fn two_wiped_of_three_found_nothing_and_the_third_says_why() {
    simulate(async {
        let mut sim = founded(43).await;
        sim.create(sim.leader().expect("leads"), "db")
            .await
            .expect("acknowledged");
        sim.wipe(0);
        sim.wipe(1);
        sim.start(0).await;
        sim.start(1).await;
        sleep(120 * SECOND).await;
        assert!(
            (0..2).all(|n| sim.view(n).doing == Activity::Joining),
            "{}",
            sim.describe()
        );
        let reason = &sim.view(2).reason;
        assert!(
            reason.contains("meta-1:8091") && reason.contains("meta-2:8091"),
            "{reason}"
        );
        assert!(reason.contains("restore a lost volume"), "{reason}");
    });
}

/// SIGTERM is a restart: leadership is transferred, nothing is lost, and it takes less than two
/// seconds.
#[test]
fn stopping_the_leader_hands_over_and_ends_in_time() {
    simulate(async {
        let mut sim = founded(51).await;
        let leader = sim.leader().expect("leads");
        sim.create(leader, "db").await.expect("acknowledged");
        let took = sim.stop(leader).await;
        assert!(took < 2 * SECOND, "{took:?}");
        let begun = Instant::now();
        sim.until(5 * SECOND, |sim| sim.leader().is_some()).await;
        assert!(
            begun.elapsed() < Duration::from_millis(300),
            "handed over: {:?}",
            begun.elapsed()
        );
        sim.start(leader).await;
        sim.formed().await;
        sim.until(5 * SECOND, |sim| sim.has(leader, "db")).await;
    });
}

#[test]
fn members_gossip_their_versions() {
    simulate(async {
        let sim = founded(52).await;
        sim.until(60 * SECOND, |sim| {
            (0..3).all(|n| sim.cluster(n).announcements().len() == 2)
        })
        .await;
        let heard = sim.cluster(0).announcements();
        let versions: Vec<&str> = heard.iter().map(|a| a.version.as_str()).collect();
        assert_eq!(versions, ["test-1", "test-2"]);
    });
}

#[test]
fn one_secret_founds_and_a_node_without_it_stays_out() {
    simulate(async {
        let mut sim = Sim::new(61, 3);
        for node in &mut sim.nodes {
            node.config.secret = Some("the same long text".into());
        }
        sim.start_all().await;
        sim.formed().await;
        assert!(
            sim.catalog(0)
                .and_then(|catalog| catalog.cluster)
                .expect("founded")
                .with_secret
        );
        let follower = (sim.leader().expect("leads") + 1) % 3;
        sim.kill(follower);
        sim.nodes[follower].config.secret = None;
        sim.start(follower).await;
        sim.until(10 * SECOND, |sim| {
            sim.view(follower).reason.contains("without a leader")
        })
        .await;
        sleep(10 * SECOND).await;
        assert!(
            sim.status(follower).is_some_and(|s| s.leader.is_none()),
            "{}",
            sim.describe()
        );
        assert!(sim.leader().is_some(), "the others go on");
    });
}

#[test]
fn a_damaged_identity_ends_the_start() {
    simulate(async {
        let mut sim = founded(62).await;
        sim.kill(0);
        let path = std::path::Path::new(nodes::DIR).join("influxd-meta/identity");
        // A single copy is enough.
        sim.nodes[0].disk.flip_bit(&path, 8 * 200);
        sim.start(0).await;
        sim.kill(0);
        for copy in [path.clone(), path.with_file_name("identity-2")] {
            sim.nodes[0].disk.flip_bit(&copy, 8 * 200);
        }
        let error = sim.try_start(0).await.expect_err("damaged");
        assert!(matches!(error, ClusterError::BadIdentity(_)), "{error}");
    });
}

#[test]
fn a_join_timeout_ends_the_process_with_the_reason() {
    simulate(async {
        let mut sim = Sim::new(63, 3);
        sim.nodes[0].config.join_timeout = 30 * SECOND;
        sim.start(0).await;
        let begun = Instant::now();
        let error = sim.cluster(0).failed().await;
        assert!(matches!(error, ClusterError::JoinTimeout { .. }), "{error}");
        assert!(error.to_string().contains("meta-2:8091"), "{error}");
        assert_eq!(begun.elapsed().as_secs(), 30);
    });
}

#[test]
fn alone_founds_by_itself_and_warns() {
    simulate(async {
        let mut sim = Sim::new(64, 1);
        sim.nodes[0].config.peers.clear();
        sim.nodes[0].config.single_server = true;
        sim.nodes[0].config.hostname = Some(host(0));
        sim.start(0).await;
        sim.formed().await;
        sim.until(5 * SECOND, |sim| {
            sim.view(0).warnings.contains(&Warning::OneVoter)
        })
        .await;
    });
}

/// A node shows only phases that are on its disk: after a power loss it still knows them.
#[test]
fn nobody_is_shown_a_phase_that_a_power_loss_takes_back() {
    for seed in 0..20 {
        simulate(async move {
            let mut sim = Sim::new(1000 + seed, 3);
            sim.start_all().await;
            sleep(Duration::from_micros(990_000 + sim.rng.u64() % 60_000)).await;
            let shown: Vec<_> = (0..3)
                .map(|n| sim.cluster(n).identity().expect("started"))
                .collect();
            (0..3).for_each(|n| sim.power_off(n));
            sim.start_all().await;
            for (n, before) in shown.iter().enumerate() {
                let after = sim.cluster(n).identity().expect("started");
                assert_eq!(after.incarnation, before.incarnation);
                if before.phase == Phase::Started {
                    assert_eq!(after.cluster_id, before.cluster_id, "seed {seed} node {n}");
                }
            }
            sim.formed().await;
        });
    }
}
