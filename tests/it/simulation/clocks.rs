//! Nodes whose wall clocks are wrong.

use influxdb_meta::cluster::{ClusterApi, Warning};
use influxdb_meta::machine::{InternalCommand, Outcome};
use influxdb_meta::raft::{ClockFault, ProposeError, TimeRepairRefused};
use influxdb_meta::wire::envelope::Body;
use tokio::time::{Instant, sleep};

use super::nodes::Sim;
use super::{SECOND, founded, simulate};

/// From 2023, where simulations begin, to 2099.
const YEARS_76: i64 = 76 * 365 * 24 * 3600;

fn faults(sim: &Sim, n: usize) -> Vec<ClockFault> {
    let view = sim.view(n);
    let clocks = view.warnings.iter().filter_map(|warning| match warning {
        Warning::Clock(fault) => Some(*fault),
        _ => None,
    });
    clocks.collect()
}

fn catalog_seconds(sim: &Sim, n: usize) -> i64 {
    sim.catalog(n).expect("open").last_at.0 / 1_000_000_000
}

/// A command stamped 2099 would spoil the catalog's time for ever. The leader refuses to stamp
/// it, another node leads, and nobody notices more than a second.
#[test]
fn a_leader_whose_clock_jumps_ahead_proposes_nothing_and_hands_over() {
    simulate(async {
        let sim = founded(21).await;
        let leader = sim.leader().expect("leads");
        sim.create(leader, "before").await.expect("acknowledged");
        sim.until(5 * SECOND, |sim| (0..3).all(|n| sim.has(n, "before")))
            .await;
        let before = catalog_seconds(&sim, leader);

        sim.set_clock_ahead(leader, YEARS_76);
        let refused = sim.create(leader, "wrong").await;
        assert!(
            matches!(refused, Err(ProposeError::ClockAhead { .. })),
            "{refused:?}"
        );
        let text = refused.expect_err("refused").to_string();
        assert!(
            text.contains("is 76 years ahead of the other meta nodes"),
            "{text}"
        );

        sim.until(10 * SECOND, |sim| sim.leader().is_some_and(|n| n != leader))
            .await;
        let next = sim.leader().expect("leads");
        sim.create(next, "after").await.expect("acknowledged");
        sim.until(5 * SECOND, |sim| (0..3).all(|n| sim.has(n, "after")))
            .await;
        for n in 0..3 {
            assert!(!sim.has(n, "wrong"));
            assert!(catalog_seconds(&sim, n) < before + 60);
        }
        sim.until(5 * SECOND, |sim| {
            matches!(faults(sim, leader)[..], [ClockFault::Ahead { .. }])
        })
        .await;
        assert_eq!(faults(&sim, next), []);
        let warnings = sim.view(leader).warnings.clone();
        assert!(warnings.iter().any(|w| w.alarm() == Some("clock")));

        sim.set_clock_ahead(leader, 0);
        sim.until(5 * SECOND, |sim| faults(sim, leader).is_empty())
            .await;
    });
}

/// A clock behind does no harm to the catalog: its time never goes back.
#[test]
fn a_leader_whose_clock_is_behind_goes_on_and_says_so() {
    simulate(async {
        let sim = founded(22).await;
        let leader = sim.leader().expect("leads");
        sim.create(leader, "before").await.expect("acknowledged");
        let before = sim.catalog(leader).expect("open").last_at;
        sim.set_clock_ahead(leader, -3600);
        sim.create(leader, "after").await.expect("acknowledged");
        assert_eq!(sim.catalog(leader).expect("open").last_at, before);
        sim.until(5 * SECOND, |sim| {
            matches!(faults(sim, leader)[..], [ClockFault::Behind { .. }])
        })
        .await;
        assert_eq!(sim.leader(), Some(leader));
        // The catalog's time is right: its repair would set it back by an hour.
        let raft = sim.cluster(leader).raft().expect("open");
        assert!(matches!(
            raft.check_time_repair(),
            Err(TimeRepairRefused::ClockBehind { .. })
        ));
    });
}

