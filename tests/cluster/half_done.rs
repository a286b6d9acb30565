//! The leader dies at each step of a join and of a replacement. It is started again only after the
//! next leader has finished what was half done.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::node::{AT_LAST, Nodes, SOON};
use crate::harness::{http, wait_for};
use crate::rounds;

/// Moment at which the leader dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The newcomer's log has this text.
    Newcomer(&'static str),
    /// The leader's log has this text: the membership task logs each step as it begins.
    Step(&'static str),
    /// This long after the newcomer's start.
    After(Duration),
}
use Moment::{After, Newcomer, Step};

/// founding.md J1, founding.md J5, and the steps of founding.md J6; then times between them.
const OF_A_JOIN: [Moment; 9] = [
    Newcomer("joining it"),
    Newcomer("given a Raft id"),
    Step("Visit {"),
    Step("AddLearner {"),
    Step("ChangeVoters {"),
    Step("AddMetaNode {"),
    After(Duration::from_millis(20)),
    After(Duration::from_millis(120)),
    After(Duration::from_millis(400)),
];

/// The join is refused at first, because the old member was heard a moment ago. Then the steps are
/// those of a join, with a new check before the change.
const OF_A_REPLACEMENT: [Moment; 9] = [
    Newcomer("joining it"),
    Newcomer("given a Raft id"),
    Step("AddLearner {"),
    Step("Inquire {"),
    Step("ChangeVoters {"),
    Step("AddMetaNode {"),
    After(Duration::from_millis(400)),
    After(Duration::from_millis(2200)),
    After(Duration::from_millis(3000)),
];

#[test]
fn the_leader_dies_at_each_step_of_a_join() {
    for (moment, late) in moments(&OF_A_JOIN) {
        let mut nodes = telling(3);
        let newcomer = nodes.add();
        let ends = ends(&nodes);
        nodes.all[newcomer].start();
        let dead = kill_leader_at(&mut nodes, newcomer, moment, late, &ends);
        wait_votes(&nodes, newcomer, moment);
        nodes.all[dead].start();
        assert_eq!(
            nodes.wait_voters(&[0, 1, 2, newcomer]),
            [1, 2, 3, 4],
            "{moment:?}"
        );
        nodes.wait_equal();
    }
}

/// Five nodes, so that a majority is left without the leader and without the wiped node. One
/// cluster for all moments: what one leaves behind is there for the next.
#[test]
fn the_leader_dies_at_each_step_of_a_replacement() {
    let all = [0, 1, 2, 3, 4];
    let mut nodes = telling(5);
    let ids = nodes.wait_voters(&all);
    for (moment, late) in moments(&OF_A_REPLACEMENT) {
        let wiped = (nodes.leader() + 1) % all.len();
        nodes.all[wiped].kill();
        nodes.all[wiped].wipe();
        let ends = ends(&nodes);
        nodes.all[wiped].start();
        let dead = kill_leader_at(&mut nodes, wiped, moment, late, &ends);
        wait_votes(&nodes, wiped, moment);
        nodes.all[dead].start();
        assert_eq!(nodes.wait_voters(&all), ids, "{moment:?}");
        nodes.wait_equal();
    }
}

/// Returns each moment with a delay: 0, for as soon as it is seen; with `SOAK=1` also a few
/// milliseconds, within the commit that the step waits for.
fn moments(of: &[Moment]) -> Vec<(Moment, Duration)> {
    let late = |round: usize| Duration::from_millis([0, 1, 3, 6, 10, 20][round % 6]);
    (0..rounds(1, 12))
        .flat_map(|round| of.iter().map(move |moment| (*moment, late(round))))
        .collect()
}

fn telling(count: u8) -> Nodes {
    let mut nodes = Nodes::new(count);
    nodes.set("INFLUXDB_LOGGING_LEVEL", "debug");
    nodes.start_all();
    nodes.wait_ready();
    nodes
}

/// Present lengths of all logs: earlier lines belong to earlier events.
fn ends(nodes: &Nodes) -> Vec<usize> {
    nodes.all.iter().map(|node| node.log().len()).collect()
}

/// Kills the leader at this moment and returns which node it was.
#[track_caller]
fn kill_leader_at(
    nodes: &mut Nodes,
    newcomer: usize,
    moment: Moment,
    late: Duration,
    ends: &[usize],
) -> usize {
    let members: Vec<usize> = (0..nodes.all.len()).filter(|n| *n != newcomer).collect();
    let begun = Instant::now();
    let leader = loop {
        let says = |n: usize, text: &str| {
            nodes.all[n]
                .log()
                .get(ends[n]..)
                .is_some_and(|log| log.contains(text))
        };
        let seen = match moment {
            Step(step) => members.iter().copied().find(|n| says(*n, step)),
            Newcomer(text) if says(newcomer, text) => Some(leader_of(nodes, &members)),
            After(pause) if begun.elapsed() >= pause => Some(leader_of(nodes, &members)),
            Newcomer(_) | After(_) => None,
        };
        if let Some(leader) = seen {
            break leader;
        }
        assert!(begun.elapsed() < SOON, "{moment:?} is never seen");
        sleep(Duration::from_millis(1));
    };
    sleep(late);
    nodes.all[leader].kill();
    leader
}

/// Leader that the members know; the newcomer may know none yet.
#[track_caller]
fn leader_of(nodes: &Nodes, members: &[usize]) -> usize {
    wait_for("a leader", SOON, || {
        let leader = nodes.all[members[0]].get("/status")?.json()["leader"].clone();
        let leads = |n: &&usize| leader == format!("{}:8089", nodes.all[**n].ip);
        members
            .iter()
            .find(leads)
            .copied()
            .ok_or_else(|| leader.to_string())
    })
}

/// Waits until the newcomer votes, without the node that died.
#[track_caller]
fn wait_votes(nodes: &Nodes, newcomer: usize, moment: Moment) {
    wait_for(
        &format!("vote of the newcomer after {moment:?}"),
        AT_LAST,
        || match http::get(nodes.all[newcomer].http(), "/readyz?voter")? {
            ready if ready.status == 200 => Ok(()),
            refused => Err(refused.text()),
        },
    );
}
