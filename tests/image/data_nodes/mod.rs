//! Three meta nodes and two data nodes: under all faults the data nodes keep their identity, what
//! was acknowledged to them is kept, and both have it. The data nodes are models (tests/model).

mod lease;
mod load;
mod stack;
mod whole;

use crate::harness::docker::{Image, SOON, docker};
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

    // A data node that asked this meta node waits for it.
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

    // Cut off from the data nodes only: it goes on leading, and the other meta nodes still forward
    // commands to it.
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

    // One after the other, each under new addresses, which the others do not know yet.
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

    // The holder of the lease is killed; the other data node gets the lease.
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
