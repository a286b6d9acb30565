//! State of a data node, and waiting for it to change.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::behaviour::Behaviours;
use super::data::Data;
use super::files;
use super::http::Http;
use super::shards::Held;
use super::sockets::Sockets;
use super::{Options, Shard};

/// State shared by all threads of one data node.
pub struct Shared {
    pub options: Options,
    pub tcp_addr: String,
    pub sockets: Sockets,
    pub http: Http,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub struct State {
    pub stopped: bool,
    /// Whether its port is taken.
    pub listening: bool,
    /// Counter that is raised when the node forgets its cluster; results of requests from before
    /// are then ignored.
    pub life: u64,
    /// HTTP addresses of meta nodes; the first one is asked first.
    pub servers: Vec<String>,
    pub data: Arc<Data>,
    /// 0: not joined.
    pub node_id: u64,
    pub shards: BTreeMap<Shard, Held>,
    pub behaviours: Behaviours,
    /// Calls on 8088, in their order: `RemoveShard 3`.
    pub heard: Vec<String>,
    /// Announcements that were answered, whatever the status.
    pub announced: u64,
    /// Messages of meta nodes that no data node understands.
    pub complaints: Vec<String>,
}

/// Reason why a wait ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Stopped,
    Late,
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stopped => "client already closed",
            Self::Late => "timed out",
        })
    }
}

impl Shared {
    /// Makes the state from what an earlier process left in the directory.
    pub fn new(options: Options, tcp_addr: String) -> Self {
        let sockets = Sockets::default();
        let state = State {
            servers: files::read_servers(&options.dir),
            shards: files::read_shards(&options.dir),
            ..State::default()
        };
        let http = Http::new(sockets.clone(), options.secret.clone(), options.pace);
        Self {
            options,
            tcp_addr,
            sockets,
            http,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changed.notify_all();
        changed
    }

    /// Waits until `look` returns a value.
    pub fn wait<T>(
        &self,
        within: Option<Duration>,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, Over> {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if state.stopped {
                return Err(Over::Stopped);
            }
            if let Some(found) = look(&state) {
                return Ok(found);
            }
            // Without a limit, waits in slices of one hour.
            let left = within.map_or(Some(Duration::from_secs(3600)), |all| {
                all.checked_sub(start.elapsed())
            });
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                return Err(Over::Late);
            };
            state = self.changed.wait_timeout(state, left).expect("no panic").0;
        }
    }

    /// Waits until its port accepts no connections any more.
    pub fn wait_closed(&self, within: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), within, |state| state.listening);
        drop(waited.expect("no panic"));
    }

    /// Sleeps as long as a real node would, divided by the pace of this one; ends early when the
    /// node stops.
    pub fn sleep(&self, real: Duration) {
        let _stopped_or_slept: Result<(), Over> =
            self.wait(Some(real / self.options.pace), |_| None);
    }

    pub fn set_servers(&self, servers: Vec<String>) {
        self.change(|state| self.set_servers_in(state, servers));
    }

    pub fn set_servers_in(&self, state: &mut State, servers: Vec<String>) {
        if state.servers != servers {
            files::write_servers(&self.options.dir, &servers);
            state.servers = servers;
        }
    }

    pub fn set_shards<T>(&self, change: impl FnOnce(&mut BTreeMap<Shard, Held>) -> T) -> T {
        self.change(|state| {
            let changed = change(&mut state.shards);
            files::write_shards(&self.options.dir, &state.shards);
            changed
        })
    }

    pub fn complain(&self, what: String) {
        self.change(|state| state.complaints.push(what));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}
