//! Flags, help and exit codes.

use super::run::{Nobody, Ran, ctl, failed};

#[test]
fn help_is_data_and_no_failure() {
    for args in [
        &[][..],
        &["help"],
        &["-h"],
        &["--help"],
        &["-bind", "x:1", "-help"],
        &["-k", "help"],
    ] {
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl(args);
        assert_eq!((stderr.as_str(), code), ("", Some(0)), "{args:?}");
        for word in [
            "Usage: influxd-ctl",
            "show",
            "--bind",
            "--timeout",
            "Not yet:",
            "add-data",
            "add-meta",
            "Exit code",
        ] {
            assert!(stdout.contains(word), "{args:?}: no {word:?} in\n{stdout}");
        }
    }
}

/// `-h` behind a command explains it and never executes it: no server listens at this address.
#[test]
fn help_of_a_command_does_not_run_it() {
    for flag in ["-h", "-help", "--help"] {
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl(&["-bind", "127.0.0.1:1", "show", flag]);
        assert_eq!((stderr.as_str(), code), ("", Some(0)));
        assert!(
            stdout.contains("Usage: influxd-ctl [flags] show [-v]"),
            "{stdout}"
        );
    }
}

#[test]
fn the_version_is_printed_without_a_node() {
    for args in [&["version"][..], &["-V"], &["-version"], &["--version"]] {
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl(args);
        assert_eq!((stderr.as_str(), code), ("", Some(0)), "{args:?}");
        let version = format!("-c{} (git: ", env!("CARGO_PKG_VERSION"));
        assert!(stdout.starts_with("influxd-ctl v"), "{stdout}");
        assert!(stdout.contains(&version), "{stdout}");
    }
}

/// `help <command>` and `<command> -h` are the same text. Required arguments are shown as such,
/// though a command that lacks them has the words of the original.
#[test]
fn help_of_a_command_has_its_arguments_and_an_example() {
    let asked = ctl(&["help", "copy-shard"]);
    assert_eq!(asked, ctl(&["copy-shard", "-h"]));
    assert_eq!((asked.stderr.as_str(), asked.code), ("", Some(0)));
    for text in [
        "  <SOURCE>       TCP address",
        "  <ID>           ID of the shard",
        "Example:\n  influxd-ctl copy-shard data-1:8088 data-2:8088 42\n",
    ] {
        assert!(
            asked.stdout.contains(text),
            "no {text:?} in\n{}",
            asked.stdout
        );
    }
    let labels = ctl(&["help", "node-labels", "set"]);
    assert_eq!(labels, ctl(&["node-labels", "set", "-h"]));
    assert_eq!(ctl(&["help", "help"]), ctl(&[]));
}

/// Global flags work on both sides of the command; the last one of two counts.
#[test]
fn global_flags_may_stand_behind_the_command() {
    let closed = Nobody::new();
    let address = closed.address.as_str();
    let why = format!("show: operation timed out with error: {address}: connection refused\n");
    for args in [
        &["-bind", address, "-timeout", "50ms", "show"][..],
        &["show", "-bind", address, "-timeout=50ms"],
        &[
            "-bind",
            "127.0.0.1:1",
            "show",
            "-v",
            "-timeout",
            "50ms",
            "-bind",
            address,
        ],
    ] {
        let ran = ctl(args);
        assert_eq!(ran, failed("", &why), "{args:?}");
    }
}

