//! Permissions by scope, and members of roles, in log entries and snapshots.

use super::{BadField, bytes_of, required, required_name};
use crate::base::Name;
use crate::catalog::{Members, Permissions, Scopes};
use crate::wire::proto::shared::ScopePermissions;

pub(in crate::wire) fn scope_messages(scopes: &Scopes) -> Vec<ScopePermissions> {
    let message = |(scope, permissions): (&Name, &Permissions)| ScopePermissions {
        scope: Some(bytes_of(scope)),
        permissions: Some(permissions.bits()),
    };
    scopes.iter().map(message).collect()
}

/// Refuses unknown permissions, and two sets of one scope.
pub(in crate::wire) fn scopes(messages: Vec<ScopePermissions>) -> Result<Scopes, BadField> {
    let mut scopes = Scopes::default();
    for message in messages {
        let scope = required_name(message.scope, "permissions.scope")?;
        let bits = required(message.permissions, "permissions.permissions")?;
        let set = Permissions::from_bits(bits).ok_or(BadField::Value("permissions.permissions"))?;
        if scopes.insert(scope, set).is_some() {
            return Err(BadField::Twice);
        }
    }
    Ok(scopes)
}

pub(in crate::wire) fn members_message(members: &Members) -> Vec<Vec<u8>> {
    members.keys().map(bytes_of).collect()
}

/// Refuses one name twice.
pub(in crate::wire) fn members(messages: Vec<Vec<u8>>) -> Result<Members, BadField> {
    let named = messages.len();
    let members: Members = messages.iter().map(|name| (Name::from(name), ())).collect();
    if members.len() == named {
        Ok(members)
    } else {
        Err(BadField::Twice)
    }
}
