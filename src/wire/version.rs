//! Versions of everything that this program stores or sends, and feature levels: one table.
//!
//! A cluster has a feature level. Nothing is written in a format whose level the cluster has not
//! reached, so that a cluster can be upgraded node by node, and back. The level is raised once
//! every member reports that it supports the next one. Every later version of the program reads
//! each format from number 1 on (`tests/data/compat` holds bytes of each).

use crate::catalog;

/// Feature level of the first version of this program.
pub const OLDEST_LEVEL: u32 = 1;

/// Feature level since which `AllocateRaftId`, `AddMetaNode`, `MoveMetaNode`, `RemoveMetaNode`,
/// `SetLabels` and `RaiseFeatureLevel` may be proposed. One command comes earlier: the
/// `RaiseFeatureLevel` that raises a cluster to this level, once every member is known to read it.
pub const JOINING_LEVEL: u32 = 2;

/// Feature level since which a cluster has data nodes, shards, users, queries and leases. The
/// state machine depends on it, so it is defined in `catalog`.
pub const DATA_LEVEL: u32 = catalog::DATA_LEVEL;

/// Feature level since which a command has a budget, restores go in parts, and the cluster keeps in
/// its catalog that every member has shown the secret.
pub const BUDGET_LEVEL: u32 = 4;

/// Feature level since which the removal of a data node leaves no shard without owners. The state
/// machine depends on it, so it is defined in `catalog`.
pub const OWNERS_LEVEL: u32 = catalog::OWNERS_LEVEL;

/// Feature level since which users have permissions beyond privileges, and there are roles.
pub const ROLES_LEVEL: u32 = 6;

/// Newest feature level that this version supports: it reads everything that may be written there.
pub const FEATURE_LEVEL: u32 = ROLES_LEVEL;

/// A stored or sent format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Name of the stored or sent thing.
    pub name: &'static str,
    /// For each number of the format, from 1 on: the lowest feature level at which it is written.
    pub levels: &'static [u32],
}

impl Format {
    /// Returns the newest number that this version reads and writes.
    pub const fn newest(&self) -> u32 {
        self.levels.len() as u32
    }
}

/// Envelope of a log entry ([`crate::wire::envelope`]). 2 has the commands of joining, moving and
/// removing; 3 those about data nodes, shards, users, queries and leases, and compression of large
/// ones; 4 has `RequireSecret`, `RepairTime`, and those of a restore in parts; 5 has
/// `AssignOwners`; 6 has `AddUser`, `ChangePermissions`, and those about roles.
pub const LOG_ENTRY: Format = Format {
    name: "log entry",
    levels: &[
        OLDEST_LEVEL,
        JOINING_LEVEL,
        DATA_LEVEL,
        BUDGET_LEVEL,
        OWNERS_LEVEL,
        ROLES_LEVEL,
    ],
};

/// Catalog inside a snapshot ([`crate::wire::state`]). 2 has learners, labels, and who removed an
/// incarnation; 3 has data nodes, users, leases, and all that databases hold besides their
/// retention policies; 4 has the parts of a restore that is not committed yet; 5 has the time since
/// which owners of shards are sought; 6 has roles, and permissions of users beyond privileges.
pub const CATALOG: Format = Format {
    name: "catalog in a snapshot",
    levels: &[
        OLDEST_LEVEL,
        JOINING_LEVEL,
        DATA_LEVEL,
        BUDGET_LEVEL,
        OWNERS_LEVEL,
        ROLES_LEVEL,
    ],
};

/// Snapshot file around a catalog ([`crate::wire::snapshot_file`]).
pub const SNAPSHOT_FILE: Format = Format {
    name: "snapshot file",
    levels: &[OLDEST_LEVEL],
};

/// Heads and records of the log's segments ([`crate::wire::wal`]).
pub const WAL: Format = Format {
    name: "log segment",
    levels: &[OLDEST_LEVEL],
};

/// Raft membership in log entries and snapshots ([`crate::wire::frames::RaftMembership`]).
pub const MEMBERSHIP: Format = Format {
    name: "Raft membership",
    levels: &[OLDEST_LEVEL],
};

/// Frames between meta nodes on port 8089 ([`crate::wire::frames`]). Both sides use the highest
/// version that both know. 2 has another handshake, in which the listener says nothing of itself
/// before the dialler's proof; from its level on it is the only one where proofs are required.
pub const RAFT_FRAMES: Format = Format {
    name: "Raft frames",
    levels: &[OLDEST_LEVEL, BUDGET_LEVEL],
};

/// Message of `POST /cluster/identity`, and founding itself ([`crate::wire::identity`]). A node
/// founds a cluster only with nodes of the same version.
pub const FOUNDING: Format = Format {
    name: "founding protocol",
    levels: &[OLDEST_LEVEL],
};

/// The file `identity` (`cluster::identity::record`).
pub const IDENTITY_FILE: Format = Format {
    name: "identity file",
    levels: &[OLDEST_LEVEL],
};

/// The files `applying` and `loading` ([`crate::wire::attempt_note`]).
pub const ATTEMPT_NOTE: Format = Format {
    name: "note of the entry being applied",
    levels: &[OLDEST_LEVEL],
};

/// All stored and sent formats.
pub const FORMATS: [Format; 9] = [
    LOG_ENTRY,
    CATALOG,
    SNAPSHOT_FILE,
    WAL,
    MEMBERSHIP,
    RAFT_FRAMES,
    FOUNDING,
    IDENTITY_FILE,
    ATTEMPT_NOTE,
];

// A leader compares the format of a log entry with the feature level of the cluster (`POST
// /execute`): the numbers of both must be the same.
const _: () = {
    let mut at = 0;
    while at < LOG_ENTRY.levels.len() {
        assert!(LOG_ENTRY.levels[at] as usize == at + 1);
        at += 1;
    }
};

// Numbers that are on disks and in messages. A failure here means that the meaning of stored bytes
// was changed.
const _: () =
    assert!(DATA_LEVEL == 3 && BUDGET_LEVEL == 4 && OWNERS_LEVEL == 5 && FEATURE_LEVEL == 6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_format_needs_a_level_that_this_version_does_not_support() {
        for format in FORMATS {
            assert!(format.levels.is_sorted(), "{format:?}");
            assert!(
                format.levels.iter().all(|level| *level <= FEATURE_LEVEL),
                "{format:?}"
            );
        }
    }
}
