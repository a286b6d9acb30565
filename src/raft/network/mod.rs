//! Raft's messages on 8089: the listener, the dialler, and openraft's network over both.
//!
//! Every connection proves cluster, receiver and incarnation before its first Raft byte. It carries
//! one exchange at a time. If an exchange fails, or the caller stops waiting for it, the connection
//! is closed: the next frame on it could belong to the earlier request.

mod client;
mod conn;
mod convert;
mod dial;
mod handshake;
mod limits;
mod listener;
mod liveness;
mod peer;
mod proofs;
mod server;
mod snapshot;
mod stream;
mod unauthenticated;
mod validate;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use openraft::RaftNetworkFactory;
use tokio::sync::SetOnce;

use super::clocks::Clocks;
use super::room::MemberRooms;
use super::types::{Member, Types};
use super::{Replica, Timers};
use crate::base::RaftId;
use crate::runtime::{Env, Tasks, lock};
use crate::wire::frames::Lane;
use client::MemberClient;
use dial::Dialer;
use peer::Peer;

pub use listener::Transport;
pub(super) use server::AttachedNode;

/// Last reports of the members. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct KnownOfMembers {
    pub(super) rooms: MemberRooms,
    pub(super) clocks: Clocks,
}

/// Creates openraft's clients. All clients of a peer share its connections, so that a vote need not
/// dial.
pub(super) struct Network {
    dialer: Arc<Dialer>,
    peers: Mutex<BTreeMap<Replica, Arc<Peer>>>,
    timers: Timers,
    known: KnownOfMembers,
    /// Tasks of the dials; stopping them ends every dial that is running.
    tasks: Tasks,
}

impl Network {
    /// Creates the network. It dials no member before `open` is set.
    pub(super) fn new(
        env: &Env,
        transport: &Transport,
        me: Replica,
        timers: Timers,
        tasks: Tasks,
        open: Arc<SetOnce<()>>,
        known: KnownOfMembers,
    ) -> Self {
        let dialer = Arc::new(Dialer::new(env.clone(), transport.admission(), me, open));
        Self {
            dialer,
            peers: Mutex::default(),
            timers,
            known,
            tasks,
        }
    }

    fn client(&self, target: u64, member: Member, lane: Lane) -> MemberClient {
        let cluster_id = self.dialer.me().cluster_id;
        let receiver = Replica {
            cluster_id,
            raft_id: RaftId(target),
            incarnation: member.incarnation,
        };
        let mut peers = lock(&self.peers);
        let new = || {
            let (dialer, tasks) = (self.dialer.clone(), self.tasks.clone());
            Arc::new(Peer::new(dialer, receiver, tasks, self.known.clone()))
        };
        MemberClient::new(
            peers.entry(receiver).or_insert_with(new).clone(),
            lane,
            self.timers,
        )
    }
}

impl RaftNetworkFactory<Types> for Network {
    type Network = MemberClient;

    async fn new_client(&mut self, target: u64, member: &Member) -> MemberClient {
        self.client(target, *member, Lane::Append)
    }

    async fn new_heartbeat_client(&mut self, target: u64, member: &Member) -> MemberClient {
        self.client(target, *member, Lane::Control)
    }

    async fn new_snapshot_client(&mut self, target: u64, member: &Member) -> MemberClient {
        self.client(target, *member, Lane::Snapshot)
    }
}
