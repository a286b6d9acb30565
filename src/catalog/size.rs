//! Size of the catalog in bytes: a fixed number for each part, and the bytes of its texts
//! (storage.md, "Size of the catalog").
//!
//! The numbers are upper bounds of the bytes that the parts have in a snapshot, so a snapshot is
//! never larger than the catalog that it holds. Each container keeps the sum of its entries, so
//! that a command costs what it changes, never the whole catalog.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::{
    Catalog, ContinuousQuery, DataNode, Database, MetaNode, Pending, Permissions, Restoring,
    RetentionPolicy, Role, ShardGroup, Subscription, Tombstone, User,
};
use crate::base::{Incarnation, Name, NodeId, Text};

/// The catalog without its entries: highest ids, indexes, the cluster.
const CATALOG_BYTES: u64 = 256;
/// A meta node, a node that is joining, or one that was removed: with ids and addresses.
const META_NODE_BYTES: u64 = 128;
/// A database, retention policy, shard group, user, role or data node; the values of a restore.
const ENTRY_BYTES: u64 = 64;
/// A shard, continuous query, subscription, privilege, permissions on a database, or lease.
const SMALL_ENTRY_BYTES: u64 = 32;
/// An owner of a shard, a destination, a label, a member of a role, or an address in a list.
const ITEM_BYTES: u64 = 16;

/// An entry of a [`SizedMap`].
pub trait MapEntry<K> {
    /// Size of the entry with its key.
    fn size(&self, key: &K) -> u64;
}

/// A map that keeps the size of its entries.
#[derive(Clone, Debug, PartialEq)]
pub struct SizedMap<K: Ord, V> {
    entries: imbl::OrdMap<K, V>,
    size: u64,
}

impl<K: Ord, V> SizedMap<K, V> {
    /// Size of all entries.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl<K: Ord + Clone, V: MapEntry<K> + Clone> SizedMap<K, V> {
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.size += value.size(&key);
        let replaced = self.entries.insert(key.clone(), value);
        self.size -= replaced.as_ref().map_or(0, |value| value.size(&key));
        replaced
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let removed = self.entries.remove(key)?;
        self.size -= removed.size(key);
        Some(removed)
    }

    /// Changes an entry in place.
    pub fn update<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let value = self.entries.get_mut(key)?;
        let before = value.size(key);
        let result = change(value);
        self.size = self.size - before + value.size(key);
        Some(result)
    }

    pub(super) fn computed_size(&self) -> u64 {
        let entries = self.entries.iter();
        entries.map(|(key, value)| value.size(key)).sum()
    }
}

impl<K: Ord, V> Default for SizedMap<K, V> {
    fn default() -> Self {
        Self {
            entries: imbl::OrdMap::new(),
            size: 0,
        }
    }
}

impl<K: Ord, V> Deref for SizedMap<K, V> {
    type Target = imbl::OrdMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

/// Of two entries with one key the last one stays.
impl<K: Ord + Clone, V: MapEntry<K> + Clone> FromIterator<(K, V)> for SizedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// A set of addresses that keeps their size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SizedSet {
    texts: imbl::OrdSet<Text>,
    size: u64,
}

impl SizedSet {
    /// Size of all texts.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a text. Returns whether it is new.
    pub fn insert(&mut self, text: Text) -> bool {
        let size = item_size(text.len());
        let is_new = self.texts.insert(text).is_none();
        if is_new {
            self.size += size;
        }
        is_new
    }

    /// Removes a text. Returns whether it was there.
    pub fn remove(&mut self, text: &Text) -> bool {
        let was_there = self.texts.remove(text).is_some();
        if was_there {
            self.size -= item_size(text.len());
        }
        was_there
    }

    pub(super) fn computed_size(&self) -> u64 {
        self.texts.iter().map(|text| item_size(text.len())).sum()
    }
}

impl Deref for SizedSet {
    type Target = imbl::OrdSet<Text>;

    fn deref(&self) -> &Self::Target {
        &self.texts
    }
}

impl FromIterator<Text> for SizedSet {
    fn from_iter<I: IntoIterator<Item = Text>>(texts: I) -> Self {
        let mut set = Self::default();
        for text in texts {
            set.insert(text);
        }
        set
    }
}

impl Catalog {
    /// Size of the catalog: the sum over its parts, those of a restore that is not committed yet
    /// included. O(1).
    pub fn size(&self) -> u64 {
        let name = self.cluster.as_ref().map_or(0, |found| found.name.len());
        with_texts(CATALOG_BYTES, [name])
            + self.meta_nodes.size()
            + self.pendings.size()
            + self.tombstones.size()
            + self.data_nodes.size()
            + self.passive.size()
            + self.removed_data_nodes.size()
            + self.databases.size()
            + self.users.size()
            + self.roles.size()
            + self.leases.size()
            + self.restoring.as_ref().map_or(0, Restoring::size)
    }
}

