//! The command line of `influxd-meta`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Arg, ArgAction, ArgMatches, Command as Clap};

use super::inputs::Flags;
use super::key::KeySpec;
use super::keys::KEYS;
use super::{duration, exit, version};

/// A parsed command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramCommand {
    Run(Flags),
    Config(ConfigCommand),
    Version,
    Healthcheck(Healthcheck),
}

/// Arguments of `influxd-meta config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigCommand {
    pub flags: Flags,
    pub show_secrets: bool,
    pub output: ConfigOutput,
}

/// Texts that `influxd-meta config` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOutput {
    /// The configuration in force.
    Effective,
    /// A commented file with all defaults, whatever is in force.
    Sample,
    /// The tables of the manual.
    Tables,
}

/// Arguments of `influxd-meta healthcheck`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healthcheck {
    pub flags: Flags,
    pub ready: bool,
    pub timeout: Duration,
}

/// Text to print when the line is no command, and the exit code. Code 0 is help that was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub text: String,
    pub exit: u8,
}

/// Every command of the image, for the message about an unknown command.
const COMMANDS: &str =
    "commands: run (the default), config, version, healthcheck, help, influxd-ctl …";

/// Parses the arguments after the program's name.
///
/// # Errors
/// Help that was requested, or the problem of the line.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<ProgramCommand, Usage> {
    let mut args: Vec<OsString> = args.into_iter().map(double_dash).collect();
    match args
        .first()
        .map(|first| first.to_string_lossy().into_owned())
        .as_deref()
    {
        None => args.push("run".into()),
        Some("--version" | "-V") => args = vec!["version".into()],
        Some("--help" | "-h") => {}
        Some(flag) if flag.starts_with('-') => args.insert(0, "run".into()),
        Some(_) => {}
    }
    let line = std::iter::once(OsString::from("influxd-meta")).chain(args);
    let matches = clap()
        .try_get_matches_from(line)
        .map_err(|error| usage(&error))?;
    match matches.subcommand() {
        Some(("config", sub)) => Ok(ProgramCommand::Config(ConfigCommand {
            flags: flags(sub),
            show_secrets: sub.get_flag("show-secrets"),
            output: config_output(sub),
        })),
        Some(("version", _)) => Ok(ProgramCommand::Version),
        Some(("healthcheck", sub)) => Ok(ProgramCommand::Healthcheck(Healthcheck {
            flags: flags(sub),
            ready: sub.get_flag("ready"),
            timeout: sub
                .get_one::<Duration>("timeout")
                .copied()
                .unwrap_or(DEFAULT_TIMEOUT),
        })),
        Some((_, sub)) => Ok(ProgramCommand::Run(flags(sub))),
        None => Ok(ProgramCommand::Run(Flags::default())),
    }
}

fn config_output(sub: &clap::ArgMatches) -> ConfigOutput {
    if sub.get_flag("table") {
        ConfigOutput::Tables
    } else if sub.get_flag("sample") {
        ConfigOutput::Sample
    } else {
        ConfigOutput::Effective
    }
}

/// Default timeout of a health check. The image's health check is killed after 3 s.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// Rewrites `-config x` to `--config x`: Go programs accept both, clap only the second. `-h` and
/// `-V` stay unchanged.
fn double_dash(arg: OsString) -> OsString {
    let name = arg
        .to_str()
        .and_then(|text| text.strip_prefix('-'))
        .unwrap_or_default();
    let long = name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if long {
        format!("--{name}").into()
    } else {
        arg
    }
}

/// Flags of the Go program that scripts may give and that have no effect.
const WITHOUT_EFFECT: [&str; 2] = ["cpuprofile", "memprofile"];

fn flag_keys() -> impl Iterator<Item = &'static KeySpec> {
    KEYS.iter().filter(|key| key.flag)
}

fn clap() -> Clap {
    let run = with_keys(with_config(
        Clap::new("run").about("Run the meta node (the default)"),
    ))
    .arg(switch("single-server", "Found a cluster of one at once"))
    .arg(path("pidfile", "Write the process id here"))
    .args(WITHOUT_EFFECT.map(|name| path(name, "").hide(true)));
    let config = with_keys(with_config(
        Clap::new("config").about("Print the effective configuration"),
    ))
    .arg(switch("show-secrets", "Print secrets too"))
    .arg(switch(
        "sample",
        "Print a commented file with all defaults instead",
    ))
    .arg(switch("table", "").hide(true));
    let timeout = Arg::new("timeout")
        .long("timeout")
        .value_name("DURATION")
        .help("Give up after this long [2s]");
    let timeout =
        timeout.value_parser(|text: &str| duration::parse(text).map_err(|why| format!("it {why}")));
    let health = with_config(
        Clap::new("healthcheck").about("Ask the node on this host how it is; exit 0 or 1"),
    )
    .arg(switch("live", "Is the process alive? (the default)").conflicts_with("ready"))
    .arg(switch("ready", "Can it serve?"))
    .arg(timeout);
    let version = Clap::new("version").about("Print the version");
    Clap::new("influxd-meta")
        .about("The meta node of an InfluxDB Enterprise v1 style cluster")
        .after_help(
            "Without a command, or with a flag first, it is `run`.\n\
             `influxd-meta influxd-ctl …` is the admin tool.",
        )
        .version(version::VERSION)
        .subcommand_required(true)
        .subcommands([run, config, version, health])
}

