//! Checking callers of the HTTP API, in the order of wire.md 7.2. Internal tokens come first, so
//! that a cluster with authentication works before it has an admin, and an admin can be created.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::password::{NotHashed, Passwords, Presented};
use super::password_queue::Busy;
use super::token::{Invalid, Token, Unreadable};
use super::{Credentials, Secret, User, Users};
use crate::base::Name;
use crate::runtime::{Clock, Env};

/// Configuration of the checks.
#[derive(Clone, Debug, Default)]
pub struct AuthConfig {
    pub enabled: bool,
    pub method: Method,
    /// Secret of data nodes and meta nodes. Always set if `enabled`.
    pub internal_secret: Option<Secret>,
    /// The secret before, accepted too while it is changed.
    pub internal_secret_old: Option<Secret>,
    /// Secret of users' tokens.
    pub shared_secret: Option<Secret>,
}

/// Kinds of credentials that users may present. Nodes always use internal tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    #[default]
    All,
    Jwt,
    UserPass,
}

/// The configured word is none of `all`, `jwt`, `userpass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no authentication method")]
pub struct UnknownMethod;

impl FromStr for Method {
    type Err = UnknownMethod;
    fn from_str(word: &str) -> Result<Self, UnknownMethod> {
        match word {
            "all" => Ok(Self::All),
            "jwt" => Ok(Self::Jwt),
            "userpass" => Ok(Self::UserPass),
            _ => Err(UnknownMethod),
        }
    }
}

/// A caller that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Any caller: authentication is off.
    Anyone,
    /// A caller that knows `internal-shared-secret` and may do everything.
    Internal,
    Admin(Name),
}

/// Reason why a caller was refused. Most texts are those of wire.md 7.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("must create admin user first")]
    NoAdmin,
    #[error("no users are known here: {0}")]
    NoUsers(String),
    #[error("unable to parse authentication credentials")]
    NoCredentials,
    #[error("username required")]
    NoUserName,
    #[error("authorization failed")]
    WrongPassword,
    #[error("basic auth disabled")]
    NoPasswords,
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("username in token must be a string")]
    NoUserInToken,
    #[error("bearer auth disabled")]
    NoTokens,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("user not found")]
    UserNotFound,
    /// Sent only to a caller that has proven to be this user.
    #[error("{:?} is no admin", String::from_utf8_lossy(.0.as_bytes()))]
    NotAdmin(Name),
    #[error("too many passwords are being checked: try again")]
    Busy,
}

/// Checks callers. There is one for the whole process, because it remembers correct passwords.
pub struct Authenticator {
    config: AuthConfig,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
}

impl Authenticator {
    pub fn new(env: &Env, config: AuthConfig) -> Self {
        Self {
            config,
            clock: env.clock.clone(),
            passwords: Passwords::new(env),
        }
    }

    /// Whether callers are checked at all.
    pub fn is_enabled(&self) -> bool {
        self.config.enabled
    }

    /// Checks the credentials of a caller. `from` is the other end of its connection, by which
    /// passwords that wait for a check take turns.
    ///
    /// # Errors
    /// Reason of the refusal.
    pub async fn admit(
        &self,
        presented: &Credentials,
        from: IpAddr,
        users: &dyn Users,
    ) -> Result<Caller, Denied> {
        if !self.config.enabled {
            return Ok(Caller::Anyone);
        }
        let token = match presented {
            Credentials::Token(text) => Some(Token::read(text)),
            _ => None,
        };
        if let Some(Ok(token)) = &token
            && token.username() == Some("")
        {
            return Ok(self.verify_internal(token).map(|()| Caller::Internal)?);
        }
        if users.has_admin() == Ok(false) {
            return Err(Denied::NoAdmin);
        }
        let (name, user) = match (token, presented) {
            (Some(token), _) => self.by_token(&token?, users)?,
            (None, Credentials::Password { user, password }) => {
                let presented = Presented {
                    from,
                    user,
                    password,
                };
                self.by_password(&presented, users).await?
            }
            _ => return Err(Denied::NoCredentials),
        };
        if user.admin {
            Ok(Caller::Admin(name))
        } else {
            Err(Denied::NotAdmin(name))
        }
    }

    /// Returns whether the caller presents a token of `internal-shared-secret`, also where callers
    /// are not checked.
    pub fn is_internal(&self, presented: &Credentials) -> bool {
        let Credentials::Token(text) = presented else {
            return false;
        };
        Token::read(text)
            .is_ok_and(|token| token.username() == Some("") && self.verify_internal(&token).is_ok())
    }

    fn verify_internal(&self, token: &Token<'_>) -> Result<(), Invalid> {
        self.verify(token, self.config.internal_secret.as_ref())
            .or_else(|invalid| match &self.config.internal_secret_old {
                Some(old) => self.verify(token, Some(old)),
                None => Err(invalid),
            })
    }

    /// Hashes a new password of a user, in its turn among the checks. Works also where callers are
    /// not checked.
    ///
    /// # Errors
    /// The password is too long, or too many are waiting.
    pub async fn hash_password(
        &self,
        user: &[u8],
        password: &[u8],
        from: IpAddr,
    ) -> Result<String, NotHashed> {
        let presented = Presented {
            from,
            user,
            password,
        };
        self.passwords.hash(&presented).await
    }

    /// Checks the password of a user for a caller that was let in.
    ///
    /// # Errors
    /// Reason of the refusal.
    pub async fn verify_password(
        &self,
        user: &[u8],
        password: &[u8],
        from: IpAddr,
        users: &dyn Users,
    ) -> Result<(), Denied> {
        let presented = Presented {
            from,
            user,
            password,
        };
        self.check_password(&presented, users).await.map(drop)
    }

    fn by_token(&self, token: &Token<'_>, users: &dyn Users) -> Result<(Name, User), Denied> {
        let name = token.username().ok_or(Denied::NoUserInToken)?;
        if self.config.shared_secret.is_none() || self.config.method == Method::UserPass {
            return Err(Denied::NoTokens);
        }
        self.verify(token, self.config.shared_secret.as_ref())?;
        let user = find_user(users, name.as_bytes())?.ok_or(Denied::UserNotFound)?;
        Ok((Name::from(name), user))
    }

    async fn by_password(
        &self,
        presented: &Presented<'_>,
        users: &dyn Users,
    ) -> Result<(Name, User), Denied> {
        if self.config.method == Method::Jwt {
            return Err(Denied::NoPasswords);
        }
        self.check_password(presented, users).await
    }

    async fn check_password(
        &self,
        presented: &Presented<'_>,
        users: &dyn Users,
    ) -> Result<(Name, User), Denied> {
        let name = presented.user;
        if name.is_empty() {
            return Err(Denied::NoUserName);
        }
        let user = find_user(users, name)?;
        let hash = user.as_ref().map(|user| &user.hash[..]);
        let other = users.neighbour(name);
        let other = other.as_ref().map(|user| &user.hash[..]);
        match (self.passwords.check(hash, other, presented).await, user) {
            (Ok(true), Some(user)) => Ok((Name::from(name), user)),
            (Ok(_), _) => Err(Denied::WrongPassword),
            (Err(Busy), _) => Err(Denied::Busy),
        }
    }

    fn verify(&self, token: &Token<'_>, secret: Option<&Secret>) -> Result<(), Invalid> {
        token.verify(secret.ok_or(Invalid)?, self.clock.now())
    }
}

fn find_user(users: &dyn Users, name: &[u8]) -> Result<Option<User>, Denied> {
    users.has_admin().map_err(Denied::NoUsers)?;
    Ok(users.find(name))
}
