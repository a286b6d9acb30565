//! Catalogs of 0 to 1,000,000 shards, and one command of each family: the same as in the test
//! `machine::scale`.

#[path = "../../../it/machine/commands.rs"]
#[allow(dead_code, reason = "the tests use more of them")]
mod commands;
#[path = "../../../it/machine/scale/families.rs"]
mod families;
#[path = "../../../it/machine/scale/grown.rs"]
mod grown;

use influxdb_meta::base::{
    Address, ClusterId, DurationNanos, Incarnation, LogId, Name, NodeId, ShardGroupId, ShardId,
    Text, UnixNanos,
};
use influxdb_meta::catalog::{Catalog, DATA_LEVEL, ShardGroup};
use influxdb_meta::machine::{
    self, Command, CreateUser, Found, Founder, InternalCommand, NewRetentionPolicy, Outcome,
    ShardCopy, Stamped, UpdateRetentionPolicy, WireCommand,
};

use commands::*;
pub use families::families;
pub use grown::{Grown, Log};

const HOUR: i64 = DurationNanos::HOUR.0;
const DAY: i64 = DurationNanos::DAY.0;
const WEEK: i64 = 7 * DAY;
/// 2024-01-03T05:00:00Z.
const NOW: i64 = 1_704_258_000 * 1_000_000_000;

/// Sizes in shards.
pub const SIZES: [i64; 4] = [0, 10_000, 100_000, 1_000_000];

/// Makes a catalog with half of the shards in one database, and the others in up to 2,000.
pub fn grown(shards: i64) -> Log {
    let databases = (shards / 50).clamp(4, 2_000);
    let groups = shards / 2;
    Grown {
        databases: databases as usize,
        groups: groups / 2 / databases,
        deep: groups / 2,
    }
    .log()
}

/// Command for one more group in the biggest policy; each differs from the last.
pub fn one_more(nth: i64) -> Command {
    create_group_in("db3", "rp", (1_000_000 + nth) * HOUR)
}
