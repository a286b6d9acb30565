//! Data nodes, users and leases, to and from their messages. All of them need format 3.

use crate::base::{Name, NodeId};
use crate::catalog::{Catalog, DataNode, Database, User, Users};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, label_messages, labels, required, required_name,
    required_text, user, user_info,
};
use crate::wire::proto::state as proto;

/// Returns whether the catalog has anything that needs format 3.
pub(super) fn need_format_3(catalog: &Catalog) -> bool {
    let is_bare = |database: &Database| {
        let policies = &database.retention_policies;
        database.continuous_queries.is_empty()
            && policies
                .iter()
                .all(|policy| policy.shard_groups.is_empty() && policy.subscriptions.is_empty())
    };
    !(catalog.content_index == 0
        && catalog.data_nodes.is_empty()
        && catalog.passive.is_empty()
        && catalog.removed_data_nodes.is_empty()
        && catalog.users.numbered().1 == 0
        && catalog.leases.is_empty()
        && catalog.databases.iter().all(is_bare))
}

pub(super) fn message(node: &DataNode) -> proto::DataNode {
    proto::DataNode {
        id: Some(node.id.0),
        http: Some(bytes_of_text(&node.http)),
        tcp: Some(bytes_of_text(&node.tcp)),
        labels: label_messages(&node.labels),
    }
}

pub(super) fn data_node(message: proto::DataNode) -> Result<DataNode, BadField> {
    Ok(DataNode {
        id: NodeId(required(message.id, "data_nodes.id")?),
        http: required_text(message.http, "data_nodes.http")?,
        tcp: required_text(message.tcp, "data_nodes.tcp")?,
        labels: labels(message.labels)?,
    })
}

pub(super) fn numbered_user((order, user): (u64, &User)) -> proto::NumberedUser {
    proto::NumberedUser {
        order: Some(order),
        user: Some(user_info(user)),
    }
}

pub(super) fn users(messages: Vec<proto::NumberedUser>, next: u64) -> Result<Users, BadField> {
    let numbered = |message: proto::NumberedUser| {
        let info = required(message.user, "users.user")?;
        let named = info.privileges.len();
        let user = user(info)?;
        // In the wire's `Data` the last of two privileges on one database counts. Here, two were
        // never written.
        if user.privileges.len() != named {
            return Err(BadField::Twice);
        }
        Ok((required(message.order, "users.order")?, user))
    };
    let entries: Vec<_> = messages
        .into_iter()
        .map(numbered)
        .collect::<Result<_, BadField>>()?;
    Ok(Users::from_numbered(entries, next)?)
}

pub(super) fn lease_message((name, holder): (&Name, &NodeId)) -> proto::Lease {
    proto::Lease {
        name: Some(bytes_of(name)),
        holder: Some(holder.0),
    }
}

pub(super) fn lease(message: proto::Lease) -> Result<(Name, NodeId), BadField> {
    Ok((
        required_name(message.name, "leases.name")?,
        NodeId(required(message.holder, "leases.holder")?),
    ))
}
