//! The leader dies at each step of a join and of a replacement. Nobody starts it again before the
//! next one has finished what it finds half done.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::node::{AT_LAST, Nodes, SOON};
use crate::harness::{http, wait_for};
use crate::rounds;

/// When the leader dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The newcomer's log says so.
    Newcomer(&'static str),
    /// So does that of whoever leads, where the membership task names each step as it begins.
    Step(&'static str),
    /// So long after the newcomer's start.
    After(Duration),
}
use Moment::{After, Newcomer, Step};

/// J1, J5, and the steps of J6; then what is between them.
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

/// At first refused at the door, while the old one was heard a moment ago; then as a join, judged
/// again before the change.
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

/// Five, so that a majority is left without the leader and without the wiped one. One cluster for
/// all: what one leaves behind meets the next.
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

/// Each as soon as it is seen; the long version also a little later, within the commit that the
/// step waits for.
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

/// Where each log ends now: earlier lines are of another life.
fn ends(nodes: &Nodes) -> Vec<usize> {
    nodes.all.iter().map(|node| node.log().len()).collect()
}

/// Who was killed.
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

/// As a member has it; the newcomer may know none yet.
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

/// Without the one that died.
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
