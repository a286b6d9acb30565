//! Standing warnings for operators.

use std::fmt;
use std::mem::discriminant;
use std::time::Duration;

use crate::auth::MIN_SECRET_BYTES;
use crate::base::{Address, rough};
use crate::cluster::founding::{Block, Twin};
use crate::cluster::membership::Alarm;
use crate::raft::{ClockFault, DiskFault};

/// A condition that endangers this node or its cluster while everything still works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    OneVoter,
    TwoVoters,
    /// An even number of voters, four or more.
    EvenVoters(usize),
    /// Configured to found alone, in a directory of a larger cluster.
    SingleServerIgnored,
    /// The configured name is not the one that the cluster was founded with.
    OtherClusterName {
        configured: String,
        founded: String,
    },
    /// The secret is set here, and proofs are not required yet.
    SecretNotRequired,
    /// The disk of this node, or of its members, cannot take commands.
    Disk(DiskFault),
    /// The catalog of this node has used 80 % of this quota, in bytes.
    CatalogNearQuota(u64),
    /// The catalog of this node has reached this quota, in bytes: growth is refused.
    CatalogFull(u64),
    ShortSecret,
    /// This host name, advertised for this node, does not resolve on it.
    OwnNameUnknown(String),
    /// Another member took this address, which this node advertises, during this life of the
    /// process.
    NameTaken(Address),
    /// Found by the leader's membership task.
    Membership(Alarm),
    /// Found by the polls of founding, on a node that is in a cluster.
    Founding(Block),
    Clock(ClockFault),
    /// Two processes run with one incarnation.
    Twin(Twin),
    /// The members at these addresses say that they are halted.
    HaltedMembers(Vec<Address>),
}

/// Every word of [`Warning::alarm`].
pub const ALARMS: [&str; 8] = [
    "membership",
    "two-clusters",
    "peers",
    "clock",
    "catalog-time",
    "twin",
    "catalog-quota",
    "halted-member",
];

impl Warning {
    /// Returns whether both are the same condition: measures of it, which change all the time, do
    /// not count.
    pub(in crate::cluster) fn is_same_condition(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Clock(one), Self::Clock(other)) => discriminant(one) == discriminant(other),
            (Self::Disk(DiskFault::Full { .. }), Self::Disk(DiskFault::Full { .. })) => true,
            _ => self == other,
        }
    }

    /// Returns the warning with its measures in the steps in which they are shown, so that it stays
    /// equal to itself from one moment to the next.
    pub(in crate::cluster) fn rounded(self) -> Self {
        match self {
            Self::Clock(ClockFault::Ahead { by }) => Self::Clock(ClockFault::Ahead {
                by: whole_minutes(by),
            }),
            Self::Clock(ClockFault::Behind { by }) => Self::Clock(ClockFault::Behind {
                by: whole_minutes(by),
            }),
            Self::Disk(DiskFault::Full { free, needed }) => Self::Disk(DiskFault::Full {
                free: free / FREE_STEP_BYTES * FREE_STEP_BYTES,
                needed,
            }),
            other => other,
        }
    }

    /// Word for alerts, in `influxdb_meta_alarm`; `None` for what may stay as it is.
    pub fn alarm(&self) -> Option<&'static str> {
        match self {
            Self::Membership(_) => Some("membership"),
            Self::Founding(Block::TwoClusters { .. }) => Some("two-clusters"),
            Self::Founding(_) => Some("peers"),
            Self::CatalogFull(_) => Some("catalog-quota"),
            Self::Clock(ClockFault::CatalogAhead { .. }) => Some("catalog-time"),
            Self::Clock(_) => Some("clock"),
            Self::Twin(_) => Some("twin"),
            Self::HaltedMembers(_) => Some("halted-member"),
            _ => None,
        }
    }
}

/// Step of the free bytes in a warning: 1 MiB.
const FREE_STEP_BYTES: u64 = 1 << 20;

fn whole_minutes(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() / 60 * 60)
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneVoter => {
                f.write_str("one voter: a loss of this volume is a loss of the cluster")
            }
            Self::TwoVoters => {
                f.write_str("two voters: a failure of either stops the cluster; run three")
            }
            Self::EvenVoters(voters) => write!(
                f,
                "{voters} voters survive no more failures than {}: run an odd number",
                voters - 1
            ),
            Self::SingleServerIgnored => f.write_str(
                "-single-server (or bootstrap-expect = 1) is ignored: this directory belongs to a \
                 node of a larger cluster",
            ),
            Self::OtherClusterName {
                configured,
                founded,
            } => write!(
                f,
                "cluster-name is {configured:?} here, the cluster was founded as {founded:?}; a \
                 wiped node configured so cannot join"
            ),
            Self::SecretNotRequired => f.write_str(
                "internal-shared-secret is set here and not on all meta nodes: until all have shown \
                 it, whoever reaches ports 8089 and 8091 can pose as a meta node",
            ),
            Self::Disk(fault) => fault.fmt(f),
            Self::CatalogNearQuota(quota) => write!(
                f,
                "the catalog has used 80 % of its {quota} bytes ([meta] catalog-quota): at 100 % \
                 commands that make it larger are refused; drop what is not needed, or raise it"
            ),
            Self::CatalogFull(quota) => write!(
                f,
                "the catalog has used its {quota} bytes ([meta] catalog-quota): commands that make \
                 it larger are refused; drop databases, retention policies or users, or raise it \
                 on all meta nodes"
            ),
            Self::ShortSecret => write!(
                f,
                "internal-shared-secret is shorter than {MIN_SECRET_BYTES} bytes: whoever records \
                 a proof can guess it; take a long random one"
            ),
            Self::OwnNameUnknown(host) => write!(
                f,
                "{host}, the name others are given for this node, does not resolve here"
            ),
            Self::NameTaken(address) => write!(
                f,
                "two nodes are called {address}: another member took that address from this node; \
                 give each node its own name (INFLUXDB_HOSTNAME or --hostname) and restart it"
            ),
            Self::Membership(alarm) => alarm.fmt(f),
            Self::Founding(block) => block.fmt(f),
            Self::Clock(fault) => clock_text(f, *fault),
            Self::Twin(twin) => twin.fmt(f),
            Self::HaltedMembers(at) => {
                let at: Vec<String> = at.iter().map(ToString::to_string).collect();
                let at = at.join(", ");
                write!(f, "halted: {at}; `influxd-ctl show -v` there says why and what to do")
            }
        }
    }
}

fn clock_text(f: &mut fmt::Formatter<'_>, fault: ClockFault) -> fmt::Result {
    match fault {
        ClockFault::Ahead { by } => write!(
            f,
            "the clock of this node is {} ahead of other meta nodes: as leader it refuses commands; \
             set it right",
            rough(by)
        ),
        ClockFault::Behind { by } => write!(
            f,
            "the clock of this node is {} behind other meta nodes: set it right",
            rough(by)
        ),
        ClockFault::CatalogAhead { time } => write!(
            f,
            "the catalog's time is {time}, ahead of the meta nodes' clocks: a command was stamped \
             by a wrong clock; see that the clocks are right, then run influxd-ctl \
             repair-time"
        ),
    }
}
