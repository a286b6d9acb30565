//! The command line: Go's flag syntax on the outside, clap inside.

mod commands;
mod data;
mod go_flags;
mod shards;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser};

pub(super) use commands::{AddMeta, CtlCommand, Join, Leave, NodeLabels, RemoveMeta, Token};
pub(super) use data::{AddData, RemoveData, UpdateData};
pub(super) use go_flags::from_go;
pub(super) use shards::{CopyShard, RemoveShard, ShowShards, TruncateShards};

use crate::auth::{Login, Secret};
use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;

/// Documented commands that this version does not carry out.
pub(super) const NOT_YET: &[&str] = &["backup", "entropy", "kill-copy-shard", "ldap", "restore"];

/// The tool of an influxdb-meta cluster.
#[derive(Debug, Parser)]
#[command(
    name = "influxd-ctl",
    override_usage = "influxd-ctl [flags] <command> [command flags] [arguments]",
    disable_help_subcommand = true,
    args_override_self = true,
    subcommand_precedence_over_arg = true,
    after_help = after_help()
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<CtlCommand>,
}

/// Flags before the command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// HTTP address of the meta node to talk to
    #[arg(long, value_name = "HOST:PORT", default_value_t = Address::new("localhost", META_HTTP_PORT), value_parser = parse_bind)]
    pub(super) bind: Address,
    /// Use HTTPS (comes with a later version)
    #[arg(long)]
    bind_tls: bool,
    /// Do not verify certificates; means nothing without -bind-tls
    #[arg(long = "k", short = 'k')]
    _k: bool,
    /// How long to try: 30s, 1m
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub(super) timeout: Duration,
    /// Configuration file; only the TLS settings in it would be used
    #[arg(long = "config", value_name = "PATH")]
    _config: Option<OsString>,
    /// How to show who you are: none, basic (-user, -pwd) or jwt (-secret, -user)
    #[arg(long, value_name = "TYPE", default_value = "none", value_parser = parse_auth_type)]
    auth_type: AuthType,
    /// User name; without one, -auth-type jwt is an internal token
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    user: String,
    /// Password for -auth-type basic
    #[arg(
        long,
        value_name = "PASSWORD",
        default_value = "",
        hide_default_value = true
    )]
    pwd: Secret,
    /// For -auth-type jwt: shared-secret, or internal-shared-secret without -user
    #[arg(
        long,
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
    /// A protection that was asked for and is not built is refused, never left out in silence.
    pub(super) fn refused(&self) -> Result<(), &'static str> {
        if self.bind_tls {
            Err("-bind-tls: TLS comes with a later version")
        } else {
            Ok(())
        }
    }

    /// What requests show. Flags of another type mean nothing.
    pub(super) fn login(&self) -> Login {
        match self.auth_type {
            AuthType::None => Login::Nobody,
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

pub(super) fn help() -> String {
    Cli::command().render_help().to_string()
}

fn after_help() -> String {
    let mut text = String::from("Not yet:\n");
    for line in NOT_YET.chunks(6) {
        text.push_str(&format!("  {}\n", line.join(", ")));
    }
    text.push_str("\nFlags may be written -flag or --flag, values behind a space or =.");
    text.push_str(
        "\nExit code: 0, or 1 for any failure.\nExample: influxd-ctl -bind meta-1:8091 show -v",
    );
    text
}

fn parse_bind(text: &str) -> Result<Address, String> {
    Address::parse(text, META_HTTP_PORT).map_err(|error| error.to_string())
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

fn parse_duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(timeout) if timeout.is_zero() => Err("must be above 0".to_owned()),
        Ok(timeout) => Ok(timeout),
        Err(error) => Err(format!("{error}; write 30s or 1m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    fn global(line: &str) -> Global {
        let args = from_go(line.split(' ').map(OsString::from).collect());
        Cli::try_parse_from(std::iter::once("ctl".into()).chain(args))
            .expect("parses")
            .global
    }

    #[test]
    fn a_protection_that_is_not_built_is_refused() {
        assert!(global("-bind-tls show").refused().is_err());
        assert_eq!(global("-k show").refused(), Ok(()));
    }

    #[test]
    fn flags_of_another_type_mean_nothing() {
        let all = "-user bob -pwd s3cret -secret legos show";
        for (line, want) in [
            (all.to_owned(), "Nobody"),
            (format!("-auth-type None {all}"), "Nobody"),
            (
                format!("-auth-type=BASIC {all}"),
                r#"Password { user: "bob", password: Secret(…) }"#,
            ),
            (
                format!("--auth-type jwt {all}"),
                r#"Token { user: "bob", secret: Secret(…) }"#,
            ),
            (
                "-auth-type jwt -secret legos show".to_owned(),
                r#"Token { user: "", secret: Secret(…) }"#,
            ),
        ] {
            assert_eq!(format!("{:?}", global(&line).login()), want, "{line}");
        }
        let shown = format!("{:?}", global(&format!("-auth-type basic {all}")));
        assert!(
            !shown.contains("s3cret") && !shown.contains("legos"),
            "{shown}"
        );
    }
}
