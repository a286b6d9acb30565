//! A catalog for tests that applies commands and checks all invariants after each one.

use super::*;

/// A catalog and the log that feeds it: each command is the next entry.
#[derive(Clone)]
pub(crate) struct Fed {
    pub(crate) catalog: Catalog,
    pub(crate) log_id: LogId,
    pub(super) autocreate_off: bool,
    /// Time with which the next commands are stamped.
    pub(super) now: i64,
}

impl Default for Fed {
    fn default() -> Self {
        Self {
            catalog: Catalog::default(),
            log_id: LogId::default(),
            autocreate_off: false,
            now: NOW,
        }
    }
}

impl Fed {
    /// Makes a cluster of one meta node, with id 1, and so many data nodes, with ids from 2 on.
    pub(crate) fn with_data_nodes(n: u64) -> Self {
        Self::at_level(DATA_LEVEL, n)
    }

    /// Same as [`Self::with_data_nodes`], for a cluster of this feature level.
    pub(super) fn at_level(feature_level: u32, n: u64) -> Self {
        let mut fed = Self::default();
        fed.ok(Command::Internal(InternalCommand::Found(Found {
            feature_level,
            ..found(1)
        })));
        (2..n + 2).for_each(|id| _ = fed.ok(create_data_node(id)));
        fed
    }

    pub(crate) fn apply(&mut self, command: Command) -> Outcome {
        let retention_autocreate = !self.autocreate_off;
        self.log_id = LogId {
            term: 2,
            index: self.log_id.index + 1,
        };
        let stamped = Stamped {
            at: UnixNanos(self.now),
            retention_autocreate,
            command,
        };
        let outcome = machine::apply(&mut self.catalog, self.log_id, &stamped);
        self.catalog.check().expect("a sound catalog");
        outcome
    }

    /// Applies a command that must succeed.
    pub(super) fn ok(&mut self, command: Command) -> &mut Self {
        let text = format!("{command:?}");
        let outcome = self.apply(command);
        assert_eq!(
            outcome,
            Outcome::Applied {
                index: self.log_id.index
            },
            "{text}"
        );
        self
    }

    /// Applies a command that must succeed and leave the databases as they are.
    pub(super) fn same(&mut self, command: Command) -> &mut Self {
        let before = self.catalog.databases.clone();
        self.ok(command);
        assert_eq!(self.catalog.databases, before);
        self
    }

