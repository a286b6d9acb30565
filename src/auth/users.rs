//! Look-up of users.

/// The facts about a user that a check needs.
#[derive(Clone)]
pub struct User {
    /// Password hash in the catalog; empty if the password is kept elsewhere.
    pub hash: Vec<u8>,
    pub admin: bool,
}

/// The users that this node knows.
pub trait Users: Send + Sync + 'static {
    /// Whether there is an admin.
    ///
    /// # Errors
    /// Reason why this node has no catalog, or none yet.
    fn has_admin(&self) -> Result<bool, String>;

    fn find(&self, name: &[u8]) -> Option<User>;

    /// Returns a user other than this one, always the same for one name; `None` if there is none. A
    /// check of an unknown name takes as long as one of the user that is returned.
    fn neighbour(&self, name: &[u8]) -> Option<User>;
}
