//! The catalog in a snapshot: everything that is replicated. (`data` has only what the wire shows.)
//!
//! A version of the program reads every format up to its newest, and writes the lowest one that
//! holds the catalog, as with log entries. The cluster's feature level keeps newer content out
//! while there are members of an older version, so they can read the snapshots of newer members.

mod data_nodes;
mod members;
mod reader;
mod restoring;

use bytes::Bytes;
use prost::Message;
use prost::encoding::uint64;

use super::convert::{
    BadField, bytes_of_text, database_len, field_len, required, write_database, write_head,
};
use super::fields::{Fields, Value};
use super::proto::state::State;
use super::version::CATALOG;
use crate::base::{Text, UnixNanos};
use crate::catalog::{Catalog, Database, Databases, MapEntry, SizedMap, SizedSet};
use reader::{Parts, StateReader};

/// Newest format that this version reads.
const NEWEST_FORMAT: u32 = CATALOG.newest();

/// Reasons why bytes are no catalog that this version can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("undecodable catalog: it does not begin with its format")]
    NoFormat,
    #[error("undecodable catalog: format {found}, this version reads up to {NEWEST_FORMAT}")]
    Newer { found: u64 },
    /// An older version could not read it: no version wrote it.
    #[error("undecodable catalog: format {format} does not have what it holds")]
    OlderFormat { format: u32 },
    #[error("undecodable catalog: {0}")]
    Protobuf(#[from] prost::DecodeError),
    #[error("undecodable catalog: {0}")]
    Field(#[from] BadField),
}

const DATABASES: u32 = 9;

/// Encodes a catalog. Equal catalogs give equal bytes.
pub fn encode(catalog: &Catalog) -> Bytes {
    let (databases, next_database) = catalog.databases.numbered();
    let mut bytes = Vec::new();
    head(catalog).encode_raw(&mut bytes);
    for (order, database) in databases {
        write_numbered(order, database, &mut bytes);
    }
    tail(catalog, next_database).encode_raw(&mut bytes);
    if let Some(restoring) = &catalog.restoring {
        restoring::encode(restoring, &mut bytes);
    }
    bytes.into()
}

/// Makes the fields before the databases.
fn head(catalog: &Catalog) -> State {
    let format = lowest_format(catalog);
    let meta_node = |node| members::meta_node_message(format, node);
    let tombstone = |tombstone| members::tombstone_message(format, tombstone);
    State {
        format: Some(format),
        term: Some(catalog.term),
        index: Some(catalog.index),
        last_at: Some(catalog.last_at.0),
        cluster: catalog.cluster.as_ref().map(members::cluster_message),
        meta_nodes: catalog.meta_nodes.values().map(meta_node).collect(),
        pendings: catalog
            .pendings
            .values()
            .map(members::pending_message)
            .collect(),
        tombstones: catalog.tombstones.values().map(tombstone).collect(),
        ..State::default()
    }
}

/// Makes the fields after the databases.
fn tail(catalog: &Catalog, next_database: u64) -> State {
    let (users, next_user) = catalog.users.numbered();
    let (roles, next_role) = catalog.roles.numbered();
    State {
        next_database: Some(next_database),
        max_node_id: Some(catalog.max_node_id),
        max_shard_group_id: Some(catalog.max_shard_group_id),
        max_shard_id: Some(catalog.max_shard_id),
        max_raft_id: Some(catalog.max_raft_id),
        data_nodes: catalog
            .data_nodes
            .values()
            .map(data_nodes::message)
            .collect(),
        passive: catalog.passive.iter().map(bytes_of_text).collect(),
        removed_data_nodes: catalog
            .removed_data_nodes
            .iter()
            .map(bytes_of_text)
            .collect(),
        users: users.map(data_nodes::numbered_user).collect(),
        next_user: (next_user > 0).then_some(next_user),
        leases: catalog
            .leases
            .iter()
            .map(data_nodes::lease_message)
            .collect(),
        content_index: (catalog.content_index > 0).then_some(catalog.content_index),
        owners_sought_since: catalog.owners_sought_since.map(|since| since.0),
        roles: roles.map(data_nodes::numbered_role).collect(),
        next_role: (next_role > 0).then_some(next_role),
        ..State::default()
    }
}

/// # Errors
/// See [`StateError`]. Nothing is ignored or repaired.
pub fn decode(bytes: &[u8]) -> Result<Catalog, StateError> {
    let format = read_format(bytes)?;
    let catalog = catalog(format, StateReader::decode(bytes)?)?;
    if lowest_format(&catalog) > format {
        return Err(StateError::OlderFormat { format });
    }
    Ok(catalog)
}

fn lowest_format(catalog: &Catalog) -> u32 {
    if data_nodes::need_format_6(catalog) {
        return 6;
    }
    if catalog.owners_sought_since.is_some() {
        return 5;
    }
    if catalog.restoring.is_some() {
        return 4;
    }
    if data_nodes::need_format_3(catalog) {
        return 3;
    }
    let is_of_1 = catalog
        .meta_nodes
        .values()
        .all(|node| node.voter && node.labels.is_empty())
        && catalog
            .tombstones
            .values()
            .all(|tombstone| tombstone.by.is_empty());
    if is_of_1 { 1 } else { 2 }
}

/// Reads only the format: the other fields may be ones that only a newer version knows.
fn read_format(bytes: &[u8]) -> Result<u32, StateError> {
    let first = Fields::of(bytes).next();
    let Some(Ok((1, Value::Varint(format @ 1..)))) = first else {
        return Err(StateError::NoFormat);
    };
    u32::try_from(format)
        .ok()
        .filter(|format| *format <= NEWEST_FORMAT)
        .ok_or(StateError::Newer { found: format })
}

fn catalog(format: u32, reader: StateReader) -> Result<Catalog, BadField> {
    let Parts {
        state,
        databases,
        restoring,
    } = reader.parts()?;
    let mut catalog = Catalog {
        term: required(state.term, "term")?,
        index: required(state.index, "index")?,
        content_index: state.content_index.unwrap_or(0),
        last_at: UnixNanos(required(state.last_at, "last_at")?),
        cluster: state.cluster.map(members::cluster).transpose()?,
        meta_nodes: keyed(state.meta_nodes, |message| {
            members::meta_node(format, message).map(|node| (node.id, node))
        })?,
        pendings: keyed(state.pendings, |message| {
            members::pending(message).map(|pending| (pending.incarnation, pending))
        })?,
        tombstones: keyed(state.tombstones, |message| {
            members::tombstone(format, message).map(|tombstone| (tombstone.incarnation, tombstone))
        })?,
        data_nodes: keyed(state.data_nodes, |message| {
            data_nodes::data_node(message).map(|node| (node.id, node))
        })?,
        passive: texts(&state.passive)?,
        removed_data_nodes: texts(&state.removed_data_nodes)?,
        databases: Databases::from_numbered(
            databases,
            required(state.next_database, "next_database")?,
        )?,
        users: data_nodes::users(state.users, state.next_user.unwrap_or(0))?,
        roles: data_nodes::roles(state.roles, state.next_role.unwrap_or(0))?,
        leases: keyed(state.leases, data_nodes::lease)?,
        max_node_id: required(state.max_node_id, "max_node_id")?,
        max_shard_group_id: required(state.max_shard_group_id, "max_shard_group_id")?,
        max_shard_id: required(state.max_shard_id, "max_shard_id")?,
        max_raft_id: required(state.max_raft_id, "max_raft_id")?,
        owners_sought_since: state.owners_sought_since.map(UnixNanos),
        restoring,
        ..Catalog::default()
    };
    catalog.index_shards();
    Ok(catalog)
}

/// Collects entries by key. Refuses two entries with the same key: no catalog was written so.
fn keyed<M, K: Ord + Clone, V: MapEntry<K> + Clone>(
    messages: Vec<M>,
    entry: impl Fn(M) -> Result<(K, V), BadField>,
) -> Result<SizedMap<K, V>, BadField> {
    let mut map = SizedMap::default();
    for message in messages {
        let (key, value) = entry(message)?;
        if map.insert(key, value).is_some() {
            return Err(BadField::Twice);
        }
    }
    Ok(map)
}

fn texts(messages: &[Vec<u8>]) -> Result<SizedSet, BadField> {
    let texts: SizedSet = messages.iter().map(Text::from).collect();
    if texts.len() == messages.len() {
        Ok(texts)
    } else {
        Err(BadField::Twice)
    }
}

/// Writes a `Numbered`, group by group: all of them as messages would need several times the memory
/// of their bytes.
fn write_numbered(order: u64, database: &Database, bytes: &mut Vec<u8>) {
    let len = uint64::encoded_len(1, &order) + field_len(2, database_len(database));
    write_head(DATABASES, len, bytes);
    uint64::encode(1, &order, bytes);
    write_database(2, database, bytes);
}

#[cfg(test)]
mod tests;
