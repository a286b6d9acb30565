//! Talking to other meta nodes: requests and answers, polls, gossip.

pub(in crate::cluster) mod addresses;
pub(in crate::cluster) mod exchange;
pub(in crate::cluster) mod gossip;
pub(in crate::cluster) mod heard;
pub(in crate::cluster) mod http;
pub(in crate::cluster) mod poll;
