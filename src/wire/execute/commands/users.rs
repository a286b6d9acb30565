//! Users and their privileges.

use super::databases::ByName;
use crate::base::{Name, Text};
use crate::machine::{self, WireCommand};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, required, required_name, required_text,
};

pub(super) fn create(message: CreateUser) -> Result<WireCommand, BadField> {
    Ok(WireCommand::CreateUser(machine::CreateUser {
        name: required_name(message.name, "Name")?,
        hash: required_text(message.hash, "Hash")?,
        admin: required(message.admin, "Admin")?,
    }))
}

pub(super) fn create_message(user: &machine::CreateUser) -> CreateUser {
    CreateUser {
        name: Some(bytes_of(&user.name)),
        hash: Some(bytes_of_text(&user.hash)),
        admin: Some(user.admin),
    }
}

pub(super) fn drop(message: ByName) -> Result<WireCommand, BadField> {
    Ok(WireCommand::DropUser {
        name: required_name(message.name, "Name")?,
    })
}

pub(super) fn update(message: UpdateUser) -> Result<WireCommand, BadField> {
    Ok(WireCommand::UpdateUser {
        name: required_name(message.name, "Name")?,
        hash: required_text(message.hash, "Hash")?,
    })
}

pub(super) fn update_message(name: &Name, hash: &Text) -> UpdateUser {
    UpdateUser {
        name: Some(bytes_of(name)),
        hash: Some(bytes_of_text(hash)),
    }
}

pub(super) fn set_privilege(message: SetPrivilege) -> Result<WireCommand, BadField> {
    Ok(WireCommand::SetPrivilege {
        user: required_name(message.username, "Username")?,
        database: required_name(message.database, "Database")?,
        privilege: required(message.privilege, "Privilege")?,
    })
}

pub(super) fn set_privilege_message(user: &Name, database: &Name, privilege: i32) -> SetPrivilege {
    SetPrivilege {
        username: Some(bytes_of(user)),
        database: Some(bytes_of(database)),
        privilege: Some(privilege),
    }
}

pub(super) fn set_admin(message: SetAdminPrivilege) -> Result<WireCommand, BadField> {
    Ok(WireCommand::SetAdminPrivilege {
        user: required_name(message.username, "Username")?,
        admin: required(message.admin, "Admin")?,
    })
}

pub(super) fn set_admin_message(user: &Name, admin: bool) -> SetAdminPrivilege {
    SetAdminPrivilege {
        username: Some(bytes_of(user)),
        admin: Some(admin),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateUser {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    hash: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3")]
    admin: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UpdateUser {
    #[prost(bytes = "vec", optional, tag = "1")]
    name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    hash: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetPrivilege {
    #[prost(bytes = "vec", optional, tag = "1")]
    username: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    database: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "3")]
    privilege: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetAdminPrivilege {
    #[prost(bytes = "vec", optional, tag = "1")]
    username: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "2")]
    admin: Option<bool>,
}
