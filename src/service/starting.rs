//! [`ClusterApi`] before the cluster has started.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::PeerPolicy;
use crate::base::{Address, Incarnation};
use crate::cluster::{
    Activity, ClusterApi, NodeRef, NotMember, NotYet, OtherMembers, Refusal, View,
};
use crate::raft::Raft;
use crate::runtime::net::BoxFuture;
use crate::wire::api::Announcement;
use crate::wire::identity::{Identity, Phase};

/// Stands in between listening and the end of `Cluster::start`, which reads the log. Nothing is
/// known yet.
pub(super) struct Starting {
    view: watch::Sender<Arc<View>>,
}

impl Default for Starting {
    fn default() -> Self {
        let view = View {
            doing: Activity::Waiting,
            phase: Phase::Fresh,
            reason: NotYet::Starting.to_string(),
            has_leader: false,
            missing: Vec::new(),
            incarnation: Incarnation([0; 16]),
            http: None,
            raft: None,
            cluster_id: None,
            cluster_name: String::new(),
            raft_id: None,
            warnings: Vec::new(),
            other_members: OtherMembers::default(),
            peer_policy: PeerPolicy::Open,
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
            reason: NotYet::Starting.to_string(),
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

    /// Only a leader can answer, and the request for one says why there is none.
    fn answer<'a>(
        &'a self,
        _path: &'a str,
        _body: &'a [u8],
        _from: IpAddr,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<(u16, Bytes), Refusal>> {
        Box::pin(async { Err(Refusal::NotLeader) })
    }

    /// Nothing is answered and nothing is believed yet, with or without a proof.
    fn peer_policy(&self) -> PeerPolicy {
        PeerPolicy::Open
    }

    fn accepts_recorded_proofs(&self) -> bool {
        true
    }

    fn join<'a>(
        &'a self,
        _addr: &'a Address,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<NodeRef, Refusal>> {
        Box::pin(async { Err(Refusal::NotYet(NotYet::Starting)) })
    }

    fn leave<'a>(&'a self, _by: &'a str, _deadline: Instant) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async { Err(Refusal::NotYet(NotYet::Starting)) })
    }

    fn remove<'a>(
        &'a self,
        _http: &'a Address,
        _force: bool,
        _by: &'a str,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async { Err(Refusal::NotYet(NotYet::Starting)) })
    }
}
