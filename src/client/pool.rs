//! Connections that may be used again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use crate::base::Address;

/// Idle connections by the address they were dialled for.
#[derive(Default)]
pub(super) struct Pool {
    /// Held for a few instructions, never across an await.
    idle: Mutex<HashMap<Address, Vec<Idle>>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// A follower that carries the requests of a busy load generator has about this many under way.
const MAX_IDLE_PER_ADDRESS: usize = 64;

/// Well below the 120 s for which our server keeps a silent connection. Short, because a container
/// that comes back under its name with another address leaves a connection that nobody answers.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

impl Pool {
    /// The connection used last that still looks alive.
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
        // Here, not in a task: what has grown old goes when somebody comes by.
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

    /// After silence: the others to this address are most likely as dead.
    pub(super) fn forget(&self, to: &Address) {
        self.lock().remove(to);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
