//! `influxd-ctl leave`.

use super::remove_meta::MEMBER;
use super::run::{Net, Nobody, Ran, answered_at, ctl, ctl_at, done, failed};
use super::server::{Asked, Reply, json, status};

fn member(asked: &Asked) -> Reply {
    match asked.what.as_str() {
        "GET /status" => json(MEMBER),
        "POST /leave" => Reply::Http(204, Vec::new(), String::new()),
        _ => status(404, ""),
    }
}

const SEARCH: &str = "Searching for data node on 127.0.0.1:8088...\n  * No data node found.\n\
                      Searching for meta node on 127.0.0.1:8091...\n";
const PROMPT: &str = "Remove meta node 127.0.0.1:8091 from the cluster [y/N]: ";
const LEFT: &str = "\nSuccessfully left cluster\n\n  * No data node removed from cluster\n  \
                    * Removed meta node 127.0.0.1:8091 from cluster\n";
const NOTHING: &str = "No nodes removed from cluster.\n";

#[test]
fn this_hosts_node_leaves() {
    let net = Net::new();
    let server = net.serve(member);
    assert_eq!(answered_at(&server, &["leave"], "y\n"), done(&format!("{SEARCH}{PROMPT}{LEFT}")));
    assert_eq!(ctl_at(&server, &["leave", "-y"]), done(&format!("{SEARCH}{LEFT}")));
    assert_eq!(server.heard(), ["GET /status", "POST /leave", "GET /status", "POST /leave"]);
    assert_eq!(server.asked()[1].body, "");
}

#[test]
fn a_no_does_nothing_and_nobody_is_a_failure() {
    let net = Net::new();
    let server = net.serve(member);
    let want = done(&format!("{SEARCH}{PROMPT}{NOTHING}"));
    assert_eq!(answered_at(&server, &["leave"], "n\n"), want);
    let stderr = "leave: nobody answered, and nothing was removed; -y answers yes\n";
    let want = failed(&format!("{SEARCH}{PROMPT}\n{NOTHING}"), stderr);
    assert_eq!(answered_at(&server, &["leave"], ""), want);
    assert_eq!(server.heard(), ["GET /status"; 2]);
}

/// What was asked for is so already.
#[test]
fn a_node_in_no_cluster_has_nothing_to_leave() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(&MEMBER.replace("\"leader\":\"m:8089\"", "\"leader\":\"\"")),
        "GET /healthz" => json(r#"{"phase":"removed"}"#),
        _ => status(500, ""),
    });
    let want = format!("{SEARCH}  * Meta node at 127.0.0.1:8091 is not part of a cluster\n{NOTHING}");
    assert_eq!(ctl_at(&server, &["leave", "-y"]), done(&want));
}

#[test]
fn a_refusal_is_a_failure() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(MEMBER),
        _ => status(409, r#"{"error":"the last member cannot leave"}"#),
    });
    let stderr = "leave: operation exited with error: the last member cannot leave\n";
    assert_eq!(ctl_at(&server, &["leave", "-y"]), failed(&format!("{SEARCH}{NOTHING}"), stderr));
}

#[test]
fn a_host_without_a_meta_node_has_none_to_remove() {
    let nobody = Nobody::new();
    let gone = &nobody.address;
    let Ran { stdout, stderr, code } = ctl(&["-bind", gone, "-timeout", "300ms", "leave", "-y"]);
    assert!(stdout.ends_with(&format!("  * No meta node found.\n{NOTHING}")), "{stdout}");
    let last = format!("leave: operation timed out with error: {gone}: connection refused\n");
    assert!(stderr.ends_with(&last), "{stderr}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_data_node_stays_and_is_named() {
    let net = Net::new();
    let data = net.serve_at(([127, 0, 88, 2], 8088).into(), |_| json(r#"{"nodeType":"data"}"#));
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(&MEMBER.replace("127.0.0.1", "127.0.88.2")),
        _ => member(asked),
    });
    let Ran { stdout, stderr, code } = ctl_at(&server, &["leave", "-y"]);
    assert!(stdout.contains("  * No data node removed from cluster\n"), "{stdout}");
    let want =
        "leave: the data node on 127.0.88.2:8088 stays: removing data nodes comes with a later version\n";
    assert_eq!((stderr.as_str(), code, data.heard().len()), (want, Some(0), 1));
}
