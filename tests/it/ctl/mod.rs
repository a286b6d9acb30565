//! `influxd-ctl` as an operator runs it, and the client below it, against scripted servers.

mod add_data;
mod add_meta;
mod auth;
mod client;
mod command_line;
mod copy_shard;
mod copy_shard_status;
mod drain;
mod health;
mod identity;
mod join;
mod leave;
mod node_labels;
mod our_node;
mod proofs;
mod remove_data;
mod remove_meta;
mod remove_shard;
mod run;
mod server;
mod show;
mod show_failures;
mod show_shards;
mod truncate_shards;
mod update_data;