#[test]
fn every_command_explains_itself() {
    let usages = [
        (&["add-meta", "-h"][..], "add-meta [HOST:PORT]"),
        (&["health", "-h"], "health [-wait] [-format table|json]"),
        (
            &["remove-meta", "-h"],
            "remove-meta [-force -tcpAddr HOST:PORT] [-y] [HOST:PORT]",
        ),
        (&["join", "-h"], "join [-p] [-v] [HOST:PORT]"),
        (&["leave", "-h"], "leave [-y] [-force]"),
        (&["token", "-h"], "token [-exp DURATION]"),
        (&["add-data", "-h"], "add-data [-p] HOST:PORT"),
        (
            &["remove-data", "-h"],
            "remove-data [-force] [-drain [-delay DURATION] [-cancel]] HOST:PORT",
        ),
        (&["update-data", "-h"], "update-data OLD NEW"),
        (
            &["show-shards", "-h"],
            "show-shards [-v] [-m] [-e] [-format table|json]",
        ),
        (&["copy-shard", "-h"], "copy-shard SOURCE DESTINATION ID"),
        (
            &["copy-shard-status", "-h"],
            "copy-shard-status [-format table|json]",
        ),
        (
            &["remove-shard", "-h"],
            "remove-shard [-force] HOST:PORT ID",
        ),
        (&["repair-time", "-h"], "repair-time"),
        (
            &["truncate-shards", "-h"],
            "truncate-shards [-delay DURATION]",
        ),
        (
            &["node-labels", "-h"],
            "node-labels set|delete -nodeid N -labels JSON",
        ),
        (
            &["node-labels", "set", "-h"],
            "node-labels set -nodeid N -labels '{\"KEY\":\"VALUE\"}'",
        ),
    ];
    for (args, usage) in usages {
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl(args);
        assert_eq!((stderr.as_str(), code), ("", Some(0)), "{args:?}");
        assert!(
            stdout.contains(&format!("Usage: influxd-ctl [flags] {usage}")),
            "{stdout}"
        );
        let is_part = args.len() > 2;
        assert!(
            is_part || stdout.contains("\nExample:\n  influxd-ctl "),
            "{stdout}"
        );
    }
}

