//! Go's flag syntax, as clap reads it.

use std::ffi::OsString;

/// Long flags that take a value, of the program and of its commands.
const WITH_VALUE: &[&str] = &[
    "bind",
    "timeout",
    "config",
    "auth-type",
    "user",
    "pwd",
    "secret",
    "exp",
    "tcpAddr",
    "nodeid",
    "labels",
    "delay",
];
/// Long flags that take none, or `=true`, anywhere.
const SWITCHES: &[&str] = &["bind-tls", "k", "v", "p", "y", "m", "e", "force"];

/// Go's `-flag`, `--flag`, `-flag=value` and `-flag value` as clap's `--flag` and `--flag=value`,
/// for the flags we know. As in Go, flags end at the first word; those of the command begin behind
/// it.
pub(in crate::ctl) fn from_go(args: Vec<OsString>) -> Vec<OsString> {
    let mut rest = args.into_iter();
    let mut out = Vec::new();
    while let Some(arg) = rest.next() {
        let Some((name, value)) = arg.to_str().and_then(go_flag) else {
            out.push(arg);
            continue;
        };
        if WITH_VALUE.contains(&name) && value.is_none() {
            // The next argument is the value whatever it looks like: passwords may begin with a
            // dash.
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
            out.push(OsString::from(format!(
                "--{}",
                arg.to_string_lossy().trim_start_matches('-')
            )));
        }
    }
    out
}

/// `-k`, `-k=true`, `-k=false`: Go's switches take a value behind `=`. Anything else there is
/// clap's to refuse.
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
