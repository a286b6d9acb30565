//! What the service asks of `cluster`, as a trait: tests stand in for states that are hard to
//! reach.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::base::{Address, Incarnation};
use crate::cluster::{Activity, Cluster, NodeRef, NotMember, Refusal, View};
use crate::raft::Raft;
use crate::runtime::net::BoxFuture;
use crate::wire::api::Announcement;
use crate::wire::identity::{Identity, Phase};

pub trait ClusterApi: Send + Sync + 'static {
    /// The open Raft node, or why there is none.
    fn raft(&self) -> Result<Raft, NotMember>;
    fn view(&self) -> Arc<View>;
    /// Changes whenever `view` or `raft` would.
    fn changed(&self) -> watch::Receiver<Arc<View>>;
    /// What this node answers to `/cluster/identity`.
    fn identity(&self) -> Result<Identity, NotMember>;
    /// Somebody posted their identity (founding.md 3.3).
    fn hint(&self, theirs: &Identity, from: IpAddr);
    fn announced(&self, announcement: &Announcement);
    fn announcements(&self) -> Vec<Announcement>;
    /// On the leader: what those wait for that are not yet what they are to be.
    fn waiting(&self) -> BTreeMap<Incarnation, String> {
        BTreeMap::new()
    }
    /// Answers another meta node on a path of `wire::joining`; `None`: only the leader can.
    fn answer<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        from: IpAddr,
        deadline: Instant,
    ) -> BoxFuture<'a, Option<(u16, Bytes)>>;
    /// Whether other meta nodes must prove the secret.
    fn needs_proof(&self) -> bool;
    /// `None`: the leader has to be asked.
    fn join<'a>(
        &'a self,
        addr: &'a Address,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<NodeRef>, Refusal>>;
    /// This node takes itself out.
    fn leave(&self, deadline: Instant) -> BoxFuture<'_, Result<(), Refusal>>;
    /// `None`: the leader has to be asked.
    fn remove<'a>(
        &'a self,
        http: &'a Address,
        force: bool,
        by: &'a str,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<()>, Refusal>>;
}

impl ClusterApi for Cluster {
    fn raft(&self) -> Result<Raft, NotMember> {
        Cluster::raft(self)
    }

    fn view(&self) -> Arc<View> {
        Cluster::view(self)
    }

    fn changed(&self) -> watch::Receiver<Arc<View>> {
        Cluster::changed(self)
    }

    fn identity(&self) -> Result<Identity, NotMember> {
        Ok(Cluster::identity(self))
    }

    fn hint(&self, theirs: &Identity, from: IpAddr) {
        Cluster::hint(self, theirs, from);
    }

    fn announced(&self, announcement: &Announcement) {
        Cluster::announced(self, announcement);
    }

    fn announcements(&self) -> Vec<Announcement> {
        Cluster::announcements(self)
    }

    fn waiting(&self) -> BTreeMap<Incarnation, String> {
        Cluster::waiting(self)
    }

    fn answer<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        from: IpAddr,
        deadline: Instant,
    ) -> BoxFuture<'a, Option<(u16, Bytes)>> {
        Box::pin(Cluster::answer(self, path, body, from, deadline))
    }

    fn needs_proof(&self) -> bool {
        Cluster::requires_proof(self)
    }

    fn join<'a>(
        &'a self,
        addr: &'a Address,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<NodeRef>, Refusal>> {
        Box::pin(Cluster::join(self, addr, deadline))
    }

    fn leave(&self, deadline: Instant) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(Cluster::leave(self, deadline))
    }

    fn remove<'a>(
        &'a self,
        http: &'a Address,
        force: bool,
        by: &'a str,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<()>, Refusal>> {
        Box::pin(Cluster::remove(self, http, force, by, deadline))
    }
}

/// Between listening and the end of `Cluster::start`, which reads the log: nothing is known yet.
pub(super) struct Starting {
    view: watch::Sender<Arc<View>>,
}

const STARTING: &str = "this node is starting: it reads its log";

impl Default for Starting {
    fn default() -> Self {
        let view = View {
            doing: Activity::Waiting,
            phase: Phase::Fresh,
            reason: STARTING.to_owned(),
            missing: Vec::new(),
            incarnation: Incarnation([0; 16]),
            http: None,
            raft: None,
            cluster_id: None,
            cluster_name: String::new(),
            raft_id: None,
            warnings: Vec::new(),
        };
        Self {
            view: watch::Sender::new(Arc::new(view)),
        }
    }
}

impl Starting {
    fn not_yet() -> NotMember {
        NotMember {
            phase: Phase::Fresh,
            reason: STARTING.to_owned(),
        }
    }
}

impl ClusterApi for Starting {
    fn raft(&self) -> Result<Raft, NotMember> {
        Err(Self::not_yet())
    }

    fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    fn changed(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    fn identity(&self) -> Result<Identity, NotMember> {
        Err(Self::not_yet())
    }

    fn hint(&self, _theirs: &Identity, _from: IpAddr) {}

    fn announced(&self, _announcement: &Announcement) {}

    fn announcements(&self) -> Vec<Announcement> {
        Vec::new()
    }

    /// Nobody can: whoever asks for the leader next hears why.
    fn answer<'a>(
        &'a self,
        _path: &'a str,
        _body: &'a [u8],
        _from: IpAddr,
        _deadline: Instant,
    ) -> BoxFuture<'a, Option<(u16, Bytes)>> {
        Box::pin(async { None })
    }

    fn needs_proof(&self) -> bool {
        true
    }

    fn join<'a>(
        &'a self,
        _addr: &'a Address,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<NodeRef>, Refusal>> {
        Box::pin(async { Err(Refusal::NotYet(STARTING.to_owned())) })
    }

    fn leave(&self, _deadline: Instant) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async { Err(Refusal::NotYet(STARTING.to_owned())) })
    }

    fn remove<'a>(
        &'a self,
        _http: &'a Address,
        _force: bool,
        _by: &'a str,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<()>, Refusal>> {
        Box::pin(async { Err(Refusal::NotYet(STARTING.to_owned())) })
    }
}
