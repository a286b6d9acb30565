//! `influxd-ctl` as an operator runs it, and the client below it, against scripted servers.

mod add_meta;
mod auth;
mod client;
mod command_line;
mod identity;
mod join;
mod leave;
mod node_labels;
mod proofs;
mod remove_meta;
mod run;
mod server;
mod show;
mod show_failures;