    /// Applies a command that must be refused, and checks that nothing else changed.
    pub(super) fn refused(&mut self, command: Command, want: &str) -> &mut Self {
        let before = self.catalog.clone();
        let text = format!("{command:?}");
        match self.apply(command) {
            Outcome::Refused(refused) => assert_eq!(refused.to_string(), want, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
        let LogId { term, index } = self.log_id;
        let last_at = self.catalog.last_at;
        assert_eq!(
            self.catalog,
            Catalog {
                term,
                index,
                last_at,
                ..before
            },
            "{text}"
        );
        self
    }

    /// Applies an internal command that changes nothing that data nodes see: the index stays.
    pub(super) fn unseen(&mut self, command: Command) -> &mut Self {
        let (index, text) = (self.catalog.index, format!("{command:?}"));
        assert_eq!(self.apply(command), Outcome::Applied { index }, "{text}");
        self
    }

    /// Applies an internal command that must be refused: the index stays as well.
    pub(super) fn denied(&mut self, command: Command, want: &str) -> &mut Self {
        let (before, text) = (self.catalog.clone(), format!("{command:?}"));
        match self.apply(command) {
            Outcome::Refused(refused) => assert_eq!(refused.to_string(), want, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
        let last_at = self.catalog.last_at;
        assert_eq!(self.catalog, Catalog { last_at, ..before }, "{text}");
        self
    }

    pub(super) fn database(&self, name: &str) -> &Database {
        self.catalog
            .databases
            .get(&Name::from(name))
            .expect("database")
    }

    /// (duration, shard group duration, replicas) of a policy.
    pub(super) fn policy(&self, database: &str, name: &str) -> (i64, i64, u32) {
        let policy = self
            .database(database)
            .retention_policy(&Name::from(name))
            .expect("policy");
        (
            policy.duration.0,
            policy.shard_group_duration.0,
            policy.replica_n,
        )
    }

    pub(super) fn default_of(&self, database: &str) -> String {
        self.database(database).default_retention_policy.to_string()
    }

    pub(super) fn policies_of(&self, database: &str) -> Vec<String> {
        let name = |policy: &RetentionPolicy| policy.name.to_string();
        self.database(database)
            .retention_policies
            .iter()
            .map(name)
            .collect()
    }
}

/// Shard groups, in the order of the wire.
impl Fed {
    pub(super) fn groups_of(&self, database: &str, policy: &str) -> Vec<ShardGroup> {
        let policy = self
            .database(database)
            .retention_policy(&Name::from(policy))
            .expect("policy");
        policy.shard_groups.iter().cloned().collect()
    }

    /// (id, start, effective end) of the groups that are not deleted.
    pub(super) fn spans_of(&self, database: &str, policy: &str) -> Vec<(u64, i64, i64)> {
        let live = self
            .groups_of(database, policy)
            .into_iter()
            .filter(|group| !group.is_deleted());
        live.map(|group| (group.id.0, group.start.0, group.effective_end().0))
            .collect()
    }

    pub(super) fn group(&self, id: u64) -> ShardGroup {
        let policies = self
            .catalog
            .databases
            .iter()
            .flat_map(|database| &database.retention_policies);
        let found = policies
            .flat_map(|policy| policy.shard_groups.get(ShardGroupId(id)))
            .next();
        found
            .unwrap_or_else(|| panic!("no shard group {id}"))
            .clone()
    }

    /// Each shard of a group with its owners.
    pub(super) fn owners_in(&self, group: u64) -> Vec<(u64, Vec<u64>)> {
        let owners = |shard: &Shard| shard.owners.iter().map(|owner| owner.0).collect();
        self.group(group)
            .shards
            .iter()
            .map(|shard| (shard.id.0, owners(shard)))
            .collect()
    }

    /// Puts a group of these shards and owners into `db`, `rp`, as a longer history could have made
    /// it.
    pub(super) fn put_group(
        &mut self,
        id: u64,
        span: (i64, i64),
        shards: &[(u64, &[u64])],
    ) -> &mut Self {
        let shard = |(id, owners): &(u64, &[u64])| Shard {
            id: ShardId(*id),
            owners: owners.iter().copied().map(NodeId).collect(),
        };
        let group = ShardGroup {
            id: ShardGroupId(id),
            start: UnixNanos(span.0),
            end: UnixNanos(span.1),
            deleted_at: None,
            truncated_at: None,
            shards: shards.iter().map(shard).collect(),
        };
        self.catalog.max_shard_group_id = self.catalog.max_shard_group_id.max(id);
        let highest = shards.iter().map(|(id, _)| *id).max().unwrap_or_default();
        self.catalog.max_shard_id = self.catalog.max_shard_id.max(highest);
        self.catalog
            .put_shard_group(&Name::from("db"), &Name::from("rp"), group);
        self.catalog.check().expect("a sound catalog");
        self
    }
}

/// Makes a cluster with data nodes and `db`, whose policy `rp` keeps so many copies in groups of a
/// day.
pub(super) fn with_policy(data_nodes: u64, replica_n: u32) -> Fed {
    with_policy_at(DATA_LEVEL, data_nodes, replica_n)
}

/// Same as [`with_policy`], for a cluster of this feature level.
pub(super) fn with_policy_at(level: u32, data_nodes: u64, replica_n: u32) -> Fed {
    let mut fed = Fed::at_level(level, data_nodes);
    fed.ok(create_database_with(
        "db",
        new_policy("rp", 0, DAY, replica_n),
    ));
    fed
}
