//! A member is heard as long as it lives, not only when it dials. Replace judges by this whether a
//! member is gone (founding.md 7.1).

use std::time::Duration;

use influxdb_meta::base::Incarnation;
use tokio::time::{Instant, sleep};

use super::basics::{create, soon};
use super::cluster::{Cluster, Options, Shared};
use super::world::{incarnation, ip};

/// Two members that only keep in touch.
async fn idle_pair(seed: u64) -> Cluster {
    let cluster = Cluster::founded(seed, 2, Options::default()).await;
    cluster.leader(Duration::from_secs(1)).await;
    sleep(Duration::from_secs(5)).await;
    cluster
}

fn heard(cluster: &Cluster, raft_id: u64) -> Shared<Vec<Incarnation>> {
    cluster.members[&raft_id]
        .process
        .as_ref()
        .expect("it runs")
        .heard
        .clone()
}

/// How often `peer` was heard in this time, and in how many half seconds of it.
async fn count(
    heard: &Shared<Vec<Incarnation>>,
    peer: Incarnation,
    within: Duration,
) -> (usize, usize) {
    let step = Duration::from_millis(500);
    let (mut times, mut steps) = (0, 0);
    for _ in 0..within.as_millis() / step.as_millis() {
        heard.lock().expect("sound").clear();
        sleep(step).await;
        let now = heard
            .lock()
            .expect("sound")
            .iter()
            .filter(|who| **who == peer)
            .count();
        times += now;
        steps += usize::from(now > 0);
    }
    (times, steps)
}

/// The leader hears answers, its follower hears heartbeats; neither dials anew.
#[tokio::test(start_paused = true)]
async fn members_of_an_idle_group_hear_each_other_all_the_time() {
    let cluster = idle_pair(41).await;
    for (me, peer) in [(1, 2), (2, 1)] {
        let (_, steps) = count(
            &heard(&cluster, me),
            incarnation(peer),
            Duration::from_secs(20),
        )
        .await;
        assert_eq!(steps, 40, "member {me} hears {peer} in each half second");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_or_cut_off_is_heard_no_more() {
    for killed in [true, false] {
        let mut cluster = idle_pair(42).await;
        let heard = heard(&cluster, 1);
        if killed {
            cluster.kill(2);
        } else {
            cluster.cut(ip(1), ip(2), true);
        }
        // Frames that were on their way still arrive.
        sleep(Duration::from_millis(100)).await;
        let (times, _) = count(&heard, incarnation(2), Duration::from_secs(20)).await;
        assert_eq!(times, 0, "killed: {killed}");
    }
}

/// The id of its start must be on its disk before another node hears of it (founding.md 5.3). A
/// node that stores it slowly becomes a candidate meanwhile, because no node reaches it, and must
/// still dial no node.
#[tokio::test(start_paused = true)]
async fn who_has_not_admitted_yet_dials_nobody() {
    let mut cluster = Cluster::founded(44, 3, Options::default()).await;
    let (leader, _) = cluster.leader(Duration::from_secs(1)).await;
    let late = leader % 3 + 1;
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != late).collect();
    cluster.kill(late);
    sleep(Duration::from_secs(1)).await;
    let raft = cluster.open(late).await;
    for id in &others {
        let (times, _) = count(
            &heard(&cluster, *id),
            incarnation(late),
            Duration::from_secs(10),
        )
        .await;
        assert_eq!(times, 0, "member {id} has heard it");
    }
    raft.admit();
    sleep(Duration::from_secs(2)).await;
    let (times, _) = count(
        &heard(&cluster, leader),
        incarnation(late),
        Duration::from_secs(2),
    )
    .await;
    assert!(times > 0, "now it is heard");
    assert!(
        raft.status().leader.is_some(),
        "and follows: {:?}",
        raft.status()
    );
}

/// Writers cause thousands of frames a second; each connection reports that it heard the peer ten
/// times a second.
#[tokio::test(start_paused = true)]
async fn busy_members_are_not_told_of_each_frame() {
    let cluster = idle_pair(43).await;
    let (leader, raft) = cluster.leader(Duration::from_secs(1)).await;
    let told = heard(&cluster, 3 - leader);
    told.lock().expect("sound").clear();
    let begun = Instant::now();
    let mut writes = 0;
    while begun.elapsed() < Duration::from_secs(2) {
        raft.propose(create(&format!("db{writes}")), soon())
            .await
            .expect("acknowledged");
        writes += 1;
    }
    let times = told.lock().expect("sound").len();
    assert!(writes > 200, "{writes} writes");
    assert!(
        (20..=2 * 25).contains(&times),
        "told {times} times of {writes} writes"
    );
}
