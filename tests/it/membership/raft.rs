//! An abstract Raft: logs with joint memberships, elections, replication, commit. Every exchange is
//! one step.
//!
//! Committed entries are kept once, for the whole world: a node's catalog is the one after its
//! commit index. Two leaders that would commit different entries break the first invariant before
//! that matters.

use std::collections::BTreeSet;
use std::sync::Arc;

use influxdb_meta::base::{LogId, RaftId, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::machine::{InternalCommand, Outcome, Stamped, apply};

use super::world::{Leading, World};

#[derive(Debug)]
pub(super) enum Entry {
    Blank,
    Config(Config),
    Command(InternalCommand),
}

/// A Raft membership. While it is joint, `voters` is its incoming half.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) voters: BTreeSet<RaftId>,
    pub(super) outgoing: Option<BTreeSet<RaftId>>,
    pub(super) learners: BTreeSet<RaftId>,
}

pub(super) type Log = Vec<(u64, Arc<Entry>)>;

/// One committed entry and the state after it.
pub(super) struct Committed {
    pub(super) entry: Arc<Entry>,
    pub(super) catalog: Catalog,
    pub(super) outcome: Option<Outcome>,
    /// Latest membership up to this entry.
    pub(super) config: Config,
}

impl Config {
    pub(super) fn has_majority(&self, yes: impl Fn(RaftId) -> bool) -> bool {
        let of =
            |half: &BTreeSet<RaftId>| half.iter().filter(|id| yes(**id)).count() * 2 > half.len();
        of(&self.voters) && self.outgoing.as_ref().is_none_or(of)
    }

    pub(super) fn has_a_vote(&self, id: RaftId) -> bool {
        self.voters.contains(&id)
            || self
                .outgoing
                .as_ref()
                .is_some_and(|half| half.contains(&id))
    }

    pub(super) fn members(&self) -> BTreeSet<RaftId> {
        self.voters
            .iter()
            .chain(self.outgoing.iter().flatten())
            .chain(&self.learners)
            .copied()
            .collect()
    }
}

/// Returns the latest membership in a log: a membership holds from its append on.
pub(super) fn config_of(log: &Log) -> Config {
    let configs = log.iter().rev().filter_map(|(_, entry)| match &**entry {
        Entry::Config(config) => Some(config.clone()),
        _ => None,
    });
    configs.into_iter().next().unwrap_or_default()
}

fn last(log: &Log) -> (u64, usize) {
    (log.last().map_or(0, |(term, _)| *term), log.len())
}

impl World {
    /// Asks all nodes that it can reach for a vote, itself first. A majority of both halves makes
    /// it leader.
    pub(super) fn campaign(&mut self, slot: usize) {
        let Some(raft_id) = self.open_raft(slot) else {
            return;
        };
        let config = self.config(slot);
        // As openraft does: while the node's removal is not committed, its own vote may still be
        // needed.
        if !config.has_a_vote(raft_id) && !self.committed_config(slot).has_a_vote(raft_id) {
            return;
        }
        let Some(volume) = &mut self.slots[slot].volume else {
            return;
        };
        volume.term += 1;
        volume.voted = Some(raft_id);
        let (mut term, position, incarnation) =
            (volume.term, last(&volume.log), volume.incarnation);
        let mut votes = BTreeSet::from([raft_id]);
        self.slots[slot].leading = None;
        for voter in 0..self.slots.len() {
            if voter == slot || !self.are_linked(slot, voter) {
                continue;
            }
            let Some(id) = self.open_raft(voter).filter(|id| config.has_a_vote(*id)) else {
                continue;
            };
            if self.catalog(voter).tombstones.contains_key(&incarnation) {
                continue;
            }
            let Some(theirs) = &mut self.slots[voter].volume else {
                continue;
            };
            if theirs.term > term {
                term = theirs.term;
                continue;
            }
            if theirs.term < term {
                (theirs.term, theirs.voted) = (term, None);
                self.slots[voter].leading = None;
            }
            let Some(theirs) = &mut self.slots[voter].volume else {
                continue;
            };
            let is_free = theirs.voted.is_none_or(|voted| voted == raft_id);
            if is_free && position >= last(&theirs.log) {
                theirs.voted = Some(raft_id);
                votes.insert(id);
            }
        }
        let Some(volume) = &mut self.slots[slot].volume else {
            return;
        };
        if term > volume.term {
            (volume.term, volume.voted) = (term, None);
        } else if config.has_majority(|id| votes.contains(&id)) {
            self.elected(slot);
        }
    }

    fn elected(&mut self, slot: usize) {
        let Some(volume) = &mut self.slots[slot].volume else {
            return;
        };
        let has = |(at, committed): (usize, &Committed)| {
            volume
                .log
                .get(at)
                .is_some_and(|(_, entry)| Arc::ptr_eq(entry, &committed.entry))
        };
        if let Some(at) = (0..self.committed.len()).find(|at| !has((*at, &self.committed[*at]))) {
            self.history.break_(
                "a committed entry is in the log of every later leader",
                format!(
                    "slot {slot} in term {} lacks entry {at}: {:?}",
                    volume.term, self.committed[at].entry
                ),
            );
        }
        volume.log.push((volume.term, Arc::new(Entry::Blank)));
        let leading = Leading::new(volume.term, volume.log.len());
        self.slots[slot].leading = Some(leading);
        self.commit(slot);
    }

