//! `influxd-ctl remove-meta`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::run::{Net, Nobody, Ran, answered_at, ctl_at, done, failed, order};
use super::server::{Asked, Reply, json, status};

pub(super) const MEMBER: &str =
    r#"{"nodeType":"meta","leader":"m:8089","httpAddr":"127.0.0.1:8091","peers":["m:8089"]}"#;

/// A member that removes itself and others.
fn member(asked: &Asked) -> Reply {
    match asked.what.as_str() {
        "GET /status" => json(MEMBER),
        "POST /leave" | "POST /remove" => Reply::Http(204, Vec::new(), String::new()),
        _ => status(404, ""),
    }
}

#[test]
fn the_node_takes_itself_out() {
    let net = Net::new();
    let (bound, other) = (net.serve(member), net.serve(member));
    let address = other.local.to_string();
    let prompt = format!("Remove {address} from the cluster [y/N]: ");
    for (args, answer, want) in [
        (
            &["remove-meta", &address][..],
            "y\n",
            format!("{prompt}Removed meta node at {address}\n"),
        ),
        (
            &["remove-meta", &address],
            "Y\r\n",
            format!("{prompt}Removed meta node at {address}\n"),
        ),
        (
            &["remove-meta", "-y", &address],
            "",
            format!("Removed meta node at {address}\n"),
        ),
        (
            &["remove-meta", &address, "-y"],
            "",
            format!("Removed meta node at {address}\n"),
        ),
    ] {
        assert_eq!(answered_at(&bound, args, answer), done(&want));
    }
    assert_eq!(other.heard(), ["GET /status", "POST /leave"].repeat(4));
    assert_eq!(bound.heard(), [""; 0]);
}

#[test]
fn without_an_address_it_is_the_bound_node_by_its_own_name() {
    let net = Net::new();
    let server = net.serve(member);
    let want =
        "Remove 127.0.0.1:8091 from the cluster [y/N]: Removed meta node at 127.0.0.1:8091\n";
    assert_eq!(answered_at(&server, &["remove-meta"], "y\n"), done(want));
    assert_eq!(server.heard(), ["GET /status", "POST /leave"]);
}

#[test]
fn a_no_does_nothing_and_is_no_failure() {
    let net = Net::new();
    let server = net.serve(member);
    let address = server.local.to_string();
    for answer in ["n\n", "\n", "yes\n", "Yes", "no\ny\n"] {
        let want = done("Remove BIND from the cluster [y/N]: ");
        assert_eq!(
            answered_at(&server, &["remove-meta", &address], answer),
            want,
            "{answer:?}"
        );
        let force = ["remove-meta", "-force", "-tcpAddr", "m3:8089", "m3:8091"];
        let want = done("Force remove m3:8091 from the cluster [y/N]: ");
        assert_eq!(answered_at(&server, &force, answer), want, "{answer:?}");
    }
    assert_eq!(server.heard(), [""; 0]);
}

/// `docker exec` without `-i`: a script must not take this for a removal.
#[test]
fn nobody_answering_is_a_failure() {
    let net = Net::new();
    let server = net.serve(member);
    let want = failed(
        "Remove m3:8091 from the cluster [y/N]: \n",
        "remove-meta: nobody answered, so the node stays; -y answers yes\n",
    );
    assert_eq!(answered_at(&server, &["remove-meta", "m3:8091"], ""), want);
    assert_eq!(server.heard(), [""; 0]);
}

#[test]
fn what_is_no_member_is_not_removed() {
    let net = Net::new();
    let cases = [
        (r#"{"nodeType":"data"}"#, "", "BIND is not a meta node"),
        (
            r#"{"nodeType":"meta","leader":""}"#,
            "",
            "BIND is not part of a cluster",
        ),
        (
            r#"{"nodeType":"meta","leader":""}"#,
            r#"{"phase":"fresh"}"#,
            "BIND is not part of a cluster",
        ),
        (
            r#"{"nodeType":"meta","leader":""}"#,
            r#"{"phase":"removed"}"#,
            "BIND is not part of a cluster",
        ),
    ];
    for (said, health, why) in cases {
        let server = net.serve(move |asked| match asked.what.as_str() {
            "GET /status" => json(said),
            "GET /healthz" if !health.is_empty() => json(health),
            _ => status(404, ""),
        });
        let address = server.local.to_string();
        let want = format!("remove-meta: operation exited with error: {why}\n");
        assert_eq!(ctl_at(&server, &["remove-meta", "-y"]), failed("", &want));
        assert_eq!(
            ctl_at(&server, &["remove-meta", "-y", &address]),
            failed("", &want)
        );
        assert!(!server.heard().contains(&"POST /leave".to_owned()));
    }
}

/// A node that knows no leader at the moment is still a member: it says itself what it waits for.
#[test]
fn a_member_without_a_leader_is_asked_until_it_has_one() {
    let net = Net::new();
    let times = AtomicUsize::new(0);
    let server = net.serve(move |asked| match asked.what.as_str() {
        "GET /status" => json(r#"{"nodeType":"meta","leader":"","httpAddr":"m:8091"}"#),
        "GET /healthz" => json(r#"{"phase":"member"}"#),
        "POST /leave" if times.fetch_add(1, Ordering::SeqCst) < 2 => {
            status(503, r#"{"error":"no leader"}"#)
        }
        _ => Reply::Http(204, Vec::new(), String::new()),
    });
    let want = Ran {
        stderr: "remove-meta: no leader; trying for up to 1m\n".to_owned(),
        ..done("Removed meta node at m:8091\n")
    };
    assert_eq!(
        ctl_at(&server, &["-timeout", "1m", "remove-meta", "-y"]),
        want
    );
}

/// The answer was lost and the node is out: a second request would only say that it is in no
/// cluster.
#[test]
fn a_node_that_is_out_is_out_whatever_became_of_the_answer() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(MEMBER),
        "GET /healthz" => json(r#"{"phase":"removed"}"#),
        _ => Reply::Bytes(Vec::new()),
    });
    let want = done("Removed meta node at 127.0.0.1:8091\n");
    assert_eq!(ctl_at(&server, &["remove-meta", "-y"]), want);
    assert_eq!(
        server.heard(),
        ["GET /status", "POST /leave", "GET /healthz"]
    );
}

#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(MEMBER),
        _ => status(409, r#"{"error":"the last member cannot leave"}"#),
    });
    let want = "remove-meta: operation exited with error: the last member cannot leave\n";
    assert_eq!(ctl_at(&server, &["remove-meta", "-y"]), failed("", want));
}

