//! The image as it ships, in real containers: its content, its start and stop, and three of them as
//! a cluster.
//!
//! Needs a Docker engine and the image that `TEST_IMAGE` names (`make test` builds it). Without
//! them it prints one NOT RUN line, which `REQUIRE_DOCKER=1` makes a failure. Every name contains
//! this process's id, and ports are free ones on 127.0.0.1: containers that `make up` started are
//! never touched. `SOAK=1` runs the long versions.
#![allow(clippy::disallowed_methods, reason = "tests are the outside world")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the test runner reads it"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod compose;
mod context;
mod data_nodes;
mod faults;
mod helm;
mod lives;
mod make_up;
mod model;
mod nodes;
mod project;
mod stacks;
mod start;
mod texts;
mod what;
mod witness;
