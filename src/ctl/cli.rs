//! The command line, parsed by clap after `go_flags` has rewritten it.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::global::Global;
use super::go_flags;
use super::verbs::Verb;
use crate::base::most_similar;

/// Documented commands that this version does not have.
pub(super) const NOT_YET: &[&str] = &["backup", "entropy", "kill-copy-shard", "ldap", "restore"];

/// The tool of an influxdb-meta cluster.
#[derive(Debug, Parser)]
#[command(
    name = "influxd-ctl",
    override_usage = "influxd-ctl [flags] <command> [command flags] [arguments]",
    disable_help_subcommand = true,
    version = "",
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

#[derive(Debug, Subcommand)]
pub(super) enum CtlCommand {
    #[command(flatten)]
    Verb(Verb),
    /// The arguments of a command that is not one of the verbs.
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// Words that are answered without a node, beside the verbs.
pub(super) const HELP: &str = "help";
pub(super) const VERSION: &str = "version";

/// A line without a command to execute.
#[derive(Debug)]
pub(super) enum NoCommand {
    /// Help that was requested.
    Help(String),
    Version,
    /// The line is wrong; the text for stderr.
    Wrong(String),
}

/// Parses the arguments, without the program's name.
///
/// # Errors
/// There is nothing to execute: the line asks for help, or is wrong.
pub(super) fn parse(args: Vec<OsString>) -> Result<(Global, Verb), NoCommand> {
    let args = go_flags::from_go(&Cli::command(), args);
    let Cli { global, command } = parse_rewritten(&args)?;
    match command {
        None => Err(NoCommand::Help(help())),
        Some(CtlCommand::Verb(verb)) => Ok((global, verb)),
        Some(CtlCommand::Other(words)) => Err(other(&words)),
    }
}

fn parse_rewritten(args: &[OsString]) -> Result<Cli, NoCommand> {
    let line = || std::iter::once(OsString::from("influxd-ctl")).chain(args.iter().cloned());
    let parsed = without_required_arguments()
        .try_get_matches_from(line())
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| match error.kind() {
        // Only the command as it is declared shows which arguments are required.
        ErrorKind::DisplayHelp => {
            let shown = Cli::command().try_get_matches_from(line());
            NoCommand::Help(shown.err().unwrap_or(error).to_string())
        }
        ErrorKind::DisplayVersion => NoCommand::Version,
        _ => NoCommand::Wrong(error.to_string().trim_end().to_owned()),
    })
}

/// Returns the command for parsing. Commands report missing arguments themselves, with the texts of
/// the original.
fn without_required_arguments() -> clap::Command {
    Cli::command().mut_subcommands(|verb| {
        verb.mut_args(|arg| {
            let is_required = arg.is_required_set() && !arg.is_positional();
            arg.required(is_required)
        })
    })
}

/// Handles `help`, `version`, commands that are not built yet, and unknown words.
fn other(words: &[OsString]) -> NoCommand {
    let mut words = words.iter();
    let word = words.next().map(|word| word.to_string_lossy());
    let word = word.as_deref().unwrap_or_default();
    match word {
        HELP => help_of(words.as_slice()),
        VERSION => NoCommand::Version,
        _ if NOT_YET.contains(&word) => NoCommand::Wrong(format!("{word}: not supported yet")),
        _ => {
            let verbs = Cli::command();
            let names = verbs.get_subcommands().map(clap::Command::get_name);
            let hint = most_similar(word, names.chain([HELP, VERSION]).chain(NOT_YET.to_vec()))
                .map(|name| format!("; did you mean \"{name}\"?"))
                .unwrap_or_default();
            NoCommand::Wrong(format!(
                "unknown command \"{word}\"{hint}\nRun 'influxd-ctl help' for usage"
            ))
        }
    }
}

/// `help <command> <word>…` is `<command> <word>… -h`.
fn help_of(words: &[OsString]) -> NoCommand {
    if words
        .first()
        .is_none_or(|word| word == HELP || word == VERSION)
    {
        return NoCommand::Help(help());
    }
    let mut line = words.to_vec();
    line.push("--help".into());
    match parse_rewritten(&line) {
        Err(found) => found,
        Ok(Cli {
            command: Some(CtlCommand::Other(words)),
            ..
        }) => other(&words),
        Ok(_) => NoCommand::Help(help()),
    }
}

fn help() -> String {
    Cli::command().render_help().to_string()
}

fn after_help() -> String {
    let mut text = String::from(
        "Also:\n  help <command>  Explain a command, with an example\n  \
         version         Print the version\n\nNot yet:\n",
    );
    for line in NOT_YET.chunks(6) {
        text.push_str(&format!("  {}\n", line.join(", ")));
    }
    text.push_str(
        "\nFlags may be written -flag or --flag, values behind a space or =. Global flags may \
         stand\nbefore or after the command.",
    );
    text.push_str(
        "\nExit code: 0, or 1 for any failure.\nExample: influxd-ctl -bind meta-1:8091 show -v",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::go_flags::from_go;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    fn global(line: &str) -> Global {
        let args = from_go(
            &Cli::command(),
            line.split(' ').map(OsString::from).collect(),
        );
        Cli::try_parse_from(std::iter::once("ctl".into()).chain(args))
            .expect("parses")
            .global
    }

    #[test]
    fn a_protection_that_is_not_built_is_refused() {
        assert!(global("-bind-tls show").refused().is_err());
        assert_eq!(global("-k show").refused(), Ok(()));
        assert_eq!(
            global("-k show").warnings(),
            ["warning: -k has no effect without -bind-tls"]
        );
    }

    #[test]
    fn flags_of_another_type_mean_nothing() {
        let all = "-user bob -pwd s3cret -secret legos show";
        for (line, want) in [
            (all.to_owned(), "None"),
            (format!("-auth-type None {all}"), "None"),
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
            assert_eq!(format!("{:?}", global(&line).login(None)), want, "{line}");
        }
        let shown = format!("{:?}", global(&format!("-auth-type basic {all}")));
        assert!(
            !shown.contains("s3cret") && !shown.contains("legos"),
            "{shown}"
        );
    }
}
