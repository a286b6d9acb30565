//! Databases, retention policies, continuous queries and subscriptions.

use crate::base::{DurationNanos, Name};
use crate::catalog::{ContinuousQuery, Subscription};
use crate::machine::{self, NewRetentionPolicy, WireCommand};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, required, required_name, required_text, subscription,
    subscription_info,
};
use crate::wire::proto::data::SubscriptionInfo;

pub(super) fn create(message: CreateDatabase) -> Result<WireCommand, BadField> {
    Ok(WireCommand::CreateDatabase {
        name: required_name(message.name, "Name")?,
        retention_policy: message.retention_policy.map(new_policy).transpose()?,
    })
}

pub(super) fn create_message(name: &Name, policy: Option<&NewRetentionPolicy>) -> CreateDatabase {
    CreateDatabase {
        name: Some(bytes_of(name)),
        retention_policy: policy.map(policy_info),
    }
}

pub(super) fn drop(message: ByName) -> Result<WireCommand, BadField> {
    Ok(WireCommand::DropDatabase {
        name: required_name(message.name, "Name")?,
    })
}

pub(super) fn by_name(name: &Name) -> ByName {
    ByName {
        name: Some(bytes_of(name)),
    }
}

pub(super) fn create_policy(message: CreateRetentionPolicy) -> Result<WireCommand, BadField> {
    Ok(WireCommand::CreateRetentionPolicy {
        database: required_name(message.database, "Database")?,
        policy: new_policy(required(message.retention_policy, "RetentionPolicy")?)?,
        default: message.default.unwrap_or_default(),
    })
}

pub(super) fn create_policy_message(
    database: &Name,
    policy: &NewRetentionPolicy,
    default: bool,
) -> CreateRetentionPolicy {
    CreateRetentionPolicy {
        database: Some(bytes_of(database)),
        retention_policy: Some(policy_info(policy)),
        default: Some(default),
    }
}

pub(super) fn drop_policy(message: InDatabase) -> Result<WireCommand, BadField> {
    named(message).map(|(database, name)| WireCommand::DropRetentionPolicy { database, name })
}

pub(super) fn set_default_policy(message: InDatabase) -> Result<WireCommand, BadField> {
    named(message).map(|(database, name)| WireCommand::SetDefaultRetentionPolicy { database, name })
}

pub(super) fn drop_query(message: InDatabase) -> Result<WireCommand, BadField> {
    named(message).map(|(database, name)| WireCommand::DropContinuousQuery { database, name })
}

pub(super) fn in_database(database: &Name, name: &Name) -> InDatabase {
    InDatabase {
        database: Some(bytes_of(database)),
        name: Some(bytes_of(name)),
    }
}

pub(super) fn update_policy(message: UpdateRetentionPolicy) -> Result<WireCommand, BadField> {
    Ok(WireCommand::UpdateRetentionPolicy(
        machine::UpdateRetentionPolicy {
            database: required_name(message.database, "Database")?,
            name: required_name(message.name, "Name")?,
            new_name: message.new_name.map(|name| Name::from(&name)),
            duration: message.duration.map(DurationNanos),
            replica_n: message.replica_n,
            shard_group_duration: message.shard_group_duration.map(DurationNanos),
            default: message.default.unwrap_or_default(),
        },
    ))
}

pub(super) fn update_policy_message(
    update: &machine::UpdateRetentionPolicy,
) -> UpdateRetentionPolicy {
    UpdateRetentionPolicy {
        database: Some(bytes_of(&update.database)),
        name: Some(bytes_of(&update.name)),
        new_name: update.new_name.as_ref().map(bytes_of),
        duration: update.duration.map(|duration| duration.0),
        replica_n: update.replica_n,
        shard_group_duration: update.shard_group_duration.map(|duration| duration.0),
        default: Some(update.default),
    }
}