/// Arguments, and the text that stderr must have.
const FAILURES: &[(&[&str], &str)] = &[
    (
        &["bogus"],
        "unknown command \"bogus\"\nRun 'influxd-ctl help' for usage\n",
    ),
    (
        &["kill-copy-shard", "a", "b", "1"],
        "kill-copy-shard: not supported yet\n",
    ),
    (
        &["token", "-exp", "1m"],
        "token: tokens can only be created when using bearer authentication\n",
    ),
    (&["token", "-exp", "1"], "time unit needed"),
    (&["token", "-exp", "0s"], "must be above 0"),
    (&["token", "bob"], "unexpected argument 'bob'"),
    (&["add-meta", ""], "httpAddr value is empty"),
    (&["add-meta", "http://m:8091"], "has a scheme"),
    (
        &["add-meta", "m:8091", "n:8091"],
        "unexpected argument 'n:8091'",
    ),
    (
        &["remove-meta", "-force", "m:8091"],
        "remove-meta: -tcpAddr is required with -force\n",
    ),
    (
        &["remove-meta", "-force", "-y"],
        "remove-meta: -tcpAddr is required with -force\n",
    ),
    (
        &["remove-meta", "-force", "-tcpAddr", "", "m:8091"],
        "tcpAddr value is empty",
    ),
    (
        &["join", "m:8091", "n:8091"],
        "unexpected argument 'n:8091'",
    ),
    (&["leave", "m:8091"], "unexpected argument 'm:8091'"),
    (&["leave", "-p"], "unexpected argument '--p'"),
    (&["add-data", ""], "tcpAddr value is empty"),
    (&["add-data", "http://d:8088"], "has a scheme"),
    (
        &["add-data", "d:8088", "e:8088"],
        "unexpected argument 'e:8088'",
    ),
    (
        &["add-data", "-force", "d:8088"],
        "unexpected argument '--force'",
    ),
    (&["remove-data", ""], "addr value is empty"),
    (
        &["remove-data", "d:8088", "e:8088"],
        "unexpected argument 'e:8088'",
    ),
    (&["update-data", "", "e:8088"], "old-addr value is empty"),
    (&["update-data", "d:8088", ""], "new-addr value is empty"),
    (&["update-data", "d", "e", "f"], "unexpected argument 'f'"),
    (&["show-shards", "1"], "unexpected argument '1'"),
    (
        &["copy-shard", "d", "e", "1", "2"],
        "unexpected argument '2'",
    ),
    (&["copy-shard-status", "1"], "unexpected argument '1'"),
    (&["remove-shard", "d", "1", "2"], "unexpected argument '2'"),
    (&["truncate-shards", "now"], "unexpected argument 'now'"),
    (
        &["truncate-shards", "-delay", "5"],
        "time: missing unit in duration \"5\"",
    ),
    (
        &["truncate-shards", "-delay", "1d"],
        "time: unknown unit \"d\" in duration \"1d\"",
    ),
    (
        &["truncate-shards", "-delay="],
        "time: invalid duration \"\"",
    ),
    (&["node-labels"], "set"),
    (&["node-labels", "set", "-nodeid", "1"], "--labels <JSON>"),
    (&["node-labels", "set", "-labels", "{}"], "--nodeid <N>"),
    (
        &["node-labels", "set", "-nodeid", "x", "-labels", "{}"],
        "invalid value 'x' for '--nodeid <N>'",
    ),
    (
        &["node-labels", "set", "-nodeid", "1", "-labels", "[\"az\"]"],
        "write a JSON object of texts, such as {\"az\":\"east\"}",
    ),
    (
        &[
            "node-labels",
            "set",
            "-nodeid",
            "1",
            "-labels",
            "{\"az\":1}",
        ],
        "write a JSON object of texts",
    ),
    (
        &["node-labels", "set", "-nodeid", "1", "-labels", "{az:east}"],
        "key must be a string at line 1 column 2",
    ),
    (
        &[
            "node-labels",
            "delete",
            "-nodeid",
            "1",
            "-labels",
            "{\"az\":\"east\"}",
        ],
        "write a JSON array of keys, such as [\"az\"]",
    ),
    (
        &["-bind-tls", "add-meta", "m:8091"],
        "-bind-tls: TLS comes with a later version\n",
    ),
    (&["-bnd", "x:1", "show"], "unexpected argument '--bnd'"),
    (
        &["-bnd", "x:1", "show"],
        "a similar argument exists: '--bind'",
    ),
    (&["show", "extra"], "unexpected argument 'extra'"),
    (&["show", "-x"], "unexpected argument '--x'"),
    (&["-bind"], "a value is required"),
    (&["-bind", "http://m:8091", "show"], "has a scheme"),
    (&["-timeout", "5", "show"], "time unit needed"),
    (&["-timeout", "0s", "show"], "must be above 0"),
    (&["-timeout=-1s", "show"], "invalid value '-1s'"),
    (
        &["-auth-type", "foo", "show"],
        "invalid -auth-type: foo; write none, basic or jwt",
    ),
    (
        &["shwo"],
        "unknown command \"shwo\"; did you mean \"show\"?\nRun 'influxd-ctl help' for usage\n",
    ),
    (
        &["help", "copy-shrad"],
        "unknown command \"copy-shrad\"; did you mean \"copy-shard\"?\n",
    ),
    (&["help", "backup"], "backup: not supported yet\n"),
    (
        &["show", "-auth-type", "foo"],
        "invalid -auth-type: foo; write none, basic or jwt",
    ),
    (
        &["show", "-format", "xml"],
        "invalid value 'xml' for '--format <FORMAT>'",
    ),
    (&["-bind-tls=maybe", "show"], "unexpected value 'maybe'"),
    (
        &["-bind-tls", "show"],
        "-bind-tls: TLS comes with a later version\n",
    ),
];

#[test]
fn failures_go_to_stderr_and_exit_1() {
    for (args, want) in FAILURES {
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl(args);
        assert_eq!((stdout.as_str(), code), ("", Some(1)), "{args:?}: {stderr}");
        assert!(stderr.contains(want), "{args:?}: no {want:?} in\n{stderr}");
    }
}
