//! The HTTP API on a real listener on loopback, byte by byte.

mod accounts;
mod auth;
mod bodies;
pub(super) mod cluster;
mod connections;
mod harness;
mod identity;
mod joining;
mod labels;
mod leader;
mod logins;
mod member;
mod peers;
mod reattached;
mod restore;
mod scripted;
mod stages;
mod status_page;
mod unjoined;