/// After a power cut one node comes back with a wrong clock. Whoever leads first, nothing is
/// stamped before the clocks of a majority are known: no poll has been answered yet.
#[test]
fn a_wrong_clock_stamps_nothing_in_the_first_moments_of_a_leader() {
    simulate(async {
        for wrong in 0..3 {
            let mut sim = founded(26).await;
            let leader = sim.leader().expect("leads");
            sim.create(leader, "before").await.expect("acknowledged");
            let before = catalog_seconds(&sim, leader);
            for n in 0..3 {
                sim.kill(n);
            }
            sim.set_clock_ahead(wrong, YEARS_76);
            sim.start_all().await;
            let begun = Instant::now();
            while !(0..3).any(|n| sim.has(n, "after")) {
                if let Some(leader) = sim.leader() {
                    drop(sim.create(leader, "after").await);
                }
                assert!(begun.elapsed() < 60 * SECOND, "{}", sim.describe());
                sleep(SECOND / 100).await;
            }
            let leader = sim.leader().expect("leads");
            assert!(catalog_seconds(&sim, leader) < before + 600);
        }
    });
}

/// Two nodes are left, and nobody knows which clock is right. Nothing is stamped by the higher one.
#[test]
fn of_two_clocks_the_higher_one_stamps_nothing() {
    simulate(async {
        let mut sim = founded(23).await;
        let leader = sim.leader().expect("leads");
        let left: Vec<usize> = (0..3).filter(|n| *n != leader).collect();
        sim.set_clock_ahead(left[0], 7200);
        sim.kill(leader);
        sim.until(20 * SECOND, |sim| sim.leader() == Some(left[1]))
            .await;
        // Wherever an election ended before, the one with the lower clock leads in the end.
        sim.create(left[1], "db").await.expect("acknowledged");
        let refused = sim.create(left[0], "wrong").await;
        assert!(
            matches!(
                refused,
                Err(ProposeError::NotLeader(_) | ProposeError::ClockAhead { .. })
            ),
            "{refused:?}"
        );
    });
}

/// All clocks were wrong, and were set right: nothing but the catalog's time is ahead. It stays so
/// until an operator repairs it.
#[test]
fn a_catalog_of_2099_is_repaired() {
    simulate(async {
        let sim = founded(24).await;
        for n in 0..3 {
            sim.set_clock_ahead(n, YEARS_76);
        }
        // Until all have polled each other again, each seems to be ahead, and refuses.
        let begun = Instant::now();
        loop {
            sim.until(10 * SECOND, |sim| sim.leader().is_some()).await;
            let leader = sim.leader().expect("leads");
            match sim.create(leader, "spoilt").await {
                Ok(_) => break,
                Err(ProposeError::ClockAhead { .. } | ProposeError::NotLeader(_)) => {}
                other => panic!("{other:?}"),
            }
            assert!(begun.elapsed() < 20 * SECOND, "{}", sim.describe());
            sleep(SECOND / 10).await;
        }
        for n in 0..3 {
            sim.set_clock_ahead(n, 0);
        }
        sim.until(10 * SECOND, |sim| {
            (0..3).all(|n| matches!(faults(sim, n)[..], [ClockFault::CatalogAhead { .. }]))
        })
        .await;
        let leader = sim.leader().expect("leads");
        let alarms = |n: usize| {
            let warnings = sim.view(n).warnings.clone();
            warnings
                .iter()
                .filter_map(Warning::alarm)
                .collect::<Vec<_>>()
        };
        assert_eq!(alarms(leader), ["catalog-time"]);
        sim.create(leader, "later").await.expect("acknowledged");
        let spoilt = catalog_seconds(&sim, leader);

        let raft = sim.cluster(leader).raft().expect("open");
        assert_eq!(raft.check_time_repair(), Ok(()));
        let repair = || {
            let command = Body::Internal(InternalCommand::RepairTime);
            raft.propose(command, Instant::now() + 5 * SECOND)
        };
        assert!(matches!(repair().await, Ok(Outcome::Applied { .. })));
        sim.until(5 * SECOND, |sim| {
            (0..3).all(|n| {
                catalog_seconds(sim, n) < spoilt - YEARS_76 + 600 && faults(sim, n).is_empty()
            })
        })
        .await;
        assert!(matches!(repair().await, Ok(Outcome::Refused(_))));
    });
}
