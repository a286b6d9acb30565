//! Users (wire.md 2.7). Privileges are written in the order of the databases' names; the original
//! writes them in no fixed order.

use super::{BadField, bytes_of, bytes_of_text, required, required_name, required_text};
use crate::base::Name;
use crate::catalog::{ShownUsers, SizedMap, User};
use crate::wire::proto::data::{UserInfo, UserPrivilege};

/// Converts a user with its own admin flag and privileges.
pub(in crate::wire) fn user_info(user: &User) -> UserInfo {
    info(user, user.admin, &user.privileges)
}

/// Converts a user with the admin flag and privileges that data nodes see.
pub(in crate::wire) fn shown_user_info(shown: &ShownUsers, user: &User) -> UserInfo {
    let (admin, privileges) = shown.rights(user);
    info(user, admin, &privileges)
}

fn info(user: &User, admin: bool, privileges: &SizedMap<Name, i32>) -> UserInfo {
    let privilege = |(database, privilege): (&Name, &i32)| UserPrivilege {
        database: Some(bytes_of(database)),
        privilege: Some(*privilege),
    };
    UserInfo {
        name: Some(bytes_of(&user.name)),
        hash: Some(bytes_of_text(&user.hash)),
        admin: Some(admin),
        privileges: privileges.iter().map(privilege).collect(),
    }
}

/// Converts a user. Of two privileges on one database the last one counts, as in the original.
pub(in crate::wire) fn user(info: UserInfo) -> Result<User, BadField> {
    Ok(User {
        name: required_name(info.name, "Users.Name")?,
        hash: required_text(info.hash, "Users.Hash")?,
        admin: required(info.admin, "Users.Admin")?,
        privileges: info
            .privileges
            .into_iter()
            .map(privilege)
            .collect::<Result<_, _>>()?,
        beyond: Default::default(),
    })
}

fn privilege(message: UserPrivilege) -> Result<(Name, i32), BadField> {
    Ok((
        required_name(message.database, "Privileges.Database")?,
        required(message.privilege, "Privileges.Privilege")?,
    ))
}
