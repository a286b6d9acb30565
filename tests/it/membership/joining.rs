//! The other side of membership (founding.md 6 and 7): nodes that ask to join, learn the result,
//! and move.

use influxdb_meta::base::RaftId;
use influxdb_meta::catalog::{Catalog, Pending, RemovedWhy};
use influxdb_meta::cluster::membership::judge;
use influxdb_meta::machine::{AllocateRaftId, InternalCommand, MoveMetaNode};
use influxdb_meta::wire::identity::Phase;

use super::raft::{Config, Entry, Log};
use super::world::{Planted, World};

impl World {
    /// Does what is due of what a node does by itself: asks to join, comes back, reports that it
    /// has moved.
    pub(super) fn mind(&mut self, slot: usize) {
        self.notice(slot);
        let node = &self.slots[slot];
        let Some(volume) = node.volume.as_ref().filter(|_| node.up && !node.is_copy) else {
            return;
        };
        let Some(leader) = self.leader_for(slot) else {
            return;
        };
        match volume.phase {
            Phase::Fresh | Phase::Joining => self.ask(slot, leader),
            Phase::Member => self.tell_address(slot, leader),
            // After an operator's removal it stays out; after the other reasons it comes back by
            // itself.
            Phase::Removed if volume.removed != Some(RemovedWhy::Removed) => self.reincarnate(slot),
            _ => {}
        }
    }

    /// Returns a leader that it can reach and that has applied its first entry.
    pub(super) fn leader_for(&self, slot: usize) -> Option<usize> {
        let ready = |leader: &usize| {
            let is_reached = *leader == slot || self.are_linked(slot, *leader);
            is_reached
                && self.slots[*leader]
                    .leading
                    .as_ref()
                    .is_some_and(|l| l.machine.is_some())
        };
        let term = |leader: &usize| {
            self.slots[*leader]
                .leading
                .as_ref()
                .map(|leading| leading.term)
        };
        self.leaders().into_iter().filter(ready).max_by_key(term)
    }

    /// Stores `member` once the node sees itself in its log and catalog.
    pub(super) fn notice(&mut self, slot: usize) {
        let catalog = self.catalog(slot);
        let config = self.committed_config(slot);
        let wants_a_vote = self.slots[slot].voter;
        let Some(volume) = &mut self.slots[slot].volume else {
            return;
        };
        let (Phase::Joining, Some(raft_id)) = (volume.phase, volume.raft_id) else {
            return;
        };
        let is_in = catalog.meta_node_by_raft_id(raft_id).is_some();
        let is_seen =
            config.voters.contains(&raft_id) || !wants_a_vote && config.learners.contains(&raft_id);
        if is_in || self.planted == Planted::MemberEarly && is_seen {
            volume.phase = Phase::Member;
        }
    }

    pub(super) fn committed_config(&self, slot: usize) -> Config {
        let commit = self.slots[slot]
            .volume
            .as_ref()
            .map_or(0, |volume| volume.commit);
        let last = commit.checked_sub(1).and_then(|at| self.committed.get(at));
        last.map_or_else(Config::default, |committed| committed.config.clone())
    }

    /// Notifies the other node that it was removed, if this one knows it.
    pub(super) fn tell_removed(&mut self, one: usize, other: usize) {
        let catalog = self.catalog(one);
        let Some(volume) = &mut self.slots[other].volume else {
            return;
        };
        if let Some(tombstone) = catalog.tombstones.get(&volume.incarnation) {
            (volume.phase, volume.removed) = (Phase::Removed, Some(tombstone.why));
            self.slots[other].leading = None;
        }
    }

