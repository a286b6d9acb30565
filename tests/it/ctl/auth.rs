//! `-auth-type`, `-user`, `-pwd`, `-secret`, and `token`.

use influxdb_meta::auth::token::Token;
use influxdb_meta::base::UnixNanos;
use influxdb_meta::runtime::{Clock, SystemClock};

use super::remove_meta::MEMBER;
use super::run::{Net, Ran, ctl, ctl_at, failed};
use super::server::{Asked, Reply, Server, json, redirect, status};
use super::show::member;

/// `Authorization` headers of all requests so far.
fn shown(server: &Server) -> Vec<Option<String>> {
    server
        .asked()
        .iter()
        .map(|asked| asked.header("authorization").map(str::to_owned))
        .collect()
}

fn is_bearer_of(header: Option<&String>, secret: &str, user: &str) -> bool {
    let token = header
        .and_then(|header| header.strip_prefix("Bearer "))
        .expect("a token");
    let token = Token::read(token).expect("readable");
    token.username() == Some(user) && token.verify(secret, SystemClock.now()).is_ok()
}

#[test]
fn every_request_of_a_command_shows_what_was_given() {
    let net = Net::new();
    let basic = Some("Basic Ym9iOnMzOmNyZXQ=".to_owned());
    for (flags, want) in [
        (&[][..], None),
        (
            &["-user", "bob", "-pwd", "s3:cret", "-secret", "legos"],
            None,
        ),
        (
            &["-auth-type", "none", "-user", "bob", "-pwd", "s3:cret"],
            None,
        ),
        (
            &["-auth-type", "BASIC", "-user", "bob", "-pwd", "s3:cret"],
            basic,
        ),
    ] {
        let server = net.serve(member);
        assert_eq!(
            ctl_at(&server, &[flags, &["show"]].concat()).code,
            Some(0),
            "{flags:?}"
        );
        assert_eq!(shown(&server), vec![want; 3], "{flags:?}");
    }
    for user in ["", "bob"] {
        let server = net.serve(member);
        let flags = [
            "-auth-type",
            "jwt",
            "-user",
            user,
            "-secret",
            "legos",
            "show",
            "-v",
        ];
        assert_eq!(ctl_at(&server, &flags).code, Some(0), "{user:?}");
        assert!(server.asked().len() >= 3);
        for header in shown(&server) {
            assert!(is_bearer_of(header.as_ref(), "legos", user), "{header:?}");
        }
    }
}

