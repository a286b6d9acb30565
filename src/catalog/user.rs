//! Users of the data nodes' databases and of this API.

use super::{Named, SizedMap};
use crate::base::{Name, Text};

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub name: Name,
    /// Bcrypt hash as data nodes made it. It is used here only to verify a password.
    pub hash: Text,
    pub admin: bool,
    /// Privilege for each database: 0 none, 1 READ, 2 WRITE, 3 ALL; other numbers are kept as they
    /// came (wire.md 3.4).
    pub privileges: SizedMap<Name, i32>,
}

impl Named for User {
    fn name(&self) -> &Name {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size()
    }
}
