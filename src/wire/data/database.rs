//! A database as parts.

use std::sync::Arc;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::groups::Runs;
use super::rope::{Part, RopeBuilder, total};
use crate::catalog::{Database, RetentionPolicy};
use crate::wire::convert::{bare_policy_info, query_info, subscription_info};
use crate::wire::proto::data::DatabaseInfo;

const DATABASES: u32 = 5;
const RETENTION_POLICIES: u32 = 3;
const CONTINUOUS_QUERIES: u32 = 4;
const SUBSCRIPTIONS: u32 = 6;

pub(super) struct Encoded {
    of: Arc<Database>,
    pub(super) parts: Vec<Part>,
    runs: Runs,
    /// Whether the last body did not have this encoding.
    pub(super) is_new: bool,
}

impl Encoded {
    /// Encodes a database. `before` is its encoding in the last body.
    pub(super) fn of(database: &Arc<Database>, before: Option<Self>) -> Self {
        let mut runs = match before {
            Some(encoded) if encoded.is_of(database) => {
                return Self {
                    is_new: false,
                    ..encoded
                };
            }
            Some(encoded) => encoded.runs,
            None => Runs::default(),
        };
        let mut parts = RopeBuilder::default();
        message(DATABASES, &database_parts(database, &mut runs), &mut parts);
        runs.forget_unused();
        Self {
            of: database.clone(),
            parts: parts.finish(),
            runs,
            is_new: true,
        }
    }

    /// Returns whether this is the encoding of the same object. An equal object does not count.
    pub(super) fn is_of(&self, database: &Arc<Database>) -> bool {
        Arc::ptr_eq(&self.of, database)
    }
}

fn database_parts(database: &Database, runs: &mut Runs) -> Vec<Part> {
    let mut parts = RopeBuilder::default();
    let head = DatabaseInfo {
        name: Some(database.name.as_bytes().to_vec()),
        default_retention_policy: Some(database.default_retention_policy.as_bytes().to_vec()),
        ..DatabaseInfo::default()
    };
    head.encode_raw(parts.open());
    for policy in &database.retention_policies {
        message(RETENTION_POLICIES, &policy_parts(policy, runs), &mut parts);
    }
    for query in &database.continuous_queries {
        prost::encoding::message::encode(CONTINUOUS_QUERIES, &query_info(query), parts.open());
    }
    parts.finish()
}

fn policy_parts(policy: &RetentionPolicy, runs: &mut Runs) -> Vec<Part> {
    let mut parts = RopeBuilder::default();
    bare_policy_info(policy).encode_raw(parts.open());
    runs.encode(policy, &mut parts);
    for subscription in &policy.subscriptions {
        prost::encoding::message::encode(
            SUBSCRIPTIONS,
            &subscription_info(subscription),
            parts.open(),
        );
    }
    parts.finish()
}

/// Appends a message made of parts as a field.
fn message(field: u32, content: &[Part], parts: &mut RopeBuilder) {
    let len = total(content) as u64;
    let open = parts.open();
    open.reserve(key_len(field) + encoded_len_varint(len));
    encode_key(field, WireType::LengthDelimited, open);
    encode_varint(len, open);
    parts.extend(content);
}
