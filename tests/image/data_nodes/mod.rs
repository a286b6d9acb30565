//! Three meta nodes and two data nodes: whatever happens to them, the data nodes stay who they are,
//! what they were told is done is done, and both know it. The data nodes are models (tests/model).

mod lease;
mod load;
mod stack;
mod whole;

use crate::docker::{Image, SOON, docker};
use crate::harness::{http, wait_for};
use load::told;
use stack::{DATA, META, Stack, docker_all};

#[test]
fn they_come_by_themselves_and_what_one_creates_the_other_knows() {
    let Some(image) = Image::here() else { return };
    let stack = Stack::formed(&image);
    for (n, other) in [(0, 1), (1, 0)] {
        told(stack.data(n), &format!("/create-database?name=of-{n}")).expect("a database");
        wait_for("the other's database", SOON, || {
            let known = http::get(stack.data(other), "/model")?.json()["databases"].take();
            let there = known
                .as_array()
                .is_some_and(|known| known.iter().any(|name| *name == format!("of-{n}")));
            if there {
                Ok(())
            } else {
                Err(known.to_string())
            }
        });
    }
}

#[test]
fn a_leader_is_killed_frozen_and_cut_off() {
    let Some(image) = Image::here() else { return };
    let mut stack = Stack::formed(&image);

    stack.outlives(|stack, load| {
        let (leader, container) = stack.leading();
        docker(&["kill", &container]);
        stack.go_on(&others(leader));
        load.wait_progress();
        docker(&["start", &container]);
    });

    // A data node that asked it waits for it.
    stack.outlives(|stack, _| {
        let (leader, container) = stack.leading();
        docker(&["pause", &container]);
        stack.go_on(&others(leader));
        docker(&["unpause", &container]);
    });

    stack.outlives(|stack, _| {
        let (leader, container) = stack.leading();
        stack.cut(&container, &["meta", "data"]);
        stack.go_on(&others(leader));
        stack.mend(leader, &container, &["meta", "data"]);
    });

    // From the data nodes alone: it leads on, and the others still carry to it what they are told.
    stack.outlives(|stack, _| {
        let (leader, container) = stack.leading();
        stack.cut(&container, &["data"]);
        stack.go_on(&others(leader));
        stack.mend(leader, &container, &["data"]);
    });
}

#[test]
fn a_volume_is_lost_and_all_containers_are_replaced() {
    let Some(image) = Image::here() else { return };
    let mut stack = Stack::formed(&image);

    stack.outlives(|stack, load| {
        let leader = stack.leader();
        stack.project.compose(&["rm", "-s", "-f", META[leader]]);
        docker(&[
            "volume",
            "rm",
            &format!("{}_{}", stack.project.name, META[leader]),
        ]);
        stack.go_on(&others(leader));
        load.wait_progress();
        stack
            .project
            .compose(&["up", "-d", "--no-build", "--no-deps", META[leader]]);
    });

    // One after the other, each under new addresses: others have the old ones.
    let mut held = Vec::new();
    stack.outlives(|stack, load| {
        for service in META {
            let before = addresses(&stack.container(service));
            stack.project.compose(&["rm", "-s", "-f", service]);
            held.extend(["meta", "data"].map(|network| stack.squatter(network)));
            stack
                .project
                .compose(&["up", "-d", "--no-build", "--no-deps", service]);
            let after = addresses(&stack.container(service));
            assert!(
                after.iter().all(|address| !before.contains(address)),
                "{before:?} {after:?}"
            );
            stack.wait_voters();
            load.wait_progress();
        }
    });
}

#[test]
fn all_stop_all_lose_power_and_a_data_node_dies() {
    let Some(image) = Image::here() else { return };
    let mut stack = Stack::formed(&image);

    stack.outlives(|stack, _| {
        stack.project.compose(&["stop"]);
        stack.project.compose(&["start"]);
    });

    stack.outlives(|stack, _| {
        let all: Vec<_> = META
            .iter()
            .chain(&DATA)
            .map(|service| stack.container(service))
            .collect();
        docker_all("kill", &all);
        docker_all("start", &all);
    });

    // The one that has the lease; the other one gets it.
    stack.outlives(|stack, load| {
        let (killed, other) = (stack.lease.holder(), 1 - stack.lease.holder());
        let container = stack.container(DATA[killed]);
        docker(&["kill", &container]);
        load.wait_progress_of(other);
        stack.go_on(&[0, 1, 2]);
        stack.lease.wait_granted(other, stack.data(other));
        docker(&["start", &container]);
    });
}

fn others(than: usize) -> Vec<usize> {
    (0..META.len()).filter(|n| *n != than).collect()
}

#[track_caller]
fn addresses(container: &str) -> Vec<String> {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    docker(&["inspect", "--format", format, container])
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}
