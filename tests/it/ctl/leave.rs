//! `influxd-ctl leave`.

use serde_json::json;

use super::remove_data::no_content;
use super::remove_meta::MEMBER;
use super::run::{Net, Nobody, Ran, answered_at, ctl, ctl_at, done, failed, order};
use super::server::{Asked, Reply, Server, json, status};

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
    assert_eq!(
        answered_at(&server, &["leave"], "y\n"),
        done(&format!("{SEARCH}{PROMPT}{LEFT}"))
    );
    assert_eq!(
        ctl_at(&server, &["leave", "-y"]),
        done(&format!("{SEARCH}{LEFT}"))
    );
    assert_eq!(
        server.heard(),
        ["GET /status", "POST /leave", "GET /status", "POST /leave"]
    );
    assert_eq!(server.asked()[1].body, order("leave"));
}

#[test]
fn a_no_does_nothing_and_nobody_is_a_failure() {
    let net = Net::new();
    let server = net.serve(member);
    let want = done(&format!("{SEARCH}{PROMPT}{NOTHING}"));
    assert_eq!(answered_at(&server, &["leave"], "n\n"), want);
    let stderr = "leave: nobody answered, so the node stays; -y answers yes\n";
    let want = failed(&format!("{SEARCH}{PROMPT}\n{NOTHING}"), stderr);
    assert_eq!(answered_at(&server, &["leave"], ""), want);
    assert_eq!(server.heard(), ["GET /status"; 2]);
}

/// The requested state is reached already.
#[test]
fn a_node_in_no_cluster_has_nothing_to_leave() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(&MEMBER.replace("\"leader\":\"m:8089\"", "\"leader\":\"\"")),
        "GET /healthz" => json(r#"{"phase":"removed"}"#),
        _ => status(500, ""),
    });
    let want =
        format!("{SEARCH}  * Meta node at 127.0.0.1:8091 is not part of a cluster\n{NOTHING}");
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
    assert_eq!(
        ctl_at(&server, &["leave", "-y"]),
        failed(&format!("{SEARCH}{NOTHING}"), stderr)
    );
}

#[test]
fn a_host_without_a_meta_node_has_none_to_remove() {
    let nobody = Nobody::new();
    let gone = &nobody.address;
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl(&["-bind", gone, "-timeout", "300ms", "leave", "-y"]);
    assert!(
        stdout.ends_with(&format!("  * No meta node found.\n{NOTHING}")),
        "{stdout}"
    );
    let last = format!("leave: operation timed out with error: {gone}: connection refused\n");
    assert!(stderr.ends_with(&last), "{stderr}");
    assert_eq!(code, Some(1));
}

/// A data node at the usual port of a loopback address that no other test uses; its meta nodes are
/// `servers`.
fn data_node(net: &Net, host: u8, servers: &[&str]) -> Server {
    let said = json!({"nodeType": "data", "tcpAddr": format!("data-{host}:8088"),
        "nodeStatus": "joined", "metaAddrs": servers});
    net.serve_at(([127, 0, 88, host], 8088).into(), move |_| {
        json(&said.to_string())
    })
}

/// The meta node of a host that has a data node; it removes both.
fn both(host: u8) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    move |asked| match asked.what.as_str() {
        "GET /status" => json(&MEMBER.replace("127.0.0.1", &format!("127.0.88.{host}"))),
        "GET /show-cluster" => {
            let data = json!([{"id": 7, "tcpAddr": format!("data-{host}:8088")}]);
            json(&json!({"data": data, "meta": [{"id": 1}]}).to_string())
        }
        "POST /remove-data" => no_content(),
        _ => member(asked),
    }
}

/// The data node leaves its cluster first. The request goes to a meta node that it knows, with the
/// address that it has there.
#[test]
fn a_data_node_leaves_before_the_meta_node() {
    let net = Net::new();
    let (server, nobody) = (net.serve(both(10)), Nobody::new());
    let data = data_node(&net, 10, &[&nobody.address, &server.local.to_string()]);
    let search = "Searching for data node on 127.0.88.10:8088...\n";
    let prompt = "Remove data node 127.0.88.10:8088 from the cluster [y/N]: ";
    let removed = "Removed 127.0.88.10:8088 from the cluster\n";
    let meta = "Searching for meta node on 127.0.88.10:8091...\n";
    let meta_prompt = "Remove meta node 127.0.88.10:8091 from the cluster [y/N]: ";
    let left = "\nSuccessfully left cluster\n\n  * Removed data node 127.0.88.10:8088 from \
                cluster\n  \
                * Removed meta node 127.0.88.10:8091 from cluster\n";
    let want = done(&format!(
        "{search}{prompt}{removed}{meta}{meta_prompt}{left}"
    ));
    assert_eq!(answered_at(&server, &["leave"], "y\ny\n"), want);
    assert_eq!(
        ctl_at(&server, &["leave", "-y"]),
        done(&format!("{search}{removed}{meta}{left}"))
    );
    let asked = [
        "GET /status",
        "GET /show-cluster",
        "POST /remove-data",
        "POST /leave",
    ];
    assert_eq!(
        (server.heard(), data.heard()),
        (
            asked.repeat(2).iter().map(|a| (*a).to_owned()).collect(),
            vec!["GET /status".to_owned(); 2]
        )
    );
    assert_eq!(
        server.asked()[2].body,
        "addr=data-10%3A8088&force=false&report=true"
    );
}

