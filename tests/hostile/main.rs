//! Attacks from outside: what one request may cost, callers who may not speak, slow and greedy
//! callers, disks, names, clocks, and the surroundings of the process.
//!
//! Real processes and real containers, some with 64 MiB of memory or 256 open files. The list of
//! attacks with their results is `src/docs/hostile.md`. `SOAK=1` runs the long versions.
#![allow(clippy::disallowed_methods, reason = "tests are the outside world")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the test runner reads it"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod browsers;
mod callers;
mod clocks;
mod configuration;
mod cost;
mod disks;
mod logging;
mod members;
mod names;
mod passwords;
mod quota;
mod speakers;
mod twins;
