//! The command line: Go's flag syntax on the outside, clap inside.

mod commands;
mod go;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, ValueEnum};

pub(super) use commands::{AddMeta, Command, Join, Leave, NodeLabels, RemoveMeta};
pub(super) use go::from_go;

use crate::base::Address;

/// Documented commands that this version does not carry out.
pub(super) const NOT_YET: &[&str] = &[
    "add-data",
    "backup",
    "copy-shard",
    "copy-shard-status",
    "entropy",
    "kill-copy-shard",
    "ldap",
    "remove-data",
    "remove-shard",
    "restore",
    "show-shards",
    "token",
    "truncate-shards",
    "update-data",
];

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
    pub(super) command: Option<Command>,
}

/// Flags before the command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// HTTP address of the meta node to talk to
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:8091", value_parser = parse_bind)]
    pub(super) bind: Address,
    /// Use HTTPS (comes with a later version)
    #[arg(long)]
    bind_tls: bool,
    /// Do not verify certificates; means nothing without -bind-tls
    #[arg(long = "k", short = 'k')]
    _k: bool,
    /// How long to try: 30s, 1m
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_timeout)]
    pub(super) timeout: Duration,
    /// Configuration file; only the TLS settings in it would be used
    #[arg(long = "config", value_name = "PATH")]
    _config: Option<OsString>,
    /// How to authenticate (basic and jwt come with a later version)
    #[arg(long, value_name = "TYPE", default_value = "none", ignore_case = true)]
    auth_type: AuthType,
    /// User name; means nothing without -auth-type
    #[arg(long = "user", value_name = "NAME")]
    _user: Option<String>,
    /// Password for -auth-type basic
    #[arg(long = "pwd", value_name = "PASSWORD")]
    _pwd: Option<String>,
    /// Shared secret for -auth-type jwt
    #[arg(long = "secret", value_name = "SECRET")]
    _secret: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AuthType {
    None,
    Basic,
    Jwt,
}

impl Global {
    /// A protection that was asked for and is not built is refused, never left out in silence.
    pub(super) fn refused(&self) -> Result<(), &'static str> {
        if self.bind_tls {
            return Err("-bind-tls: TLS comes with a later version");
        }
        match self.auth_type {
            AuthType::None => Ok(()),
            AuthType::Basic => Err("-auth-type basic: authentication comes with a later version"),
            AuthType::Jwt => Err("-auth-type jwt: authentication comes with a later version"),
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
    text.push_str("\nExit code: 0, or 1 for any failure.\nExample: influxd-ctl -bind meta-1:8091 show -v");
    text
}

fn parse_bind(text: &str) -> Result<Address, String> {
    Address::parse(text, 8091).map_err(|error| error.to_string())
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
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

    #[test]
    fn a_protection_that_is_not_built_is_refused() {
        for line in ["-bind-tls show", "-auth-type basic show", "-auth-type JWT -secret x show"] {
            let args = from_go(line.split(' ').map(OsString::from).collect());
            let cli = Cli::try_parse_from(std::iter::once("ctl".into()).chain(args)).expect("parses");
            assert!(cli.global.refused().is_err(), "{line}");
        }
        let cli = Cli::try_parse_from(["ctl", "--k", "--auth-type=None", "show"]);
        assert_eq!(cli.expect("parses").global.refused(), Ok(()));
    }
}
