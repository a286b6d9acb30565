//! The client of data nodes, against recorded bytes, scripts, and the model of a data node; and the
//! model itself, against the observed behaviour of real data nodes.

mod calls;
mod failures;
mod frames;
mod meta;
mod model_bytes;
mod model_calls;
mod model_client;
mod ours;
mod scripted;
mod status;
mod tls;

#[path = "../../harness/data_node/mod.rs"]
#[allow(unreachable_pub, reason = "a test binary exports nothing")]
mod model;
