//! The machine by its rules (wire.md 3.4), and by random sequences.

mod database;
mod found;
mod index;
mod members;
mod random;
mod retention_policy;
mod update_retention_policy;

use influxdb_meta::base::{Address, ClusterId, DurationNanos, Incarnation, LogId, Name, UnixNanos};
use influxdb_meta::catalog::{Catalog, Database, RetentionPolicy};
use influxdb_meta::machine::{
    self, Command, Found, Founder, NewRetentionPolicy, Outcome, Stamped, UpdateRetentionPolicy,
};
use influxdb_meta::wire::data;

const HOUR: i64 = DurationNanos::HOUR.0;
const DAY: i64 = DurationNanos::DAY.0;
const WEEK: i64 = 7 * DAY;

/// A catalog and the log that feeds it: each command is the next entry.
#[derive(Clone, Default)]
pub(crate) struct Fed {
    pub(crate) catalog: Catalog,
    pub(crate) log_id: LogId,
    autocreate_off: bool,
}

impl Fed {
    pub(crate) fn apply(&mut self, command: Command) -> Outcome {
        let retention_autocreate = !self.autocreate_off;
        self.log_id = LogId { term: 2, index: self.log_id.index + 1 };
        let stamped = Stamped { at: UnixNanos(1), retention_autocreate, command };
        let outcome = machine::apply(&mut self.catalog, self.log_id, &stamped);
        self.catalog.check().expect("a sound catalog");
        outcome
    }

    /// Applies what must succeed.
    fn ok(&mut self, command: Command) -> &mut Self {
        let text = format!("{command:?}");
        let outcome = self.apply(command);
        assert_eq!(outcome, Outcome::Applied { index: self.log_id.index }, "{text}");
        self
    }

    /// Applies what must change nothing that databases show.
    fn same(&mut self, command: Command) -> &mut Self {
        let before = self.catalog.databases.clone();
        self.ok(command);
        assert_eq!(self.catalog.databases, before);
        self
    }

    /// Applies what must be refused, and compares everything with before.
    fn refused(&mut self, command: Command, want: &str) -> &mut Self {
        let before = self.catalog.clone();
        let text = format!("{command:?}");
        match self.apply(command) {
            Outcome::Refused(refused) => assert_eq!(refused.to_string(), want, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
        let LogId { term, index } = self.log_id;
        let last_at = self.catalog.last_at;
        assert_eq!(self.catalog, Catalog { term, index, last_at, ..before }, "{text}");
        self
    }

    fn database(&self, name: &str) -> &Database {
        self.catalog.databases.get(&Name::from(name)).expect("database")
    }

    /// (duration, shard group duration, replicas) of a policy.
    fn policy(&self, database: &str, name: &str) -> (i64, i64, u32) {
        let policy = self.database(database).retention_policy(&Name::from(name)).expect("policy");
        (policy.duration.0, policy.shard_group_duration.0, policy.replica_n)
    }

    fn default_of(&self, database: &str) -> String {
        self.database(database).default_retention_policy.to_string()
    }

    fn policies_of(&self, database: &str) -> Vec<String> {
        let name = |policy: &RetentionPolicy| policy.name.to_string();
        self.database(database).retention_policies.iter().map(name).collect()
    }
}

/// What the wire shows, position aside.
fn seen(catalog: &Catalog) -> bytes::Bytes {
    data::encode(&Catalog { term: 0, index: 1, ..catalog.clone() })
}

fn new_policy(name: &str, duration: i64, shard_group_duration: i64, replica_n: u32) -> NewRetentionPolicy {
    NewRetentionPolicy {
        name: Name::from(name),
        duration: DurationNanos(duration),
        shard_group_duration: DurationNanos(shard_group_duration),
        replica_n,
    }
}

fn create_database(name: &str) -> Command {
    Command::CreateDatabase { name: Name::from(name), retention_policy: None }
}

fn create_database_with(name: &str, policy: NewRetentionPolicy) -> Command {
    Command::CreateDatabase { name: Name::from(name), retention_policy: Some(policy) }
}

fn create_policy(database: &str, policy: NewRetentionPolicy, default: bool) -> Command {
    Command::CreateRetentionPolicy { database: Name::from(database), policy, default }
}

fn drop_policy(database: &str, name: &str) -> Command {
    Command::DropRetentionPolicy { database: Name::from(database), name: Name::from(name) }
}

fn set_default(database: &str, name: &str) -> Command {
    Command::SetDefaultRetentionPolicy { database: Name::from(database), name: Name::from(name) }
}

/// An update that changes nothing yet.
fn update(database: &str, name: &str) -> UpdateRetentionPolicy {
    UpdateRetentionPolicy {
        database: Name::from(database),
        name: Name::from(name),
        new_name: None,
        duration: None,
        replica_n: None,
        shard_group_duration: None,
        default: false,
    }
}

pub(crate) fn found(n: u8) -> Found {
    let founder = |k: u8| Founder {
        incarnation: Incarnation([k; 16]),
        http: Address::new(&format!("meta-{k}"), 8091),
        raft: Address::new(&format!("meta-{k}"), 8089),
    };
    Found {
        cluster_id: ClusterId([0xc1; 16]),
        name: "prod".to_owned(),
        founders: (1..=n).map(founder).collect(),
        with_secret: false,
        feature_level: 1,
    }
}
