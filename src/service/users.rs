//! Users of the catalog, for `auth`: as applied here, like every answer from local state.

use super::Service;
use crate::auth::{User, Users};
use crate::base::Name;
use crate::catalog::{self, Catalog};

impl Users for Service {
    fn has_admin(&self) -> Result<bool, String> {
        let raft = self.raft().map_err(|error| error.to_string())?;
        let applied = raft.applied().borrow().clone();
        Ok(applied.catalog.has_admin())
    }

    fn find(&self, name: &[u8]) -> Option<User> {
        let applied = self.applied()?;
        let found = applied.catalog.users.get(&Name::from(name))?;
        Some(user(&applied.catalog, found))
    }

    fn neighbour(&self, name: &[u8]) -> Option<User> {
        let applied = self.applied()?;
        let next = applied.catalog.users.next_by_name(&Name::from(name))?;
        Some(user(&applied.catalog, next))
    }
}

fn user(catalog: &Catalog, user: &catalog::User) -> User {
    User {
        hash: user.hash.as_bytes().to_vec(),
        admin: catalog.is_admin(user),
    }
}
