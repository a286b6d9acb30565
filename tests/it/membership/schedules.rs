//! Seeded schedules: joins, wipes, removals, moves and duplicate names, while leaders crash between
//! any two steps and links fail and come back. Then all faults end, and after that every intact
//! node that wants to be a member becomes one.

use std::collections::BTreeSet;
use std::time::Duration;

use influxdb_meta::base::{Address, RaftId};
use influxdb_meta::catalog::RemovedWhy;
use influxdb_meta::cluster::membership::Event;
use influxdb_meta::wire::identity::Phase;

use super::world::{Flight, Planted, World, name};

/// Faults of a schedule besides crashes, restarts, elections and partitions.
#[derive(Clone, Copy, Default)]
struct Faults {
    newcomers: usize,
    wipes: usize,
    duplicates: usize,
    copies: usize,
    renames: usize,
    removals: usize,
    /// Number of pauses of eleven minutes.
    long: usize,
}

const ALL: Faults = Faults {
    newcomers: 2,
    wipes: 2,
    duplicates: 1,
    copies: 1,
    renames: 2,
    removals: 2,
    long: 1,
};

/// Runs one schedule. `Err` names the broken invariant or what hung.
fn schedule(seed: u64, faults: Faults, planted: Planted) -> Result<(), String> {
    let founders = [3, 3, 5, 2, 1, 4][(seed % 6) as usize];
    let max_voters = if seed.is_multiple_of(5) { 3 } else { 5 };
    let mut world = World::new(seed, founders, max_voters);
    world.planted = planted;
    let mut left = faults;
    world.campaign(0);
    for _ in 0..100 + world.rng.below(300) {
        step(&mut world, &mut left);
        broken(&world)?;
    }
    heal(&mut world);
    if may_be_stuck(&world) {
        return Ok(());
    }
    for round in 0..ROUNDS {
        world.round(round);
        broken(&world)?;
        if is_settled(&world) {
            return stays_settled(&mut world);
        }
    }
    // Voters may have been removed since, by force, or replaced because they were taken for gone.
    if may_be_stuck(&world) {
        Ok(())
    } else {
        Err(format!("hangs:\n{}", world.describe()))
    }
}

/// Checks that nothing is left half done which would go on or be undone. A removal that was asked
/// for last may still happen.
fn stays_settled(world: &mut World) -> Result<(), String> {
    for _ in 0..5 {
        let before = world.committed.len();
        (0..8).for_each(|_| world.round(ROUNDS));
        broken(world)?;
        if is_settled(world) && world.committed.len() == before {
            return Ok(());
        }
    }
    Err(format!(
        "meta nodes and membership agree whenever no step is half done: it goes on\n{}",
        world.describe()
    ))
}

fn broken(world: &World) -> Result<(), String> {
    world
        .history
        .broken
        .as_ref()
        .map_or(Ok(()), |how| Err(format!("{how}\n{}", world.describe())))
}

fn any(world: &World) -> usize {
    world.rng.below(world.slots.len() as u64) as usize
}

/// Takes one step of one node, or one turn of all nodes, or injects one fault.
fn step(world: &mut World, left: &mut Faults) {
    let slot = any(world);
    match world.rng.below(60) {
        0..30 => turn(world),
        30..36 => world
            .leaders()
            .into_iter()
            .for_each(|leader| world.go_on(leader)),
        36..40 => world
            .leaders()
            .into_iter()
            .for_each(|leader| world.look(leader)),
        40..43 => world.mind(slot),
        43 if world.rng.chance(30) => world.campaign(slot),
        44 => world.crash(slot),
        45..47 => {
            // The leader dies, however far its step is.
            if let Some(leader) = world.leaders().first() {
                world.crash(*leader);
            }
        }
        47 => world.cut(slot, any(world)),
        48 | 49 => world.cut.clear(),
        50..54 => fault(world, left, slot),
        _ => world.start(slot),
    }
}

/// Moves everything on by one small step, where links allow it.
fn turn(world: &mut World) {
    world.advance();
    for slot in 0..world.slots.len() {
        if world.open_raft(slot).is_some()
            && world.leader_for(slot).is_none()
            && world.rng.chance(20)
        {
            world.campaign(slot);
        }
        if world.rng.chance(60) {
            world.mind(slot);
        }
    }
    for leader in world.leaders() {
        world.go_on(leader);
        world.look(leader);
    }
}

