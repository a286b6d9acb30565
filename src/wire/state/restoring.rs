//! A restore that is not committed yet, to and from its fields, since format 4: 22 holds its
//! values, 23 its databases, 24 its users. Databases are written and read one by one.

use prost::DecodeError;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, message};

use crate::base::UnixNanos;
use crate::catalog::{Databases, Restoring, Users};
use crate::wire::convert::{
    BadField, DatabaseReader, Fault, read_one, read_user, required, user_info, write_database,
};
use crate::wire::proto::state as proto;

pub(super) const VALUES: u32 = 22;
pub(super) const DATABASES: u32 = 23;
pub(super) const USERS: u32 = 24;

pub(super) fn encode(restoring: &Restoring, bytes: &mut Vec<u8>) {
    let values = proto::Restoring {
        id: Some(restoring.id),
        index: Some(restoring.index),
        max_shard_group_id: Some(restoring.max_shard_group_id),
        max_shard_id: Some(restoring.max_shard_id),
        parts: Some(restoring.parts),
        at: Some(restoring.at.0),
    };
    message::encode(VALUES, &values, bytes);
    for database in restoring.databases.iter() {
        write_database(DATABASES, database, bytes);
    }
    for user in restoring.users.iter() {
        message::encode(USERS, &user_info(user), bytes);
    }
}

#[derive(Debug, Default)]
pub(super) struct RestoringReader {
    values: Option<proto::Restoring>,
    databases: Databases,
    users: Users,
    fault: Fault,
}

impl RestoringReader {
    pub(super) fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let added = match tag {
            DATABASES => {
                let database = read_one(wire_type, buf, ctx, DatabaseReader::database)?;
                database.map(|database| self.databases.insert(database))
            }
            USERS => read_user(wire_type, buf, ctx)?.map(|user| self.users.insert(user)),
            _ => {
                let values = self.values.get_or_insert_default();
                return message::merge(wire_type, values, buf, ctx);
            }
        };
        let distinct = added.and_then(|is_new| is_new.then_some(()).ok_or(BadField::Twice));
        self.fault.keep(distinct);
        Ok(())
    }

    pub(super) fn restoring(self) -> Result<Option<Restoring>, BadField> {
        self.fault.check()?;
        let Some(values) = self.values else {
            let is_empty = self.databases.is_empty() && self.users.is_empty();
            return is_empty
                .then_some(None)
                .ok_or(BadField::Missing("restoring"));
        };
        Ok(Some(Restoring {
            id: required(values.id, "restoring.id")?,
            index: required(values.index, "restoring.index")?,
            max_shard_group_id: required(
                values.max_shard_group_id,
                "restoring.max_shard_group_id",
            )?,
            max_shard_id: required(values.max_shard_id, "restoring.max_shard_id")?,
            parts: required(values.parts, "restoring.parts")?,
            at: UnixNanos(required(values.at, "restoring.at")?),
            databases: self.databases,
            users: self.users,
        }))
    }
}
