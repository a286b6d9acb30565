//! Founders that are killed while they found.

use std::time::Duration;

use influxdb_meta::base::RaftId;

use super::cluster::{Cluster, Options};
use super::world::{incarnation, ip};

/// A founder with a vote and no log could never initialise again (founding.md 5.3). So Raft is
/// opened to others only after `initialize`; and with log ids of (term, index) the founders' first
/// entries are equal.
#[tokio::test(start_paused = true)]
async fn founders_killed_at_any_moment_come_back_and_elect() {
    let founders: Vec<_> = [1, 2, 3].map(|id| (RaftId(id), incarnation(id))).into();
    for moment in 0..40 {
        let mut cluster = Cluster::new(1000 + moment, Options::default());
        for id in [1, 2, 3] {
            cluster.add(id, ip(id));
            let raft = cluster.open(id).await;
            raft.initialize(&founders).await.expect("an empty log");
            raft.admit();
        }
        tokio::time::sleep(Duration::from_millis(moment / 2)).await;
        let victims = [[1, 2], [2, 3], [1, 3]][moment as usize % 3];
        for id in victims {
            if moment % 2 == 0 {
                cluster.kill(id)
            } else {
                cluster.pull_plug(id)
            }
        }
        for id in victims {
            let raft = cluster.open(id).await;
            raft.initialize(&founders)
                .await
                .expect("harmless when it was done");
            raft.admit();
        }
        cluster.leader(Duration::from_secs(5)).await;
        cluster
            .converged(&[1, 2, 3], 1, Duration::from_secs(3))
            .await;
    }
}
