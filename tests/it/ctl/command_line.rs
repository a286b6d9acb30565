//! Flags, help and exit codes.

use super::run::{Ran, ctl};

#[test]
fn help_is_data_and_no_failure() {
    for args in [&[][..], &["help"], &["-h"], &["--help"], &["-bind", "x:1", "-help"], &["-k", "help"]] {
        let Ran { stdout, stderr, code } = ctl(args);
        assert_eq!((stderr.as_str(), code), ("", Some(0)), "{args:?}");
        for word in ["Usage: influxd-ctl", "show", "--bind", "--timeout", "Not yet:", "add-meta", "Exit code"]
        {
            assert!(stdout.contains(word), "{args:?}: no {word:?} in\n{stdout}");
        }
    }
}

/// `-h` behind a command explains it and never carries it out: nobody listens at this address.
#[test]
fn help_of_a_command_does_not_run_it() {
    for flag in ["-h", "-help", "--help"] {
        let Ran { stdout, stderr, code } = ctl(&["-bind", "127.0.0.1:1", "show", flag]);
        assert_eq!((stderr.as_str(), code), ("", Some(0)));
        assert!(stdout.contains("Usage: influxd-ctl [flags] show [-v]"), "{stdout}");
    }
}

/// Arguments, and what stderr must say about them.
const FAILURES: &[(&[&str], &str)] = &[
    (&["bogus"], "unknown command \"bogus\"\nRun 'influxd-ctl help' for usage\n"),
    (&["add-meta", "meta-1:8091"], "add-meta: not supported yet\n"),
    (&["token", "-exp", "1m"], "token: not supported yet\n"),
    (&["remove-meta", "-force", "-tcpAddr", "m:8089", "m:8091"], "remove-meta: not supported yet\n"),
    (&["-bnd", "x:1", "show"], "unexpected argument '--bnd'"),
    (&["-bnd", "x:1", "show"], "a similar argument exists: '--bind'"),
    (&["show", "extra"], "unexpected argument 'extra'"),
    (&["show", "-x"], "unexpected argument '--x'"),
    (&["-bind"], "a value is required"),
    (&["-bind", "http://m:8091", "show"], "has a scheme"),
    (&["-timeout", "5", "show"], "time unit needed"),
    (&["-timeout", "0s", "show"], "must be above 0"),
    (&["-timeout=-1s", "show"], "invalid value '-1s'"),
    (&["-auth-type", "foo", "show"], "possible values: none, basic, jwt"),
    (&["-bind-tls=maybe", "show"], "unexpected value 'maybe'"),
    (&["-bind-tls", "show"], "-bind-tls: TLS comes with a later version\n"),
    (&["-auth-type", "basic", "-user", "a", "-pwd", "-b", "show"], "-auth-type basic: authentication comes"),
    (
        &["-auth-type=JWT", "-secret", "s", "show"],
        "-auth-type jwt: authentication comes with a later version\n",
    ),
];

#[test]
fn failures_go_to_stderr_and_exit_1() {
    for (args, want) in FAILURES {
        let Ran { stdout, stderr, code } = ctl(args);
        assert_eq!((stdout.as_str(), code), ("", Some(1)), "{args:?}: {stderr}");
        assert!(stderr.contains(want), "{args:?}: no {want:?} in\n{stderr}");
    }
}
