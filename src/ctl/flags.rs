//! The command line: Go's flag syntax on the outside, clap inside.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::base::Address;

/// Documented commands that this version does not carry out.
pub(super) const NOT_YET: &[&str] = &[
    "add-data",
    "add-meta",
    "backup",
    "copy-shard",
    "copy-shard-status",
    "entropy",
    "join",
    "kill-copy-shard",
    "ldap",
    "leave",
    "node-labels",
    "remove-data",
    "remove-meta",
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

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the members of the cluster
    #[command(override_usage = "influxd-ctl [flags] show [-v]")]
    Show(Show),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Also ask each meta node for its phase, Raft id, lag and what it waits for
    #[arg(long = "v", short = 'v')]
    pub(super) verbose: bool,
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

/// Long flags that take a value, before the command.
const WITH_VALUE: &[&str] = &["bind", "timeout", "config", "auth-type", "user", "pwd", "secret"];
/// Long flags that take none, or `=true`, anywhere.
const SWITCHES: &[&str] = &["bind-tls", "k", "v"];

/// Go's `-flag`, `--flag`, `-flag=value` and `-flag value` as clap's `--flag` and `--flag=value`, for the flags
/// we know. As in Go, flags end at the first word; those of the command begin behind it.
pub(super) fn from_go(args: Vec<OsString>) -> Vec<OsString> {
    let mut rest = args.into_iter();
    let mut out = Vec::new();
    while let Some(arg) = rest.next() {
        let Some((name, value)) = arg.to_str().and_then(go_flag) else {
            out.push(arg);
            continue;
        };
        if WITH_VALUE.contains(&name) && value.is_none() {
            // The next argument is the value whatever it looks like: passwords may begin with a dash.
            out.push(match rest.next() {
                Some(next) => joined(name, &next),
                None => OsString::from(format!("--{name}")),
            });
        } else if matches!(name, "h" | "help") {
            out.push("--help".into());
        } else if let Some(on) = switched(name, value) {
            out.extend(on.then(|| OsString::from(format!("--{name}"))));
        } else if WITH_VALUE.contains(&name) {
            out.push(joined(name, value.unwrap_or_default().as_ref()));
        } else {
            // Not ours: under its whole name, so that clap can say which one was meant.
            out.push(OsString::from(format!("--{}", arg.to_string_lossy().trim_start_matches('-'))));
        }
    }
    out
}

/// `-k`, `-k=true`, `-k=false`: Go's switches take a value behind `=`. Anything else there is clap's to refuse.
fn switched(name: &str, value: Option<&str>) -> Option<bool> {
    match value {
        _ if !SWITCHES.contains(&name) => None,
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Some(false),
        Some(_) => None,
    }
}

fn joined(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut flag = OsString::from(format!("--{name}="));
    flag.push(value);
    flag
}

/// The name and, behind `=`, the value of an argument that is a flag.
fn go_flag(arg: &str) -> Option<(&str, Option<&str>)> {
    let bare = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'))?;
    if bare.is_empty() || bare.starts_with(['-', '=']) {
        return None;
    }
    Some(match bare.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (bare, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let args = from_go(line.split(' ').map(OsString::from).collect());
        args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn go_flags_become_claps() {
        let cases = [
            ("-bind m:1 show -v", "--bind=m:1 show --v"),
            ("--bind m:1 show", "--bind=m:1 show"),
            ("-bind=m:1 -k -bind-tls=false -k=1 -k=x show", "--bind=m:1 --k --k --k=x show"),
            ("-pwd -secret -user --bind show", "--pwd=-secret --user=--bind show"),
            ("-pwd=a=b show", "--pwd=a=b show"),
            ("-h", "--help"),
            ("show -help", "show --help"),
            ("-bind", "--bind"),
            ("-bnd m:1 - -- ---x", "--bnd m:1 - -- ---x"),
        ];
        for (line, want) in cases {
            assert_eq!(rewritten(line), want, "{line}");
        }
    }

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
