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
        let user = applied.catalog.users.get(&Name::from(name))?;
        Some(User {
            hash: user.hash.as_bytes().to_vec(),
            admin: user.admin,
        })
    }
}
