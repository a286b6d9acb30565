//! Types that everything shares: ids, instants, addresses, names. Each meaning has its own type, so
//! that they cannot be mixed up.
//!
//! Owns: plain values and their text forms. Never: IO, a clock, randomness.

mod address;
pub mod endpoint;
mod id;
mod measure;
mod name;
mod suggestion;
mod time;

pub use address::{Address, AddressError, AddressFault};
pub use id::{
    ClusterId, Incarnation, ListHash, LogId, NodeId, ParseIdError, ProcessId, RaftId, ShardGroupId,
    ShardId, StartId,
};
pub use measure::without_measures;
pub use name::{Name, Text};
pub use suggestion::most_similar;
pub use time::{DurationNanos, UnixNanos, rough};
