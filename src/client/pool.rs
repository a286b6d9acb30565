//! Idle connections that may be used again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use crate::base::Address;

/// Idle connections by the address that they were dialled for.
#[derive(Default)]
pub(super) struct Pool {
    /// Held for a few instructions, never across an await.
    idle: Mutex<HashMap<Address, Vec<Idle>>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// Maximum number of idle connections of one address. A follower that forwards the requests of a
/// busy load generator has about this many in flight.
const MAX_IDLE_PER_ADDRESS: usize = 64;

/// Time after which an idle connection is dropped: well below the 120 s for which our server keeps
/// one. It is short because a container that comes back under its name with another address leaves
/// a connection that nobody answers.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

impl Pool {
    /// Takes the most recently used connection that still looks alive.
    pub(super) fn take(&self, to: &Address) -> Option<Connection> {
        let mut idle = self.lock();
        let list = idle.get_mut(to)?;
        let mut found = None;
        while let Some(mut candidate) = list.pop() {
            if candidate.since.elapsed() < IDLE_TIMEOUT && candidate.connection.is_reusable() {
                found = Some(candidate.connection);
                break;
            }
        }
        if list.is_empty() {
            idle.remove(to);
        }
        found
    }

    pub(super) fn put(&self, to: &Address, mut connection: Connection) {
        if !connection.is_reusable() {
            return;
        }
        let mut idle = self.lock();
        // Old connections are dropped here, so that no task is needed for it.
        idle.retain(|_, list| {
            list.retain(|i| i.since.elapsed() < IDLE_TIMEOUT);
            !list.is_empty()
        });
        let list = idle.entry(to.clone()).or_default();
        if list.len() < MAX_IDLE_PER_ADDRESS {
            list.push(Idle {
                connection,
                since: Instant::now(),
            });
        }
    }

    /// Drops all connections to this address. After one timed out, the others are most likely dead,
    /// too.
    pub(super) fn forget(&self, to: &Address) {
        self.lock().remove(to);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
