//! Real processes on loopback: founding, restarts, faults, and the later life of clusters, as a
//! user sees them. `SOAK=1` runs the long versions.
#![allow(clippy::disallowed_methods, reason = "tests are the outside world")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the test runner reads it"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod auth;
mod by_hand;
mod data_nodes;
mod disagreement;
mod faults;
mod figures;
mod founding;
mod half_done;
mod health;
mod leaving;
mod lives;
mod lost_volumes;
mod make_up;
mod neighbours;
mod restart;

/// Number of rounds of a repeated test: `usual`, or `long` under `SOAK=1`.
fn rounds(usual: usize, long: usize) -> usize {
    if std::env::var_os("SOAK").is_some() {
        long
    } else {
        usual
    }
}