    /// Runs founding.md J1 to founding.md J5.
    fn ask(&mut self, slot: usize, leader: usize) {
        let catalog = self.catalog(leader);
        let node = &self.slots[slot];
        let Some(volume) = &node.volume else { return };
        let incarnation = volume.incarnation;
        let (http, raft) = (node.home.clone(), node.home.with_port(8089));
        let newcomer = Pending {
            raft_id: RaftId(0),
            incarnation,
            http,
            raft,
            voter: node.voter,
        };
        self.tell_removed(leader, slot);
        if catalog.tombstones.contains_key(&incarnation) {
            return;
        }
        let known = catalog.pendings.get(&incarnation);
        let up_to_date =
            known.is_some_and(|p| p.http == newcomer.http && p.voter == newcomer.voter);
        if let Some(known) = known {
            // founding.md J4: it gets the same answer as often as it asks.
            self.settle_in(slot, known.raft_id);
        }
        if up_to_date || catalog.meta_node_by_incarnation(incarnation).is_some() {
            return;
        }
        if self.is_free(leader, &catalog, &newcomer) {
            let Pending {
                incarnation,
                http,
                raft,
                voter,
                ..
            } = newcomer;
            let allocate = AllocateRaftId {
                incarnation,
                http,
                raft,
                voter,
            };
            self.append(
                leader,
                Entry::Command(InternalCommand::AllocateRaftId(allocate)),
            );
        }
    }

    /// founding.md J2: whether its name leads to it and to no other live node.
    fn is_free(&mut self, leader: usize, catalog: &Catalog, newcomer: &Pending) -> bool {
        let answers = self.poll(leader, &newcomer.http);
        let is_it = |answer: &Result<_, _>| {
            answer
                .as_ref()
                .is_ok_and(|theirs: &influxdb_meta::wire::identity::Identity| {
                    theirs.incarnation == newcomer.incarnation
                })
        };
        if !answers.iter().any(is_it)
            || answers
                .iter()
                .any(|answer| answer.is_ok() && !is_it(answer))
        {
            return false;
        }
        let nodes = catalog
            .meta_nodes
            .values()
            .map(|node| (node.raft_id, node.incarnation, &node.http));
        let pendings = catalog
            .pendings
            .values()
            .map(|p| (p.raft_id, p.incarnation, &p.http));
        let holders: Vec<RaftId> = nodes
            .chain(pendings)
            .filter(|(_, who, http)| **http == newcomer.http && *who != newcomer.incarnation)
            .map(|(raft_id, ..)| raft_id)
            .collect();
        holders.into_iter().all(|old| {
            let evidence = self.evidence(leader, newcomer, old);
            judge(
                &self.setup(leader),
                &self.facts(leader),
                newcomer,
                &evidence,
            )
            .is_ok()
        })
    }

    /// founding.md J5. If the Raft id is another one than before, the old log is archived first.
    fn settle_in(&mut self, slot: usize, raft_id: RaftId) {
        let Some(volume) = &mut self.slots[slot].volume else {
            return;
        };
        if volume.raft_id != Some(raft_id) {
            (volume.log, volume.commit, volume.term, volume.voted) = (Log::new(), 0, 0, None);
            (volume.raft_id, volume.phase) = (Some(raft_id), Phase::Joining);
        }
    }

    fn tell_address(&mut self, slot: usize, leader: usize) {
        let Some(volume) = &self.slots[slot].volume else {
            return;
        };
        let (Some(raft_id), incarnation) = (volume.raft_id, volume.incarnation) else {
            return;
        };
        let http = self.slots[slot].home.clone();
        let catalog = self.catalog(leader);
        let has_moved = catalog
            .meta_node_by_raft_id(raft_id)
            .is_some_and(|node| node.http != http && node.incarnation == incarnation);
        if !has_moved {
            return;
        }
        let answers = self.poll(leader, &http);
        let is_it = |answer: &Result<influxdb_meta::wire::identity::Identity, _>| {
            answer
                .as_ref()
                .is_ok_and(|theirs| theirs.incarnation == incarnation)
        };
        if !answers.is_empty() && answers.iter().filter(|answer| answer.is_ok()).all(is_it) {
            let raft = http.with_port(8089);
            self.append(
                leader,
                Entry::Command(InternalCommand::MoveMetaNode(MoveMetaNode {
                    raft_id,
                    http,
                    raft,
                })),
            );
        }
    }
}
