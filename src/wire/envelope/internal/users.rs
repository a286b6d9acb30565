//! Internal commands about users and roles, to and from their messages.

use crate::base::Name;
use crate::machine::{self, Change, Holder, InternalCommand};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, members, members_message, required, required_name,
    required_text, scope_messages, scopes,
};
use crate::wire::proto::shared::ScopePermissions;

pub(super) fn add_message(add: &machine::AddUser) -> AddUser {
    AddUser {
        name: Some(bytes_of(&add.name)),
        hash: Some(bytes_of_text(&add.hash)),
        permissions: scope_messages(&add.permissions),
    }
}

pub(super) fn add(message: AddUser) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::AddUser(machine::AddUser {
        name: required_name(message.name, "name")?,
        hash: required_text(message.hash, "hash")?,
        permissions: scopes(message.permissions)?,
    }))
}

pub(super) fn change_permissions_message(change: &machine::ChangePermissions) -> ChangePermissions {
    let (user, role) = match &change.holder {
        Holder::User(name) => (Some(bytes_of(name)), None),
        Holder::Role(name) => (None, Some(bytes_of(name))),
    };
    ChangePermissions {
        user,
        role,
        add: Some(change.change == Change::Add),
        permissions: scope_messages(&change.permissions),
    }
}

pub(super) fn change_permissions(message: ChangePermissions) -> Result<InternalCommand, BadField> {
    let holder = match (message.user, message.role) {
        (Some(user), None) => Holder::User(Name::from(&user)),
        (None, Some(role)) => Holder::Role(Name::from(&role)),
        (None, None) => return Err(BadField::Missing("user or role")),
        (Some(_), Some(_)) => return Err(BadField::Value("role")),
    };
    Ok(InternalCommand::ChangePermissions(
        machine::ChangePermissions {
            holder,
            change: change(message.add)?,
            permissions: scopes(message.permissions)?,
        },
    ))
}

pub(super) fn create_role_message(create: &machine::CreateRole) -> CreateRole {
    CreateRole {
        name: Some(bytes_of(&create.name)),
        permissions: scope_messages(&create.permissions),
        users: members_message(&create.users),
    }
}

pub(super) fn create_role(message: CreateRole) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::CreateRole(machine::CreateRole {
        name: required_name(message.name, "name")?,
        permissions: scopes(message.permissions)?,
        users: members(message.users)?,
    }))
}

pub(super) fn drop_role_message(name: &Name) -> DropRole {
    DropRole {
        name: Some(bytes_of(name)),
    }
}

pub(super) fn drop_role(message: DropRole) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::DropRole {
        name: required_name(message.name, "name")?,
    })
}

pub(super) fn change_members_message(change: &machine::ChangeMembers) -> ChangeMembers {
    ChangeMembers {
        role: Some(bytes_of(&change.role)),
        add: Some(change.change == Change::Add),
        users: members_message(&change.users),
    }
}

pub(super) fn change_members(message: ChangeMembers) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::ChangeMembers(machine::ChangeMembers {
        role: required_name(message.role, "role")?,
        change: change(message.add)?,
        users: members(message.users)?,
    }))
}

fn change(add: Option<bool>) -> Result<Change, BadField> {
    Ok(if required(add, "add")? {
        Change::Add
    } else {
        Change::Remove
    })
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AddUser {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    hash: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "3")]
    permissions: Vec<ScopePermissions>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ChangePermissions {
    /// Either a user or a role.
    #[prost(bytes = "vec", optional, tag = "1")]
    user: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    role: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3")]
    add: Option<bool>,
    #[prost(message, repeated, tag = "4")]
    permissions: Vec<ScopePermissions>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateRole {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "2")]
    permissions: Vec<ScopePermissions>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    users: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DropRole {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ChangeMembers {
    #[prost(bytes = "vec", optional, tag = "1")]
    role: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "2")]
    add: Option<bool>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    users: Vec<Vec<u8>>,
}
