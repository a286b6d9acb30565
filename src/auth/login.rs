//! Credentials of our own requests.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Secret, token};
use crate::base::UnixNanos;

/// Credentials that a client sends.
#[derive(Clone, Debug, Default)]
pub enum Login {
    #[default]
    None,
    Password {
        user: String,
        password: Secret,
    },
    /// A token. With an empty user it is an internal token.
    Token {
        user: String,
        secret: Secret,
    },
}

/// Lifetime of a token, the same as in Go's clients. A request may wait for a leader, and clocks
/// differ.
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

impl Login {
    /// Credentials for requests to meta nodes and data nodes.
    pub fn internal(secret: Secret) -> Self {
        Self::Token {
            user: String::new(),
            secret,
        }
    }

    /// Returns the value of `Authorization` for a request that is sent now. A token is valid for
    /// five minutes.
    pub fn authorization(&self, now: UnixNanos) -> Option<String> {
        match self {
            Self::None => None,
            Self::Password { user, password } => {
                let pair = [user.as_bytes(), b":", password.as_bytes()].concat();
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            Self::Token { user, secret } => Some(format!(
                "Bearer {}",
                token::sign(secret, user, token::expiry(now, TOKEN_LIFETIME))
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let login = Login::Password {
            user: "bob".to_owned(),
            password: "s3cret".into(),
        };
        assert_eq!(
            login.authorization(UnixNanos(0)).as_deref(),
            Some("Basic Ym9iOnMzY3JldA==")
        );
        for login in [login, Login::internal("s3cret".into())] {
            assert!(!format!("{login:?}").contains("s3cret"), "{login:?}");
        }
    }

    #[test]
    fn a_token_lives_for_five_minutes() {
        let now = UnixNanos(1_000_000_000_999);
        let shown = Login::internal("legos".into()).authorization(now);
        assert_eq!(
            shown,
            Some(format!("Bearer {}", token::sign("legos", "", 1_300)))
        );
    }
}
