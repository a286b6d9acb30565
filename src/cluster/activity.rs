//! This node's activity on its way into a cluster, and the peers that it waits for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::Address;
use crate::cluster::peers::exchange::PollError;

/// This node's activity on its way into a cluster, or in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// Fresh without `peers`: waits for `influxd-ctl add-meta`.
    #[serde(rename = "by-hand")]
    Manual,
    /// Founders are missing.
    Waiting,
    /// All founders agree: accepting and starting.
    Founding,
    /// Sees a cluster that it must join, or is joining one.
    Joining,
    /// An operator must act. Also set after 5 s of refusals, although time may still end those.
    Blocked,
    /// Raft is open.
    Open,
    /// The log or the state cannot be used; HTTP stays up.
    Halted,
    /// Removed from its cluster.
    Removed,
}

/// A founder that has not answered as needed, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub address: Address,
    pub why: MissingReason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingReason {
    /// Its first poll has not ended yet.
    NotAskedYet,
    /// Its last poll failed.
    NoAnswer(PollError),
    /// The founder was removed from its cluster.
    Removed,
    /// The founder is joining a cluster with these members, and none of them answers.
    Joining { members: Vec<Address> },
    /// The founder is in a cluster. This node cannot join before it knows its own entry of the
    /// list.
    InCluster,
    /// The founder has another cluster name.
    OtherClusterName { ours: String, theirs: String },
}

impl fmt::Display for MissingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAskedYet => f.write_str("not asked yet"),
            Self::NoAnswer(error) => error.fmt(f),
            Self::Removed => f.write_str(
                "was taken out of its cluster; `influxd-ctl add-meta` there brings it back, or \
                 delete its volume",
            ),
            Self::Joining { members } => {
                let members: Vec<String> = members.iter().map(ToString::to_string).collect();
                let members = members.join(",");
                write!(
                    f,
                    "is joining a cluster of which no member answers ({members})"
                )
            }
            Self::InCluster => {
                f.write_str("is in a cluster; waiting to know which entry is this node")
            }
            Self::OtherClusterName { ours, theirs } => write!(
                f,
                "its INFLUXDB_META_CLUSTER_NAME is {theirs:?}, here it is {ours:?}"
            ),
        }
    }
}
