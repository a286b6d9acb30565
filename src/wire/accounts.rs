//! JSON of `/user` and `/role` (clients.md A1 and A2). Bodies are read whatever their content type
//! says, with `null` for an empty list.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::base::{Name, Text};
use crate::catalog::{Members, Permission, Permissions, Role, Scopes, User};
use crate::machine::Change;

/// A request of `POST /user`. Has no `Debug`: it may hold a password.
pub struct UserOperation {
    pub name: Name,
    pub action: UserAction,
}

pub enum UserAction {
    Create {
        secret: Option<NewSecret>,
        permissions: Scopes,
    },
    Delete,
    ChangePassword {
        secret: Option<NewSecret>,
    },
    Permissions {
        change: Change,
        permissions: Scopes,
    },
}

/// A password, or the hash that somebody made of one.
pub enum NewSecret {
    Password(String),
    Hash(Text),
}

impl UserOperation {
    /// The password or hash that the user gets, if the operation has one.
    pub fn secret(&self) -> Option<&NewSecret> {
        match &self.action {
            UserAction::Create { secret, .. } | UserAction::ChangePassword { secret } => {
                secret.as_ref()
            }
            UserAction::Delete | UserAction::Permissions { .. } => None,
        }
    }
}

/// A request of `POST /role`.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleOperation {
    pub name: Name,
    pub action: RoleAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RoleAction {
    Create { permissions: Scopes, users: Members },
    Delete,
    Permissions { change: Change, permissions: Scopes },
    Users { change: Change, users: Members },
}

/// Faults of a body. The texts are those of the original (wire.md 6.2), and none repeats what may
/// be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationFault {
    #[error("the body cannot be read as JSON of {path}: see its line {line}, column {column}")]
    NotJson {
        path: &'static str,
        line: usize,
        column: usize,
    },
    #[error("invalid action: {0}")]
    Action(String),
    #[error("invalid user")]
    NoUser,
    #[error("invalid user: the body has a role, which POST /role takes")]
    RoleForUser,
    #[error("invalid role")]
    NoRole,
    #[error("invalid role: the body has a user, which POST /user takes")]
    UserForRole,
    #[error("username required")]
    UserNameRequired,
    #[error("role name required")]
    RoleNameRequired,
    #[error("invalid permission: {0}")]
    Permission(String),
}

/// Lists of permissions by scope, as clients send them.
type ScopesRequest = BTreeMap<String, Option<Vec<String>>>;

