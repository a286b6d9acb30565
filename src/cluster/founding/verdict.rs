//! Results of the table of founding.md 4.2, and their texts for operators.

use std::fmt;

use crate::base::{Address, ClusterId, Incarnation};
use crate::cluster::activity::{Activity, Missing};
use crate::cluster::identity::record::{Origin, RemovalReason};
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::{PROTOCOL, VectorEntry};

/// Row of the table (founding.md 4.2) that holds now.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// founding.md F0, founding.md F4, founding.md 3.4 and founding.md 3.5.
    Blocked(Block),
    /// founding.md F1.
    Follow {
        cluster_name: String,
        origin: Origin,
        seen_at: Address,
    },
    /// founding.md F2. `orphaned_learners` is not empty if only learners are left of the cluster.
    Join {
        cluster_id: ClusterId,
        seen_at: Address,
        leader_known: bool,
        orphaned_learners: Vec<Address>,
    },
    /// founding.md F3.
    AwaitCluster { why: Await, missing: Vec<Missing> },
    /// founding.md F5. `long`: 60 s have passed.
    Missing {
        missing: Vec<Missing>,
        founders: usize,
        long: bool,
        /// Name of this node, if it is in no entry of `peers`.
        unlisted: Option<Unlisted>,
    },
    /// founding.md F6.
    Accept(Vec<VectorEntry>),
    /// founding.md F7, whose condition is not met yet: these founders have not accepted, or, if the
    /// list is empty, the quiet time has not passed or the own address is not known.
    Agreeing {
        not_yet: Vec<Address>,
        founders: usize,
    },
    /// founding.md F7.
    Start(Vec<VectorEntry>),
    /// No `peers`, and the node does not found alone: only founding.md F1 and founding.md 8 apply.
    Manual,
    /// In a cluster: founds nothing.
    Settled,
    /// Phase `removed`: founds nothing.
    Removed {
        cluster_name: String,
        by: String,
        why: RemovalReason,
        comes_back: bool,
    },
}

/// The name of this node, which no entry of `peers` has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    pub own: Address,
    /// Silent entry with the most similar name: it may be meant for this node.
    pub similar: Option<Address>,
}

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this node is called {}, which is in no entry", self.own)?;
        match &self.similar {
            Some(entry) => write!(f, " (did you mean {entry}?)"),
            None => Ok(()),
        }
    }
}

/// Reason why founding.md F3 holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Await {
    JoinOnly,
    NotListed,
}

/// A contradiction that only an operator can cure. The node goes on polling, and goes on by itself
/// once the cause is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    TwoClusters {
        one: (ClusterId, Address),
        other: (ClusterId, Address),
    },
    ListedTwice {
        one: Address,
        other: Address,
    },
    NotMyName {
        entry: Address,
        theirs: Incarnation,
    },
    Copied {
        one: Address,
        other: Address,
        incarnation: Incarnation,
    },
    DuplicateName {
        entry: Address,
    },
    Differs(Vec<Difference>),
}

/// A listed peer that does not agree with this node. Its text prints both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub at: Address,
    pub what: Mismatch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    List {
        ours: Vec<Address>,
        theirs: Vec<Address>,
    },
    Name {
        ours: String,
        theirs: String,
    },
    Number {
        ours: u64,
        theirs: u64,
    },
    Protocol {
        theirs: u32,
    },
    Loopback {
        ours: Address,
        theirs: Address,
    },
    /// One of the two nodes has `internal-shared-secret`: this one if `here`.
    Secret {
        here: bool,
    },
    Answer(PollError),
}

impl Verdict {
    pub fn doing(&self) -> Activity {
        match self {
            Self::Blocked(_) => Activity::Blocked,
            Self::Join {
                orphaned_learners, ..
            } if !orphaned_learners.is_empty() => Activity::Blocked,
            Self::Join { .. } => Activity::Joining,
            Self::AwaitCluster { .. } | Self::Missing { .. } => Activity::Waiting,
            Self::Follow { .. } | Self::Accept(_) | Self::Agreeing { .. } | Self::Start(_) => {
                Activity::Founding
            }
            Self::Manual => Activity::Manual,
            Self::Settled => Activity::Open,
            Self::Removed { .. } => Activity::Removed,
        }
    }

