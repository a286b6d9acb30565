//! Users and roles, changed and read through the API (users.md 4).

use std::sync::Arc;

use tokio::time::Instant;

use super::data_nodes::confirm_leader;
use super::error::BadRequest;
use super::{Error, Service};
use crate::base::{Name, Text};
use crate::catalog::{Permissions, all_databases};
use crate::cluster::{NotYet, Refusal};
use crate::machine::{
    AddUser, ChangeMembers, ChangePermissions, CreateRole, Holder, InternalCommand, Outcome,
    Refused, WireCommand,
};
use crate::raft::Applied;
use crate::wire::accounts::{
    NewSecret, RoleAction, RoleList, RoleOperation, UserAction, UserList, UserOperation,
};
use crate::wire::envelope::Body;
use crate::wire::version::ROLES_LEVEL;

impl Service {
    /// Confirms with a majority that this node leads, so that what it reads then is the newest.
    ///
    /// # Errors
    /// This node does not lead, or is no member, or no majority answers.
    pub async fn confirm_leads(&self, deadline: Instant) -> Result<(), Error> {
        confirm_leader(&self.raft()?, deadline).await
    }

    /// Users as applied here: all, or the one with this name.
    ///
    /// # Errors
    /// There is no such user, or this node is no member.
    pub fn users(&self, name: Option<&str>) -> Result<UserList, Error> {
        let applied = self.applied_catalog()?;
        let users = &applied.catalog.users;
        let users = match name {
            None => users.iter().map(Into::into).collect(),
            Some(name) => {
                let found = users.get(&Name::from(name));
                vec![
                    found
                        .ok_or(Error::UnknownName(Refused::UserNotFound))?
                        .into(),
                ]
            }
        };
        Ok(UserList { users })
    }

    /// Roles as applied here: all, or the one with this name.
    ///
    /// # Errors
    /// There is no such role, or this node is no member.
    pub fn roles(&self, name: Option<&str>) -> Result<RoleList, Error> {
        let applied = self.applied_catalog()?;
        let roles = &applied.catalog.roles;
        let roles = match name {
            None => roles.iter().map(Into::into).collect(),
            Some(name) => {
                let found = roles.get(&Name::from(name));
                vec![
                    found
                        .ok_or(Error::UnknownName(Refused::RoleNotFound))?
                        .into(),
                ]
            }
        };
        Ok(RoleList { roles })
    }

    /// Whether a user, by itself or by its roles, has the named permission on a database, or for all
    /// if `resource` is empty or `_`. As applied here.
    ///
    /// # Errors
    /// There is no such user or permission, or this node is no member.
    pub fn is_permitted(
        &self,
        name: &str,
        permission: &str,
        resource: &str,
    ) -> Result<bool, Error> {
        let applied = self.applied_catalog()?;
        let catalog = &applied.catalog;
        let user = catalog.users.get(&Name::from(name));
        let user = user.ok_or(Error::UnknownName(Refused::UserNotFound))?;
        let wanted = Permissions::named(permission);
        let wanted = wanted.ok_or_else(|| BadRequest::NoPermission(permission.to_owned()))?;
        let scope = match resource {
            "_" => all_databases(),
            database => Name::from(database),
        };
        Ok(catalog.permissions_of(user, &scope).contains(wanted))
    }

    /// Checks an operation on the leader before a password is hashed for it: hashing takes 60 ms.
    ///
    /// # Errors
    /// The reason why the operation would be refused, or this node does not lead.
    pub async fn check_user_operation(
        &self,
        operation: &UserOperation,
        deadline: Instant,
    ) -> Result<(), Error> {
        let applied = self.accounts(deadline).await?;
        let exists = applied.catalog.users.get(&operation.name).is_some();
        let secret = operation.secret();
        match &operation.action {
            UserAction::Create { .. } if secret.is_none() => Err(BadRequest::NoSecret.into()),
            UserAction::Create { .. } if exists => refused(Refused::UserExists),
            UserAction::ChangePassword { .. } if !exists => refused(Refused::UserNotFound),
            UserAction::ChangePassword { .. } if secret.is_none() => {
                Err(BadRequest::NoSecret.into())
            }
            _ => match secret {
                Some(NewSecret::Hash(hash)) if !crate::auth::is_hash(hash.as_bytes()) => {
                    Err(BadRequest::NoHash.into())
                }
                _ => Ok(()),
            },
        }
    }

    /// Executes an operation if this node leads. `hash` is that of the operation's secret.
    ///
    /// # Errors
    /// All but `Unknown` mean that nothing was changed.
    pub async fn change_user(
        &self,
        operation: &UserOperation,
        hash: Option<Text>,
        deadline: Instant,
    ) -> Result<(), Error> {
        let name = operation.name.clone();
        let hash = || hash.clone().ok_or(BadRequest::NoSecret);
        let command: Body = match &operation.action {
            UserAction::Create { permissions, .. } => InternalCommand::AddUser(AddUser {
                name,
                hash: hash()?,
                permissions: permissions.clone(),
            })
            .into(),
            UserAction::Delete => WireCommand::DropUser { name }.into(),
            UserAction::ChangePassword { .. } => {
                let hash = hash()?;
                WireCommand::UpdateUser { name, hash }.into()
            }
            UserAction::Permissions {
                change,
                permissions,
            } => InternalCommand::ChangePermissions(ChangePermissions {
                holder: Holder::User(name),
                change: *change,
                permissions: permissions.clone(),
            })
            .into(),
        };
        self.change_accounts(command, deadline).await
    }

    /// Executes an operation if this node leads.
    ///
    /// # Errors
    /// All but `Unknown` mean that nothing was changed.
    pub async fn change_role(
        &self,
        operation: &RoleOperation,
        deadline: Instant,
    ) -> Result<(), Error> {
        let name = operation.name.clone();
        let command = match operation.action.clone() {
            RoleAction::Create { permissions, users } => InternalCommand::CreateRole(CreateRole {
                name,
                permissions,
                users,
            }),
            RoleAction::Delete => InternalCommand::DropRole { name },
            RoleAction::Permissions {
                change,
                permissions,
            } => InternalCommand::ChangePermissions(ChangePermissions {
                holder: Holder::Role(name),
                change,
                permissions,
            }),
            RoleAction::Users { change, users } => InternalCommand::ChangeMembers(ChangeMembers {
                role: name,
                change,
                users,
            }),
        };
        self.accounts(deadline).await?;
        self.change_accounts(command.into(), deadline).await
    }

    async fn change_accounts(&self, command: Body, deadline: Instant) -> Result<(), Error> {
        match self.raft()?.propose(command, deadline).await? {
            Outcome::Applied { .. } => Ok(()),
            Outcome::Refused(refusal) => refused(refusal),
        }
    }

    /// Returns the newest catalog of a leader whose cluster has users with permissions.
    async fn accounts(&self, deadline: Instant) -> Result<Arc<Applied>, Error> {
        let raft = self.raft()?;
        confirm_leader(&raft, deadline).await?;
        let applied = raft.applied().borrow().clone();
        if applied.catalog.feature_level() < ROLES_LEVEL {
            return Err(
                Refusal::NotYet(NotYet::OldMembers("users with permissions, and roles")).into(),
            );
        }
        Ok(applied)
    }

    fn applied_catalog(&self) -> Result<Arc<Applied>, Error> {
        let raft = self.raft()?;
        let applied = raft.applied().borrow().clone();
        Ok(applied)
    }
}

fn refused(refusal: Refused) -> Result<(), Error> {
    Err(BadRequest::Refused(refusal).into())
}
