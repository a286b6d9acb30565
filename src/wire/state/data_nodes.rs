//! Data nodes, users and leases, to and from their messages. All of them need format 3; roles, and
//! permissions beyond privileges, need format 6.

use crate::base::{Name, NodeId};
use crate::catalog::{Catalog, DataNode, Database, Role, Roles, User, Users};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, label_messages, labels, members, members_message, required,
    required_name, required_text, scope_messages, scopes, user, user_info,
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

/// Returns whether the catalog has anything that needs format 6.
pub(super) fn need_format_6(catalog: &Catalog) -> bool {
    let mut users = catalog.users.iter();
    catalog.roles.numbered().1 > 0 || users.any(|user| !user.beyond.is_empty())
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
        beyond: scope_messages(&user.beyond),
    }
}

pub(super) fn users(messages: Vec<proto::NumberedUser>, next: u64) -> Result<Users, BadField> {
    let numbered = |message: proto::NumberedUser| {
        let info = required(message.user, "users.user")?;
        let named = info.privileges.len();
        let mut user = user(info)?;
        user.beyond = scopes(message.beyond)?;
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

pub(super) fn numbered_role((order, role): (u64, &Role)) -> proto::NumberedRole {
    proto::NumberedRole {
        order: Some(order),
        name: Some(bytes_of(&role.name)),
        permissions: scope_messages(&role.permissions),
        users: members_message(&role.users),
    }
}

pub(super) fn roles(messages: Vec<proto::NumberedRole>, next: u64) -> Result<Roles, BadField> {
    let numbered = |message: proto::NumberedRole| {
        let role = Role {
            name: required_name(message.name, "roles.name")?,
            permissions: scopes(message.permissions)?,
            users: members(message.users)?,
        };
        Ok((required(message.order, "roles.order")?, role))
    };
    let entries = messages.into_iter().map(numbered);
    let entries = entries.collect::<Result<Vec<_>, BadField>>()?;
    Ok(Roles::from_numbered(entries, next)?)
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
