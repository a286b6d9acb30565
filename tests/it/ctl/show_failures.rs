//! `influxd-ctl show` without a complete answer: it says so, and never shows an unknown cluster as
//! an empty one.

use std::time::Duration;

use tokio::time::Instant;

use super::run::{Net, Nobody, Ran, ctl, ctl_at};
use super::server::{Reply, json, redirect, status};
use super::show::{MEMBERS, member};

fn failed(stderr: &str) -> Ran {
    Ran {
        stdout: String::new(),
        stderr: stderr.to_owned(),
        code: Some(1),
    }
}

#[test]
fn without_a_leader_it_shows_the_last_known_members_and_fails() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(r#"{"nodeType":"meta","leader":"","peers":null}"#),
        "GET /show-cluster" => json(MEMBERS),
        "GET /healthz" => json(r#"{"phase":"member","reason":"1 of 3 voters reachable"}"#),
        _ => status(404, ""),
    });
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&server, &["show"]);
    assert!(
        stdout.contains("2\tmeta-2:8089\tmeta-2:8091\t1.12.4-c0.1.0\t{}\n"),
        "{stdout}"
    );
    assert!(
        stdout.ends_with("Raft Status\n==========\nLeader\t\nPeers\t[]\n"),
        "{stdout}"
    );
    let want = "show: BIND knows no leader (1 of 3 voters reachable): the members above are the \
                last that it knew\n";
    assert_eq!((stderr.as_str(), code), (want, Some(1)));
}

const UNJOINED: &str = r#"{"phase":"fresh","doing":"waiting","reason":"waiting for 2 of 3 founders: meta-2:8091 (name unknown), meta-3:8091 (connection refused)",
 "missing":[{"address":"meta-2:8091","why":"name unknown"},{"address":"meta-3:8091","why":"connection refused"}],
 "http":"meta-1:8091","warnings":[]}"#;

#[test]
fn an_unjoined_node_says_what_it_waits_for() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(r#"{"nodeType":"meta","leader":"","peers":null}"#),
        "GET /show-cluster" => json(r#"{"data":null,"meta":null}"#),
        "GET /healthz" => json(UNJOINED),
        _ => status(404, ""),
    });
    let want = "show: BIND knows no cluster: waiting for 2 of 3 founders: meta-2:8091 (name unknown), \
                meta-3:8091 (connection refused)\n";
    let waits = want.replace('\n', "; waiting for up to 500ms\n");
    let show = ["-timeout", "500ms", "show"];
    assert_eq!(ctl_at(&server, &show), failed(&(waits.clone() + want)));
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&server, &[&show[..], &["-v"]].concat());
    assert_eq!((stderr, code), (waits + want, Some(1)));
    assert!(
        !stdout.contains("Nodes"),
        "no tables of a cluster that is not known:\n{stdout}"
    );
    assert!(stdout.contains("-\tmeta-1:8091\tfresh\t-\t"), "{stdout}");
}

#[test]
fn of_another_make_without_a_leader_nothing_is_known() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(r#"{"nodeType":"meta","leader":""}"#),
        "GET /show-cluster" => json(r#"{"data":[],"meta":[]}"#),
        _ => status(404, "404 page not found\n"),
    });
    let want = "show: BIND knows no cluster: it has not joined one, or knows no leader\n";
    assert_eq!(ctl_at(&server, &["show"]), failed(want));
}