    /// Appends at a leader. Returns the index, which counts from 1: the length of the log after it.
    pub(super) fn append(&mut self, slot: usize, entry: Entry) -> Option<usize> {
        let term = self.slots[slot].leading.as_ref()?.term;
        let volume = self.slots[slot].volume.as_mut()?;
        volume.log.push((term, Arc::new(entry)));
        let index = volume.log.len();
        self.commit(slot);
        Some(index)
    }

    /// Brings one member up to date, by at most `entries` entries beyond the common prefix.
    pub(super) fn replicate(&mut self, leader: usize, follower: usize, entries: usize) {
        if leader == follower || !self.are_linked(leader, follower) {
            return;
        }
        let Some(id) = self.open_raft(follower) else {
            return;
        };
        let Some(leading) = &self.slots[leader].leading else {
            return;
        };
        let (term, now) = (leading.term, self.now);
        let Some(ours) = self.slots[leader].volume.as_ref() else {
            return;
        };
        if !config_of(&ours.log).members().contains(&id)
            || self
                .catalog(follower)
                .tombstones
                .contains_key(&ours.incarnation)
        {
            return;
        }
        let (log, commit) = (ours.log.clone(), ours.commit);
        let Some(theirs) = &mut self.slots[follower].volume else {
            return;
        };
        if theirs.term > term {
            let term = theirs.term;
            self.slots[leader].leading = None;
            if let Some(ours) = &mut self.slots[leader].volume {
                (ours.term, ours.voted) = (term, None);
            }
            return;
        }
        if theirs.term < term {
            (theirs.term, theirs.voted) = (term, None);
        }
        let shared = log
            .iter()
            .zip(&theirs.log)
            .take_while(|(one, other)| Arc::ptr_eq(&one.1, &other.1))
            .count();
        let until = log.len().min(shared.saturating_add(entries));
        if until > shared {
            theirs.log.truncate(shared);
            theirs.log.extend_from_slice(&log[shared..until]);
        }
        theirs.commit = theirs.commit.max(commit.min(until));
        self.slots[follower].leading = None;
        if let Some(leading) = &mut self.slots[leader].leading {
            leading.matched.insert(id, (until, now));
        }
        self.commit(leader);
    }

    pub(super) fn beat(&mut self, leader: usize) {
        for follower in 0..self.slots.len() {
            self.replicate(leader, follower, usize::MAX);
        }
    }

    /// Commits what a majority of both halves has, once that includes an entry of the leader's own
    /// term.
    fn commit(&mut self, slot: usize) {
        let (Some(leading), Some(volume)) = (&self.slots[slot].leading, &self.slots[slot].volume)
        else {
            return;
        };
        let (config, me) = (config_of(&volume.log), volume.raft_id);
        let has = |index: usize, id: RaftId| {
            Some(id) == me
                || leading
                    .matched
                    .get(&id)
                    .is_some_and(|(matched, _)| *matched >= index)
        };
        let own_term = |index: &usize| volume.log[*index - 1].0 == leading.term;
        let mut candidates = (volume.commit + 1..=volume.log.len())
            .rev()
            .filter(own_term);
        let Some(index) = candidates.find(|index| config.has_majority(|id| has(*index, id))) else {
            return;
        };
        let log: Log = volume.log[..index].to_vec();
        if let Some(volume) = &mut self.slots[slot].volume {
            volume.commit = index;
        }
        self.record(slot, &log);
    }

    fn record(&mut self, slot: usize, log: &Log) {
        for (at, (term, entry)) in log.iter().enumerate() {
            match self.committed.get(at) {
                Some(committed) if Arc::ptr_eq(&committed.entry, entry) => {}
                Some(committed) => {
                    let text = format!(
                        "slot {slot} commits {entry:?} where {:?} was",
                        committed.entry
                    );
                    self.history.break_(
                        "a committed entry is in the log of every later leader",
                        text,
                    );
                    return;
                }
                None => self.apply(at as u64 + 1, *term, entry.clone()),
            }
        }
    }

    pub(super) fn apply(&mut self, index: u64, term: u64, entry: Arc<Entry>) {
        let before = self.committed.last();
        let mut catalog = before
            .map(|committed| committed.catalog.clone())
            .unwrap_or_default();
        let mut config = before
            .map(|committed| committed.config.clone())
            .unwrap_or_default();
        let mut outcome = None;
        match &*entry {
            Entry::Blank => {}
            Entry::Config(next) => config = next.clone(),
            Entry::Command(command) => {
                let at = UnixNanos(i64::try_from(self.now.as_nanos()).expect("small"));
                let stamped = Stamped {
                    at,
                    retention_autocreate: false,
                    command: command.clone().into(),
                };
                outcome = Some(apply(&mut catalog, LogId { term, index }, &stamped));
            }
        }
        self.committed.push(Committed {
            entry,
            catalog,
            outcome,
            config,
        });
        super::invariants::on_committed(self);
    }
}
