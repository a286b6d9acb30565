//! A text that is never printed.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A secret or a password. It never reaches a log. It has no `==`: signatures made with it are
/// compared, not the secret.
#[derive(Clone, Default)]
pub struct Secret(Arc<str>);

/// Number of bytes below which a shared secret is reported as short: whoever records one proof or
/// token can try short secrets without asking the node.
pub const MIN_SECRET_BYTES: usize = 16;

impl Secret {
    /// Whether it is short for a shared secret.
    pub fn is_short(&self) -> bool {
        self.0.len() < MIN_SECRET_BYTES
    }
}

impl Deref for Secret {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
