//! Volumes are lost: the node keeps its node id, comes back as a voter, and no acknowledged write
//! is lost.

use std::time::{Duration, Instant};

use crate::harness::node::{Nodes, SOON};
use crate::harness::wait_for;
use crate::harness::writers::{Writers, assert_kept};
use crate::rounds;

const ALL: [usize; 3] = [0, 1, 2];

#[test]
fn the_first_of_the_list_under_load() {
    wiped_under_load(|_| 0);
}

#[test]
fn a_follower_under_load() {
    wiped_under_load(|nodes| (nodes.leader() + 1) % 3);
}

#[test]
fn the_leader_under_load() {
    wiped_under_load(Nodes::leader);
}

/// Uses one cluster for several losses, so that the remains of one loss are there for the next.
fn wiped_under_load(pick: fn(&Nodes) -> usize) {
    let mut left = rounds(2, 67);
    while left > 0 {
        let wipes = left.min(20);
        left -= wipes;
        let mut nodes = Nodes::formed(3);
        let ids = nodes.wait_voters(&ALL);
        let writers = Writers::start(2, nodes.all.iter().map(|n| n.http()).collect());
        for _ in 0..wipes {
            writers.wait_progress();
            let wiped = pick(&nodes);
            nodes.all[wiped].lose_volume();
            writers.wait_progress();
            assert_eq!(nodes.wait_voters(&ALL), ids, "each place keeps its node id");
        }
        writers.wait_progress();
        let acknowledged = writers.finish();
        assert_kept(&acknowledged, &nodes.wait_equal().databases);
    }
}

/// The second loss comes at each phase of the recovery from the first.
#[test]
fn twice_in_a_row() {
    let mut nodes = Nodes::formed(3);
    let ids = nodes.wait_voters(&ALL);
    nodes.all[0].create_database("kept").expect("a command");
    for phase in ["fresh", "joining", "joining", "member"] {
        nodes.all[1].lose_volume();
        // A phase that was over before it was seen counts as well.
        wait_for(phase, SOON, || {
            let now = nodes.all[1].health()?["phase"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let order = ["fresh", "joining", "member"];
            let at = |phase: &str| order.iter().position(|p| *p == phase);
            if at(&now) >= at(phase) {
                Ok(())
            } else {
                Err(now)
            }
        });
    }
    assert_eq!(nodes.wait_voters(&ALL), ids);
    assert_eq!(nodes.wait_equal().databases, ["kept"]);
}

/// A majority of the old voters has to agree: until then the node waits and says so, then it goes
/// on by itself.
#[test]
fn while_another_is_down() {
    let mut nodes = Nodes::formed(3);
    let ids = nodes.wait_voters(&ALL);
    nodes.all[0].create_database("kept").expect("a command");
    nodes.wait_equal();
    nodes.all[2].kill();
    nodes.all[1].lose_volume();
    nodes.all[1].wait_says("has no leader");
    assert_nobody_leads(&nodes, Duration::from_secs(3));
    nodes.all[2].start();
    assert_eq!(nodes.wait_voters(&ALL), ids);
    assert_eq!(nodes.wait_equal().databases, ["kept"]);
}

/// Two of three volumes are lost: the third node has all data and no majority. No cluster is
/// founded over it, whichever node restarts.
#[test]
fn two_of_three_found_nothing_over_the_third() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("kept").expect("a command");
    let before = nodes.wait_equal();
    nodes.all[1].lose_volume();
    nodes.all[2].lose_volume();
    let check = |nodes: &Nodes| {
        for n in [1, 2] {
            nodes.all[n].wait_says("has no leader");
            nodes.all[n].wait_says(&nodes.all[0].http().to_string());
        }
        nodes.all[0].wait_says("2 of 3 voters have to be up");
        let [two, three] = [1, 2].map(|n| nodes.all[n].http());
        nodes.all[0].wait_says(&format!("the volumes of {two}, {three} are gone"));
        assert_nobody_leads(nodes, Duration::from_secs(3));
        let shown = nodes.all[0].ctl(&["-timeout", "1s", "show"]);
        assert_eq!(shown.code, 1, "{shown:?}");
        assert!(shown.stderr.contains("knows no leader"), "{shown:?}");
        let kept = crate::harness::wire::data(&nodes.all[0].get("/?index=0").expect("watch").body);
        assert_eq!(
            (kept.cluster_id, &kept.databases),
            (before.cluster_id, &before.databases)
        );
    };
    check(&nodes);
    nodes.all.iter_mut().for_each(|node| node.kill());
    nodes.start_all();
    check(&nodes);
}

