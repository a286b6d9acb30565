//! Invariants that must hold after every step (founding.md 9), by name.

use std::collections::{BTreeMap, BTreeSet};

use influxdb_meta::base::{Incarnation, RaftId};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::cluster::membership::Step;

use super::raft::Config;
use super::world::{SILENCE, World};

const ONE_LIFE: &str = "one Raft id belongs to one incarnation for ever";
const NO_RETURN: &str = "a tombstoned incarnation is never a voter again";
const LIVE_STAYS: &str = "a live voter that an answering member hears is not replaced";
const KNOWN: &str = "who votes is a meta node or about to become one";
const IN_BEFORE: &str = "a meta node is in the membership before it is in the catalog";
const TOGETHER: &str = "Replace takes the old one out and the newcomer in together";
const ONLY_BY: &str = "voters change only by Replace, Remove and join";

/// Record of what happened, for the invariants.
#[derive(Default)]
pub(super) struct History {
    /// First broken invariant, and how it broke.
    pub(super) broken: Option<String>,
    seats: BTreeMap<RaftId, Incarnation>,
    /// Raft ids whose removal operators asked for.
    pub(super) asked_out: BTreeSet<RaftId>,
    /// Whether an answering member had heard it when it was last inquired about.
    heard: BTreeMap<RaftId, bool>,
}

impl History {
    pub(super) fn break_(&mut self, invariant: &str, how: impl Into<String>) {
        let how = how.into();
        self.broken
            .get_or_insert_with(|| format!("{invariant}: {how}"));
    }

    pub(super) fn inquired(&mut self, old: RaftId, is_heard: bool) {
        self.heard.insert(old, is_heard);
    }

    fn seat(&mut self, raft_id: RaftId, incarnation: Incarnation) {
        let first = *self.seats.entry(raft_id).or_insert(incarnation);
        if first != incarnation {
            self.break_(
                ONE_LIFE,
                format!("Raft id {raft_id} was {first}, is {incarnation}"),
            );
        }
    }
}

fn incarnation_of(catalog: &Catalog, raft_id: RaftId) -> Option<Incarnation> {
    let node = catalog
        .meta_node_by_raft_id(raft_id)
        .map(|node| node.incarnation);
    node.or_else(|| {
        catalog
            .pending_by_raft_id(raft_id)
            .map(|pending| pending.incarnation)
    })
}

fn voting(config: &Config) -> impl Iterator<Item = RaftId> + '_ {
    config
        .voters
        .iter()
        .chain(config.outgoing.iter().flatten())
        .copied()
}

/// Checks the newest committed entry.
pub(super) fn on_committed(world: &mut World) {
    let [.., before, last] = &world.committed[..] else {
        return;
    };
    let (catalog, config) = (last.catalog.clone(), last.config.clone());
    let newly: Vec<RaftId> = catalog
        .meta_nodes
        .values()
        .map(|node| node.raft_id)
        .collect();
    let was = |id: &RaftId| before.catalog.meta_node_by_raft_id(*id).is_some();
    let newly: Vec<RaftId> = newly.into_iter().filter(|id| !was(id)).collect();
    let had_a_cluster = before.catalog.cluster.is_some();
    let history = &mut world.history;
    if let Err(violation) = catalog.check() {
        history.break_("the catalog holds together", violation.to_string());
    }
    let nodes = catalog
        .meta_nodes
        .values()
        .map(|node| (node.raft_id, node.incarnation));
    let pendings = catalog
        .pendings
        .values()
        .map(|pending| (pending.raft_id, pending.incarnation));
    let tombstones = catalog
        .tombstones
        .values()
        .map(|tombstone| (tombstone.raft_id, tombstone.incarnation));
    nodes
        .chain(pendings)
        .chain(tombstones)
        .for_each(|(id, who)| history.seat(id, who));
    if !had_a_cluster {
        return;
    }
    for id in voting(&config) {
        if catalog
            .tombstones
            .values()
            .any(|tombstone| tombstone.raft_id == id)
        {
            history.break_(NO_RETURN, format!("Raft id {id} in {config:?}"));
        }
        if incarnation_of(&catalog, id).is_none() {
            history.break_(KNOWN, format!("Raft id {id} in {config:?}"));
        }
    }
    for id in newly
        .into_iter()
        .filter(|id| !config.members().contains(id))
    {
        history.break_(IN_BEFORE, format!("Raft id {id} is not in {config:?}"));
    }
}