fn with_config(command: Clap) -> Clap {
    // The official image puts its own -config before the user's; the last one wins.
    command
        .args_override_self(true)
        .arg(path("config", "Configuration file"))
}

fn with_keys(command: Clap) -> Clap {
    command.args(flag_keys().map(|key| {
        Arg::new(key.name)
            .long(key.name)
            .value_name("VALUE")
            .help(key.help)
    }))
}

fn path(name: &'static str, help: &'static str) -> Arg {
    // clap's own parser of paths refuses an empty path. Scripts that pass `-config "$FILE"` mean no
    // file by it.
    let parser = OsStringValueParser::new().map(PathBuf::from);
    Arg::new(name)
        .long(name)
        .value_name("FILE")
        .help(help)
        .value_parser(parser)
}

/// A switch in Go's syntax: `-x`, `-x=true`, `-x=false`.
fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .num_args(0..=1)
        .require_equals(true)
        .hide_possible_values(true)
        .value_parser(clap::value_parser!(bool))
        .default_value("false")
        .hide_default_value(true)
        .default_missing_value("true")
        .action(ArgAction::Set)
}

fn flags(matches: &ArgMatches) -> Flags {
    let path = |name| matches.try_get_one::<PathBuf>(name).ok().flatten().cloned();
    let path = |name| path(name).filter(|path| !path.as_os_str().is_empty());
    let switch = |name| matches.try_get_one::<bool>(name).ok().flatten().copied();
    let text = |key: &KeySpec| {
        matches
            .try_get_one::<String>(key.name)
            .ok()
            .flatten()
            .cloned()
    };
    Flags {
        config: path("config"),
        single_server: switch("single-server").unwrap_or(false),
        pidfile: path("pidfile"),
        keys: flag_keys()
            .filter_map(|key| Some((key, text(key)?)))
            .collect(),
        without_effect: WITHOUT_EFFECT
            .iter()
            .filter(|name| path(name).is_some())
            .map(|name| (*name).to_owned())
            .collect(),
    }
}

fn usage(error: &clap::Error) -> Usage {
    use clap::error::ErrorKind;
    let text = format!("{}\n", error.render().to_string().trim_end());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Usage { text, exit: 0 },
        ErrorKind::InvalidSubcommand | ErrorKind::MissingSubcommand => {
            let first = text.lines().next().unwrap_or_default();
            Usage {
                text: format!("{first}\n{COMMANDS}\n"),
                exit: exit::USAGE,
            }
        }
        _ => Usage {
            text,
            exit: exit::USAGE,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    fn parsed(line: &str) -> Result<ProgramCommand, Usage> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn run(line: &str) -> Flags {
        match parsed(line) {
            Ok(ProgramCommand::Run(flags)) => flags,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn nothing_or_a_flag_first_is_run() {
        assert_eq!(run(""), Flags::default());
        let want = Flags {
            config: Some("x".into()),
            single_server: true,
            pidfile: Some("p".into()),
            keys: vec![(&keys::HOSTNAME.spec, "h".into())],
            without_effect: Vec::new(),
        };
        for line in [
            "-config x -single-server -pidfile p -hostname h",
            "run --config=x --single-server --pidfile p --hostname=h",
            "-config a -config x -single-server=true -pidfile=p -hostname h",
        ] {
            assert_eq!(run(line), want, "{line}");
        }
        assert!(!run("-single-server=false").single_server);
        assert_eq!(run("-cpuprofile x").without_effect, ["cpuprofile"]);
        assert_eq!(
            run("-config= -pidfile="),
            Flags::default(),
            "an empty path is none"
        );
    }

    #[test]
    fn every_key_with_a_flag_has_one() {
        for key in flag_keys() {
            assert_eq!(
                run(&format!("-{} 7", key.name)).keys,
                [(key, "7".to_owned())]
            );
        }
    }

    #[test]
    fn other_commands() {
        assert_eq!(parsed("version"), Ok(ProgramCommand::Version));
        assert_eq!(parsed("--version"), Ok(ProgramCommand::Version));
        assert_eq!(parsed("-version"), Ok(ProgramCommand::Version));
        let health = |line: &str| match parsed(line) {
            Ok(ProgramCommand::Healthcheck(health)) => (health.ready, health.timeout),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(health("healthcheck"), (false, Duration::from_secs(2)));
        assert_eq!(
            health("healthcheck --live"),
            (false, Duration::from_secs(2))
        );
        assert_eq!(
            health("healthcheck -ready -timeout 1m30s"),
            (true, Duration::from_secs(90))
        );
        for line in ["help", "-h", "--help", "help run", "run -h"] {
            assert_eq!(parsed(line).map_err(|usage| usage.exit), Err(0), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_64_with_the_list() {
        for line in ["sh", "bash -c x", "rum"] {
            let usage = parsed(line).expect_err(line);
            assert_eq!(usage.exit, 64);
            assert!(usage.text.contains(COMMANDS), "{}", usage.text);
        }
        for line in [
            "-no-such-flag",
            "run extra",
            "-config",
            "healthcheck --live --ready",
            "healthcheck -timeout 5",
        ] {
            assert_eq!(parsed(line).map_err(|usage| usage.exit), Err(64), "{line}");
        }
    }
}
