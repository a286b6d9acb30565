//! Catalogs of a given size, made by the same commands as in a real cluster. Also used by
//! `tests/benches/catalog`.

use super::families::DEEP;
use super::*;

/// Size of a catalog: databases with shard groups, one of them with more groups.
pub struct Grown {
    pub databases: usize,
    /// Groups in each other database.
    pub groups: i64,
    /// Groups in the one database with most.
    pub deep: i64,
}

impl Grown {
    /// Makes the catalog, with two shards in each group.
    pub fn log(&self) -> Log {
        let mut log = Log::default();
        log.ok(Command::Internal(InternalCommand::Found(Found {
            feature_level: DATA_LEVEL,
            ..found(1)
        })));
        (2..6).for_each(|id| log.ok(create_data_node(id)));
        for k in 0..self.databases {
            let name = format!("db{k}");
            log.ok(create_database_with(&name, new_policy("rp", 0, HOUR, 2)));
            let groups = if k == DEEP { self.deep } else { self.groups };
            (0..groups).for_each(|hour| log.ok(create_group_in(&name, "rp", hour * HOUR)));
        }
        log
    }
}

/// A catalog without the check after each command, which reads all of it.
#[derive(Clone, Default)]
pub struct Log {
    pub catalog: Catalog,
    index: u64,
}

impl Log {
    pub fn ok(&mut self, command: Command) {
        self.index += 1;
        let log_id = LogId {
            term: 2,
            index: self.index,
        };
        // Groups that are deleted now can be pruned in a month.
        let later = if matches!(command, Command::Wire(WireCommand::PruneShardGroups)) {
            30 * DAY
        } else {
            0
        };
        let stamped = Stamped {
            at: UnixNanos(NOW + later),
            retention_autocreate: true,
            command,
        };
        let outcome = machine::apply(&mut self.catalog, log_id, &stamped);
        assert!(
            matches!(outcome, Outcome::Applied { .. }),
            "{:?}: {outcome:?}",
            stamped.command
        );
    }
}
