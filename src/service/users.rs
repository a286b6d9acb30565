//! Users of the catalog, for `auth`: as applied here, like every answer from local state.

use super::Service;
use crate::auth::{User, Users};
use crate::base::Name;

impl Users for Service {
    fn has_admin(&self) -> Result<bool, String> {
        let raft = self.raft().map_err(|error| error.to_string())?;
        let applied = raft.applied().borrow().clone();
        Ok(applied.catalog.users.iter().any(|user| user.admin))
    }

    fn find(&self, name: &[u8]) -> Option<User> {
        let applied = self.applied()?;
        applied.catalog.users.get(&Name::from(name)).map(user)
    }

    fn neighbour(&self, name: &[u8]) -> Option<User> {
        let applied = self.applied()?;
        applied
            .catalog
            .users
            .next_by_name(&Name::from(name))
            .map(user)
    }
}

fn user(user: &crate::catalog::User) -> User {
    User {
        hash: user.hash.as_bytes().to_vec(),
        admin: user.admin,
    }
}
