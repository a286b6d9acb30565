//! The lease that one data node has at a time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::load::told;
use crate::harness::docker::SOON;
use crate::harness::wait_for;

/// Duration of a lease, as in compose.yaml.
const LEASE: Duration = Duration::from_secs(10);
const REFUSED: &str = "another node owns the lease";

/// Last holder, and when it asked for the lease.
#[derive(Default)]
pub struct Lease(Option<(usize, Instant)>);

impl Lease {
    /// Asks both in turn until one is granted the lease and the other one gets that answer. No node
    /// may be granted it while another could believe to have it.
    #[track_caller]
    pub fn assert_one_holder(&mut self, data_nodes: [SocketAddr; 2]) {
        wait_for("one holder of the lease", SOON, || {
            let granted = [self.ask(0, data_nodes[0])?, self.ask(1, data_nodes[1])?];
            if granted[0] != granted[1] {
                Ok(())
            } else {
                Err(format!("granted: {granted:?}"))
            }
        });
    }

    /// Index of the last holder.
    pub fn holder(&self) -> usize {
        self.0.expect("granted before").0
    }

    /// Asks until this node is granted the lease.
    #[track_caller]
    pub fn wait_granted(&mut self, n: usize, at: SocketAddr) {
        wait_for("the lease", SOON, || match self.ask(n, at)? {
            true => Ok(()),
            false => Err(REFUSED.to_owned()),
        });
    }

    fn ask(&mut self, n: usize, at: SocketAddr) -> Result<bool, String> {
        let sent = Instant::now();
        match told(at, "/lease?name=continuous_querier") {
            Ok(_) => {
                if let Some((last, asked)) = self.0.filter(|(last, _)| *last != n) {
                    assert!(
                        asked.elapsed() >= LEASE,
                        "granted to {n} {:?} after {last} had asked",
                        asked.elapsed()
                    );
                }
                self.0 = Some((n, sent));
                Ok(true)
            }
            Err(text) if text.contains(REFUSED) => Ok(false),
            Err(text) => Err(text),
        }
    }
}
