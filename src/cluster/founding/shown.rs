//! Own address of this node, and the identity that it shows to other nodes.

use super::{Founding, FoundingSetup};
use crate::base::{Address, Incarnation};
use crate::cluster::identity::record::MembershipState;
use crate::wire::identity::{FEATURE_LEVEL, Identity, PROTOCOL, Phase, Starts, VectorEntry};

impl Founding {
    /// Advertised HTTP address, once it is known. founding.md 4.1 has the order in which it is
    /// found.
    pub fn own(&self) -> Option<Address> {
        if let Some(named) = &self.setup.named {
            return Some(named.clone());
        }
        let me = self.record.incarnation;
        let is_me = |at: &&Address| {
            self.peers
                .get(at)
                .is_some_and(|peer| peer.answers().iter().any(|answer| answer.incarnation == me))
        };
        if let Some(entry) = self.setup.peers.iter().find(is_me) {
            return Some(entry.clone());
        }
        if let Some(origin) = self.record.origin() {
            let mine = |entry: &&VectorEntry| entry.incarnation == me;
            return origin
                .vector
                .iter()
                .find(mine)
                .map(|entry| entry.http.clone());
        }
        // An entry that does not answer may be this node. Until that entry answers, the own address
        // is not known.
        let answered = |at: &Address| self.peers.node(at).is_some();
        let none_is_me = self.setup.expect == 0 || self.setup.peers.iter().all(answered);
        if none_is_me {
            Some(self.setup.host_name.clone())
        } else {
            None
        }
    }

    pub fn own_raft(&self) -> Option<Address> {
        self.own().map(|own| own.with_port(self.setup.raft_port))
    }

    /// Identity that other nodes are shown. `node` adds `halted`, `voters`, `heard` and the durable
    /// position of the log.
    pub fn identity(&self) -> Identity {
        self.shown.clone()
    }

    /// Cluster name fixed by founding, else the configured one.
    pub fn cluster_name(&self) -> &str {
        self.record
            .seat()
            .map_or(&self.setup.cluster_name, |seat| &seat.cluster_name)
    }

    pub(super) fn show(&self) -> Identity {
        let blank = blank(&self.setup, self.record.incarnation);
        let http = self.own().unwrap_or(blank.http);
        let (seat, origin) = (self.record.seat(), self.record.origin());
        Identity {
            raft: http.with_port(self.setup.raft_port),
            http,
            phase: self.phase(),
            vector: origin
                .map(|origin| origin.vector.clone())
                .or_else(|| self.accepted.clone()),
            cluster_id: seat.map(|seat| seat.cluster_id),
            recovered_from: seat.and_then(|seat| seat.recovered_from),
            raft_id: seat.map(|seat| seat.raft_id),
            cluster_name: self.cluster_name().to_owned(),
            list_hash: Some(self.list_hash),
            list: origin.map_or(&self.list, |origin| &origin.list).clone(),
            members: self.members(),
            leader_known: self.leader_known,
            starts: Starts {
                counter: self.record.start_counter,
                ids: self.record.start_ids.clone(),
                durable_seq: 0,
            },
            ..blank
        }
    }

    fn members(&self) -> Vec<Address> {
        match (&self.record.standing, self.record.origin()) {
            _ if !self.members.is_empty() => self.members.clone(),
            (MembershipState::Joining { members, .. }, _) => members.clone(),
            (_, Some(origin)) => origin
                .vector
                .iter()
                .map(|entry| entry.http.clone())
                .collect(),
            (_, None) => Vec::new(),
        }
    }
}

/// Identity of a fresh node with this configuration. Before the own address is known, the host name
/// stands in for it; other nodes can poll this node there.
pub(super) fn blank(setup: &FoundingSetup, incarnation: Incarnation) -> Identity {
    Identity {
        protocol: PROTOCOL,
        version: setup.version.clone(),
        feature_level: FEATURE_LEVEL,
        incarnation,
        raft: setup.host_name.with_port(setup.raft_port),
        http: setup.host_name.clone(),
        phase: Phase::Fresh,
        halted: None,
        vector: None,
        cluster_id: None,
        recovered_from: None,
        raft_id: None,
        cluster_name: setup.cluster_name.clone(),
        list_hash: None,
        list: Vec::new(),
        expect: setup.expect,
        members: Vec::new(),
        voters: Vec::new(),
        leader_known: false,
        with_secret: setup.with_secret,
        starts: Starts::default(),
        heard: Vec::new(),
    }
}