#[test]
fn each_node_has_its_own_question() {
    let net = Net::new();
    let server = net.serve(both(11));
    let _data = data_node(&net, 11, &[&server.local.to_string()]);
    let Ran {
        stdout,
        stderr,
        code,
    } = answered_at(&server, &["leave"], "n\ny\n");
    let want = "\n\n  * No data node removed from cluster\n  * Removed meta node 127.0.88.11:8091 \
                from cluster\n";
    assert!(stdout.ends_with(want), "{stdout}");
    assert_eq!((stderr.as_str(), code), ("", Some(0)));
    let Ran { stdout, code, .. } = answered_at(&server, &["leave"], "y\nn\n");
    let want = "\n\n  * Removed data node 127.0.88.11:8088 from cluster\n  * No meta node removed \
                from cluster\n";
    assert!(stdout.ends_with(want) && code == Some(0), "{stdout}");
    // The second question gets no answer: the output still says what was done.
    let Ran {
        stdout,
        stderr,
        code,
    } = answered_at(&server, &["leave"], "y\n");
    assert!(stdout.ends_with(want), "{stdout}");
    let why = "leave: nobody answered, so the node stays; -y answers yes\n";
    assert_eq!((stderr.as_str(), code), (why, Some(1)));
}

/// Its shards would be lost: the meta node stays as well, and the operator decides.
#[test]
fn where_the_data_node_cannot_go_the_meta_node_stays() {
    let net = Net::new();
    let leaving = both(12);
    let server = net.serve(move |asked| match asked.what.as_str() {
        "POST /remove-data" => status(
            409,
            r#"{"error":"shard 7 has its only copy on data-12:8088"}"#,
        ),
        _ => leaving(asked),
    });
    let _data = data_node(&net, 12, &[&server.local.to_string()]);
    let want = failed(
        &format!("Searching for data node on 127.0.88.12:8088...\n{NOTHING}"),
        "leave: operation exited with error: shard 7 has its only copy on data-12:8088\n",
    );
    assert_eq!(ctl_at(&server, &["leave", "-y"]), want);
    assert!(!server.heard().contains(&"POST /leave".to_owned()));
}

/// The data node knows no meta nodes, or they do not have it: it is out already.
#[test]
fn a_data_node_in_no_cluster_has_nothing_to_leave() {
    let net = Net::new();
    let others = net.serve(|_| json(r#"{"data":null,"meta":[{"id":1}]}"#));
    for (host, servers) in [(13, vec![]), (14, vec![others.local.to_string()])] {
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        let _data = data_node(&net, host, &servers);
        let here = net.serve(both(host));
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl_at(&here, &["leave", "-y"]);
        let line = format!("  * Data node at 127.0.88.{host}:8088 is not part of a cluster\n");
        assert!(
            stdout.contains(&line) && stdout.contains("* Removed meta node"),
            "{stdout}"
        );
        assert_eq!((stderr.as_str(), code), ("", Some(0)));
    }
}

/// A data node is not taken for removed when its meta nodes cannot be asked.
#[test]
fn a_data_node_whose_meta_nodes_are_silent_stays() {
    let net = Net::new();
    let (server, nobody) = (net.serve(both(15)), Nobody::new());
    let gone = &nobody.address;
    let _data = data_node(&net, 15, &[gone]);
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&server, &["-timeout", "300ms", "leave", "-y"]);
    assert!(stdout.ends_with(NOTHING), "{stdout}");
    let last = format!("leave: operation timed out with error: {gone}: connection refused\n");
    assert!(stderr.ends_with(&last), "{stderr}");
    assert_eq!(
        (code, server.heard()),
        (Some(1), vec!["GET /status".to_owned()])
    );
}
