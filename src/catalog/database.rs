//! One database with its retention policies.

use super::RetentionPolicy;
use crate::base::Name;

#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    pub name: Name,
    /// May be empty; may dangle (wire.md 2.3).
    pub default_retention_policy: Name,
    /// In insertion order.
    pub retention_policies: Vec<RetentionPolicy>,
}

impl Database {
    /// By exact name: an empty one finds nothing (wire.md 3.2.2, "RP exact").
    pub fn retention_policy(&self, name: &Name) -> Option<&RetentionPolicy> {
        self.retention_policies.iter().find(|policy| policy.name == *name)
    }

    /// An empty name means the default (wire.md 3.2.2, "RP or default").
    pub fn retention_policy_or_default(&self, name: &Name) -> Option<&RetentionPolicy> {
        self.retention_policy(if name.is_empty() { &self.default_retention_policy } else { name })
    }
}
