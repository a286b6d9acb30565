//! A removed node dies while it hears of its removal.

use std::path::Path;
use std::time::Duration;

use influxdb_meta::cluster::ClusterApi;
use influxdb_meta::runtime::disk::Disk;
use influxdb_meta::wire::identity::Phase;
use tokio::time::{Instant, sleep};

use super::nodes::{DIR, Sim, host, ip};
use super::{SECOND, founded, simulate};

const LONG: Duration = Duration::from_secs(60);
/// Delay between two looks at a node that is told.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Removes a dead member, and returns its number.
async fn removed_while_dead(sim: &mut Sim) -> usize {
    let leader = sim.leader().expect("leads");
    let dead = (leader + 1) % 3;
    sim.kill(dead);
    sleep(5 * SECOND).await;
    let address = influxdb_meta::base::Address::new(&host(dead), 8091);
    let removed = sim
        .cluster(leader)
        .remove(&address, false, "a test", Instant::now() + LONG)
        .await;
    removed.expect("the rest is a majority of itself");
    dead
}

/// Whether the identity on the disk says that the node was removed.
fn is_stored(sim: &Sim, n: usize) -> bool {
    let path = Path::new(DIR).join("influxd-meta/identity");
    let identity = sim.nodes[n].disk.read(&path).expect("an identity");
    String::from_utf8_lossy(&identity).contains(r#""phase": "removed""#)
}

/// The node closes Raft only once the removal is stored: otherwise a crash in between would leave a
/// member that speaks Raft again. It stays out also where nobody can tell it once more.
#[test]
fn a_node_that_dies_as_it_hears_of_its_removal_stays_out() {
    simulate(async {
        let mut sim = founded(131).await;
        sim.until(LONG, |sim| sim.is_formed()).await;
        let dead = removed_while_dead(&mut sim).await;
        assert!(!is_stored(&sim, dead));
        sim.start(dead).await;
        let deadline = Instant::now() + LONG;
        let mut was_open = false;
        while !is_stored(&sim, dead) {
            assert!(Instant::now() < deadline, "nobody tells it");
            let is_open = sim.status(dead).is_some();
            assert!(
                is_open || !was_open,
                "Raft is closed, and nothing is stored"
            );
            was_open |= is_open;
            sleep(LOOK_INTERVAL).await;
        }
        assert!(was_open, "it came back as a member");
        sim.kill(dead);
        for other in (0..3).filter(|other| *other != dead) {
            sim.network.cut(ip(dead), ip(other));
            sim.network.cut(ip(other), ip(dead));
        }
        sim.start(dead).await;
        sleep(10 * SECOND).await;
        assert_eq!(sim.view(dead).phase, Phase::Removed);
        assert!(sim.status(dead).is_none(), "it speaks Raft again");
    });
}
