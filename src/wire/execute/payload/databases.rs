//! Databases, retention policies, continuous queries and subscriptions.

use crate::base::{DurationNanos, Name};
use crate::catalog::{ContinuousQuery, Subscription};
use crate::machine::{Command, NewRetentionPolicy, UpdateRetentionPolicy};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, required, required_name, required_text, subscription,
    subscription_info,
};
use crate::wire::proto::command as proto;
use crate::wire::proto::data::{RetentionPolicyInfo, SubscriptionInfo};

pub(super) fn create(message: proto::CreateDatabase) -> Result<Command, BadField> {
    Ok(Command::CreateDatabase {
        name: required_name(message.name, "Name")?,
        retention_policy: message.retention_policy.map(new_policy).transpose()?,
    })
}

pub(super) fn create_message(
    name: &Name,
    policy: Option<&NewRetentionPolicy>,
) -> proto::CreateDatabase {
    proto::CreateDatabase {
        name: Some(bytes_of(name)),
        retention_policy: policy.map(policy_info),
    }
}

pub(super) fn drop(message: proto::ByName) -> Result<Command, BadField> {
    Ok(Command::DropDatabase {
        name: required_name(message.name, "Name")?,
    })
}

pub(super) fn by_name(name: &Name) -> proto::ByName {
    proto::ByName {
        name: Some(bytes_of(name)),
    }
}

pub(super) fn create_policy(message: proto::CreateRetentionPolicy) -> Result<Command, BadField> {
    Ok(Command::CreateRetentionPolicy {
        database: required_name(message.database, "Database")?,
        policy: new_policy(required(message.retention_policy, "RetentionPolicy")?)?,
        default: message.default.unwrap_or_default(),
    })
}

pub(super) fn create_policy_message(
    database: &Name,
    policy: &NewRetentionPolicy,
    default: bool,
) -> proto::CreateRetentionPolicy {
    proto::CreateRetentionPolicy {
        database: Some(bytes_of(database)),
        retention_policy: Some(policy_info(policy)),
        default: Some(default),
    }
}

pub(super) fn drop_policy(message: proto::InDatabase) -> Result<Command, BadField> {
    named(message).map(|(database, name)| Command::DropRetentionPolicy { database, name })
}

pub(super) fn set_default_policy(message: proto::InDatabase) -> Result<Command, BadField> {
    named(message).map(|(database, name)| Command::SetDefaultRetentionPolicy { database, name })
}

pub(super) fn drop_query(message: proto::InDatabase) -> Result<Command, BadField> {
    named(message).map(|(database, name)| Command::DropContinuousQuery { database, name })
}

pub(super) fn in_database(database: &Name, name: &Name) -> proto::InDatabase {
    proto::InDatabase {
        database: Some(bytes_of(database)),
        name: Some(bytes_of(name)),
    }
}

pub(super) fn update_policy(message: proto::UpdateRetentionPolicy) -> Result<Command, BadField> {
    Ok(Command::UpdateRetentionPolicy(UpdateRetentionPolicy {
        database: required_name(message.database, "Database")?,
        name: required_name(message.name, "Name")?,
        new_name: message.new_name.map(|name| Name::from(&name)),
        duration: message.duration.map(DurationNanos),
        replica_n: message.replica_n,
        shard_group_duration: message.shard_group_duration.map(DurationNanos),
        default: message.default.unwrap_or_default(),
    }))
}

pub(super) fn update_policy_message(
    update: &UpdateRetentionPolicy,
) -> proto::UpdateRetentionPolicy {
    proto::UpdateRetentionPolicy {
        database: Some(bytes_of(&update.database)),
        name: Some(bytes_of(&update.name)),
        new_name: update.new_name.as_ref().map(bytes_of),
        duration: update.duration.map(|duration| duration.0),
        replica_n: update.replica_n,
        shard_group_duration: update.shard_group_duration.map(|duration| duration.0),
        default: Some(update.default),
    }
}

pub(super) fn create_query(message: proto::CreateContinuousQuery) -> Result<Command, BadField> {
    Ok(Command::CreateContinuousQuery {
        database: required_name(message.database, "Database")?,
        query: ContinuousQuery {
            name: required_name(message.name, "Name")?,
            query: required_text(message.query, "Query")?,
        },
    })
}

pub(super) fn create_query_message(
    database: &Name,
    query: &ContinuousQuery,
) -> proto::CreateContinuousQuery {
    proto::CreateContinuousQuery {
        database: Some(bytes_of(database)),
        name: Some(bytes_of(&query.name)),
        query: Some(bytes_of_text(&query.query)),
    }
}

pub(super) fn create_subscription(message: proto::CreateSubscription) -> Result<Command, BadField> {
    let info = SubscriptionInfo {
        name: message.name,
        mode: message.mode,
        destinations: message.destinations,
    };
    Ok(Command::CreateSubscription {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.retention_policy, "RetentionPolicy")?,
        subscription: subscription(info)?,
    })
}

pub(super) fn create_subscription_message(
    database: &Name,
    policy: &Name,
    subscription: &Subscription,
) -> proto::CreateSubscription {
    let SubscriptionInfo {
        name,
        mode,
        destinations,
    } = subscription_info(subscription);
    proto::CreateSubscription {
        name,
        database: Some(bytes_of(database)),
        retention_policy: Some(bytes_of(policy)),
        mode,
        destinations,
    }
}

pub(super) fn drop_subscription(message: proto::DropSubscription) -> Result<Command, BadField> {
    Ok(Command::DropSubscription {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.retention_policy, "RetentionPolicy")?,
        name: required_name(message.name, "Name")?,
    })
}

pub(super) fn drop_subscription_message(
    database: &Name,
    policy: &Name,
    name: &Name,
) -> proto::DropSubscription {
    proto::DropSubscription {
        name: Some(bytes_of(name)),
        database: Some(bytes_of(database)),
        retention_policy: Some(bytes_of(policy)),
    }
}

fn named(message: proto::InDatabase) -> Result<(Name, Name), BadField> {
    Ok((
        required_name(message.database, "Database")?,
        required_name(message.name, "Name")?,
    ))
}

/// Shard groups and subscriptions of the message are no part of what is asked for (wire.md 2.4).
fn new_policy(info: RetentionPolicyInfo) -> Result<NewRetentionPolicy, BadField> {
    Ok(NewRetentionPolicy {
        name: required_name(info.name, "RetentionPolicy.Name")?,
        duration: DurationNanos(required(info.duration, "RetentionPolicy.Duration")?),
        shard_group_duration: DurationNanos(required(
            info.shard_group_duration,
            "RetentionPolicy.ShardGroupDuration",
        )?),
        replica_n: required(info.replica_n, "RetentionPolicy.ReplicaN")?,
    })
}

fn policy_info(policy: &NewRetentionPolicy) -> RetentionPolicyInfo {
    RetentionPolicyInfo {
        name: Some(bytes_of(&policy.name)),
        duration: Some(policy.duration.0),
        shard_group_duration: Some(policy.shard_group_duration.0),
        replica_n: Some(policy.replica_n),
        ..RetentionPolicyInfo::default()
    }
}
