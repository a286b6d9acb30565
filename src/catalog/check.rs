//! Invariants of the catalog, each with its name, in one list.

mod databases;
mod nodes;
mod permissions;
mod shards;
mod sizes;

use std::fmt::Debug;

use super::{Catalog, MAX_ID};

/// A condition that holds after every command, whatever the commands were.
pub struct Invariant {
    pub name: &'static str,
    /// Checks the condition. `Err` has the text of what breaks it.
    holds: fn(&Catalog) -> Result<(), String>,
}

impl Invariant {
    fn check(&self, catalog: &Catalog) -> Result<(), Violation> {
        (self.holds)(catalog).map_err(|found| Violation {
            invariant: self.name,
            found,
        })
    }
}

/// A contradiction in the catalog: a bug in the machine, or bytes that are not a snapshot of this
/// program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant {invariant:?} is broken: {found}")]
pub struct Violation {
    pub invariant: &'static str,
    pub found: String,
}

/// Name of the invariant whose check computes the index of shards anew.
const INDEX_INVARIANT: &str = "the index of shards is that of the databases";

/// All invariants. Tests check them after each step of each random sequence.
///
/// None concerns passive data nodes: their addresses may be those of nodes that are still to join,
/// and a node that has become passive keeps the shards that it owns.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the index is at least 1",
        holds: index_is_at_least_one,
    },
    Invariant {
        name: "databases changed at the index or before",
        holds: content_is_not_ahead,
    },
    Invariant {
        name: "highest ids leave room for the next ones",
        holds: ids_leave_room,
    },
    Invariant {
        name: "nodes need a cluster",
        holds: nodes::need_a_cluster,
    },
    Invariant {
        name: "entries stand under their own key",
        holds: nodes::stand_under_their_key,
    },
    Invariant {
        name: "node ids are from 1 to the highest given out",
        holds: nodes::ids_are_given_out,
    },
    Invariant {
        name: "a node id belongs to one node",
        holds: nodes::ids_are_unique,
    },
    Invariant {
        name: "Raft ids are from 1 to the highest given out",
        holds: nodes::raft_ids_are_given_out,
    },
    Invariant {
        name: "a Raft id belongs to one incarnation",
        holds: nodes::raft_ids_are_unique,
    },
    Invariant {
        name: "an incarnation is member, pending or tombstoned",
        holds: nodes::incarnations_are_unique,
    },
    Invariant {
        name: "addresses of members are unique",
        holds: nodes::addresses_are_unique,
    },
    Invariant {
        name: "TCP addresses of data nodes are unique",
        holds: nodes::tcp_addresses_are_unique,
    },
    Invariant {
        name: "labels are few and sized",
        holds: nodes::labels_are_sized,
    },
    Invariant {
        name: "leases are few and named",
        holds: nodes::leases_are_few,
    },
    Invariant {
        name: "databases by order and by name agree",
        holds: databases::agree,
    },
    Invariant {
        name: "users by order and by name agree",
        holds: databases::users_agree,
    },
    Invariant {
        name: "names have 1 to 255 bytes",
        holds: databases::names_are_sized,
    },
    Invariant {
        name: "users have names",
        holds: databases::users_are_named,
    },
    Invariant {
        name: "roles by order and by name agree",
        holds: databases::roles_agree,
    },
    Invariant {
        name: "roles have names of 1 to 255 bytes",
        holds: permissions::roles_are_named,
    },
    Invariant {
        name: "members of roles are users",
        holds: permissions::members_are_users,
    },
    Invariant {
        name: "permissions have one form",
        holds: permissions::have_one_form,
    },
    Invariant {
        name: "retention policies of a database have unique names",
        holds: databases::policies_are_unique,
    },
    Invariant {
        name: "retention policies are possible",
        holds: databases::policies_are_possible,
    },
    Invariant {
        name: "continuous queries of a database have unique names",
        holds: databases::queries_are_unique,
    },
    Invariant {
        name: "subscriptions of a retention policy have unique names",
        holds: databases::subscriptions_are_unique,
    },
    Invariant {
        name: "shard groups by order and by id agree",
        holds: shards::groups_agree,
    },
    Invariant {
        name: "shard group ids are from 1 to the highest given out",
        holds: shards::group_ids_are_given_out,
    },
    Invariant {
        name: "a shard group id belongs to one group",
        holds: shards::group_ids_are_unique,
    },
    Invariant {
        name: "shard ids are from 1 to the highest given out",
        holds: shards::ids_are_given_out,
    },
    Invariant {
        name: "a shard id belongs to one shard",
        holds: shards::ids_are_unique,
    },
    Invariant {
        name: "shard groups have a span, and end within it",
        holds: shards::groups_have_a_span,
    },
    Invariant {
        name: "no shard group is deleted or truncated at the epoch",
        holds: shards::instants_can_be_shown,
    },
    Invariant {
        name: "shard groups overlap only deleted ones",
        holds: shards::groups_do_not_overlap,
    },
    Invariant {
        name: "shard groups without shards are deleted",
        holds: shards::groups_have_shards,
    },
    Invariant {
        name: "owners are distinct data nodes",
        holds: shards::owners_are_distinct_data_nodes,
    },
    Invariant {
        name: "shards without owners are in deleted groups, or their owners are sought",
        holds: shards::ownerless_shards_are_sought,
    },
    Invariant {
        name: INDEX_INVARIANT,
        holds: shards::index_is_that_of_the_databases,
    },
    Invariant {
        name: "permissions are on databases",
        holds: permissions::are_on_databases,
    },
    Invariant {
        name: "sizes are those of the contents",
        holds: sizes::are_those_of_the_contents,
    },
];

