//! Shards on this node's disk, whatever owners the catalog gives them.

use std::time::{SystemTime, UNIX_EPOCH};

use influxdb_meta::base::NodeId;
use influxdb_meta::wire::data_node::{ShardOwnerInfo, Shards};
use serde::{Deserialize, Serialize};

use super::data::ShardGroup;
use super::state::Shared;
use super::{DataNode, Shard, command};

/// A shard on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub database: String,
    pub policy: String,
    /// Size in bytes.
    pub size: i64,
    /// `hot` or `cold`.
    pub state: String,
    /// Time in RFC 3339.
    pub last_modified: String,
}

impl Held {
    pub fn new(database: &str, policy: &str, size: i64) -> Self {
        let (database, policy) = (database.to_owned(), policy.to_owned());
        Self {
            database,
            policy,
            size,
            state: "hot".to_owned(),
            last_modified: rfc3339(unix_nanos()),
        }
    }
}

/// Bytes by which each written point enlarges a shard.
const POINT: i64 = 16;

impl DataNode {
    /// Writes a point: makes sure that there is a group for its time, and puts the point into those
    /// of the group's shards that this node owns. An empty policy means the database's default one.
    /// Real data nodes fail a batch with a point of a shard that nobody owns.
    pub fn write(&self, database: &str, policy: &str, time: i64) -> Result<ShardGroup, String> {
        let (group, policy) = self.group_for(database, policy, time)?;
        if group.shards.iter().any(|shard| shard.owners.is_empty()) {
            return Err("write failed".to_owned());
        }
        let id = self.id();
        self.shared.set_shards(|held| {
            for shard in group
                .shards
                .iter()
                .filter(|shard| shard.owners.contains(&id))
            {
                let held = held
                    .entry(shard.id)
                    .or_insert_with(|| Held::new(database, &policy, 0));
                held.size += POINT;
            }
        });
        Ok(group)
    }

    /// Returns the group for a time, created if the cache has none, and its policy's name.
    pub fn group_for(
        &self,
        database: &str,
        policy: &str,
        time: i64,
    ) -> Result<(ShardGroup, String), String> {
        let look = || {
            let data = self.cached();
            let policy = data.policy(database, policy)?;
            Ok::<_, String>((policy.name.clone(), policy.group_for(time).cloned()))
        };
        let (name, found) = look()?;
        if let Some(group) = found {
            return Ok((group, name));
        }
        self.execute(&command::create_shard_group(database, &name, time))?;
        match look()? {
            (name, Some(group)) => Ok((group, name)),
            _ => Err("nil shard group".to_owned()),
        }
    }
}

impl Shared {
    pub fn list_shards(&self) -> Shards {
        self.look(|state| {
            let info = |held: &Held| ShardOwnerInfo {
                id: NodeId(state.node_id),
                tcp_addr: self.tcp_addr.clone(),
                state: held.state.clone(),
                last_modified: held.last_modified.clone(),
                size: held.size,
                err: String::new(),
            };
            state
                .shards
                .iter()
                .map(|(shard, held)| (*shard, info(held)))
                .collect()
        })
    }

    pub fn remove_shard(&self, shard: Shard) -> Result<(), String> {
        let removed = self.set_shards(|held| held.remove(&shard));
        removed
            .map(drop)
            .ok_or_else(|| "shard not found".to_owned())
    }
}

pub fn unix_nanos() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_nanos() as i64
}

/// A time as `2026-11-23T03:34:20.006830624Z`.
pub fn rfc3339(unix_nanos: i64) -> String {
    let (seconds, nanos) = (
        unix_nanos.div_euclid(1_000_000_000),
        unix_nanos.rem_euclid(1_000_000_000),
    );
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years that begin in March, in eras of 400 years, so that a leap day is the last day of its
    // year.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}