#[derive(Deserialize)]
struct UserBody {
    action: Option<String>,
    user: Option<UserRequest>,
    role: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct UserRequest {
    name: Option<String>,
    password: Option<String>,
    hash: Option<String>,
    permissions: Option<ScopesRequest>,
}

#[derive(Deserialize)]
struct RoleBody {
    action: Option<String>,
    role: Option<RoleRequest>,
    user: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RoleRequest {
    name: Option<String>,
    permissions: Option<ScopesRequest>,
    users: Option<Vec<String>>,
}

/// Reads the body of `POST /user`.
///
/// # Errors
/// See [`OperationFault`].
pub fn user_operation(body: &[u8]) -> Result<UserOperation, OperationFault> {
    let body: UserBody = json("/user", body)?;
    let action = body.action.unwrap_or_default();
    let known = [
        "create",
        "delete",
        "change-password",
        "add-permissions",
        "remove-permissions",
    ];
    if !known.contains(&action.as_str()) {
        return Err(OperationFault::Action(action));
    }
    let user = body.user.ok_or(match body.role {
        Some(_) => OperationFault::RoleForUser,
        None => OperationFault::NoUser,
    })?;
    let name = user.name.unwrap_or_default();
    if name.is_empty() {
        return Err(OperationFault::UserNameRequired);
    }
    let permissions = scopes(user.permissions)?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let hash = || given(user.hash).map(|hash| NewSecret::Hash(Text::from(&hash)));
    let secret = given(user.password).map(NewSecret::Password).or_else(hash);
    let action = match action.as_str() {
        "create" => UserAction::Create {
            secret,
            permissions,
        },
        "delete" => UserAction::Delete,
        "change-password" => UserAction::ChangePassword { secret },
        "add-permissions" => UserAction::Permissions {
            change: Change::Add,
            permissions,
        },
        _ => UserAction::Permissions {
            change: Change::Remove,
            permissions,
        },
    };
    let name = Name::from(&name);
    Ok(UserOperation { name, action })
}

/// Reads the body of `POST /role`.
///
/// # Errors
/// See [`OperationFault`].
pub fn role_operation(body: &[u8]) -> Result<RoleOperation, OperationFault> {
    let body: RoleBody = json("/role", body)?;
    let action = body.action.unwrap_or_default();
    let known = [
        "create",
        "delete",
        "add-permissions",
        "remove-permissions",
        "add-users",
        "remove-users",
    ];
    if !known.contains(&action.as_str()) {
        return Err(OperationFault::Action(action));
    }
    let role = body.role.ok_or(match body.user {
        Some(_) => OperationFault::UserForRole,
        None => OperationFault::NoRole,
    })?;
    let name = role.name.unwrap_or_default();
    if name.is_empty() {
        return Err(OperationFault::RoleNameRequired);
    }
    let permissions = scopes(role.permissions)?;
    let users = role.users.unwrap_or_default();
    let users: Members = users.iter().map(|user| (Name::from(user), ())).collect();
    let change = if action.starts_with("add-") {
        Change::Add
    } else {
        Change::Remove
    };
    let action = match action.as_str() {
        "create" => RoleAction::Create { permissions, users },
        "delete" => RoleAction::Delete,
        "add-permissions" | "remove-permissions" => RoleAction::Permissions {
            change,
            permissions,
        },
        _ => RoleAction::Users { change, users },
    };
    let name = Name::from(&name);
    Ok(RoleOperation { name, action })
}

fn json<'a, T: Deserialize<'a>>(path: &'static str, body: &'a [u8]) -> Result<T, OperationFault> {
    serde_json::from_slice(body).map_err(|error| OperationFault::NotJson {
        path,
        line: error.line(),
        column: error.column(),
    })
}

/// A scope without permissions is left out: it asks for nothing, and its database may be gone.
fn scopes(request: Option<ScopesRequest>) -> Result<Scopes, OperationFault> {
    let mut scopes = Scopes::default();
    for (scope, names) in request.unwrap_or_default() {
        let set = names
            .unwrap_or_default()
            .into_iter()
            .map(|name| Permissions::named(&name).ok_or(OperationFault::Permission(name)));
        scopes.set(&Name::from(&scope), set.collect::<Result<_, _>>()?);
    }
    Ok(scopes)
}

/// `GET /user`: `{}` without users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserList {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserEntry>,
}

/// A user with its own permissions, without those of its roles (clients.md trap 20).
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct UserEntry {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hash: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    permissions: BTreeMap<String, Vec<&'static str>>,
}

/// Leaves out the hash.
impl std::fmt::Debug for UserEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.name, self.permissions)
    }
}

/// `GET /role`: `{}` without roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoleList {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleEntry {
    name: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    permissions: BTreeMap<String, Vec<&'static str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<String>,
}

impl From<&User> for UserEntry {
    fn from(user: &User) -> Self {
        let permissions = user.all_permissions();
        Self {
            name: user.name.to_string(),
            hash: user.hash.to_string(),
            permissions: names(permissions.iter().map(|(scope, set)| (scope, *set))),
        }
    }
}

impl From<&Role> for RoleEntry {
    fn from(role: &Role) -> Self {
        Self {
            name: role.name.to_string(),
            permissions: names(role.permissions.iter().map(|(scope, set)| (scope, *set))),
            users: role.users.keys().map(Name::to_string).collect(),
        }
    }
}

fn names<'a>(
    scopes: impl Iterator<Item = (&'a Name, Permissions)>,
) -> BTreeMap<String, Vec<&'static str>> {
    let list = |set: Permissions| set.iter().map(Permission::name).collect();
    scopes
        .map(|(scope, set)| (scope.to_string(), list(set)))
        .collect()
}