#[test]
fn a_data_node_is_no_meta_node() {
    let net = Net::new();
    let server = net.serve(|_| json(r#"{"nodeType":"data","hostname":"d"}"#));
    assert_eq!(
        ctl_at(&server, &["show"]),
        failed("show: BIND is not a meta node\n")
    );
}

/// An answer that does not change by asking again ends the command at once.
#[test]
fn hopeless_answers_end_at_once() {
    let net = Net::new();
    type Answer = fn() -> Reply;
    let cases: [(Answer, &str); 7] = [
        (|| status(403, r#"{"error":"not allowed"}"#), "not allowed"),
        (
            || status(404, "404 page not found\n"),
            "HTTP 404: 404 page not found",
        ),
        (
            || json("<html>"),
            "BIND: unreadable answer: expected value at line 1 column 1",
        ),
        (
            || json(""),
            "BIND: unreadable answer: EOF while parsing a value at line 1 column 0",
        ),
        (
            || Reply::Bytes(b"influxd-meta raft port\n".to_vec()),
            "BIND: that is 8089, the Raft port; use 8091",
        ),
        (
            || Reply::Bytes(b"\x15\x03\x03\0\x02\x02\x16".to_vec()),
            "BIND: answers, but is no meta node of ours (it speaks TLS)",
        ),
        (
            || redirect("https://m:8091/status".to_owned()),
            "BIND: redirected to https://m:8091/status: TLS comes with a later version",
        ),
    ];
    for (reply, text) in cases {
        let server = net.serve(move |_| reply());
        let want = format!("show: operation exited with error: {text}\n");
        assert_eq!(ctl_at(&server, &["show"]), failed(&want));
        assert_eq!(server.heard(), ["GET /status"]);
    }
}

#[test]
fn a_circle_of_redirects_ends() {
    let net = Net::new();
    let server = net.serve(|_| redirect("/status".to_owned()));
    let want = "show: operation exited with error: BIND: stopped after 10 redirects\n";
    assert_eq!(ctl_at(&server, &["show"]), failed(want));
    assert_eq!(server.heard().len(), 11);
}

/// The message names the address to which the redirect led, not the healthy node.
#[test]
fn a_leader_that_cannot_be_reached_is_named() {
    let net = Net::new();
    let nobody = Nobody::new();
    let (gone, to) = (&nobody.address, nobody.address.clone());
    let server = net.serve(move |_| redirect(format!("http://{to}/status")));
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&server, &["-timeout", "200ms", "show"]);
    let why = format!("BIND: redirected to {gone}: connection refused");
    let want = format!(
        "show: {why}; trying for up to 200ms\nshow: operation timed out with error: {why}\n"
    );
    assert_eq!((stdout.as_str(), stderr, code), ("", want, Some(1)));
}

#[test]
fn a_refused_connection_is_tried_until_the_timeout() {
    let nobody = Nobody::new();
    let bind = &nobody.address;
    let began = Instant::now();
    let ran = ctl(&["-bind", bind, "-timeout", "300ms", "show"]);
    let why = format!("{bind}: connection refused");
    let want = format!(
        "show: {why}; trying for up to 300ms\nshow: operation timed out with error: {why}\n"
    );
    assert_eq!(ran, failed(&want));
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "more than one attempt"
    );
}

#[test]
fn a_silent_server_ends_with_the_timeout() {
    let net = Net::new();
    let server = net.serve(|_| Reply::Silence);
    let began = Instant::now();
    let want = "show: operation timed out with error: BIND: no answer in time\n";
    assert_eq!(
        ctl_at(&server, &["-timeout", "300ms", "show"]),
        failed(want)
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

/// Details must not delay the output because some members do not answer: 2 s for all of them.
#[test]
fn silent_members_do_not_hold_up_the_details() {
    let net = Net::new();
    let silent = net.serve(|_| Reply::Silence);
    let address = silent.local;
    let node = move |id: u32| format!(r#"{{"id":{id},"addr":"{address}"}}"#);
    let members = format!(
        r#"{{"meta":[{},{},{},{}]}}"#,
        node(1),
        node(2),
        node(3),
        node(4)
    );
    let server = net.serve(move |asked| match asked.what.as_str() {
        "GET /show-cluster" => json(&members),
        _ => member(asked),
    });
    let began = Instant::now();
    let Ran { stdout, code, .. } = ctl_at(&server, &["-timeout", "30s", "show", "-v"]);
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        (
            stdout.matches("unreachable: no answer in time").count(),
            code
        ),
        (4, Some(0))
    );
}

/// A node that founds knows its cluster in a moment: the members are shown then.
#[test]
fn a_node_that_founds_is_waited_for() {
    let ran = shown_once_members_are_known("", "in a cluster without a leader: 2 of 3");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("meta-2:8091"), "{ran:?}");
    let first = "show: BIND: in a cluster without a leader: 2 of 3; waiting for up to 1m";
    assert_eq!(ran.stderr.lines().next(), Some(first));
}

/// A leader is known a moment before the members are. `show` failed in that moment.
#[test]
fn a_leader_that_does_not_know_its_members_yet_is_waited_for() {
    let ran = shown_once_members_are_known("meta-1:8089", "in a cluster");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("meta-2:8091"), "{ran:?}");
}

/// Runs `show` at a node that knows this leader, and its members after three requests.
fn shown_once_members_are_known(leader: &str, reason: &str) -> Ran {
    let net = Net::new();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let status = format!(r#"{{"nodeType":"meta","leader":"{leader}"}}"#);
    let health = format!(r#"{{"phase":"started","doing":"open","reason":"{reason}"}}"#);
    let server = net.serve(move |request| {
        let is_known = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 3;
        match (is_known, request.what.as_str()) {
            (true, _) => member(request),
            (false, "GET /status") => json(&status),
            (false, "GET /show-cluster") => json(r#"{"data":null,"meta":null}"#),
            (false, _) => json(&health),
        }
    });
    ctl_at(&server, &["-timeout", "1m", "show"])
}

/// Where nothing will change by itself, the answer comes at once.
#[test]
fn a_node_that_waits_for_an_operator_is_not_waited_for() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(r#"{"nodeType":"meta","leader":""}"#),
        "GET /show-cluster" => json(r#"{"data":null,"meta":null}"#),
        _ => json(r#"{"phase":"fresh","doing":"by-hand","reason":"part of no cluster"}"#),
    });
    let want = "show: BIND knows no cluster: part of no cluster\n";
    assert_eq!(ctl_at(&server, &["-timeout", "1h", "show"]), failed(want));
}
