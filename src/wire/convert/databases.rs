//! Databases with their content (wire.md 2.3, 2.4, 2.7).

use super::shard_groups::shard_group_info;
use super::{BadField, bytes_of, bytes_of_text, required_name, required_text};
use crate::base::Text;
use crate::catalog::{ContinuousQuery, Database, RetentionPolicy, Subscription};
use crate::wire::proto::data::{
    ContinuousQueryInfo, DatabaseInfo, RetentionPolicyInfo, SubscriptionInfo,
};

pub(in crate::wire) fn database_info(database: &Database) -> DatabaseInfo {
    DatabaseInfo {
        name: Some(bytes_of(&database.name)),
        default_retention_policy: Some(bytes_of(&database.default_retention_policy)),
        retention_policies: database
            .retention_policies
            .iter()
            .map(policy_info)
            .collect(),
        continuous_queries: database.continuous_queries.iter().map(query_info).collect(),
    }
}

/// Converts a policy without its shard groups and subscriptions.
pub(in crate::wire) fn bare_policy_info(policy: &RetentionPolicy) -> RetentionPolicyInfo {
    RetentionPolicyInfo {
        name: Some(bytes_of(&policy.name)),
        duration: Some(policy.duration.0),
        shard_group_duration: Some(policy.shard_group_duration.0),
        replica_n: Some(policy.replica_n),
        ..RetentionPolicyInfo::default()
    }
}

pub(in crate::wire) fn policy_info(policy: &RetentionPolicy) -> RetentionPolicyInfo {
    RetentionPolicyInfo {
        shard_groups: policy.shard_groups.iter().map(shard_group_info).collect(),
        subscriptions: policy.subscriptions.iter().map(subscription_info).collect(),
        ..bare_policy_info(policy)
    }
}

pub(in crate::wire) fn subscription_info(subscription: &Subscription) -> SubscriptionInfo {
    SubscriptionInfo {
        name: Some(bytes_of(&subscription.name)),
        mode: Some(bytes_of_text(&subscription.mode)),
        destinations: subscription
            .destinations
            .iter()
            .map(bytes_of_text)
            .collect(),
    }
}

pub(in crate::wire) fn subscription(info: SubscriptionInfo) -> Result<Subscription, BadField> {
    Ok(Subscription {
        name: required_name(info.name, "Subscriptions.Name")?,
        mode: required_text(info.mode, "Subscriptions.Mode")?,
        destinations: info.destinations.iter().map(Text::from).collect(),
    })
}

pub(in crate::wire) fn query_info(query: &ContinuousQuery) -> ContinuousQueryInfo {
    ContinuousQueryInfo {
        name: Some(bytes_of(&query.name)),
        query: Some(bytes_of_text(&query.query)),
    }
}

pub(in crate::wire) fn query(info: ContinuousQueryInfo) -> Result<ContinuousQuery, BadField> {
    Ok(ContinuousQuery {
        name: required_name(info.name, "ContinuousQueries.Name")?,
        query: required_text(info.query, "ContinuousQueries.Query")?,
    })
}
