//! Invariants that must hold after every step (founding.md 9), by name.

use influxdb_meta::base::ClusterId;

use super::world::World;

type Invariant = fn(&World) -> Option<String>;

const INVARIANTS: &[(&str, Invariant)] = &[
    (
        "no two clusters over one list can both elect",
        two_clusters_elect,
    ),
    ("acknowledged data is not founded over", founded_over_data),
    ("started is never replaced", started_replaced),
    (
        "a Raft id belongs to one incarnation for ever",
        raft_id_reused,
    ),
    (
        "an incarnation is durable before it is heard of",
        undurable_incarnation,
    ),
];

/// Whether assumption A2 of founding.md 9 holds: at most one live node answers at each listed
/// address. Without it, only what each volume does is promised, and not which clusters form.
fn one_node_per_name(world: &World) -> bool {
    world.slots.len() <= world.founders
}

/// Records what just happened and notes every invariant that is broken.
pub(super) fn check(world: &mut World) {
    remember(world);
    let broken: Vec<String> = INVARIANTS
        .iter()
        .filter_map(|(name, holds)| holds(world).map(|how| format!("{name}: {how}")))
        .collect();
    world.history.broken.extend(broken);
    world.history.just_started = None;
}

fn remember(world: &mut World) {
    for slot in &world.slots {
        let Some(volume) = &slot.volume else { continue };
        let (Some(seat), Some(list)) = (volume.record.seat(), slot.list()) else {
            continue;
        };
        world
            .history
            .lists
            .entry(seat.cluster_id)
            .or_insert_with(|| list.to_vec());
        let incarnation = volume.record.incarnation;
        world
            .history
            .started
            .entry(incarnation)
            .or_insert(seat.cluster_id);
        world
            .history
            .seats
            .entry((seat.cluster_id, seat.raft_id.0))
            .or_insert(incarnation);
    }
}

fn same_list(world: &World, one: ClusterId, other: ClusterId) -> bool {
    world.history.lists.get(&one) == world.history.lists.get(&other)
}

fn two_clusters_elect(world: &World) -> Option<String> {
    let electing = world.electing();
    let pairs = electing
        .iter()
        .flat_map(|one| electing.iter().map(move |other| (one, other)));
    let mut both = pairs.filter(|(one, other)| one.0 < other.0 && same_list(world, one.0, other.0));
    both.next()
        .filter(|_| one_node_per_name(world))
        .map(|both| format!("{both:?}"))
}

fn founded_over_data(world: &World) -> Option<String> {
    let (by, started) = world.history.just_started?;
    let held = |(cluster, _): &&(ClusterId, u64)| {
        *cluster != started && same_list(world, *cluster, started)
    };
    let volumes = world.slots.iter().filter_map(|slot| slot.volume.as_ref());
    let write = volumes
        .flat_map(|volume| &volume.writes)
        .find(held)
        .filter(|_| one_node_per_name(world))?;
    Some(format!(
        "slot {by} started {started} while a volume still holds a write of {}",
        write.0
    ))
}

fn started_replaced(world: &World) -> Option<String> {
    world.slots.iter().find_map(|slot| {
        let (incarnation, now) = (slot.incarnation()?, slot.cluster()?);
        let first = world.history.started.get(&incarnation)?;
        (*first != now).then(|| format!("{incarnation} was in {first}, is in {now}"))
    })
}

fn raft_id_reused(world: &World) -> Option<String> {
    world.slots.iter().find_map(|slot| {
        let record = &slot.volume.as_ref()?.record;
        let seat = record.seat()?;
        let first = world
            .history
            .seats
            .get(&(seat.cluster_id, seat.raft_id.0))?;
        (*first != record.incarnation).then(|| format!("{} of {}", seat.raft_id, seat.cluster_id))
    })
}

fn undurable_incarnation(world: &World) -> Option<String> {
    world.slots.iter().find_map(|slot| {
        let origin = slot.volume.as_ref()?.record.origin()?;
        let undurable = origin
            .vector
            .iter()
            .find(|e| !world.history.durable.contains(&e.incarnation))?;
        Some(format!("{} of {}", undurable.incarnation, undurable.http))
    })
}
