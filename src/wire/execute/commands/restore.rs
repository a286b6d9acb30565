//! `SetData`: a whole `Data`, of which only the content that a restore replaces is used.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};

use crate::catalog::{Databases, Users};
use crate::machine::{self, WireCommand};
use crate::wire::convert::{
    BadField, DatabaseReader, Fault, database_info, only_read, read_one, read_user, required,
    user_info,
};
use crate::wire::proto::data::{self, NodeInfo};

pub(super) fn set_data(message: SetData) -> Result<WireCommand, BadField> {
    let data = required(message.data, "Data")?;
    data.restore().map(Box::new).map(WireCommand::SetData)
}

/// Encodes a restore without nodes: those of the cluster are kept.
pub(super) fn set_data_message(restore: &machine::SetData) -> WrittenSetData {
    let data = data::Data {
        term: Some(0),
        index: Some(restore.index),
        cluster_id: Some(0),
        databases: restore.databases.iter().map(database_info).collect(),
        users: restore.users.iter().map(user_info).collect(),
        max_node_id: Some(0),
        max_shard_group_id: Some(restore.max_shard_group_id),
        max_shard_id: Some(restore.max_shard_id),
        ..data::Data::default()
    };
    WrittenSetData { data: Some(data) }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WrittenSetData {
    #[prost(message, optional, tag = "1")]
    data: Option<data::Data>,
}

#[derive(Debug, Default)]
pub(super) struct SetData {
    data: Option<DataReader>,
}

impl Message for SetData {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => {
                let data = self.data.get_or_insert_default();
                encoding::message::merge(wire_type, data, buf, ctx)
            }
            _ => skip_field(wire_type, tag, buf, ctx),
        }
    }

    only_read!();
}

/// `Data`, whose databases and users become values of the catalog one by one.
#[derive(Debug, Default)]
struct DataReader {
    has_term: Presence,
    has_cluster_id: Presence,
    has_max_node_id: Presence,
    index: Option<u64>,
    max_shard_group_id: Option<u64>,
    max_shard_id: Option<u64>,
    databases: Databases,
    users: Users,
    fault: Fault,
}

/// A required field whose value is not used: the original does not decode `Data` without it.
#[derive(Debug, Default)]
struct Presence(bool);

impl Presence {
    fn read(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        self.0 = true;
        encoding::uint64::merge(wire_type, &mut 0, buf, ctx)
    }

    fn required(&self, name: &'static str) -> Result<(), BadField> {
        self.0.then_some(()).ok_or(BadField::Missing(name))
    }
}

impl DataReader {
    fn restore(self) -> Result<machine::SetData, BadField> {
        self.has_term.required("Data.Term")?;
        self.has_cluster_id.required("Data.ClusterID")?;
        self.has_max_node_id.required("Data.MaxNodeID")?;
        self.fault.check()?;
        Ok(machine::SetData {
            index: required(self.index, "Data.Index")?,
            databases: self.databases,
            users: self.users,
            max_shard_group_id: required(self.max_shard_group_id, "Data.MaxShardGroupID")?,
            max_shard_id: required(self.max_shard_id, "Data.MaxShardID")?,
        })
    }

    fn add_database(&mut self, reader: DatabaseReader) {
        let added = reader
            .database()
            .and_then(|database| distinct(self.databases.insert(database)));
        self.fault.keep(added);
    }
}

fn distinct(is_new: bool) -> Result<(), BadField> {
    is_new.then_some(()).ok_or(BadField::Twice)
}

fn check_node(node: NodeInfo) -> Result<(), BadField> {
    required(node.id, "Data.Nodes.ID").map(drop)
}

impl Message for DataReader {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let number = match tag {
            1 => return self.has_term.read(wire_type, buf, ctx),
            2 => &mut self.index,
            3 => return self.has_cluster_id.read(wire_type, buf, ctx),
            4 | 10 | 11 => {
                let checked = read_one(wire_type, buf, ctx, check_node)?;
                self.fault.keep(checked);
                return Ok(());
            }
            5 => return read_one(wire_type, buf, ctx, |reader| self.add_database(reader)),
            6 => {
                let added = read_user(wire_type, buf, ctx)?
                    .and_then(|user| distinct(self.users.insert(user)));
                self.fault.keep(added);
                return Ok(());
            }
            7 => return self.has_max_node_id.read(wire_type, buf, ctx),
            8 => &mut self.max_shard_group_id,
            9 => &mut self.max_shard_id,
            _ => return skip_field(wire_type, tag, buf, ctx),
        };
        encoding::uint64::merge(wire_type, number.get_or_insert_default(), buf, ctx)
    }

    only_read!();
}
