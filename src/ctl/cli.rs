//! The command line, parsed by clap after `go_flags` has rewritten it.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use super::global::Global;
use super::verbs::Verb;

/// Documented commands that this version does not have.
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

#[derive(Debug, Subcommand)]
pub(super) enum CtlCommand {
    #[command(flatten)]
    Verb(Verb),
    /// The arguments of a command that is not one of the verbs.
    #[command(external_subcommand)]
    Other(Vec<OsString>),
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
            assert_eq!(format!("{:?}", global(&line).login()), want, "{line}");
        }
        let shown = format!("{:?}", global(&format!("-auth-type basic {all}")));
        assert!(
            !shown.contains("s3cret") && !shown.contains("legos"),
            "{shown}"
        );
    }
}
