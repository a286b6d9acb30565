//! Users and what they may do.

use crate::base::{Name, Text};
use crate::machine::{Command, CreateUser};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, required, required_name, required_text,
};
use crate::wire::proto::command as proto;

pub(super) fn create(message: proto::CreateUser) -> Result<Command, BadField> {
    Ok(Command::CreateUser(CreateUser {
        name: required_name(message.name, "Name")?,
        hash: required_text(message.hash, "Hash")?,
        admin: required(message.admin, "Admin")?,
    }))
}

pub(super) fn create_message(user: &CreateUser) -> proto::CreateUser {
    proto::CreateUser {
        name: Some(bytes_of(&user.name)),
        hash: Some(bytes_of_text(&user.hash)),
        admin: Some(user.admin),
    }
}

pub(super) fn drop(message: proto::ByName) -> Result<Command, BadField> {
    Ok(Command::DropUser {
        name: required_name(message.name, "Name")?,
    })
}

pub(super) fn update(message: proto::UpdateUser) -> Result<Command, BadField> {
    Ok(Command::UpdateUser {
        name: required_name(message.name, "Name")?,
        hash: required_text(message.hash, "Hash")?,
    })
}

pub(super) fn update_message(name: &Name, hash: &Text) -> proto::UpdateUser {
    proto::UpdateUser {
        name: Some(bytes_of(name)),
        hash: Some(bytes_of_text(hash)),
    }
}

pub(super) fn set_privilege(message: proto::SetPrivilege) -> Result<Command, BadField> {
    Ok(Command::SetPrivilege {
        user: required_name(message.username, "Username")?,
        database: required_name(message.database, "Database")?,
        privilege: required(message.privilege, "Privilege")?,
    })
}

pub(super) fn set_privilege_message(
    user: &Name,
    database: &Name,
    privilege: i32,
) -> proto::SetPrivilege {
    proto::SetPrivilege {
        username: Some(bytes_of(user)),
        database: Some(bytes_of(database)),
        privilege: Some(privilege),
    }
}

pub(super) fn set_admin(message: proto::SetAdminPrivilege) -> Result<Command, BadField> {
    Ok(Command::SetAdminPrivilege {
        user: required_name(message.username, "Username")?,
        admin: required(message.admin, "Admin")?,
    })
}

pub(super) fn set_admin_message(user: &Name, admin: bool) -> proto::SetAdminPrivilege {
    proto::SetAdminPrivilege {
        username: Some(bytes_of(user)),
        admin: Some(admin),
    }
}
