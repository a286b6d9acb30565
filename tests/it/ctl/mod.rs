//! `influxd-ctl` as an operator runs it, and the client below it, against scripted servers.

mod client;
mod command_line;
mod identity;
mod proofs;
mod run;
mod server;
mod show;
mod show_failures;
