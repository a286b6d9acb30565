//! Flags that stand before or after the command.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::addresses;
use crate::auth::{Login, Secret};
use crate::base::Address;

/// Flags before or after the command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global flags")]
pub(super) struct Global {
    /// HTTP address of the meta node to ask [default: the node of this host, else localhost:8091]
    #[arg(
        long,
        global = true,
        value_name = "HOST:PORT",
        value_parser = addresses::meta_address
    )]
    pub(super) bind: Option<Address>,
    /// Use HTTPS (comes with a later version)
    #[arg(long, global = true)]
    bind_tls: bool,
    /// Do not verify certificates; means nothing without -bind-tls
    #[arg(long = "k", short = 'k', global = true)]
    k: bool,
    /// How long to try: 30s, 1m
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub(super) timeout: Duration,
    /// Configuration file; only the TLS settings in it would be used
    #[arg(long = "config", global = true, value_name = "PATH")]
    config: Option<OsString>,
    /// Kind of credentials: none, basic (-user, -pwd) or jwt (-secret, -user) [default: for the node
    /// of this host its internal-shared-secret if it has auth-enabled, else none]
    #[arg(long, global = true, value_name = "TYPE", value_parser = parse_auth_type)]
    auth_type: Option<AuthType>,
    /// User name; without one, -auth-type jwt is an internal token
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    user: String,
    /// Password for -auth-type basic
    #[arg(
        long,
        global = true,
        value_name = "PASSWORD",
        default_value = "",
        hide_default_value = true
    )]
    pwd: Secret,
    /// For -auth-type jwt: shared-secret, or internal-shared-secret without -user
    #[arg(
        long,
        global = true,
        value_name = "SECRET",
        default_value = "",
        hide_default_value = true
    )]
    secret: Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AuthType {
    None,
    Basic,
    Jwt,
}

impl Global {
    /// Refuses flags that request a protection which is not built yet, a configuration file that
    /// does not exist, and credentials that are incomplete.
    ///
    /// # Errors
    /// The line for stderr.
    pub(super) fn refused(&self) -> Result<(), String> {
        if self.bind_tls {
            return Err("-bind-tls: TLS comes with a later version".to_owned());
        }
        if let Some(path) = self.config.as_deref().map(Path::new) {
            let path_shown = path.display();
            match path.try_exists() {
                Ok(true) => {}
                Ok(false) => return Err(format!("-config {path_shown}: there is no such file")),
                Err(error) => return Err(format!("-config {path_shown}: {error}")),
            }
        }
        match self.auth_type() {
            AuthType::Basic if self.user.is_empty() => {
                Err("-auth-type basic needs -user and -pwd".to_owned())
            }
            AuthType::Jwt if self.secret.is_empty() => Err(
                "-auth-type jwt needs -secret: shared-secret with -user, else \
                 internal-shared-secret"
                    .to_owned(),
            ),
            AuthType::None | AuthType::Basic | AuthType::Jwt => Ok(()),
        }
    }

    fn auth_type(&self) -> AuthType {
        self.auth_type.unwrap_or(AuthType::None)
    }

    /// Lines for stderr about flags without effect.
    pub(super) fn warnings(&self) -> Vec<String> {
        let auth_type = self.auth_type();
        let flags = [
            (self.k, "-k", "without -bind-tls"),
            (
                self.config.is_some(),
                "-config",
                "without TLS, which comes with a later version",
            ),
            (
                !self.user.is_empty() && auth_type == AuthType::None,
                "-user",
                "without -auth-type basic or jwt",
            ),
            (
                !self.pwd.is_empty() && auth_type != AuthType::Basic,
                "-pwd",
                "without -auth-type basic",
            ),
            (
                !self.secret.is_empty() && auth_type != AuthType::Jwt,
                "-secret",
                "without -auth-type jwt",
            ),
        ];
        flags
            .into_iter()
            .filter(|(is_set, ..)| *is_set)
            .map(|(_, flag, why)| format!("warning: {flag} has no effect {why}"))
            .collect()
    }

    /// Credentials of requests. Flags that belong to another `-auth-type` have no effect. Without
    /// `-auth-type`: an internal token of `secret`.
    pub(super) fn login(&self, secret: Option<Secret>) -> Login {
        let Some(auth_type) = self.auth_type else {
            let token = |secret| Login::Token {
                user: String::new(),
                secret,
            };
            return secret.map_or(Login::None, token);
        };
        match auth_type {
            AuthType::None => Login::None,
            AuthType::Basic => Login::Password {
                user: self.user.clone(),
                password: self.pwd.clone(),
            },
            AuthType::Jwt => Login::Token {
                user: self.user.clone(),
                secret: self.secret.clone(),
            },
        }
    }
}

fn parse_auth_type(text: &str) -> Result<AuthType, String> {
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(AuthType::None),
        "basic" => Ok(AuthType::Basic),
        "jwt" => Ok(AuthType::Jwt),
        _ => Err(format!(
            "invalid -auth-type: {text}; write none, basic or jwt"
        )),
    }
}

/// Parses a timeout above 0: `30s`, `1m`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(timeout) if timeout.is_zero() => Err("must be above 0".to_owned()),
        Ok(timeout) => Ok(timeout),
        Err(error) => Err(format!("{error}; write 30s or 1m")),
    }
}
