//! Own address of this node, and the identity that it shows to other nodes.

use super::peer::Peer;
use super::{Founding, FoundingSetup};
use crate::base::{Address, Incarnation};
use crate::cluster::identity::record::{MembershipState, Origin};
use crate::wire::identity::{
    FEATURE_LEVEL, Identity, PROTOCOL, Phase, Process, Starts, VectorEntry,
};

impl Founding {
    /// Advertised HTTP address, once it is known. founding.md 4.1 has the order in which it is
    /// found.
    pub fn own(&self) -> Option<Address> {
        if let Some(named) = &self.setup.named {
            return Some(named.clone());
        }
        let answers_as_me = |at: &&Address| self.answers_as_me(at);
        if let Some(entry) = self.setup.peers.iter().find(answers_as_me) {
            return Some(entry.clone());
        }
        if let MembershipState::Member { origin, .. } = &self.record.standing {
            return self.own_of_member(origin.as_ref());
        }
        if let Some(origin) = self.record.origin() {
            return self.founded_as(origin);
        }
        // An entry that does not answer may be this node. Until that entry answers, the own address
        // is not known.
        let answered = |at: &Address| self.peers.node(at).is_some();
        let none_is_me = self.setup.expect == 0 || self.setup.peers.iter().all(answered);
        none_is_me.then(|| self.setup.host_name.clone())
    }

    /// Own address of a member that no configuration names and that answers at no entry of `peers`
    /// now.
    ///
    /// A member may take another name: its cluster is founded, the founder set with its names has
    /// done its work, and members know each other by incarnation (founding.md P3). The host's
    /// present name holds once no entry of `peers` can be this node. Until then the address of the
    /// catalog stays.
    fn own_of_member(&self, origin: Option<&Origin>) -> Option<Address> {
        if let Some(entry) = &self.own_entry {
            return Some(entry.clone());
        }
        let may_be_me = |at: &&Address| {
            let is_another_members =
                self.members.contains(at) && self.registered.as_ref() != Some(*at);
            let peer = self.peers.get(at);
            let answers = peer.is_some_and(|peer| peer.node().is_some());
            let leads_nowhere = peer.is_some_and(Peer::has_lost_name);
            !(is_another_members || answers || leads_nowhere)
        };
        if self.setup.expect == 0 || !self.setup.peers.iter().any(|at| may_be_me(&at)) {
            return Some(self.setup.host_name.clone());
        }
        let registered = self.registered.clone();
        registered.or_else(|| origin.and_then(|origin| self.founded_as(origin)))
    }

    /// Address of this node in the founder set.
    pub(super) fn founded_as(&self, origin: &Origin) -> Option<Address> {
        let mine = |entry: &&VectorEntry| entry.incarnation == self.record.incarnation;
        let entry = origin.vector.iter().find(mine)?;
        Some(entry.http.clone())
    }

    fn answers_as_me(&self, at: &Address) -> bool {
        let peer = self.peers.get(at);
        peer.is_some_and(|peer| peer.has(self.record.incarnation))
    }

    /// Updates, after a poll of `at`, the entry of `peers` that is this node.
    pub(super) fn note_own_entry(&mut self, at: &Address) {
        if self.answers_as_me(at) {
            if self.setup.peers.contains(at) {
                self.own_entry = Some(at.clone());
            }
        } else if self.own_entry.as_ref() == Some(at) && self.peers.node(at).is_some() {
            self.own_entry = None;
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
            members: self.shown_members(),
            leader_known: self.leader_known,
            starts: Starts {
                counter: self.record.start_counter,
                ids: self.record.start_ids.clone(),
                durable_seq: 0,
            },
            ..blank
        }
    }

    /// Addresses of the catalog; before it is known, those of the record.
    fn shown_members(&self) -> Vec<Address> {
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
        clock: None,
        process: Some(Process {
            id: setup.process,
            raft_open_ms: None,
        }),
    }
}
