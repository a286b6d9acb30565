//! Messages that are only read, and become catalog values field by field: a database with a million
//! shards needs the memory of the database, and of one shard group as a message.
//!
//! Each reads exactly what its message in [`crate::wire::proto::data`] reads, and refuses the same
//! bytes. A fault of a value inside is kept until the whole message was read: prost has no error
//! for it.

use prost::DecodeError;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType, skip_field};

use super::databases::{query, subscription};
use super::shard_groups::shard_group;
use super::{BadField, required, required_name, user};
use crate::base::DurationNanos;
use crate::catalog::{ContinuousQuery, Database, RetentionPolicy, ShardGroups, Subscription, User};
use crate::wire::proto::data::{ContinuousQueryInfo, ShardGroupInfo, SubscriptionInfo, UserInfo};

/// First fault of a value inside a message.
#[derive(Debug, Default)]
pub(in crate::wire) struct Fault(Option<BadField>);

impl Fault {
    /// Returns the value, or keeps its fault if it is the first.
    pub(in crate::wire) fn keep<T>(&mut self, value: Result<T, BadField>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(fault) => {
                self.0.get_or_insert(fault);
                None
            }
        }
    }

    pub(in crate::wire) fn check(self) -> Result<(), BadField> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Reads a field that holds a message of prost's, and converts it.
pub(in crate::wire) fn read_one<M: Message + Default, T>(
    wire_type: WireType,
    buf: &mut impl Buf,
    ctx: DecodeContext,
    convert: impl FnOnce(M) -> T,
) -> Result<T, DecodeError> {
    let mut message = M::default();
    encoding::message::merge(wire_type, &mut message, buf, ctx)?;
    Ok(convert(message))
}

/// Makes the methods of [`Message`] that a message that is never written does not need.
macro_rules! only_read {
    () => {
        fn encode_raw(&self, _: &mut impl BufMut) {}

        fn encoded_len(&self) -> usize {
            0
        }

        fn clear(&mut self) {
            *self = Self::default();
        }
    };
}
pub(in crate::wire) use only_read;

/// `DatabaseInfo`.
#[derive(Debug, Default)]
pub(in crate::wire) struct DatabaseReader {
    name: Option<Vec<u8>>,
    default_retention_policy: Option<Vec<u8>>,
    retention_policies: Vec<RetentionPolicy>,
    continuous_queries: Vec<ContinuousQuery>,
    fault: Fault,
}

impl DatabaseReader {
    pub(in crate::wire) fn database(self) -> Result<Database, BadField> {
        self.fault.check()?;
        Ok(Database {
            name: required_name(self.name, "Databases.Name")?,
            default_retention_policy: required_name(
                self.default_retention_policy,
                "Databases.DefaultRetentionPolicy",
            )?,
            retention_policies: self.retention_policies,
            continuous_queries: self.continuous_queries,
        })
    }
}

impl Message for DatabaseReader {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => merge_bytes(&mut self.name, wire_type, buf, ctx),
            2 => merge_bytes(&mut self.default_retention_policy, wire_type, buf, ctx),
            3 => {
                let policy = read_one(wire_type, buf, ctx, PolicyReader::policy)?;
                self.retention_policies.extend(self.fault.keep(policy));
                Ok(())
            }
            4 => {
                let query = read_one::<ContinuousQueryInfo, _>(wire_type, buf, ctx, query)?;
                self.continuous_queries.extend(self.fault.keep(query));
                Ok(())
            }
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    only_read!();
}

/// `RetentionPolicyInfo`.
#[derive(Debug, Default)]
pub(in crate::wire) struct PolicyReader {
    name: Option<Vec<u8>>,
    duration: Option<i64>,
    shard_group_duration: Option<i64>,
    replica_n: Option<u32>,
    shard_groups: ShardGroups,
    subscriptions: Vec<Subscription>,
    fault: Fault,
}

impl PolicyReader {
    pub(in crate::wire) fn policy(self) -> Result<RetentionPolicy, BadField> {
        self.fault.check()?;
        Ok(RetentionPolicy {
            name: required_name(self.name, "RetentionPolicies.Name")?,
            duration: DurationNanos(required(self.duration, "RetentionPolicies.Duration")?),
            shard_group_duration: DurationNanos(required(
                self.shard_group_duration,
                "RetentionPolicies.ShardGroupDuration",
            )?),
            replica_n: required(self.replica_n, "RetentionPolicies.ReplicaN")?,
            shard_groups: self.shard_groups,
            subscriptions: self.subscriptions,
        })
    }

    fn add_group(&mut self, info: ShardGroupInfo) {
        let added = shard_group(info).and_then(|group| {
            let is_new = self.shard_groups.add(group);
            is_new.then_some(()).ok_or(BadField::Twice)
        });
        self.fault.keep(added);
    }
}

impl Message for PolicyReader {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => merge_bytes(&mut self.name, wire_type, buf, ctx),
            2 => {
                let value = self.duration.get_or_insert_default();
                encoding::int64::merge(wire_type, value, buf, ctx)
            }
            3 => {
                let value = self.shard_group_duration.get_or_insert_default();
                encoding::int64::merge(wire_type, value, buf, ctx)
            }
            4 => {
                let value = self.replica_n.get_or_insert_default();
                encoding::uint32::merge(wire_type, value, buf, ctx)
            }
            5 => read_one(wire_type, buf, ctx, |info| self.add_group(info)),
            6 => {
                let read = read_one::<SubscriptionInfo, _>(wire_type, buf, ctx, subscription)?;
                self.subscriptions.extend(self.fault.keep(read));
                Ok(())
            }
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    only_read!();
}

/// Reads a `UserInfo`.
pub(in crate::wire) fn read_user(
    wire_type: WireType,
    buf: &mut impl Buf,
    ctx: DecodeContext,
) -> Result<Result<User, BadField>, DecodeError> {
    read_one::<UserInfo, _>(wire_type, buf, ctx, user)
}

pub(in crate::wire) fn merge_bytes(
    value: &mut Option<Vec<u8>>,
    wire_type: WireType,
    buf: &mut impl Buf,
    ctx: DecodeContext,
) -> Result<(), DecodeError> {
    encoding::bytes::merge(wire_type, value.get_or_insert_default(), buf, ctx)
}

#[cfg(test)]
mod tests;
