//! A database with its retention policies and continuous queries.

use super::{Named, RetentionPolicy};
use crate::base::{Name, Text};

#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    pub name: Name,
    /// May be empty, and may name a policy that does not exist (wire.md 2.3).
    pub default_retention_policy: Name,
    /// Policies in insertion order.
    pub retention_policies: Vec<RetentionPolicy>,
    /// Queries in insertion order.
    pub continuous_queries: Vec<ContinuousQuery>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ContinuousQuery {
    pub name: Name,
    /// Whole text of the query, as it was given.
    pub query: Text,
}

impl Named for Database {
    fn name(&self) -> &Name {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size()
    }
}

impl Database {
    /// Policy with exactly this name; an empty name finds nothing (wire.md 3.2.2, "RP exact").
    pub fn retention_policy(&self, name: &Name) -> Option<&RetentionPolicy> {
        self.retention_policies
            .iter()
            .find(|policy| policy.name == *name)
    }

    /// Policy with this name; an empty name means the default (wire.md 3.2.2, "RP or default").
    pub fn retention_policy_or_default(&self, name: &Name) -> Option<&RetentionPolicy> {
        self.retention_policy(if name.is_empty() {
            &self.default_retention_policy
        } else {
            name
        })
    }
}
