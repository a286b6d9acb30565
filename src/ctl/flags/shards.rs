//! Flags and arguments of the commands for shards.

use clap::Args;

use super::data::data_address;
use crate::base::ShardId;
use crate::wire::go_duration;

#[derive(Debug, Args)]
pub(in crate::ctl) struct ShowShards {
    /// Also ask the data nodes for state, time of the last change, size and error of each copy
    #[arg(long = "v", short = 'v')]
    pub(in crate::ctl) verbose: bool,
    /// Only shards of which a copy is missing on a data node, or is there and unknown to the
    /// cluster
    #[arg(long = "m", short = 'm')]
    pub(in crate::ctl) inconsistent: bool,
    /// Also shards that are past their retention
    #[arg(long = "e", short = 'e')]
    pub(in crate::ctl) expired: bool,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct CopyShard {
    /// TCP address of a data node that has the shard
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// TCP address of the data node that gets it
    #[arg(value_name = "DESTINATION")]
    dest: Option<String>,
    /// ID of the shard, as show-shards prints it
    #[arg(value_name = "ID")]
    shard: Option<String>,
}

impl CopyShard {
    /// Source, destination and shard.
    ///
    /// # Errors
    /// What is missing or wrong, in the original's words.
    pub(in crate::ctl) fn checked(&self) -> Result<(String, String, ShardId), String> {
        let source = data_node(self.source.as_deref(), "srcAddr is required")?;
        let dest = data_node(self.dest.as_deref(), "destAddr is required")?;
        let shard = self
            .shard
            .as_deref()
            .filter(|text| !text.is_empty())
            .ok_or("shardID is required")?;
        if source.eq_ignore_ascii_case(&dest) {
            return Err("destAddr and srcAddr are the same".to_owned());
        }
        Ok((source, dest, shard_id(shard)?))
    }
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct RemoveShard {
    /// Also if it is the last copy: its points are gone then
    #[arg(long)]
    pub(in crate::ctl) force: bool,
    /// TCP address of the data node that loses its copy
    #[arg(value_name = "HOST:PORT")]
    source: Option<String>,
    /// ID of the shard, as show-shards prints it
    #[arg(value_name = "ID")]
    shard: Option<String>,
}

impl RemoveShard {
    /// # Errors
    /// What is missing or wrong, in the original's words.
    pub(in crate::ctl) fn checked(&self) -> Result<(String, ShardId), String> {
        let source = data_node(self.source.as_deref(), "srcAddr is required")?;
        let shard = self
            .shard
            .as_deref()
            .filter(|text| !text.is_empty())
            .ok_or("shardID is required")?;
        Ok((source, shard_id(shard)?))
    }
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct TruncateShards {
    /// Points later than this from now go into new shards: 90s, 1m30s
    #[arg(long, value_name = "DURATION", default_value = "1m0s", value_parser = delay)]
    pub(in crate::ctl) delay: String,
}

fn data_node(text: Option<&str>, missing: &str) -> Result<String, String> {
    data_address(text.unwrap_or_default(), missing)
}

/// Leading zeros are none of our business.
fn shard_id(text: &str) -> Result<ShardId, String> {
    match text.parse() {
        Ok(0) => Err("shardID must be greater than 0".to_owned()),
        Ok(id) => Ok(ShardId(id)),
        Err(_) => Err(format!("error converting shardID to int: {text}")),
    }
}

/// As typed: the node reads what Go reads.
fn delay(text: &str) -> Result<String, String> {
    match go_duration::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
