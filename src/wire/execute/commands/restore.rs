//! `SetData`: a whole `Data`, of which only the content that a restore replaces is used.

use crate::catalog::{Named, Ordered};
use crate::machine::{self, WireCommand};
use crate::wire::convert::{BadField, database, database_info, required, user, user_info};
use crate::wire::proto::data::{Data, NodeInfo};

pub(super) fn set_data(message: SetData) -> Result<WireCommand, BadField> {
    let data = required(message.data, "Data")?;
    require_unused_fields(&data)?;
    Ok(WireCommand::SetData(Box::new(machine::SetData {
        index: required(data.index, "Data.Index")?,
        databases: ordered(data.databases, database)?,
        users: ordered(data.users, user)?,
        max_shard_group_id: required(data.max_shard_group_id, "Data.MaxShardGroupID")?,
        max_shard_id: required(data.max_shard_id, "Data.MaxShardID")?,
    })))
}

/// Encodes a restore without nodes: those of the cluster are kept.
pub(super) fn set_data_message(restore: &machine::SetData) -> SetData {
    let data = Data {
        term: Some(0),
        index: Some(restore.index),
        cluster_id: Some(0),
        databases: restore.databases.iter().map(database_info).collect(),
        users: restore.users.iter().map(user_info).collect(),
        max_node_id: Some(0),
        max_shard_group_id: Some(restore.max_shard_group_id),
        max_shard_id: Some(restore.max_shard_id),
        ..Data::default()
    };
    SetData { data: Some(data) }
}

/// Checks that the required fields that are not used are present: the original does not decode
/// `Data` without them.
fn require_unused_fields(data: &Data) -> Result<(), BadField> {
    required(data.term, "Data.Term")?;
    required(data.cluster_id, "Data.ClusterID")?;
    required(data.max_node_id, "Data.MaxNodeID")?;
    let id = |node: &NodeInfo| required(node.id, "Data.Nodes.ID").map(drop);
    data.nodes
        .iter()
        .chain(&data.data_nodes)
        .chain(&data.meta_nodes)
        .try_for_each(id)
}

fn ordered<M, T: Named>(
    messages: Vec<M>,
    entry: impl Fn(M) -> Result<T, BadField>,
) -> Result<Ordered<T>, BadField> {
    let mut all = Ordered::default();
    for message in messages {
        if !all.insert(entry(message)?) {
            return Err(BadField::Twice);
        }
    }
    Ok(all)
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetData {
    #[prost(message, optional, tag = "1")]
    data: Option<Data>,
}
