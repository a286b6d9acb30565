//! All tests that need no container and no cluster of processes.
#![allow(clippy::disallowed_methods, reason = "tests are the outside world")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the test runner reads it"
)]

mod allocated;
mod architecture;
mod budget;
mod config;
mod ctl;
mod data_node;
mod docs;
mod founding;
mod fuzz;
mod http;
mod machine;
mod membership;
mod raft;
mod seeded;
mod simulation;
mod storage;
mod vectors;
