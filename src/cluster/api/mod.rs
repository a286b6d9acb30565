//! The running membership, for the rest of the program.

mod cluster_api;
mod form;
mod found_promise;
mod join;
mod leave;
mod peer_requests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::{Instant, timeout};

pub use self::cluster_api::{ClusterApi, JoinNote, NodeRef};
use self::found_promise::FoundPromises;
use crate::auth::PeerPolicy;
use crate::base::{Address, Incarnation};
use crate::cluster::config::ClusterConfig;
use crate::cluster::error::ClusterError;
use crate::cluster::leader::state::LeaderState;
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::node::start::{Started, start};
use crate::cluster::peers::addresses::KnownAddresses;
use crate::cluster::peers::exchange::Exchange;
use crate::cluster::peers::gossip::Gossip;
use crate::cluster::refusal::{NotYet, Refusal};

use crate::cluster::view::{NotMember, View};
use crate::raft::{AfterHandOver, Raft};
use crate::runtime::Env;
use crate::runtime::net::BoxFuture;
use crate::storage::DataDir;
use crate::wire::api::Announcement;
use crate::wire::identity::Identity;

/// Timeout for handing leadership over at the stop. It usually takes a few milliseconds, and
/// without it the others elect a leader in little more than this.
const HAND_OVER_TIMEOUT: Duration = Duration::from_millis(500);

/// Timeout for closing Raft, which is one fsync. A disk that hangs must not keep the process longer
/// than two seconds.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(1200);

/// Interval between two checks of the catalog, for requests that wait for a change.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// This node's membership, running. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    node: NodeHandle,
    leader: Arc<LeaderState>,
    gossip: Arc<Gossip>,
    found_promises: Arc<FoundPromises>,
    /// Held across an await by the task that waits for the process to end.
    failures: Arc<Mutex<mpsc::Receiver<ClusterError>>>,
}

impl Cluster {
    /// Loads or makes the identity, listens on 8089, opens Raft if this volume is in a cluster, and
    /// starts the node's task. HTTP must be listening already: a node listens before it polls
    /// (founding.md 3).
    ///
    /// # Errors
    /// This node cannot start; see [`ClusterError`] for the exit codes. Damaged data is no error:
    /// such a node is `halted` and stays up to report it.
    pub async fn start(
        env: Env,
        dir: DataDir,
        config: ClusterConfig,
        exchange: Arc<dyn Exchange>,
        raft_listen: SocketAddr,
    ) -> Result<Self, ClusterError> {
        let Started {
            node,
            leader,
            gossip,
            failures,
        } = start(env, dir, config, exchange, raft_listen).await?;
        Ok(Self {
            node,
            leader,
            gossip,
            found_promises: Arc::new(FoundPromises::new()),
            failures: Arc::new(Mutex::new(failures)),
        })
    }

    /// Resolves when the process must end by itself: `join-timeout` passed, or storage failed.
    pub async fn failed(&self) -> ClusterError {
        match self.failures.lock().await.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// Hands leadership over, stops Raft and closes the log. The membership stays: a restart is not
    /// a removal.
    pub async fn stop(&self) {
        self.node.senders.stop();
        // The load of a snapshot cannot be interrupted. The process ends in the middle of it.
        self.node.context.dir.close_notes();
        if let Some(raft) = self.node.state.raft() {
            raft.hand_over(HAND_OVER_TIMEOUT, AfterHandOver::Stopping)
                .await;
            if timeout(SHUTDOWN_TIMEOUT, raft.shutdown()).await.is_err() {
                tracing::warn!(
                    event = "stop.slow",
                    "Raft did not stop in {SHUTDOWN_TIMEOUT:?}; nothing acknowledged is lost"
                );
            }
        }
    }

    /// This node's incarnation.
    fn me(&self) -> Incarnation {
        self.node.state.incarnation()
    }

    /// The reason of the present view.
    fn reason(&self) -> String {
        self.node.state.view().reason.clone()
    }

    fn open_raft(&self) -> Result<Raft, Refusal> {
        self.raft()
            .map_err(|not_member| Refusal::NotYet(NotYet::NotMember(not_member)))
    }
}

impl ClusterApi for Cluster {
    fn raft(&self) -> Result<Raft, NotMember> {
        let state = &self.node.state;
        state.raft().ok_or_else(|| state.not_member())
    }

    fn view(&self) -> Arc<View> {
        self.node.state.view()
    }

    fn changed(&self) -> watch::Receiver<Arc<View>> {
        self.node.state.watch_view()
    }

    fn identity(&self) -> Result<Identity, NotMember> {
        Ok(self.node.identity())
    }

    fn hint(&self, theirs: &Identity, from: IpAddr) {
        self.node.heard.note(theirs.incarnation);
        let senders = &self.node.senders;
        senders.hint(&theirs.http, Some(theirs.clone()), from);
    }

    fn addresses(&self) -> Arc<KnownAddresses> {
        self.node.addresses.known()
    }

    fn announced(&self, announcement: &Announcement) {
        self.gossip.take(announcement);
    }

    fn announcements(&self) -> Vec<Announcement> {
        self.gossip.all()
    }

    fn waiting(&self) -> BTreeMap<Incarnation, String> {
        self.leader.waiting()
    }

    fn answer<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        from: IpAddr,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<(u16, Bytes), Refusal>> {
        Box::pin(self.answer_peer(path, body, from, deadline))
    }

    fn peer_policy(&self) -> PeerPolicy {
        self.node.peer_policy()
    }

    fn accepts_recorded_proofs(&self) -> bool {
        self.node.accepts_recorded_proofs()
    }

    fn join<'a>(
        &'a self,
        addr: &'a Address,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<NodeRef, Refusal>> {
        Box::pin(self.add_or_form(addr, deadline))
    }

    fn leave<'a>(&'a self, by: &'a str, deadline: Instant) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(self.remove_self(by, deadline))
    }

    fn remove<'a>(
        &'a self,
        http: &'a Address,
        force: bool,
        by: &'a str,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(self.remove_by_address(http, force, by, deadline))
    }
}
