//! Reads the messages of a catalog. Databases become values of the catalog one by one: as messages,
//! all of them would need several times the memory of the catalog.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};

use super::DATABASES;
use super::restoring::{self, RestoringReader};
use crate::catalog::{Database, Restoring};
use crate::wire::convert::{BadField, DatabaseReader, Fault, only_read, read_one, required};
use crate::wire::proto::state::State;

/// `State`, and its databases with their insertion numbers.
#[derive(Debug, Default)]
pub(super) struct StateReader {
    state: State,
    databases: Vec<(u64, Database)>,
    restoring: RestoringReader,
    fault: Fault,
}

pub(super) struct Parts {
    pub(super) state: State,
    pub(super) databases: Vec<(u64, Database)>,
    pub(super) restoring: Option<Restoring>,
}

impl StateReader {
    pub(super) fn parts(self) -> Result<Parts, BadField> {
        self.fault.check()?;
        Ok(Parts {
            state: self.state,
            databases: self.databases,
            restoring: self.restoring.restoring()?,
        })
    }
}

impl Message for StateReader {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        if (restoring::VALUES..=restoring::USERS).contains(&tag) {
            return self.restoring.merge_field(tag, wire_type, buf, ctx);
        }
        if tag != DATABASES {
            return self.state.merge_field(tag, wire_type, buf, ctx);
        }
        let numbered = read_one(wire_type, buf, ctx, NumberedReader::numbered)?;
        self.databases.extend(self.fault.keep(numbered));
        Ok(())
    }

    only_read!();
}

/// `Numbered`.
#[derive(Debug, Default)]
struct NumberedReader {
    order: Option<u64>,
    database: Option<DatabaseReader>,
}

impl NumberedReader {
    fn numbered(self) -> Result<(u64, Database), BadField> {
        let order = required(self.order, "databases.order")?;
        let database = required(self.database, "databases.database")?.database()?;
        Ok((order, database))
    }
}

impl Message for NumberedReader {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => {
                let order = self.order.get_or_insert_default();
                encoding::uint64::merge(wire_type, order, buf, ctx)
            }
            2 => {
                let database = self.database.get_or_insert_default();
                encoding::message::merge(wire_type, database, buf, ctx)
            }
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    only_read!();
}