fn fault(world: &mut World, left: &mut Faults, slot: usize) {
    let other = any(world);
    match world.rng.below(8) {
        0 if take(&mut left.newcomers) => drop(world.add_slot(world.rng.chance(70))),
        1 | 2 if (is_spare(world, slot) || world.rng.chance(3)) && take(&mut left.wipes) => {
            world.wipe(slot);
            world.start(slot);
        }
        3 if take(&mut left.duplicates) => {
            let duplicate = world.add_slot(true);
            world.slots[duplicate].is_outsider = true;
            world.rename(duplicate, world.slots[slot].home.clone());
        }
        4 if slot != other && is_spare(world, other) && take(&mut left.copies) => {
            let copied = world.slots[slot].volume.clone();
            world.wipe(other);
            (world.slots[other].volume, world.slots[other].is_copy) = (copied, true);
            world.start(other);
        }
        5 if take(&mut left.renames) => {
            let (one, two) = (
                world.slots[slot].home.clone(),
                world.slots[other].home.clone(),
            );
            if slot == other {
                world.rename(
                    slot,
                    Address::new(&format!("elsewhere-{}", left.renames), 8091),
                );
            } else if !world.slots[slot].is_outsider && !world.slots[other].is_outsider {
                world.rename(slot, two);
                world.rename(other, one);
            }
        }
        6 if take(&mut left.removals) => {
            if let (Some(leader), Some(id)) =
                (world.leaders().first().copied(), raft_id(world, slot))
            {
                let force = world.rng.chance(30);
                world.remove(leader, id, force);
            }
        }
        7 if take(&mut left.long) => world.wait_long(),
        _ => {}
    }
}

/// Whether a majority of the voters is intact without this node.
fn is_spare(world: &World, slot: usize) -> bool {
    let is_intact = |id: RaftId| {
        (0..world.slots.len()).any(|other| other != slot && has_raft_id(world, other, id))
    };
    world
        .committed
        .last()
        .is_some_and(|committed| committed.config.has_majority(is_intact))
}

/// Whether this slot's volume is that member's and speaks for it whenever it runs.
fn has_raft_id(world: &World, slot: usize, id: RaftId) -> bool {
    let node = &world.slots[slot];
    let volume = node
        .volume
        .as_ref()
        .filter(|_| !node.is_copy && !node.is_outsider);
    volume.is_some_and(|volume| volume.raft_id == Some(id) && volume.phase != Phase::Removed)
}

fn take(left: &mut usize) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}

fn raft_id(world: &World, slot: usize) -> Option<RaftId> {
    world.slots[slot]
        .volume
        .as_ref()
        .and_then(|volume| volume.raft_id)
}

const ROUNDS: u32 = 700;

impl World {
    fn look(&mut self, leader: usize) {
        if self.slots[leader]
            .leading
            .as_ref()
            .is_some_and(|leading| leading.flight.is_none())
        {
            self.give(leader, Event::Tick);
        }
    }

    /// Lets a moment pass: most nodes that can reach each other do.
    fn advance(&mut self) {
        self.now += Duration::from_millis(self.rng.below(700));
        for one in 0..self.slots.len() {
            for other in 0..one {
                if self.are_linked(one, other) && self.rng.chance(85) {
                    self.hear(one, other);
                    self.tell_removed(one, other);
                    self.tell_removed(other, one);
                }
            }
        }
        for leader in self.leaders() {
            for follower in 0..self.slots.len() {
                let entries = if self.rng.chance(15) { 1 } else { usize::MAX };
                if self.rng.chance(85) {
                    self.replicate(leader, follower, entries);
                }
            }
        }
        (0..self.slots.len()).for_each(|slot| self.notice(slot));
    }

    /// Lets eleven minutes pass, in which the leaders check from time to time.
    fn wait_long(&mut self) {
        for _ in 0..22 {
            self.now += Duration::from_secs(30);
            self.advance();
            for leader in self.leaders() {
                self.go_on(leader);
                self.look(leader);
            }
        }
    }

