//! Raft over a network and disks in memory.

mod basics;
mod cluster;
mod contact;
mod founders;
mod frozen;
mod halts;
mod handshake;
pub(crate) mod restore;
mod sockets;
mod storm;
mod world;
