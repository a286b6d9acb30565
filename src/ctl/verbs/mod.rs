//! The commands of `influxd-ctl`, one file each: flags, arguments and what it does.
//!
//! A new command is one file, its `mod` line and one entry in `verbs!`.

mod add_data;
mod add_meta;
mod copy_shard;
mod copy_shard_status;
mod drain;
mod health;
mod join;
mod leave;
mod node_labels;
mod remove_data;
mod remove_meta;
mod remove_shard;
mod repair_time;
mod show;
mod show_shards;
mod token;
mod truncate_shards;
mod update_data;

use clap::Subcommand;

use super::output::Output;
use super::session::Session;

macro_rules! usage {
    ($name:literal $($arguments:literal)?) => {
        concat!("influxd-ctl [flags] ", $name $(, " ", $arguments)?)
    };
}

/// Declares [`Verb`] from a table. An entry: help text, variant with the type of the arguments,
/// name as typed, arguments in the usage line, and an example of the line behind `influxd-ctl`. The
/// type of the arguments has a method `run`.
macro_rules! verbs {
    ($($(#[$help:meta])* $variant:ident($arguments:ty): $name:literal $($usage:literal)?,
        $example:literal;)*) => {
        #[derive(Debug, Subcommand)]
        pub(super) enum Verb {
            $(
                $(#[$help])*
                #[command(
                    name = $name,
                    override_usage = usage!($name $($usage)?),
                    after_help = concat!("Example:\n  influxd-ctl ", $example),
                )]
                $variant($arguments),
            )*
        }

        impl Verb {
            /// Name as typed. Error lines begin with it.
            pub(super) fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            pub(super) async fn run(&self, session: &mut Session) -> Output {
                match self {
                    $(Self::$variant(arguments) => arguments.run(session).await,)*
                }
            }
        }
    };
}

verbs! {
    /// Show the members of the cluster
    Show(show::Show): "show" "[-v] [-format table|json]",
        "-bind meta-1:8091 show -v";
    /// Say in one word how the cluster is; exit code 0 healthy, 1 degraded, 2 unavailable
    Health(health::Health): "health" "[-wait] [-format table|json]",
        "health -wait -timeout 1m";
    /// Add a meta node to the cluster, or form a cluster with it
    AddMeta(add_meta::AddMeta): "add-meta" "[HOST:PORT]",
        "-bind meta-1:8091 add-meta meta-4:8091";
    /// Take a meta node out of the cluster
    RemoveMeta(remove_meta::RemoveMeta):
        "remove-meta" "[-force -tcpAddr HOST:PORT] [-y] [HOST:PORT]",
        "remove-meta -force -tcpAddr meta-4:8089 meta-4:8091";
    /// Add the nodes of this host to the cluster of a meta node, or form one
    Join(join::Join): "join" "[-p] [-v] [HOST:PORT]",
        "join meta-1:8091";
    /// Take the nodes of this host out of their cluster
    Leave(leave::Leave): "leave" "[-y] [-force]",
        "leave -y";
    /// Add a data node to the cluster
    AddData(add_data::AddData): "add-data" "[-p] HOST:PORT",
        "-bind meta-1:8091 add-data data-1:8088";
    /// Take a data node out of the cluster; what it holds is deleted
    RemoveData(remove_data::RemoveData):
        "remove-data" "[-force] [-drain [-delay DURATION] [-cancel]] HOST:PORT",
        "-bind meta-1:8091 remove-data -drain data-1:8088";
    /// Let another machine take the place of a data node
    UpdateData(update_data::UpdateData): "update-data" "OLD NEW",
        "update-data data-1:8088 data-9:8088";
    /// Show the shards and who owns them
    ShowShards(show_shards::ShowShards): "show-shards" "[-v] [-m] [-e] [-format table|json]",
        "show-shards -v";
    /// Copy a shard from one data node to another, which then owns it too
    CopyShard(copy_shard::CopyShard): "copy-shard" "SOURCE DESTINATION ID",
        "copy-shard data-1:8088 data-2:8088 42";
    /// Show the copies that are under way
    CopyShardStatus(copy_shard_status::CopyShardStatus): "copy-shard-status" "[-format table|json]",
        "copy-shard-status";
    /// Delete the copy of a shard on a data node
    RemoveShard(remove_shard::RemoveShard): "remove-shard" "[-force] HOST:PORT ID",
        "remove-shard data-1:8088 42";
    /// End the shards that are being written to; new ones begin
    TruncateShards(truncate_shards::TruncateShards): "truncate-shards" "[-delay DURATION]",
        "truncate-shards -delay 3m";
    /// Set the catalog's time back after a command was stamped by a wrong clock
    RepairTime(repair_time::RepairTime): "repair-time",
        "repair-time";
    /// Change the labels of a node
    NodeLabels(node_labels::NodeLabels): "node-labels" "set|delete -nodeid N -labels JSON",
        "node-labels set -nodeid 4 -labels '{\"az\":\"east\"}'";
    /// Print a token for the meta API; needs -auth-type jwt and -secret
    Token(token::Token): "token" "[-exp DURATION]",
        "-auth-type jwt -secret SECRET -user admin token -exp 5m";
}
