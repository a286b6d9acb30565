//! Rewriting Go's flag syntax to clap's.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Command;

/// The long flags of the program and of all its commands.
#[derive(Default)]
struct KnownFlags {
    with_value: BTreeSet<String>,
    /// Flags without a value. Go also accepts `=true` and `=false`.
    switches: BTreeSet<String>,
}

impl KnownFlags {
    fn add(&mut self, command: &Command) {
        for arg in command.get_arguments() {
            let set = if arg.get_action().takes_values() {
                &mut self.with_value
            } else {
                &mut self.switches
            };
            set.extend(arg.get_long().map(str::to_owned));
        }
        for subcommand in command.get_subcommands() {
            self.add(subcommand);
        }
    }

    /// Value of the switch `-k`, `-k=true` or `-k=false`. `None` if it is no switch, or has another
    /// value, which clap refuses.
    fn switched(&self, name: &str, value: Option<&str>) -> Option<bool> {
        match value {
            _ if !self.switches.contains(name) => None,
            None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Some(false),
            Some(_) => None,
        }
    }
}

/// Rewrites Go's `-flag`, `--flag`, `-flag=value` and `-flag value` to clap's `--flag` and
/// `--flag=value`, for the flags of `command` and its subcommands. Other arguments stay unchanged.
pub(super) fn from_go(command: &Command, args: Vec<OsString>) -> Vec<OsString> {
    let mut known = KnownFlags::default();
    known.add(command);
    let mut rest = args.into_iter();
    let mut out = Vec::new();
    while let Some(arg) = rest.next() {
        let Some((name, value)) = arg.to_str().and_then(go_flag) else {
            out.push(arg);
            continue;
        };
        if known.with_value.contains(name) && value.is_none() {
            // The next argument is the value, even if it begins with a dash, as passwords may.
            out.push(match rest.next() {
                Some(next) => joined(name, &next),
                None => OsString::from(format!("--{name}")),
            });
        } else if matches!(name, "h" | "help") {
            out.push("--help".into());
        } else if matches!(name, "V" | "version") {
            out.push("--version".into());
        } else if let Some(on) = known.switched(name, value) {
            out.extend(on.then(|| OsString::from(format!("--{name}"))));
        } else if known.with_value.contains(name) {
            out.push(joined(name, value.unwrap_or_default().as_ref()));
        } else {
            // Not ours: under its whole name, so that clap can say which one was meant.
            out.push(OsString::from(format!(
                "--{}",
                arg.to_string_lossy().trim_start_matches('-')
            )));
        }
    }
    out
}

fn joined(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut flag = OsString::from(format!("--{name}="));
    flag.push(value);
    flag
}

/// Splits a flag into its name and the value behind `=`. `None` if the argument is no flag.
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
    use clap::CommandFactory;

    use super::*;
    use crate::ctl::cli::Cli;

    fn rewritten(line: &str) -> String {
        let args = from_go(
            &Cli::command(),
            line.split(' ').map(OsString::from).collect(),
        );
        args.iter()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn go_flags_become_claps() {
        let cases = [
            ("-bind m:1 show -v", "--bind=m:1 show --v"),
            ("--bind m:1 show", "--bind=m:1 show"),
            (
                "-bind=m:1 -k -bind-tls=false -k=1 -k=x show",
                "--bind=m:1 --k --k --k=x show",
            ),
            (
                "-pwd -secret -user --bind show",
                "--pwd=-secret --user=--bind show",
            ),
            ("-pwd=a=b show", "--pwd=a=b show"),
            ("-h", "--help"),
            ("show -help", "show --help"),
            ("-V", "--version"),
            (
                "remove-meta -force -tcpAddr m:8089 -y=false m:1 -y",
                "remove-meta --force --tcpAddr=m:8089 m:1 --y",
            ),
            (
                "node-labels delete -labels [\"-a\"] -nodeid 1",
                "node-labels delete --labels=[\"-a\"] --nodeid=1",
            ),
            ("-bind", "--bind"),
            ("-bnd m:1 - -- ---x", "--bnd m:1 - -- ---x"),
        ];
        for (line, want) in cases {
            assert_eq!(rewritten(line), want, "{line}");
        }
    }
}