pub(super) fn create_query(message: CreateContinuousQuery) -> Result<WireCommand, BadField> {
    Ok(WireCommand::CreateContinuousQuery {
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
) -> CreateContinuousQuery {
    CreateContinuousQuery {
        database: Some(bytes_of(database)),
        name: Some(bytes_of(&query.name)),
        query: Some(bytes_of_text(&query.query)),
    }
}

pub(super) fn create_subscription(message: CreateSubscription) -> Result<WireCommand, BadField> {
    let info = SubscriptionInfo {
        name: message.name,
        mode: message.mode,
        destinations: message.destinations,
    };
    Ok(WireCommand::CreateSubscription {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.retention_policy, "RetentionPolicy")?,
        subscription: subscription(info)?,
    })
}

pub(super) fn create_subscription_message(
    database: &Name,
    policy: &Name,
    subscription: &Subscription,
) -> CreateSubscription {
    let SubscriptionInfo {
        name,
        mode,
        destinations,
    } = subscription_info(subscription);
    CreateSubscription {
        name,
        database: Some(bytes_of(database)),
        retention_policy: Some(bytes_of(policy)),
        mode,
        destinations,
    }
}

pub(super) fn drop_subscription(message: DropSubscription) -> Result<WireCommand, BadField> {
    Ok(WireCommand::DropSubscription {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.retention_policy, "RetentionPolicy")?,
        name: required_name(message.name, "Name")?,
    })
}

pub(super) fn drop_subscription_message(
    database: &Name,
    policy: &Name,
    name: &Name,
) -> DropSubscription {
    DropSubscription {
        name: Some(bytes_of(name)),
        database: Some(bytes_of(database)),
        retention_policy: Some(bytes_of(policy)),
    }
}

fn named(message: InDatabase) -> Result<(Name, Name), BadField> {
    Ok((
        required_name(message.database, "Database")?,
        required_name(message.name, "Name")?,
    ))
}

fn new_policy(info: NewPolicyInfo) -> Result<NewRetentionPolicy, BadField> {
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

fn policy_info(policy: &NewRetentionPolicy) -> NewPolicyInfo {
    NewPolicyInfo {
        name: Some(bytes_of(&policy.name)),
        duration: Some(policy.duration.0),
        shard_group_duration: Some(policy.shard_group_duration.0),
        replica_n: Some(policy.replica_n),
    }
}

/// `RetentionPolicyInfo` of a new policy. Its shard groups and subscriptions are ignored
/// (wire.md 2.4), and are not decoded: [`crate::wire::budget`] checks that they are messages.
#[derive(Clone, PartialEq, prost::Message)]
struct NewPolicyInfo {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "2")]
    duration: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    shard_group_duration: Option<i64>,
    #[prost(uint32, optional, tag = "4")]
    replica_n: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateDatabase {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    retention_policy: Option<NewPolicyInfo>,
}

/// `DropDatabaseCommand`, `DropUserCommand`: a name.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ByName {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateRetentionPolicy {
    #[prost(bytes = "vec", optional, tag = "1")]
    database: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    retention_policy: Option<NewPolicyInfo>,
    #[prost(bool, optional, tag = "3")]
    default: Option<bool>,
}

/// `DropRetentionPolicyCommand`, `SetDefaultRetentionPolicyCommand`, `DropContinuousQueryCommand`:
/// the name of a database, and another name.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct InDatabase {
    #[prost(bytes = "vec", optional, tag = "1")]
    database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UpdateRetentionPolicy {
    #[prost(bytes = "vec", optional, tag = "1")]
    database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    new_name: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "4")]
    duration: Option<i64>,
    #[prost(uint32, optional, tag = "5")]
    replica_n: Option<u32>,
    #[prost(int64, optional, tag = "6")]
    shard_group_duration: Option<i64>,
    #[prost(bool, optional, tag = "7")]
    default: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateContinuousQuery {
    #[prost(bytes = "vec", optional, tag = "1")]
    database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    query: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateSubscription {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    retention_policy: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "4")]
    mode: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    destinations: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DropSubscription {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    retention_policy: Option<Vec<u8>>,
}