    pub fn missing(&self) -> &[Missing] {
        match self {
            Self::Missing { missing, .. } | Self::AwaitCluster { missing, .. } => missing,
            _ => &[],
        }
    }
}

/// Text that says what operators can do in this version after a loss of volumes.
pub(crate) const LOST_VOLUME_ADVICE: &str =
    "restore a lost volume, or delete all volumes if no data matters";

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked(block) => block.fmt(f),
            Self::Follow { seen_at, .. } => {
                write!(f, "{seen_at} has started the cluster that we agreed on")
            }
            Self::Join {
                cluster_id,
                orphaned_learners,
                ..
            } if !orphaned_learners.is_empty() => {
                orphaned_learners_text(f, *cluster_id, orphaned_learners)
            }
            Self::Join {
                cluster_id,
                seen_at,
                leader_known,
                ..
            } => join_text(f, *cluster_id, seen_at, *leader_known),
            Self::AwaitCluster { why, missing } => {
                match why {
                    Await::JoinOnly => {
                        f.write_str("waiting for a cluster to join (bootstrap-expect is 0)")?
                    }
                    Await::NotListed => f.write_str(
                        "own address is in no entry of INFLUXDB_META_PEERS; list all founders, \
                         this one included. Waiting for a cluster to join",
                    )?,
                }
                if missing.is_empty() {
                    Ok(())
                } else {
                    write!(f, "; {}", missing_text(missing))
                }
            }
            Self::Missing {
                missing,
                founders,
                long,
                unlisted,
            } => {
                let count = missing.len();
                write!(
                    f,
                    "waiting for {count} of {founders} founders: {}",
                    missing_text(missing)
                )?;
                if let Some(unlisted) = unlisted {
                    write!(f, "; {unlisted}")?;
                }
                let one = if count == 1 { "it" } else { "them" };
                if !long {
                    return Ok(());
                }
                write!(
                    f,
                    "; to found without {one}, take {one} out of INFLUXDB_META_PEERS on all nodes"
                )
            }
            Self::Accept(_) | Self::Start(_) => {
                f.write_str("all founders agree, founding the cluster")
            }
            Self::Agreeing { not_yet, founders } if not_yet.is_empty() => {
                write!(
                    f,
                    "all {founders} founders agree, founding the cluster in a moment"
                )
            }
            Self::Agreeing { not_yet, founders } => {
                write!(
                    f,
                    "all {founders} founders answer; waiting for the word of {}",
                    addresses(not_yet)
                )
            }
            Self::Manual => f.write_str(
                "part of no cluster: `influxd-ctl add-meta` adds it to one or founds one with it; \
                 or set INFLUXDB_META_PEERS to the names of all meta nodes, this one included",
            ),
            Self::Settled => f.write_str("in a cluster"),
            Self::Removed {
                cluster_name,
                by,
                why,
                comes_back,
            } => f.write_str(&removed_text(cluster_name, by, *why, *comes_back)),
        }
    }
}

fn removed_text(cluster_name: &str, by: &str, why: RemovalReason, comes_back: bool) -> String {
    let cluster = if cluster_name.is_empty() {
        "its cluster".to_owned()
    } else {
        format!("cluster {cluster_name:?}")
    };
    let what = match why {
        RemovalReason::Removed => format!("this node was removed from {cluster} by {by}"),
        RemovalReason::Replaced => format!("this node was replaced in {cluster} by {by}"),
        RemovalReason::Unseen => {
            format!("this node was not seen for a day and taken out of {cluster}")
        }
        RemovalReason::Restored => {
            format!("this volume was set back to an older state and is out of {cluster}")
        }
    };
    if comes_back {
        return format!("{what}; it asks to join again");
    }
    format!(
        "{what}; `influxd-ctl add-meta` of it, at a member, brings it back, or delete its volume \
         to start anew"
    )
}

fn join_text(
    f: &mut fmt::Formatter<'_>,
    cluster_id: ClusterId,
    seen_at: &Address,
    leader_known: bool,
) -> fmt::Result {
    write!(f, "cluster {cluster_id} exists at {seen_at}: joining it")?;
    if leader_known {
        Ok(())
    } else {
        f.write_str(" (it has no leader now)")
    }
}

