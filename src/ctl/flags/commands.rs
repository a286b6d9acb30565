//! The commands, with their flags and arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;

use super::data::{AddData, RemoveData, UpdateData};
use super::parse_duration;
use super::shards::{CopyShard, RemoveShard, ShowShards, TruncateShards};
use crate::base::endpoint::{META_HTTP_PORT, META_RAFT_PORT};
use crate::base::{Address, AddressError};

#[derive(Debug, Subcommand)]
pub(in crate::ctl) enum CtlCommand {
    /// Show the members of the cluster
    #[command(override_usage = "influxd-ctl [flags] show [-v]")]
    Show(Show),
    /// Add a meta node to the cluster, or form a cluster with it
    #[command(override_usage = "influxd-ctl [flags] add-meta [HOST:PORT]")]
    AddMeta(AddMeta),
    /// Take a meta node out of the cluster
    #[command(
        override_usage = "influxd-ctl [flags] remove-meta [-force -tcpAddr HOST:PORT] [-y] [HOST:PORT]"
    )]
    RemoveMeta(RemoveMeta),
    /// Add the nodes of this host to the cluster of a meta node, or form one
    #[command(override_usage = "influxd-ctl [flags] join [-p] [-v] [HOST:PORT]")]
    Join(Join),
    /// Take the nodes of this host out of their cluster
    #[command(override_usage = "influxd-ctl [flags] leave [-y]")]
    Leave(Leave),
    /// Add a data node to the cluster
    #[command(override_usage = "influxd-ctl [flags] add-data [-p] HOST:PORT")]
    AddData(AddData),
    /// Take a data node out of the cluster; what it holds is deleted
    #[command(override_usage = "influxd-ctl [flags] remove-data [-force] HOST:PORT")]
    RemoveData(RemoveData),
    /// Let another machine take the place of a data node
    #[command(override_usage = "influxd-ctl [flags] update-data OLD NEW")]
    UpdateData(UpdateData),
    /// Show the shards and who owns them
    #[command(override_usage = "influxd-ctl [flags] show-shards [-v] [-m] [-e]")]
    ShowShards(ShowShards),
    /// Copy a shard from one data node to another, which then owns it too
    #[command(override_usage = "influxd-ctl [flags] copy-shard SOURCE DESTINATION ID")]
    CopyShard(CopyShard),
    /// Show the copies that are under way
    #[command(override_usage = "influxd-ctl [flags] copy-shard-status")]
    CopyShardStatus,
    /// Delete the copy of a shard on a data node
    #[command(override_usage = "influxd-ctl [flags] remove-shard [-force] HOST:PORT ID")]
    RemoveShard(RemoveShard),
    /// End the shards that are being written to; new ones begin
    #[command(override_usage = "influxd-ctl [flags] truncate-shards [-delay DURATION]")]
    TruncateShards(TruncateShards),
    /// Change the labels of a node
    #[command(
        subcommand,
        override_usage = "influxd-ctl [flags] node-labels set|delete -nodeid N -labels JSON"
    )]
    NodeLabels(NodeLabels),
    /// Print a token for the meta API; needs -auth-type jwt and -secret
    #[command(override_usage = "influxd-ctl [flags] token [-exp DURATION]")]
    Token(Token),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

