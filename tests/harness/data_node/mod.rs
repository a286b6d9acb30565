//! A model of a data node, as far as meta nodes see one: the requests that it sends, its answers
//! on port 8088, its waits and retries (wire.md 4.7, wire.md 5.2, wire.md 8, wire.md 9,
//! wire.md 10). In place of a store it has a list of the shards it holds.
//!
//! It runs on threads of its own over real sockets: in a test, beside a cluster of processes, or as
//! a program in a container (`tests/model`). Its reading of `Data` and its commands share nothing
//! with the product's code. Messages that a real data node would not understand are listed in
//! [`DataNode::complaints`].
#![allow(dead_code, reason = "each test uses its part")]

mod announce;
mod behaviour;
pub mod calls;
mod client;
pub mod command;
pub mod data;
mod files;
mod http;
mod join;
pub mod jwt;
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

pub use behaviour::{Behaviour, On};
pub use client::Lease;
pub use data::Data;
pub use shards::Held;
use state::Shared;

/// Id of a shard.
pub type Shard = u64;

#[derive(Clone, Debug)]
pub struct Options {
    /// Folder that holds `client.json`, and the shards.
    pub dir: PathBuf,
    /// Address to listen on; port 0 means any free one.
    pub listen: SocketAddr,
    /// Address that it calls itself by; if unset, where it listens.
    pub tcp_addr: Option<String>,
    pub http_addr: String,
    pub hostname: String,
    pub version: String,
    /// `meta-internal-shared-secret`, with `meta-auth-enabled`.
    pub secret: Option<String>,
    /// Factor by which its delays are shorter than a real node's.
    pub pace: u32,
    /// How long joining and leaving wait for the cluster; 10 s in a real node.
    pub patience: Duration,
    pub announces: bool,
    /// `[coordinator] https-enabled`: 8088 speaks TLS only. Copies from such a node fail, because
    /// the model dials without TLS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Options {
    /// Options of a node at this address, with the default ports. Its delays are twenty times
    /// shorter than a real one's.
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

/// A running data node. Dropping it kills it; its files stay.
pub struct DataNode {
    shared: Arc<Shared>,
    /// Address where it listens.
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
        // A node that has not reached its meta nodes yet accepts no connection, not even into a
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

    /// Own id as it knows it; 0: not joined.
    pub fn id(&self) -> u64 {
        self.shared.look(|state| state.node_id)
    }

    pub fn meta_servers(&self) -> Vec<String> {
        self.shared.look(|state| state.servers.clone())
    }

    /// Catalog as it knows it.
    pub fn cached(&self) -> Arc<Data> {
        self.shared.look(|state| state.data.clone())
    }

    pub fn status(&self) -> DataNodeStatus {
        serve::status(&self.shared)
    }

    /// Waits until `is` holds for the catalog that it knows.
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

    /// Sends a command as a data node does, and waits until it sees its outcome. Returns the index,
    /// or the refusal.
    pub fn execute(&self, command: &[u8]) -> Result<u64, String> {
        self.shared.execute(command)
    }

    /// Creates a database; for one that it knows already no command is sent.
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

    /// Body of its announcements.
    pub fn announcement(&self) -> String {
        self.shared.announcement()
    }

    /// Number of its announcements that were answered.
    pub fn announced(&self) -> u64 {
        self.shared.look(|state| state.announced)
    }

    /// Waits until its next announcement is answered.
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

    pub fn set_behaviour(&self, on: On, behaviour: Behaviour) {
        self.shared
            .change(|state| state.behaviours.set(on, behaviour));
    }

    /// Calls on 8088 so far, in order: `RemoveShard { shard: 3 }`.
    pub fn heard(&self) -> Vec<String> {
        self.shared.look(|state| state.heard.clone())
    }

    /// Waits until it got this call.
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

    /// Messages of meta nodes that a real data node would not have understood. Any entry is a bug.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.look(|state| state.complaints.clone())
    }

    /// Ends it as SIGKILL does; after that its port is free.
    pub fn kill(&self) {
        self.shared.change(|state| state.stopped = true);
        self.shared.sockets.close();
        // Wakes the accepting thread, if there is one.
        let _nobody = TcpStream::connect_timeout(&self.local, Duration::from_secs(1));
        self.shared.wait_closed(Duration::from_secs(10));
    }
}

impl Drop for DataNode {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Binds the port again. Usually no other process takes it meanwhile: the address is the node's
/// own, or the port was free a moment ago.
fn bind_again(shared: &Shared, local: SocketAddr) -> Option<TcpListener> {
    shared.change(|state| {
        state.listening = !state.stopped;
        let bind =
            || TcpListener::bind(local).unwrap_or_else(|error| panic!("{local} again: {error}"));
        state.listening.then(bind)
    })
}
