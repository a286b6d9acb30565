//! Behaviour of three members when nothing, or one thing, goes wrong.

use std::time::Duration;

use influxdb_meta::base::{Name, RaftId};
use influxdb_meta::machine::{Outcome, WireCommand};
use influxdb_meta::raft::{
    AfterHandOver, BarrierError, HandOver, NotLeader, ProposeError, Role, UnknownReason,
};
use influxdb_meta::wire::{envelope::Body, state};
use tokio::time::{Instant, timeout};

use super::cluster::{Cluster, Options};

pub(super) fn create(name: &str) -> Body {
    Body::from(WireCommand::CreateDatabase {
        name: Name::from(name),
        retention_policy: None,
    })
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(2)
}

#[tokio::test(start_paused = true)]
async fn what_the_leader_acknowledges_all_apply_alike() {
    let cluster = Cluster::founded(1, 3, Options::default()).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    let mut last = 0;
    for n in 0..50 {
        let outcome = raft
            .propose(create(&format!("db{n}")), soon())
            .await
            .expect("acknowledged");
        let Outcome::Applied { index } = outcome else {
            panic!("refused: {outcome:?}")
        };
        assert!(index > last, "indexes grow");
        assert!(
            raft.applied()
                .borrow()
                .last
                .is_some_and(|id| id.index >= index),
            "applied before it is told"
        );
        last = index;
    }
    cluster
        .converged(&[1, 2, 3], last, Duration::from_secs(1))
        .await;
    let state = |id| state::encode(&cluster.raft(id).expect("runs").applied().borrow().catalog);
    assert_eq!(state(1), state(2));
    assert_eq!(state(2), state(3));

    let follower = if leader == 1 { 2 } else { 1 };
    let there = cluster
        .raft(follower)
        .expect("runs")
        .propose(create("elsewhere"), soon())
        .await;
    assert_eq!(
        there,
        Err(ProposeError::NotLeader(NotLeader {
            leader: Some(RaftId(leader))
        }))
    );
}

/// Data nodes poll followers: in an idle cluster a follower must learn of a commit at once, not at
/// the next heartbeat.
#[tokio::test(start_paused = true)]
async fn idle_followers_learn_of_a_commit_at_once() {
    let cluster = Cluster::founded(2, 3, Options::default()).await;
    let (_, raft) = cluster.leader(Duration::from_secs(1)).await;
    for n in 0..20 {
        tokio::time::sleep(Duration::from_millis(737)).await;
        let outcome = raft
            .propose(create(&format!("db{n}")), soon())
            .await
            .expect("acknowledged");
        let Outcome::Applied { index } = outcome else {
            panic!("refused: {outcome:?}")
        };
        cluster
            .converged(&[1, 2, 3], index, Duration::from_millis(50))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_is_replaced_in_under_a_second_and_a_half() {
    let mut times = Vec::new();
    for seed in 0..20 {
        let mut cluster = Cluster::founded(100 + seed, 3, Options::default()).await;
        tokio::time::sleep(Duration::from_millis(50 * seed)).await;
        let (leader, _) = cluster.leader(Duration::from_secs(1)).await;
        cluster.kill(leader);
        let killed = Instant::now();
        let (_, raft) = cluster.leader(Duration::from_secs(3)).await;
        raft.propose(create("after"), soon())
            .await
            .expect("acknowledged");
        times.push(killed.elapsed());
    }
    times.sort();
    assert!(times[10] < Duration::from_secs(1), "median of {times:?}");
    assert!(
        times[19] < Duration::from_millis(1500),
        "worst of {times:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn leadership_is_handed_over_at_once_and_for_good() {
    let cluster = Cluster::founded(3, 3, Options::default()).await;
    let (old, raft) = cluster.leader(Duration::from_secs(1)).await;
    raft.propose(create("before"), soon())
        .await
        .expect("acknowledged");
    let begun = Instant::now();
    assert_eq!(
        raft.hand_over(Duration::from_millis(500), AfterHandOver::Stopping)
            .await,
        HandOver::Done
    );
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "took {:?}",
        begun.elapsed()
    );
    let (new, heir) = cluster.leader(Duration::from_secs(1)).await;
    assert_ne!(new, old);
    heir.propose(create("after"), soon())
        .await
        .expect("acknowledged");
    let refused = raft.propose(create("too late"), soon()).await;
    assert_eq!(
        refused,
        Err(ProposeError::NotLeader(NotLeader {
            leader: Some(RaftId(new))
        }))
    );
    // A follower has no leadership to transfer.
    assert_eq!(
        raft.hand_over(Duration::from_millis(500), AfterHandOver::Stopping)
            .await,
        HandOver::Done
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_majority_nothing_is_acknowledged_and_the_caller_is_told_so() {
    let mut cluster = Cluster::founded(4, 3, Options::default()).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    for id in [1, 2, 3] {
        if id != leader {
            cluster.kill(id);
        }
    }
    // The proposal was under way when the majority went: its outcome is unknown. It is told long
    // before the deadline.
    let late = Instant::now() + Duration::from_secs(3600);
    let answer_timeout = raft.no_leader_timeout() * 2;
    assert_eq!(
        timeout(answer_timeout, raft.propose(create("unknown"), late)).await,
        Ok(Err(ProposeError::Unknown(UnknownReason::NoMajority)))
    );
    assert!(
        raft.barrier(soon()).await.is_err(),
        "no linearizable read without a majority"
    );
    // Later the leader knows that it has no majority: the command was certainly not proposed.
    for deadline in [soon(), late] {
        assert_eq!(
            timeout(answer_timeout, raft.propose(create("lost"), deadline)).await,
            Ok(Err(ProposeError::NoLeader))
        );
    }
    assert_eq!(
        timeout(answer_timeout, raft.barrier(late)).await,
        Ok(Err(BarrierError::NoMajority))
    );
    for id in [1, 2, 3] {
        if id != leader {
            cluster.start(id).await;
        }
    }
    let (_, raft) = cluster.leader(Duration::from_secs(5)).await;
    raft.propose(create("again"), soon())
        .await
        .expect("acknowledged");
    raft.barrier(soon()).await.expect("a linearizable read");
}

#[tokio::test(start_paused = true)]
async fn before_the_cluster_is_founded_nothing_else_is_proposed() {
    let mut cluster = Cluster::new(5, Options::default());
    cluster.add(1, super::world::ip(1));
    let raft = cluster.open(1).await;
    raft.initialize(&[(RaftId(1), super::world::incarnation(1))])
        .await
        .expect("an empty log");
    raft.admit();
    let (_, raft) = cluster.leader(Duration::from_secs(2)).await;
    let before = raft.status().last_log;
    assert_eq!(
        raft.propose(create("too early"), soon()).await,
        Err(ProposeError::NoLeader)
    );
    assert_eq!(raft.status().last_log, before, "nothing was logged");
    assert_eq!(raft.status().role, Role::Leader);
}

#[tokio::test(start_paused = true)]
async fn a_command_over_the_budget_is_not_proposed() {
    let cluster = Cluster::founded(6, 1, Options::default()).await;
    let (_, raft) = cluster.leader(Duration::from_secs(1)).await;
    let huge = Body::Wire(vec![0; influxdb_meta::raft::MAX_COMMAND_BYTES].into());
    assert!(matches!(
        raft.propose(huge, soon()).await,
        Err(ProposeError::OverBudget(_))
    ));
}