impl CtlCommand {
    /// As it is typed, and as its errors begin.
    pub(in crate::ctl) fn name(&self) -> &'static str {
        match self {
            Self::Show(_) => "show",
            Self::AddMeta(_) => "add-meta",
            Self::RemoveMeta(_) => "remove-meta",
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
            Self::AddData(_) => "add-data",
            Self::RemoveData(_) => "remove-data",
            Self::UpdateData(_) => "update-data",
            Self::ShowShards(_) => "show-shards",
            Self::CopyShard(_) => "copy-shard",
            Self::CopyShardStatus => "copy-shard-status",
            Self::RemoveShard(_) => "remove-shard",
            Self::TruncateShards(_) => "truncate-shards",
            Self::NodeLabels(_) => "node-labels",
            Self::Token(_) => "token",
            Self::Other(_) => "influxd-ctl",
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct Show {
    /// Also ask each meta node for its phase, Raft id, lag and what it waits for
    #[arg(long = "v", short = 'v')]
    pub(in crate::ctl) verbose: bool,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct AddMeta {
    /// HTTP address of the meta node to add; without one: the bound node itself
    #[arg(value_name = "HOST:PORT", value_parser = http_address)]
    pub(in crate::ctl) address: Option<Address>,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct RemoveMeta {
    /// The node is gone for good: let the others take it out
    #[arg(long)]
    pub(in crate::ctl) force: bool,
    /// With -force: Raft address of the node
    #[arg(long = "tcpAddr", value_name = "HOST:PORT", value_parser = raft_address)]
    pub(in crate::ctl) tcp_addr: Option<Address>,
    /// Do not ask
    #[arg(long = "y", short = 'y')]
    pub(in crate::ctl) yes: bool,
    /// HTTP address of the meta node; without one: the bound node itself
    #[arg(value_name = "HOST:PORT", value_parser = http_address)]
    pub(in crate::ctl) address: Option<Address>,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct Join {
    /// Add the data node as a passive one, which owns no shards
    #[arg(long = "p", short = 'p')]
    pub(in crate::ctl) passive: bool,
    /// Say what was not found, and why
    #[arg(long = "v", short = 'v')]
    pub(in crate::ctl) verbose: bool,
    /// HTTP address of a meta node of the cluster; without one: the bound node forms a new cluster
    #[arg(value_name = "HOST:PORT", value_parser = http_address)]
    pub(in crate::ctl) address: Option<Address>,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct Leave {
    /// Do not ask
    #[arg(long = "y", short = 'y')]
    pub(in crate::ctl) yes: bool,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct Token {
    /// How long it is good for: 90s, 5m
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub(in crate::ctl) exp: Duration,
}

#[derive(Debug, Subcommand)]
pub(in crate::ctl) enum NodeLabels {
    /// Set these labels; others stay
    #[command(
        override_usage = "influxd-ctl [flags] node-labels set -nodeid N -labels '{\"KEY\":\"VALUE\"}'"
    )]
    Set(LabelChange<BTreeMap<String, String>>),
    /// Delete the labels with these keys
    #[command(
        override_usage = "influxd-ctl [flags] node-labels delete -nodeid N -labels '[\"KEY\"]'"
    )]
    Delete(LabelChange<BTreeSet<String>>),
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct LabelChange<T: Labels> {
    /// ID of the node, as `show` prints it
    #[arg(long = "nodeid", value_name = "N")]
    pub(in crate::ctl) node_id: u64,
    /// JSON: an object of texts for set, an array of keys for delete
    #[arg(long, value_name = "JSON", value_parser = json::<T>)]
    pub(in crate::ctl) labels: T,
}

pub(in crate::ctl) trait Labels:
    DeserializeOwned + Clone + Send + Sync + 'static
{
    /// What is wanted instead of what was given.
    const WANTED: &'static str;
}

impl Labels for BTreeMap<String, String> {
    const WANTED: &'static str = "write a JSON object of texts, such as {\"az\":\"east\"}";
}

impl Labels for BTreeSet<String> {
    const WANTED: &'static str = "write a JSON array of keys, such as [\"az\"]";
}

fn json<T: Labels>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}; {}", T::WANTED))
}

/// As the original says it where the text is empty.
fn http_address(text: &str) -> Result<Address, String> {
    match Address::parse(text, META_HTTP_PORT) {
        Err(AddressError::Empty(_)) => Err("httpAddr value is empty".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

fn raft_address(text: &str) -> Result<Address, String> {
    match Address::parse(text, META_RAFT_PORT) {
        Err(AddressError::Empty(_)) => Err("tcpAddr value is empty".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}
