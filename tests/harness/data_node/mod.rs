//! A data node, as far as meta nodes can tell: what it sends them, what it answers on its port
//! 8088, how it waits and tries again (wire.md 4.7, 5.2, 8, 9, 10). In the place of a store it has
//! a list of the shards it holds.
//!
//! It runs on threads of its own over real sockets, beside anything: a test, a cluster of
//! processes, or as a program in a container (`tests/model`). Its reading of `Data` and its
//! commands share nothing with the product's code, and what a real data node would not understand
//! is among [`DataNode::complaints`].
#![allow(dead_code, reason = "each test uses its part")]

mod announce;
pub mod calls;
mod client;
pub mod command;
pub mod data;
mod files;
mod http;
mod join;
pub mod jwt;
mod mood;
pub mod proto;
mod restore;
mod serve;
pub mod shards;
mod sockets;
mod state;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use influxdb_meta::wire::data_node::DataNodeStatus;

pub use client::Lease;
pub use data::Data;
pub use mood::{Mood, On};
pub use shards::Held;
use state::Shared;

/// A shard's id.
pub type Shard = u64;

#[derive(Clone, Debug)]
pub struct Options {
    /// Holds `client.json`, and the shards.
    pub dir: PathBuf,
    /// Port 0: any free one.
    pub listen: SocketAddr,
    /// What it calls itself; unset: where it listens.
    pub tcp_addr: Option<String>,
    pub http_addr: String,
    pub hostname: String,
    pub version: String,
    /// `meta-internal-shared-secret`, with `meta-auth-enabled`.
    pub secret: Option<String>,
    /// How much shorter than a real node's its sleeps are.
    pub pace: u32,
    /// How long joining and leaving wait for the cluster: 10 s.
    pub patience: Duration,
    pub announces: bool,
    /// `[coordinator] https-enabled`: 8088 speaks TLS only. Copies from such a node fail: the model
    /// dials without TLS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Options {
    /// A node of this address, with the default ports. Twenty times as quick to try again as a real
    /// one.
    pub fn at(dir: &Path, ip: IpAddr) -> Self {
        Self {
            dir: dir.to_owned(),
            listen: SocketAddr::new(ip, 8088),
            tcp_addr: None,
            http_addr: SocketAddr::new(ip, 8086).to_string(),
            hostname: ip.to_string(),
            version: "1.8.11-c1.2.0".to_owned(),
            secret: None,
            pace: 20,
            patience: Duration::from_secs(10),
            announces: true,
            tls: None,
        }
    }
}

/// A running data node. Dropping it kills it; what it had on disk stays.
pub struct DataNode {
    shared: Arc<Shared>,
    /// Where it really listens.
    local: SocketAddr,
}

impl DataNode {
    /// # Panics
    /// The address is taken.
    pub fn start(options: Options) -> Self {
        let listener =
            TcpListener::bind(options.listen).unwrap_or_else(|e| panic!("{}: {e}", options.listen));
        let local = listener.local_addr().expect("a bound socket");
        let tcp_addr = options
            .tcp_addr
            .clone()
            .unwrap_or_else(|| local.to_string());
        let announces = options.announces;
        let shared = Arc::new(Shared::new(options, tcp_addr));
        let knows_servers = shared.look(|state| !state.servers.is_empty());
        let main = shared.clone();
        // A node that cannot reach its meta nodes is not there: nobody is accepted, not even into a
        // queue.
        let listener = if knows_servers {
            drop(listener);
            None
        } else {
            shared.change(|state| state.listening = true);
            Some(listener)
        };
        thread::spawn(move || {
            main.open();
            let listener = listener.or_else(|| bind_again(&main, local));
            let poller = main.clone();
            thread::spawn(move || poller.poll());
            if announces {
                let announcer = main.clone();
                thread::spawn(move || announcer.announce());
            }
            if let Some(listener) = listener {
                serve::accept(&main, &listener);
                drop(listener);
                main.change(|state| state.listening = false);
            }
        });
        Self { shared, local }
    }

    pub fn tcp_addr(&self) -> String {
        self.shared.tcp_addr.clone()
    }

    /// Its own id as it knows it; 0: not joined.
    pub fn id(&self) -> u64 {
        self.shared.look(|state| state.node_id)
    }

