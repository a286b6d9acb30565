//! Identifiers. Each has a type of its own, so that signatures tell them apart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Error for a text that is not an id. `want` describes a correct one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {want}")]
pub struct ParseIdError {
    text: String,
    want: &'static str,
}

/// Defines a type of a fixed number of random or hashed bytes, written as lower-case hex.
macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $want:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| ParseIdError { text: text.to_owned(), want: $want })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id!(
    /// 128 random bits that name one life of one volume. Made when a directory holds no state, and
    /// durable before any other node hears of it (founding.md P1). Written as 32 hex digits:
    /// `5f3c…`.
    Incarnation, 16, "an incarnation (32 hex digits)"
);
hex_id!(
    /// Id of a cluster: a hash of its name, founder list and vector (founding.md 1).
    ClusterId, 16, "a cluster id (32 hex digits)"
);
hex_id!(
    /// SHA-256 over a founder list, the cluster name and the expected number.
    ListHash, 32, "a list hash (64 hex digits)"
);
hex_id!(
    /// 64 random bits, one id for each opening of Raft.
    StartId, 8, "a start id (16 hex digits)"
);

hex_id!(
    /// 64 random bits that name one process. Never on disk, so a copy of a volume has another one.
    ProcessId, 8, "a process id (16 hex digits)"
);

impl ClusterId {
    /// The wire's `ClusterID`: the low 63 bits. 0 means "unset" on the wire and becomes 1.
    pub fn wire(&self) -> u64 {
        let mut low = [0; 8];
        low.copy_from_slice(&self.0[8..]);
        (u64::from_be_bytes(low) & (u64::MAX >> 1)).max(1)
    }
}

/// Defines a type for a number, written in decimal.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug,
            Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(
    /// Id of a node in the catalog, which `show` prints. Not a [`RaftId`].
    NodeId
);
number_id!(
    /// Id of a shard group; never reused.
    ShardGroupId
);
number_id!(
    /// Id of a shard; never reused.
    ShardId
);
number_id!(
    /// Id of a member of the Raft group. Belongs to one incarnation for ever; never reused.
    RaftId
);

/// Position in the Raft log, and the term that wrote it. Ordered by term, then index.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
)]
pub struct LogId {
    pub term: u64,
    pub index: u64,
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.term, self.index)
    }
}