#[test]
fn who_cannot_be_asked_needs_force() {
    let net = Net::new();
    let (bound, nobody) = (net.serve(member), Nobody::new());
    let gone = &nobody.address;
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&bound, &["-timeout", "200ms", "remove-meta", "-y", gone]);
    let want = format!(
        "remove-meta: {gone}: connection refused; trying for up to 200ms\n\
         remove-meta: operation timed out with error: {gone}: connection refused\n\
         If the node is gone for good: influxd-ctl remove-meta -y -force -tcpAddr <its Raft \
         address> {gone}\n"
    );
    assert_eq!((stdout.as_str(), stderr, code), ("", want, Some(1)));
}

/// The cluster knows the Raft address of a dead member: the suggested command is complete.
#[test]
fn of_a_dead_member_the_suggested_command_is_complete() {
    let (net, nobody) = (Net::new(), Nobody::new());
    let gone = nobody.address.clone();
    let members = format!(
        r#"{{"meta":[{{"id":1,"addr":"m:8091","tcpAddr":"m:8089"}},{{"id":2,"addr":"{gone}","tcpAddr":"gone:8089"}}]}}"#
    );
    let bound = net.serve(move |asked| match asked.what.as_str() {
        "GET /show-cluster" => json(&members),
        _ => member(asked),
    });
    let ran = ctl_at(&bound, &["-timeout", "200ms", "remove-meta", "-y", &gone]);
    let want = format!(
        "If the node is gone for good: influxd-ctl remove-meta -y -force -tcpAddr gone:8089 {gone}"
    );
    assert_eq!(ran.stderr.lines().last(), Some(want.as_str()));
    assert_eq!(ran.code, Some(1));
}

/// A mistyped name is refused at once, with the members and the nearest name.
#[test]
fn a_name_that_is_no_member_is_said_to_be_none() {
    let (net, nobody) = (Net::new(), Nobody::new());
    let typed = nobody.address.clone();
    let near = typed.replace("127.0.0.1", "127.0.0.2");
    let members =
        format!(r#"{{"meta":[{{"id":1,"addr":"meta:8091"}},{{"id":2,"addr":"{near}"}}]}}"#);
    let bound = net.serve(move |asked| match asked.what.as_str() {
        "GET /show-cluster" => json(&members),
        _ => member(asked),
    });
    let want = format!(
        "remove-meta: operation exited with error: {typed} is no member and does not answer \
         (connection refused); members: meta:8091, {near}; did you mean {near}?\n"
    );
    let ran = ctl_at(&bound, &["-timeout", "1h", "remove-meta", "-y", &typed]);
    assert_eq!(ran, failed("", &want));
}

#[test]
fn by_force_the_others_take_it_out() {
    let net = Net::new();
    let server = net.serve(member);
    let force = ["remove-meta", "-force", "-tcpAddr", "m3"];
    let prompt = "Force remove m3:8091 from the cluster [y/N]: ";
    let want = done(&format!("{prompt}Removed meta node at m3:8091\n"));
    assert_eq!(
        answered_at(&server, &[&force[..], &["m3:8091"]].concat(), "y\n"),
        want
    );
    let want = done("Removed meta node at m3:8089\n");
    assert_eq!(
        ctl_at(&server, &[&force[..], &["-y"]].concat()),
        want,
        "known by its Raft address alone"
    );
    assert_eq!(
        server.heard(),
        ["POST /remove"; 2],
        "the node itself is not asked"
    );
    let bodies: Vec<_> = server.asked().into_iter().map(|asked| asked.body).collect();
    let by_raft = format!(
        "force=true&tcpAddr=m3%3A8089&{}",
        order("remove-meta -force")
    );
    let by_both = format!("{by_raft}&httpAddr=m3%3A8091");
    assert_eq!(bodies, [by_both, by_raft]);
}

#[test]
fn by_force_an_unknown_node_is_not_found() {
    let net = Net::new();
    let server = net.serve(|_| status(500, r#"{"error":"node not found: m3:8091"}"#));
    let args = [
        "remove-meta",
        "-y",
        "-force",
        "-tcpAddr",
        "m3:8089",
        "m3:8091",
    ];
    let want = "remove-meta: operation exited with error: node not found: m3:8091\n";
    assert_eq!(ctl_at(&server, &args), failed("", want));
}