#[test]
fn all_three_are_a_new_cluster() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("gone").expect("a command");
    let before = nodes.wait_equal().cluster_id;
    nodes.all.iter_mut().for_each(|node| node.kill());
    nodes.all.iter_mut().for_each(|node| node.wipe());
    nodes.start_all();
    assert_eq!(nodes.wait_voters(&ALL), [1, 2, 3]);
    let data = nodes.wait_equal();
    assert_ne!(data.cluster_id, before);
    assert!(data.databases.is_empty(), "{data:?}");
}

/// `down -v` while a learner is left running: `/healthz`, the log and `show -v` name it, at the
/// founders and at the learner.
#[test]
fn a_copy_that_outlives_the_voters_is_named_and_in_the_way() {
    let mut nodes = Nodes::formed(3);
    let extra = nodes.add();
    nodes.all[extra].set("INFLUXDB_META_BOOTSTRAP_EXPECT", "0");
    nodes.all[extra].start();
    nodes.all[extra].wait_ready();
    let old = nodes.wait_equal().cluster_id;
    ALL.iter().for_each(|n| nodes.all[*n].kill());
    ALL.iter().for_each(|n| nodes.all[*n].lose_volume());
    let name = nodes.all[extra].http();
    for (n, node) in nodes.all.iter().enumerate() {
        let of_it = format!("is known only to {name} (learner); its voters are gone");
        let of_itself = "this node is a learner and its voters are gone".to_owned();
        let said = if n == extra { of_itself } else { of_it };
        node.wait_says(&said);
        wait_for(
            &format!("{said:?} in `show -v` at {}", node.ip),
            SOON,
            || {
                let shown = node.ctl(&["-timeout", "1s", "show", "-v"]);
                if shown.code == 1 && shown.stdout.contains(&said) {
                    Ok(())
                } else {
                    Err(format!("{shown:?}"))
                }
            },
        );
        assert!(node.log().contains(&said), "{}", node.log());
    }
    nodes.all[extra].kill();
    nodes.wait_voters(&ALL);
    assert_ne!(nodes.wait_equal().cluster_id, old);
}

/// A write is acknowledged by the leader and one follower. The leader dies, and that follower's
/// volume is lost. The third node was frozen or down all the while and comes back: it must not lead
/// with the vote of an empty volume.
#[test]
fn an_acknowledged_write_outlives_the_volume_that_held_it() {
    for round in 0..rounds(2, 200) {
        let mut nodes = Nodes::formed(3);
        nodes.wait_equal();
        let leader = nodes.leader();
        let (behind, wiped) = ((leader + 1) % 3, (leader + 2) % 3);
        let freeze = round % 2 == 0;
        if freeze {
            nodes.all[behind].signal("STOP");
        } else {
            nodes.all[behind].kill();
        }
        let precious: Vec<String> = (0..5).map(|n| format!("precious-{round}-{n}")).collect();
        for name in &precious {
            nodes.all[leader]
                .create_database(name)
                .expect("acknowledged by two of three");
        }
        nodes.all[leader].kill();
        nodes.all[wiped].lose_volume();
        if freeze {
            nodes.all[behind].signal("CONT");
        } else {
            nodes.all[behind].start();
        }
        // As long as several elections take.
        assert_nobody_leads(&nodes, Duration::from_secs(4));
        nodes.all[leader].start();
        nodes.wait_voters(&ALL);
        let data = nodes.wait_equal();
        assert!(
            precious.iter().all(|name| data.databases.contains(name)),
            "round {round}: {data:?}"
        );
    }
}

/// Checks all the time that no running node knows a leader, except for the moment in which it
/// notices that it has none.
#[track_caller]
fn assert_nobody_leads(nodes: &Nodes, long: Duration) {
    let leaders = || -> Vec<String> {
        let running = nodes.all.iter().filter(|n| n.is_running());
        let status = running
            .filter_map(|n| n.get("/status").ok())
            .map(|r| r.json());
        status
            .filter_map(|s| {
                s["leader"]
                    .as_str()
                    .filter(|l| !l.is_empty())
                    .map(str::to_owned)
            })
            .collect()
    };
    wait_for("end of the old leadership", SOON, || match leaders() {
        none if none.is_empty() => Ok(()),
        some => Err(format!("{some:?}")),
    });
    let start = Instant::now();
    while start.elapsed() < long {
        assert_eq!(leaders(), Vec::<String>::new());
        std::thread::sleep(Duration::from_millis(50));
    }
}
