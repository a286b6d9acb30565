//! The state machine by its rules (wire.md 3.4), and by random sequences.

mod commands;
mod data_node;
mod database;
mod deletion;
mod fed;
mod found;
mod index;
mod lease;
mod members;
mod new_owners;
mod owners;
mod passive;
mod query;
mod random;
mod restore;
mod restore_parts;
mod retention_policy;
mod roles;
mod scale;
mod shard_group;
mod subscription;
mod time;
mod truncation;
mod update_retention_policy;
mod user;

use influxdb_meta::base::{
    Address, ClusterId, DurationNanos, Incarnation, LogId, Name, NodeId, ShardGroupId, ShardId,
    Text, UnixNanos,
};
use influxdb_meta::catalog::{Catalog, DATA_LEVEL, Database, RetentionPolicy, Shard, ShardGroup};
use influxdb_meta::machine::{
    self, Command, CreateUser, Found, Founder, InternalCommand, NewRetentionPolicy, Outcome,
    ShardCopy, Stamped, UpdateRetentionPolicy, WireCommand,
};
use influxdb_meta::wire::data;

use commands::*;
pub(crate) use commands::{create_data_node, found};
pub(crate) use fed::Fed;
use fed::{with_policy, with_policy_at};

const HOUR: i64 = DurationNanos::HOUR.0;
const DAY: i64 = DurationNanos::DAY.0;
const WEEK: i64 = 7 * DAY;

/// 2024-01-03T05:00:00Z, as in wire.md appendix B.
const NOW: i64 = 1_704_258_000 * 1_000_000_000;

/// Returns what the wire shows of a catalog, without its position.
fn seen(catalog: &Catalog) -> bytes::Bytes {
    data::encode(&Catalog {
        term: 0,
        index: 1,
        ..catalog.clone()
    })
}