/// Whether the leader, or a member that answers it, has heard it within T.
pub(super) fn is_heard(world: &World, leader: usize, old: RaftId) -> bool {
    let Some(incarnation) = incarnation_of(&world.catalog(leader), old) else {
        return false;
    };
    let members = world.config(leader).members();
    let speaks = |slot: usize| {
        slot == leader
            || world.are_linked(leader, slot)
                && world
                    .open_raft(slot)
                    .is_some_and(|id| members.contains(&id))
    };
    let heard = |slot: usize| {
        let at = world.slots[slot].heard.get(&incarnation);
        at.is_some_and(|at| world.now - *at < SILENCE)
    };
    (0..world.slots.len()).any(|slot| speaks(slot) && heard(slot))
        || leader_hears(world, leader, old)
}

fn leader_hears(world: &World, leader: usize, old: RaftId) -> bool {
    let acked = world.slots[leader]
        .leading
        .as_ref()
        .and_then(|leading| leading.matched.get(&old));
    let incarnation = incarnation_of(&world.catalog(leader), old);
    let heard = incarnation.and_then(|incarnation| world.slots[leader].heard.get(&incarnation));
    let is_new = |at| world.now - at < SILENCE;
    acked.is_some_and(|(_, at)| is_new(*at)) || heard.is_some_and(|at| is_new(*at))
}

/// Checks a step that the leader's state machine wants done.
pub(super) fn on_step(world: &mut World, leader: usize, step: &Step) {
    let Step::ChangeVoters { voters } = step else {
        return;
    };
    let (catalog, config) = (world.catalog(leader), world.config(leader));
    if config.outgoing.is_some() {
        if *voters != config.voters {
            world
                .history
                .break_(ONLY_BY, format!("{config:?} ends as {voters:?}"));
        }
        return;
    }
    for id in voters.difference(&config.voters) {
        let pending = catalog.pending_by_raft_id(*id).map(|pending| pending.voter);
        let node = catalog.meta_node_by_raft_id(*id).map(|node| node.voter);
        if pending.or(node) != Some(true) {
            world
                .history
                .break_(ONLY_BY, format!("Raft id {id} comes to vote, unasked"));
        }
    }
    for id in config.voters.difference(voters) {
        if !world.history.asked_out.contains(id) {
            replaced(world, leader, *id, voters);
        }
    }
}

fn replaced(world: &mut World, leader: usize, old: RaftId, voters: &BTreeSet<RaftId>) {
    let catalog = world.catalog(leader);
    let Some(node) = catalog.meta_node_by_raft_id(old) else {
        return world.history.break_(
            ONLY_BY,
            format!("Raft id {old} goes, which is no meta node"),
        );
    };
    let newcomers = catalog
        .pendings
        .values()
        .filter(|p| p.http == node.http || p.raft == node.raft);
    // A newcomer that asked not to vote takes no part in the change.
    let comes = newcomers
        .into_iter()
        .any(|pending| voters.contains(&pending.raft_id) || !pending.voter);
    if !comes {
        world.history.break_(
            TOGETHER,
            format!("Raft id {old} at {} goes alone: {voters:?}", node.http),
        );
    }
    match world.history.heard.get(&old) {
        None => world
            .history
            .break_(ONLY_BY, format!("nobody was asked about Raft id {old}")),
        Some(true) => world.history.break_(
            LIVE_STAYS,
            format!("Raft id {old} was heard when asked about"),
        ),
        Some(false) if leader_hears(world, leader, old) => {
            world
                .history
                .break_(LIVE_STAYS, format!("the leader hears Raft id {old}"));
        }
        Some(false) => {}
    }
}