    /// Runs one fair round: all nodes hear each other, every step goes on, every node does what is
    /// due.
    fn round(&mut self, round: u32) {
        let millis = if round < 400 { 100 } else { 3000 };
        self.now += Duration::from_millis(millis);
        for one in 0..self.slots.len() {
            for other in 0..one {
                if self.are_linked(one, other) {
                    self.hear(one, other);
                    self.tell_removed(one, other);
                    self.tell_removed(other, one);
                }
            }
        }
        let works = |leader: &usize| {
            let leading = self.slots[*leader].leading.as_ref();
            leading.is_some_and(|leading| leading.machine.is_some())
        };
        if !self.leaders().iter().any(works) {
            // The order changes each round. In one fixed order, a node that lags would raise the
            // terms before the others' turn, for ever.
            let slots = self.slots.len();
            for slot in (0..slots).map(|slot| (slot + round as usize) % slots) {
                if self.leaders().is_empty() {
                    self.campaign(slot);
                }
            }
        }
        for leader in self.leaders() {
            self.beat(leader);
            self.beat(leader);
            for _ in 0..4 {
                self.go_on(leader);
                self.beat(leader);
            }
            self.look(leader);
        }
        (0..self.slots.len()).for_each(|slot| self.mind(slot));
    }

    fn is_in_flight(&self, leader: usize) -> bool {
        let flight = self.slots[leader]
            .leading
            .as_ref()
            .and_then(|leading| leading.flight.as_ref());
        matches!(flight, Some(Flight::Commit { .. } | Flight::Begin(_)))
    }
}

/// Ends all faults: no cut links, no copies, no second node behind any name, and all nodes run.
fn heal(world: &mut World) {
    world.cut.clear();
    world.is_shaky = false;
    let mut taken = BTreeSet::new();
    for slot in 0..world.slots.len() {
        if world.slots[slot].is_copy {
            world.wipe(slot);
        }
        if world.slots[slot].is_outsider {
            world.wipe(slot);
            let home = world.slots[slot].home.clone();
            world
                .names
                .entry(home)
                .or_default()
                .retain(|other| *other != slot);
            continue;
        }
        let home = world.slots[slot].home.clone();
        if !taken.insert(home.clone()) {
            world.rename(slot, name(100 + slot));
        }
        world.start(slot);
    }
}

/// Whether this node is to be a member in the end.
fn wants(world: &World, slot: usize) -> bool {
    let node = &world.slots[slot];
    let removed = node.volume.as_ref().and_then(|volume| volume.removed);
    !node.is_outsider && removed != Some(RemovedWhy::Removed)
}

fn is_settled(world: &World) -> bool {
    let Some(leader) = world.leaders().into_iter().max_by_key(|leader| {
        world.slots[*leader]
            .leading
            .as_ref()
            .map(|leading| leading.term)
    }) else {
        return false;
    };
    let (catalog, config) = (world.catalog(leader), world.config(leader));
    // A pending that got its vote at an address of another node, and whose volume was then
    // destroyed. Only an operator can remove it.
    let is_lost = |id: RaftId| (0..world.slots.len()).all(|slot| raft_id(world, slot) != Some(id));
    let lost_pendings: BTreeSet<RaftId> = catalog
        .pendings
        .values()
        .map(|pending| pending.raft_id)
        .collect();
    let are_lost = lost_pendings
        .iter()
        .all(|id| config.voters.contains(id) && is_lost(*id));
    if config.outgoing.is_some() || !are_lost || world.is_in_flight(leader) {
        return false;
    }
    let nodes = catalog.meta_nodes.values().map(|node| node.raft_id);
    let members: BTreeSet<RaftId> = nodes.chain(lost_pendings).collect();
    let is_in = |slot: usize| {
        let node = &world.slots[slot];
        let Some(volume) = &node.volume else {
            return false;
        };
        let entry = catalog.meta_node_by_incarnation(volume.incarnation);
        volume.phase == Phase::Member
            && entry.is_some_and(|entry| {
                Some(entry.raft_id) == volume.raft_id && entry.http == node.home
            })
    };
    let room = config.voters.len() < world.max_voters;
    let waits = |id: RaftId| config.learners.contains(&id) && !is_lost(id);
    let waits_for_a_vote = catalog
        .meta_nodes
        .values()
        .any(|node| node.voter && waits(node.raft_id));
    members == config.members()
        && !(room && waits_for_a_vote)
        && (0..world.slots.len())
            .filter(|slot| wants(world, *slot))
            .all(is_in)
}

