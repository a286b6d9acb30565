//! Damaged bytes: no decoder panics, and the rest of the program can work with what a decoder lets
//! through.
//!
//! `make fuzz` gives the functions of `targets` to a fuzzer that sees which code was reached
//! (`tests/fuzz`). Here each target gets recorded and frozen bytes, changed at random from a seed.

mod corpus;
mod mutation;
mod samples;
mod targets;

use rand::SeedableRng;
use rand::rngs::StdRng;

use targets::{TARGETS, Target};

#[test]
fn bodies_of_execute() {
    run("execute");
}

#[test]
fn restores() {
    run("restore");
}

#[test]
fn log_entries() {
    run("entry");
}

#[test]
fn catalogs() {
    run("state");
}

#[test]
fn snapshot_files() {
    run("snapshot_file");
}

#[test]
fn frames_of_meta_nodes() {
    run("raft_frame");
}

#[test]
fn calls_to_data_nodes() {
    run("rpc");
}

#[test]
fn json_bodies() {
    run("json");
}

#[test]
fn configuration_files() {
    run("config_file");
}

#[test]
fn configuration_variables() {
    run("variables");
}

/// A new target needs a test above, and a line in `make fuzz`.
#[test]
fn every_target_is_run() {
    let makefile = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Makefile"))
        .expect("a Makefile");
    let line = makefile
        .lines()
        .find_map(|line| line.strip_prefix("FUZZ_TARGETS ?= "))
        .expect("its targets");
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(line.split(' ').collect::<Vec<_>>(), names);
    for name in names {
        let test = format!("run({name:?});");
        assert!(
            include_str!("mod.rs").contains(&test),
            "no test runs {name}"
        );
    }
}

fn run(name: &str) {
    let target = TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target");
    let seeds = corpus::seeds(name);
    assert!(
        seeds.iter().any(|bytes| (target.run)(bytes)),
        "no seed is let through"
    );
    let through = let_through(target, &seeds);
    // If every mutation were refused, nothing behind the decoder would be tested.
    assert!(
        through > mutations(target) / 1000,
        "{through} were let through"
    );
}

fn let_through(target: &Target, seeds: &[Vec<u8>]) -> usize {
    let mut rng = StdRng::seed_from_u64(20_241_124);
    (0..mutations(target))
        .filter(|_| (target.run)(&mutation::of(seeds, &mut rng)))
        .count()
}

/// Number of mutations of this target; `make soak` runs many more.
fn mutations(target: &Target) -> usize {
    if std::env::var_os("SOAK").is_some() {
        target.mutations * 50
    } else {
        target.mutations
    }
}