impl Restoring {
    pub fn size(&self) -> u64 {
        ENTRY_BYTES + self.databases.size() + self.users.size()
    }
}

impl Database {
    pub fn size(&self) -> u64 {
        let policies = self.retention_policies.iter();
        let queries = self.continuous_queries.iter();
        let names = [self.name.len(), self.default_retention_policy.len()];
        with_texts(ENTRY_BYTES, names)
            + policies.map(RetentionPolicy::size).sum::<u64>()
            + queries.map(ContinuousQuery::size).sum::<u64>()
    }
}

impl RetentionPolicy {
    pub fn size(&self) -> u64 {
        let subscriptions = self.subscriptions.iter();
        with_texts(ENTRY_BYTES, [self.name.len()])
            + self.shard_groups.size()
            + subscriptions.map(Subscription::size).sum::<u64>()
    }
}

impl ContinuousQuery {
    pub fn size(&self) -> u64 {
        with_texts(SMALL_ENTRY_BYTES, [self.name.len(), self.query.len()])
    }
}

impl Subscription {
    pub fn size(&self) -> u64 {
        let destinations = self.destinations.iter();
        with_texts(SMALL_ENTRY_BYTES, [self.name.len(), self.mode.len()])
            + destinations.map(|url| item_size(url.len())).sum::<u64>()
    }
}

impl ShardGroup {
    pub fn size(&self) -> u64 {
        let shards = self.shards.iter();
        let shard = |owners: usize| SMALL_ENTRY_BYTES + ITEM_BYTES * owners as u64;
        ENTRY_BYTES + shards.map(|found| shard(found.owners.len())).sum::<u64>()
    }
}

impl User {
    pub fn size(&self) -> u64 {
        with_texts(ENTRY_BYTES, [self.name.len(), self.hash.len()])
            + self.privileges.size()
            + self.beyond.size()
    }
}

impl Role {
    pub fn size(&self) -> u64 {
        with_texts(ENTRY_BYTES, [self.name.len()]) + self.permissions.size() + self.users.size()
    }
}

/// Permissions of a user or a role. Those for all databases are counted in the fixed number of the
/// user or role: to take one of an admin's away must not make the catalog larger.
impl MapEntry<Name> for Permissions {
    fn size(&self, scope: &Name) -> u64 {
        if scope.is_empty() {
            0
        } else {
            with_texts(SMALL_ENTRY_BYTES, [scope.len()])
        }
    }
}

/// A member of a role.
impl MapEntry<Name> for () {
    fn size(&self, user: &Name) -> u64 {
        item_size(user.len())
    }
}

/// A privilege of a user.
impl MapEntry<Name> for i32 {
    fn size(&self, database: &Name) -> u64 {
        with_texts(SMALL_ENTRY_BYTES, [database.len()])
    }
}

/// The holder of a lease.
impl MapEntry<Name> for NodeId {
    fn size(&self, lease: &Name) -> u64 {
        with_texts(SMALL_ENTRY_BYTES, [lease.len()])
    }
}

impl MapEntry<NodeId> for DataNode {
    fn size(&self, _: &NodeId) -> u64 {
        with_texts(ENTRY_BYTES, [self.http.len(), self.tcp.len()]) + labels_size(&self.labels)
    }
}

impl MapEntry<NodeId> for MetaNode {
    fn size(&self, _: &NodeId) -> u64 {
        let hosts = [self.http.host().len(), self.raft.host().len()];
        with_texts(META_NODE_BYTES, hosts) + labels_size(&self.labels)
    }
}

impl MapEntry<Incarnation> for Pending {
    fn size(&self, _: &Incarnation) -> u64 {
        let hosts = [self.http.host().len(), self.raft.host().len()];
        with_texts(META_NODE_BYTES, hosts)
    }
}

impl MapEntry<Incarnation> for Tombstone {
    fn size(&self, _: &Incarnation) -> u64 {
        with_texts(META_NODE_BYTES, [self.by.len()])
    }
}

fn labels_size(labels: &BTreeMap<String, String>) -> u64 {
    let labels = labels.iter();
    labels
        .map(|(key, value)| with_texts(ITEM_BYTES, [key.len(), value.len()]))
        .sum()
}

fn item_size(text: usize) -> u64 {
    with_texts(ITEM_BYTES, [text])
}

fn with_texts<const N: usize>(fixed: u64, texts: [usize; N]) -> u64 {
    fixed + texts.iter().map(|text| *text as u64).sum::<u64>()
}