fn orphaned_learners_text(
    f: &mut fmt::Formatter<'_>,
    cluster_id: ClusterId,
    orphaned_learners: &[Address],
) -> fmt::Result {
    let learners: Vec<String> = orphaned_learners
        .iter()
        .map(|at| format!("{at} (learner)"))
        .collect();
    write!(
        f,
        "cluster {cluster_id} is known only to {}; its voters are gone. Restore a lost volume to \
         keep its data; without that node and its volume these nodes found a new cluster",
        learners.join(", ")
    )
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoClusters { one, other } => write!(
                f,
                "two clusters: {} at {} and {} at {}; this node does not choose. Stop one of them, \
                 or give each its own INFLUXDB_META_CLUSTER_NAME",
                one.0, one.1, other.0, other.1
            ),
            Self::ListedTwice { one, other } => write!(
                f,
                "the list names this node twice: {one} and {other} are both this node (or a copy \
                 of its volume)"
            ),
            Self::NotMyName { entry, theirs } => write!(
                f,
                "this node is called {entry} (bind address or INFLUXDB_HOSTNAME), but another node \
                 answers there (incarnation {theirs}): give each node its own name"
            ),
            Self::Copied {
                one,
                other,
                incarnation,
            } => write!(
                f,
                "{one} and {other} answer with one incarnation, {incarnation}: a copied volume \
                 (delete the copy), or two names for one node (list one)"
            ),
            Self::DuplicateName { entry } => write!(
                f,
                "two nodes answer to {entry}: two stacks on one network? give each its own \
                 INFLUXDB_META_CLUSTER_NAME"
            ),
            Self::Differs(differences) => {
                let texts: Vec<String> = differences.iter().map(Difference::to_string).collect();
                f.write_str(&texts.join("; "))
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match &self.what {
            Mismatch::List { ours, theirs } if theirs.is_empty() => {
                write!(
                    f,
                    "INFLUXDB_META_PEERS is not set at {at}; here it is {}",
                    addresses(ours)
                )
            }
            Mismatch::List { ours, theirs } => write!(
                f,
                "INFLUXDB_META_PEERS differs: {} here, {} at {at}; make them the same and restart",
                addresses(ours),
                addresses(theirs)
            ),
            Mismatch::Name { ours, theirs } => {
                write!(
                    f,
                    "INFLUXDB_META_CLUSTER_NAME is {ours:?} here and {theirs:?} at {at}"
                )
            }
            Mismatch::Number { ours, theirs } => {
                write!(
                    f,
                    "INFLUXDB_META_BOOTSTRAP_EXPECT comes to {ours} here and {theirs} at {at}"
                )
            }
            Mismatch::Protocol { theirs } => write!(
                f,
                "{at} speaks version {theirs} of the founding protocol, this node version \
                 {PROTOCOL}: run one version"
            ),
            Mismatch::Loopback { ours, theirs } => write!(
                f,
                "a cluster is all loopback or not at all: {ours} here, {theirs} at {at}; set \
                 INFLUXDB_HOSTNAME to a name that the others can reach"
            ),
            Mismatch::Secret { here: true } => write!(
                f,
                "INFLUXDB_META_INTERNAL_SHARED_SECRET is set here and not at {at}: set it to the same \
                 text on all nodes"
            ),
            Mismatch::Secret { here: false } => write!(
                f,
                "INFLUXDB_META_INTERNAL_SHARED_SECRET is set at {at} and not here: set it to the same \
                 text on all nodes"
            ),
            Mismatch::Answer(error) => write!(f, "{at}: {error}"),
        }
    }
}

fn missing_text(missing: &[Missing]) -> String {
    let texts: Vec<String> = missing
        .iter()
        .map(|m| format!("{} ({})", m.address, m.why))
        .collect();
    texts.join(", ")
}

fn addresses(list: &[Address]) -> String {
    list.iter()
        .map(Address::to_string)
        .collect::<Vec<_>>()
        .join(",")
}
