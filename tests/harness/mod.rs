//! Helpers shared by the tests of real processes and containers: plain HTTP, bytes of the wire
//! protocol, bounded waits.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod ctl;
pub mod data_node;
pub mod dns;
pub mod docker;
pub mod http;
pub mod make;
pub mod node;
pub mod wire;
pub mod writers;

use std::time::{Duration, Instant};

/// Polls until `look` returns a value. When the time is over, fails with the last error.
#[track_caller]
pub fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) if start.elapsed() > within => {
                panic!("no {what} within {within:?}; last seen: {seen}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
