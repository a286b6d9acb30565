//! Where users are looked up.

/// What has to be known of a user to let somebody in under its name.
#[derive(Clone)]
pub struct User {
    /// As the catalog has it; empty when the password is kept elsewhere.
    pub hash: Vec<u8>,
    pub admin: bool,
}

/// The users that this node knows.
pub trait Users: Send + Sync + 'static {
    /// Whether there is an admin; the error says why this node has no list of users at all.
    ///
    /// # Errors
    /// This node has no catalog, or none yet.
    fn has_admin(&self) -> Result<bool, String>;

    fn find(&self, name: &[u8]) -> Option<User>;
}