    pub fn meta_servers(&self) -> Vec<String> {
        self.shared.look(|state| state.servers.clone())
    }

    /// The catalog as it knows it.
    pub fn cached(&self) -> Arc<Data> {
        self.shared.look(|state| state.data.clone())
    }

    pub fn status(&self) -> DataNodeStatus {
        serve::status(&self.shared)
    }

    /// Waits until the catalog that it knows is as wanted.
    #[track_caller]
    pub fn wait_for(&self, what: &str, within: Duration, is: impl Fn(&Data) -> bool) -> Arc<Data> {
        let found = self.shared.wait(Some(within), |state| {
            is(&state.data).then(|| state.data.clone())
        });
        found.unwrap_or_else(|over| {
            panic!(
                "{}: no {what}: {over}; last seen: {:?}",
                self.tcp_addr(),
                self.cached()
            )
        })
    }

    /// Sends a command as a data node does, and waits until it sees its outcome; the index, or the
    /// refusal.
    pub fn execute(&self, command: &[u8]) -> Result<u64, String> {
        self.shared.execute(command)
    }

    /// One that it knows already is not sent.
    pub fn create_database(&self, name: &str) -> Result<(), String> {
        if self.cached().database(name).is_some() {
            return Ok(());
        }
        self.execute(&command::create_database(name, None))
            .map(drop)
    }

    pub fn acquire_lease(&self, name: &str) -> Result<Lease, String> {
        self.shared.acquire_lease(name)
    }

    /// What it tells meta nodes about itself.
    pub fn announcement(&self) -> String {
        self.shared.announcement()
    }

    /// How many of its announcements were answered.
    pub fn announced(&self) -> u64 {
        self.shared.look(|state| state.announced)
    }

    /// Waits until somebody answers its next announcement.
    #[track_caller]
    pub fn wait_announced(&self, within: Duration) {
        let before = self.announced();
        let answered = self.shared.wait(Some(within), |state| {
            (state.announced > before).then_some(())
        });
        answered.unwrap_or_else(|over| {
            panic!("{}: no answer to an announcement: {over}", self.tcp_addr())
        });
    }

    pub fn shards(&self) -> BTreeMap<Shard, Held> {
        self.shared.look(|state| state.shards.clone())
    }

    /// Puts a shard on its disk.
    pub fn hold(&self, shard: Shard, held: Held) {
        self.shared.set_shards(|shards| shards.insert(shard, held));
    }

    pub fn set_mood(&self, on: On, mood: Mood) {
        self.shared.change(|state| state.moods.set(on, mood));
    }

    /// What it was asked on 8088, in order: `RemoveShard { shard: 3 }`.
    pub fn heard(&self) -> Vec<String> {
        self.shared.look(|state| state.heard.clone())
    }

    /// Waits until it was asked this.
    #[track_caller]
    pub fn wait_heard(&self, what: &str, within: Duration) {
        let heard = self.shared.wait(Some(within), |state| {
            state
                .heard
                .iter()
                .any(|heard| heard.contains(what))
                .then_some(())
        });
        heard.unwrap_or_else(|over| {
            panic!(
                "{}: no {what}: {over}; heard: {:?}",
                self.tcp_addr(),
                self.heard()
            )
        });
    }

    /// What meta nodes sent that a real data node would not have understood. Empty, or a bug.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.look(|state| state.complaints.clone())
    }

    /// Ends it as SIGKILL does; after that its port is free.
    pub fn kill(&self) {
        self.shared.change(|state| state.stopped = true);
        self.shared.sockets.close();
        // Wakes who accepts; where nobody does, there is nobody to wake.
        let _nobody = TcpStream::connect_timeout(&self.local, Duration::from_secs(1));
        self.shared.wait_closed(Duration::from_secs(10));
    }
}

impl Drop for DataNode {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Nobody else takes the port meanwhile, as a rule: an address of its own, or a port that was just
/// free.
fn bind_again(shared: &Shared, local: SocketAddr) -> Option<TcpListener> {
    shared.change(|state| {
        state.listening = !state.stopped;
        let bind =
            || TcpListener::bind(local).unwrap_or_else(|error| panic!("{local} again: {error}"));
        state.listening.then(bind)
    })
}