/// Whether so many volumes of voters were destroyed or removed that no node can be elected.
fn may_be_stuck(world: &World) -> bool {
    let intact = |id: RaftId| (0..world.slots.len()).any(|slot| has_raft_id(world, slot, id));
    let committed = world
        .committed
        .last()
        .map(|committed| committed.config.clone())
        .unwrap_or_default();
    let logs = (0..world.slots.len()).filter(|slot| world.open_raft(*slot).is_some());
    let configs = logs.map(|slot| world.config(slot)).chain([committed]);
    !configs
        .into_iter()
        .filter(|config| !config.voters.is_empty())
        .all(|config| config.has_majority(intact))
}

/// Runs so many seeds, or only the seed `MEMBERSHIP_SEED`. Prints a failing seed, which can be
/// replayed alone.
fn run(count: u64, faults: Faults) {
    if let Some(seed) = std::env::var("MEMBERSHIP_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        return schedule(seed, faults, Planted::Nothing)
            .unwrap_or_else(|how| panic!("seed {seed}: {how}"));
    }
    let count = if std::env::var_os("SOAK").is_some() {
        count * 50
    } else {
        count
    };
    let failing = |seed| {
        schedule(seed, faults, Planted::Nothing)
            .err()
            .map(|how| (seed, how))
    };
    let failed: Vec<(u64, String)> = (0..count).filter_map(failing).take(1).collect();
    let seeds: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    if let Some((seed, how)) = failed.first() {
        panic!("MEMBERSHIP_SEED={seed} (of {seeds:?}): {how}");
    }
}

#[test]
fn schedules_with_crashes_and_newcomers() {
    run(
        200,
        Faults {
            newcomers: 3,
            ..Faults::default()
        },
    );
}

#[test]
fn schedules_with_wipes() {
    run(
        250,
        Faults {
            newcomers: 1,
            wipes: 3,
            ..Faults::default()
        },
    );
}

#[test]
fn schedules_with_removals_and_long_silences() {
    run(
        150,
        Faults {
            newcomers: 1,
            wipes: 1,
            removals: 3,
            long: 2,
            ..Faults::default()
        },
    );
}

#[test]
fn schedules_with_names_that_move_and_twins_and_copies() {
    run(
        150,
        Faults {
            newcomers: 1,
            wipes: 1,
            duplicates: 2,
            copies: 1,
            renames: 3,
            ..Faults::default()
        },
    );
}

#[test]
fn schedules_with_everything() {
    run(250, ALL);
}

#[test]
fn the_same_seed_gives_the_same_end() {
    let end = |seed| {
        let mut world = World::new(seed, 3, 5);
        world.campaign(0);
        let mut left = ALL;
        (0..200).for_each(|_| step(&mut world, &mut left));
        (world.describe(), world.now)
    };
    assert_eq!(end(7), end(7));
    assert_ne!(end(7), end(8));
}

/// Checks that the schedules find a planted mistake; if they did not, they would prove nothing.
fn finds(planted: Planted, faults: Faults, what: &str) {
    let notices = |seed| schedule(seed, faults, planted).is_err_and(|how| how.contains(what));
    assert!(
        (0..3000).any(notices),
        "{planted:?} was not noticed as {what:?}"
    );
}

#[test]
fn a_newcomer_in_the_catalog_before_the_joint_change_would_be_noticed() {
    finds(
        Planted::AddFirst,
        ALL,
        "a tombstoned incarnation is never a voter again",
    );
}

#[test]
fn judging_only_when_it_asks_to_join_would_be_noticed() {
    finds(
        Planted::JudgeOnce,
        ALL,
        "a live voter that an answering member hears is not replaced",
    );
}

#[test]
fn dropping_a_pending_that_votes_would_be_noticed() {
    finds(
        Planted::DropVoter,
        ALL,
        "who votes is a meta node or about to become one",
    );
}

#[test]
fn taking_the_old_one_out_first_would_be_noticed() {
    finds(
        Planted::OldOutFirst,
        ALL,
        "Replace takes the old one out and the newcomer in together",
    );
}

/// Why a learner stores `member` only once the catalog has it: if it is dropped before that, it
/// would wait for ever.
#[test]
fn a_learner_that_is_a_member_too_early_would_be_noticed() {
    finds(
        Planted::MemberEarly,
        Faults {
            newcomers: 3,
            long: 3,
            ..Faults::default()
        },
        "hangs",
    );
}