/// A redirected request has the same credentials.
#[test]
fn credentials_go_with_a_redirect() {
    let net = Net::new();
    let leader = net.serve(|_| json(r#"{"id":2,"addr":"m:8091"}"#));
    let location = format!("http://{}/join", leader.local);
    let server = net.serve(move |_| redirect(location.clone()));
    let add = ["add-meta", "m:8091"];
    let basic = ["-auth-type", "basic", "-user", "bob", "-pwd", "s3:cret"];
    assert_eq!(
        ctl_at(&server, &[&basic[..], &add].concat()).stdout,
        "Added meta node 2 at m:8091\n"
    );
    let jwt = ["-auth-type", "jwt", "-secret", "legos"];
    assert_eq!(ctl_at(&server, &[&jwt[..], &add].concat()).code, Some(0));
    for server in [&server, &leader] {
        let shown = shown(server);
        assert_eq!(shown[0].as_deref(), Some("Basic Ym9iOnMzOmNyZXQ="));
        assert!(is_bearer_of(shown[1].as_ref(), "legos", ""));
    }
}

/// The server's text is printed at once: trying again does not help.
#[test]
fn what_the_server_says_of_credentials_is_said() {
    let net = Net::new();
    for (code, text) in [
        (401, "unable to parse authentication credentials"),
        (401, "authorization failed"),
        (401, "signature is invalid"),
        (400, "must create admin user first"),
        (403, "\"ann\" is no admin"),
    ] {
        let body = serde_json::json!({ "error": text }).to_string();
        let server = net.serve(move |asked| match asked.what.as_str() {
            // This route is open.
            "GET /status" => member(asked),
            _ => status(code, &body),
        });
        let want = failed("", &format!("show: operation exited with error: {text}\n"));
        assert_eq!(ctl_at(&server, &["show"]), want);
        assert_eq!(server.heard(), ["GET /status", "GET /show-cluster"]);
    }
}

/// Port 8088 checks no credentials, and belongs to another program, so it gets none.
#[test]
fn a_data_node_is_shown_nothing() {
    let net = Net::new();
    let data = net.serve_at(([127, 0, 88, 3], 8088).into(), |_| {
        json(r#"{"nodeType":"data"}"#)
    });
    let server = net.serve(|asked: &Asked| match asked.what.as_str() {
        "GET /status" => json(&MEMBER.replace("127.0.0.1", "127.0.88.3")),
        _ => Reply::Http(204, Vec::new(), String::new()),
    });
    let flags = [
        "-auth-type",
        "basic",
        "-user",
        "bob",
        "-pwd",
        "s3:cret",
        "leave",
        "-y",
    ];
    assert_eq!(ctl_at(&server, &flags).code, Some(0));
    assert_eq!(shown(&data), [None]);
    assert!(shown(&server).iter().all(Option::is_some));
}

#[test]
fn token_prints_a_token_and_nothing_else() {
    let later = |seconds: i64| UnixNanos(SystemClock.now().0 + seconds * 1_000_000_000);
    for (flags, user, life) in [
        (&["-secret", "legos", "token"][..], "", 60),
        (
            &["-secret", "legos", "-user", "bob", "token", "-exp", "5m"],
            "bob",
            300,
        ),
        (
            &["-secret=legos", "-user=bob", "token", "-exp=1m30s"],
            "bob",
            90,
        ),
    ] {
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl(&[&["-auth-type", "jwt"], flags].concat());
        assert_eq!((stderr.as_str(), code), ("", Some(0)), "{flags:?}");
        let text = stdout.strip_suffix('\n').expect("one line");
        assert!(
            text.starts_with("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."),
            "HS512: {text}"
        );
        let token = Token::read(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(token.username(), Some(user), "{flags:?}");
        // Readers allow a difference of clocks of one minute; the other seconds are for this
        // machine.
        assert!(token.verify("legos", later(life - 1)).is_ok(), "{flags:?}");
        assert!(
            token.verify("legos", later(life + 62)).is_err(),
            "{flags:?}"
        );
        assert!(token.verify("Legos", later(0)).is_err());
    }
}

#[test]
fn token_needs_a_secret() {
    let other = failed(
        "",
        "token: tokens can only be created when using bearer authentication\n",
    );
    assert_eq!(ctl(&["token"]), other);
    let ran = ctl(&["-secret", "legos", "token"]);
    assert!(
        ran.stderr
            .contains("-secret has no effect without -auth-type jwt"),
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ctl(&["-auth-type", "basic", "-user", "bob", "-pwd", "x", "token"]),
        other
    );
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl(&["-auth-type", "jwt", "-secret", "", "token"]);
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(
        stderr.starts_with("-auth-type jwt needs -secret"),
        "{stderr}"
    );
}

/// Nothing that was typed is ignored in silence.
#[test]
fn flags_without_effect_are_warned_of() {
    let net = Net::new();
    let server = net.serve(member);
    let flags = ["-k", "-user", "bob", "-pwd", "s3:cret", "-secret", "legos"];
    let ran = ctl_at(&server, &[&flags[..], &["show"]].concat());
    assert_eq!(ran.code, Some(0));
    for line in [
        "warning: -k has no effect without -bind-tls",
        "warning: -user has no effect without -auth-type basic or jwt",
        "warning: -pwd has no effect without -auth-type basic",
        "warning: -secret has no effect without -auth-type jwt",
    ] {
        assert!(ran.stderr.lines().any(|said| said == line), "{ran:?}");
    }
    assert!(!ran.stderr.contains("s3:cret") && !ran.stderr.contains("legos"));
}

#[test]
fn what_is_missing_is_named_before_anybody_is_asked() {
    for (flags, want) in [
        (
            &["-config", "/nowhere/influxdb.conf"][..],
            "-config /nowhere/influxdb.conf: there is no such file\n",
        ),
        (
            &["-auth-type", "jwt"],
            "-auth-type jwt needs -secret: shared-secret with -user, else internal-shared-secret\n",
        ),
        (
            &["-auth-type", "basic", "-pwd", "x"],
            "-auth-type basic needs -user and -pwd\n",
        ),
    ] {
        assert_eq!(ctl(&[flags, &["show"]].concat()), failed("", want));
    }
}