impl Catalog {
    /// Checks every invariant.
    ///
    /// # Errors
    /// [`Violation`]: the first invariant that is broken, and what breaks it.
    pub fn check(&self) -> Result<(), Violation> {
        INVARIANTS
            .iter()
            .try_for_each(|invariant| invariant.check(self))
    }

    /// Checks every invariant of a catalog whose index of shards was computed just now: computing
    /// it a second time would need as much memory again.
    ///
    /// # Errors
    /// Returns the first violation, like [`Self::check`].
    pub fn check_indexed(&self) -> Result<(), Violation> {
        INVARIANTS
            .iter()
            .filter(|invariant| invariant.name != INDEX_INVARIANT)
            .try_for_each(|invariant| invariant.check(self))
    }
}

fn index_is_at_least_one(catalog: &Catalog) -> Result<(), String> {
    ensure(catalog.index >= 1, || "index 0".to_owned())
}

fn content_is_not_ahead(catalog: &Catalog) -> Result<(), String> {
    let found = || {
        format!(
            "changed at {}, index {}",
            catalog.content_index, catalog.index
        )
    };
    ensure(catalog.content_index <= catalog.index, found)
}

fn ids_leave_room(catalog: &Catalog) -> Result<(), String> {
    let ids = [
        catalog.max_node_id,
        catalog.max_raft_id,
        catalog.max_shard_group_id,
        catalog.max_shard_id,
    ];
    let insertion_numbers = [
        catalog.databases.next,
        catalog.users.next,
        catalog.roles.next,
    ];
    each(ids.into_iter().chain(insertion_numbers), |id| *id <= MAX_ID)
}

fn ensure(holds: bool, found: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(found()) }
}

fn each<T: Debug>(
    items: impl IntoIterator<Item = T>,
    holds: impl Fn(&T) -> bool,
) -> Result<(), String> {
    items
        .into_iter()
        .try_for_each(|item| ensure(holds(&item), || format!("{item:?}")))
}

/// Sorts a copy of the items: a set would need several times its memory.
fn unique<T: Ord + Debug>(what: &str, items: impl Iterator<Item = T>) -> Result<(), String> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    match items.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{what} {:?} twice", pair[0])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
