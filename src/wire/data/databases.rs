//! Databases as parts: what did not change since they were last encoded is not encoded again.
//!
//! Databases go in chunks by their insertion numbers, and the shard groups of a policy in runs; a chunk or a run whose
//! members are the same pointers is the same bytes. A command changes one chunk, and in it one run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::rope::{Part, Parts, total};
use crate::base::Name;
use crate::catalog::{Catalog, Database, RetentionPolicy, ShardGroup};
use crate::wire::convert::{bare_policy_info, query_info, shard_group_info, subscription_info};
use crate::wire::proto::data::{DatabaseInfo, RetentionPolicyInfo};

/// Databases of one chunk: 16 consecutive insertion numbers.
const CHUNK: u64 = 16;

/// A run ends behind a group whose id is the last of so many, so that one more group does not move the others' ends.
const RUN: u64 = 256;

const DATABASES: u32 = 5;
const RETENTION_POLICIES: u32 = 3;
const CONTINUOUS_QUERIES: u32 = 4;
const SHARD_GROUPS: u32 = 5;
const SUBSCRIPTIONS: u32 = 6;

/// What was encoded last, by chunk.
#[derive(Default)]
pub(super) struct Chunks(BTreeMap<u64, Chunk>);

struct Chunk {
    of: Vec<Arc<Database>>,
    parts: Vec<Part>,
    runs: Runs,
}

/// By the database's number, the policy and the first group.
type Runs = HashMap<(u64, Name, u64), Run>;

struct Run {
    of: Vec<Arc<ShardGroup>>,
    part: Part,
}

impl Chunks {
    /// Adds all databases to `parts`, and remembers them instead of what was remembered.
    pub(super) fn encode(&mut self, catalog: &Catalog, parts: &mut Parts) {
        let mut before = std::mem::take(&mut self.0);
        let mut members: BTreeMap<u64, Vec<(u64, Arc<Database>)>> = BTreeMap::new();
        for (order, database) in catalog.databases.shared() {
            members.entry(order / CHUNK).or_default().push((order, database.clone()));
        }
        for (number, members) in members {
            let chunk = Chunk::of(&members, before.remove(&number));
            parts.extend(&chunk.parts);
            self.0.insert(number, chunk);
        }
    }
}

impl Chunk {
    fn of(members: &[(u64, Arc<Database>)], before: Option<Self>) -> Self {
        let of: Vec<_> = members.iter().map(|(_, database)| database.clone()).collect();
        let mut old = match before {
            Some(chunk) if same(&chunk.of, &of) => return chunk,
            Some(chunk) => chunk.runs,
            None => Runs::new(),
        };
        let (mut parts, mut runs) = (Parts::default(), Runs::new());
        for (order, database) in members {
            let parts_of = database_parts(*order, database, &mut old, &mut runs);
            message(DATABASES, &parts_of, &mut parts);
        }
        Self { of, parts: parts.finish(), runs }
    }
}

fn database_parts(order: u64, database: &Database, old: &mut Runs, runs: &mut Runs) -> Vec<Part> {
    let mut parts = Parts::default();
    let head = DatabaseInfo {
        name: Some(database.name.as_bytes().to_vec()),
        default_retention_policy: Some(database.default_retention_policy.as_bytes().to_vec()),
        ..DatabaseInfo::default()
    };
    head.encode_raw(parts.open());
    for policy in &database.retention_policies {
        let parts_of = policy_parts(order, policy, old, runs);
        message(RETENTION_POLICIES, &parts_of, &mut parts);
    }
    for query in &database.continuous_queries {
        prost::encoding::message::encode(CONTINUOUS_QUERIES, &query_info(query), parts.open());
    }
    parts.finish()
}

fn policy_parts(order: u64, policy: &RetentionPolicy, old: &mut Runs, runs: &mut Runs) -> Vec<Part> {
    let mut parts = Parts::default();
    let head: RetentionPolicyInfo = bare_policy_info(policy);
    head.encode_raw(parts.open());
    let mut of: Vec<Arc<ShardGroup>> = Vec::new();
    let mut end = |of: Vec<Arc<ShardGroup>>, parts: &mut Parts| {
        let Some(first) = of.first() else { return };
        let key = (order, policy.name.clone(), first.id.0);
        let run = Run::of(of, old.remove(&key));
        parts.push(&run.part);
        runs.insert(key, run);
    };
    for group in policy.shard_groups.shared() {
        let is_last = group.id.0 % RUN == RUN - 1;
        of.push(group.clone());
        if is_last {
            end(std::mem::take(&mut of), &mut parts);
        }
    }
    end(of, &mut parts);
    for subscription in &policy.subscriptions {
        prost::encoding::message::encode(SUBSCRIPTIONS, &subscription_info(subscription), parts.open());
    }
    parts.finish()
}

impl Run {
    fn of(of: Vec<Arc<ShardGroup>>, before: Option<Self>) -> Self {
        if let Some(run) = before.filter(|run| same(&run.of, &of)) {
            return run;
        }
        let mut bytes = Vec::new();
        for group in &of {
            prost::encoding::message::encode(SHARD_GROUPS, &shard_group_info(group), &mut bytes);
        }
        Self { of, part: Part::new(bytes) }
    }
}

/// The same objects, not merely equal ones.
fn same<T>(one: &[Arc<T>], other: &[Arc<T>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}

/// A message of parts as a field.
fn message(field: u32, content: &[Part], parts: &mut Parts) {
    let len = total(content) as u64;
    let open = parts.open();
    open.reserve(key_len(field) + encoded_len_varint(len));
    encode_key(field, WireType::LengthDelimited, open);
    encode_varint(len, open);
    parts.extend(content);
}
