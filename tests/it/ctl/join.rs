//! `influxd-ctl join`: the nodes of this host join another node's cluster, or form one.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::run::{Net, Nobody, Ran, ctl_at, failed};
use super::server::{Asked, Reply, Server, json, status};

/// Status of this host's meta node, under a name whose host has no data node.
const HERE: &str = r#"{"nodeType":"meta","leader":"","httpAddr":"127.0.0.1:8091","peers":null}"#;

fn here(net: &Net) -> Server {
    net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(HERE),
        _ => status(404, ""),
    })
}

/// A node that knows this leader and answers every `/join` with this id.
fn cluster(leader: &'static str, id: u64) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    move |asked| match asked.what.as_str() {
        "GET /status" => json(&HERE.replace(r#""leader":"""#, &format!(r#""leader":"{leader}""#))),
        "POST /join" => json(&format!(
            r#"{{"id":{id},"addr":"127.0.0.1:8091","tcpAddr":"m:8089"}}"#
        )),
        _ => status(404, ""),
    }
}

const SEARCH: &str = "Searching for meta node on 127.0.0.1:8091...\n\
                      Searching for data node on 127.0.0.1:8088...\n\n";

fn done(stdout: String) -> Ran {
    Ran {
        stdout,
        stderr: String::new(),
        code: Some(0),
    }
}

/// Every pod of the Helm chart but the first one runs this every 2 s until the exit code is 0.
#[test]
fn this_hosts_node_is_added_by_its_own_name() {
    let net = Net::new();
    let (bound, leader) = (here(&net), net.serve(cluster("m:8089", 2)));
    let at = leader.local.to_string();
    let want = format!(
        "Joining meta node at {at}\n{SEARCH}Successfully joined cluster\n\n  \
         * Added meta node 2 at 127.0.0.1:8091\n  \
         * No data node added.  Run with -v to see more information\n"
    );
    assert_eq!(ctl_at(&bound, &["join", &at]), done(want));
    assert_eq!(bound.heard(), ["GET /status"]);
    assert_eq!(leader.heard(), ["GET /status", "POST /join"]);
    assert_eq!(leader.asked()[1].body, "addr=127.0.0.1%3A8091");
}

/// A pod's loop begins before its node has read its log and knows its own name. Sending `localhost`
/// instead would be wrong: the other node takes that for itself, and answers that it is a member.
#[test]
fn a_node_that_starts_is_waited_for_until_it_has_a_name() {
    let net = Net::new();
    let leader = net.serve(cluster("m:8089", 2));
    let looks = AtomicUsize::new(0);
    let starting = net.serve(move |_| match looks.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => json(&HERE.replace("127.0.0.1:8091", "")),
        _ => json(HERE),
    });
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&starting, &["join", &leader.local.to_string()]);
    assert!(
        stdout.contains("  * Added meta node 2 at 127.0.0.1:8091\n"),
        "{stdout}"
    );
    let told = "join: BIND does not say yet what others call it; trying for up to 10s\n";
    assert_eq!((stderr.as_str(), code), (told, Some(0)));
    assert_eq!(leader.asked()[1].body, "addr=127.0.0.1%3A8091");

    let nameless = net.serve(|_| json(&HERE.replace("127.0.0.1:8091", "")));
    let ran = ctl_at(
        &nameless,
        &["-timeout", "300ms", "join", &leader.local.to_string()],
    );
    let last = "join: operation timed out with error: BIND does not say yet what others call it\n";
    assert!(ran.code == Some(1) && ran.stderr.ends_with(last), "{ran:?}");
    assert_eq!(
        leader.heard(),
        ["GET /status", "POST /join", "GET /status"],
        "nothing is asked for in its name"
    );
}

#[test]
fn with_its_own_address_it_forms_a_cluster() {
    let net = Net::new();
    let server = net.serve(cluster("", 1));
    let want = format!(
        "Joining meta node at BIND\n{SEARCH}Successfully created cluster\n\n  \
         * Added meta node 1 at 127.0.0.1:8091\n  \
         * No data node added.  Run with -v to see more information\n\n  \
         To join additional nodes to this cluster, run the following command:\n\n  \
         influxd-ctl join 127.0.0.1:8091\n"
    );
    assert_eq!(
        ctl_at(&server, &["join", &server.local.to_string()]),
        done(want)
    );
    // Run again once the node is a member: nothing was created.
    let member = net.serve(cluster("m:8089", 1));
    let Ran { stdout, code, .. } = ctl_at(&member, &["join"]);
    assert!(
        stdout.contains("Successfully joined cluster\n") && !stdout.contains("additional"),
        "{stdout}"
    );
    assert_eq!(code, Some(0));
}

/// With exit code 0 the loop of the Helm chart would stop.
#[test]
fn nothing_joined_is_a_failure() {
    let net = Net::new();
    let (bound, refusing) = (
        here(&net),
        net.serve(|asked| match asked.what.as_str() {
            "GET /status" => json(HERE),
            _ => status(
                409,
                r#"{"error":"127.0.0.1:8091 is a member of another cluster"}"#,
            ),
        }),
    );
    let at = refusing.local.to_string();
    let want = failed(
        &format!(
            "Joining meta node at {at}\n{SEARCH}Failed to join cluster.  Run with -v to see more \
             information\n"
        ),
        "join: operation exited with error: 127.0.0.1:8091 is a member of another cluster\n",
    );
    assert_eq!(ctl_at(&bound, &["join", &at]), want);
}

#[test]
fn a_cluster_that_cannot_be_reached_is_said_with_what_to_check() {
    let net = Net::new();
    let (bound, nobody) = (here(&net), Nobody::new());
    let gone = &nobody.address;
    let ran = ctl_at(&bound, &["-timeout", "200ms", "join", gone]);
    let stderr = format!(
        "join: {gone}: connection refused; trying for up to 200ms\n\
         Unable to connect to {gone}\n\
         join: operation timed out with error: {gone}: connection refused\n\n\
         Common problems:\n\n  \
         * The meta node is using a non-standard port (default 8091).\n  \
         * The meta node process is not running, or its name is unknown here.\n"
    );
    assert_eq!(
        ran,
        failed(&format!("Joining meta node at {gone}\n"), &stderr)
    );
    let data = net.serve(|_| json(r#"{"nodeType":"data"}"#));
    let at = data.local.to_string();
    let want = failed(
        &format!("Joining meta node at {at}\n"),
        &format!("join: {at} is not a meta node\n"),
    );
    assert_eq!(ctl_at(&bound, &["join", &at]), want);
    assert_eq!(bound.heard(), [""; 0]);
}

/// Neither the bound node nor a node at this host's name answers: the output names what is searched
/// for by that name.
#[test]
fn a_host_without_a_meta_node_joins_nothing() {
    let net = Net::new();
    let (leader, nobody) = (net.serve(cluster("m:8089", 2)), Nobody::new());
    let (at, gone) = (leader.local.to_string(), &nobody.address);
    let Ran {
        stdout,
        stderr,
        code,
    } = super::run::ctl(&["-bind", gone, "-timeout", "300ms", "join", &at]);
    assert!(
        stdout.contains("\nSearching for meta node on ") && stdout.contains(":8091...\n"),
        "{stdout}"
    );
    assert!(
        stdout.ends_with("Failed to join cluster.  Run with -v to see more information\n"),
        "{stdout}"
    );
    let last = format!("join: operation timed out with error: {gone}: connection refused\n");
    assert!(stderr.ends_with(&last), "{stderr}");
    assert_eq!(
        (code, leader.heard()),
        (Some(1), vec!["GET /status".to_owned()])
    );
}

/// Status of a data node before it joins.
const DATA: &str = r#"{"nodeType":"data","hostname":"d","tcpBind":":8088","tcpAddr":"d:8088","httpAddr":"d:8086",
 "nodeStatus":"disjoined","metaAddrs":null}"#;

/// A data node at the usual port of a loopback address that no other test uses.
fn data_node(net: &Net, host: [u8; 4]) -> Server {
    net.serve_at((host, 8088).into(), |_| json(DATA))
}

/// Like [`cluster`], for the node at `host`; it adds data nodes too.
fn cluster_at(host: &'static str, id: u64) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let cluster = cluster(if id == 1 { "" } else { "m:8089" }, id);
    move |asked| match asked.what.as_str() {
        "GET /status" => json(&HERE.replace("127.0.0.1", host)),
        "POST /join" => json(&format!(r#"{{"id":{id},"addr":"{host}:8091"}}"#)),
        "POST /add-data" => json(&format!(r#"{{"id":7,"tcpAddr":"{host}:8088"}}"#)),
        _ => cluster(asked),
    }
}

#[test]
fn the_data_node_beside_it_is_added_too() {
    let net = Net::new();
    let (data, server) = (
        data_node(&net, [127, 0, 88, 1]),
        net.serve(cluster_at("127.0.88.1", 1)),
    );
    let want = "Joining meta node at BIND\n\
                Searching for meta node on 127.0.88.1:8091...\n\
                Searching for data node on 127.0.88.1:8088...\n\n\
                Successfully created cluster\n\n  \
                * Added meta node 1 at 127.0.88.1:8091\n  * Added data node 7 at \
                127.0.88.1:8088\n\n  \
                To join additional nodes to this cluster, run the following command:\n\n  \
                influxd-ctl join 127.0.88.1:8091\n";
    assert_eq!(
        ctl_at(&server, &["join", "-v", &server.local.to_string()]),
        done(want.to_owned())
    );
    assert_eq!(data.heard(), ["GET /status"]);
    // Requests to the cluster's node and to this host's node, which are the same one here.
    assert_eq!(
        server.heard(),
        ["GET /status", "GET /status", "POST /join", "POST /add-data"]
    );
    assert_eq!(server.asked()[3].body, "addr=127.0.88.1%3A8088");
}

#[test]
fn passive_is_about_the_data_node() {
    let net = Net::new();
    let (_data, leader) = (
        data_node(&net, [127, 0, 88, 3]),
        net.serve(cluster_at("127.0.88.3", 2)),
    );
    let ran = ctl_at(&leader, &["join", "-p", &leader.local.to_string()]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    let added = leader
        .asked()
        .into_iter()
        .find(|asked| asked.what == "POST /add-data")
        .expect("added");
    assert_eq!(added.body, "addr=127.0.88.3%3A8088&passive=true");
    let plain = net.serve(cluster("m:8089", 2));
    let ran = ctl_at(&plain, &["join", "-p", &plain.local.to_string()]);
    assert_eq!(
        (ran.stderr.as_str(), ran.code),
        ("", Some(0)),
        "without one it means nothing"
    );
}

/// The output says what was done, and that not everything was.
#[test]
fn a_data_node_that_cannot_be_added_is_a_failure() {
    let net = Net::new();
    let _data = data_node(&net, [127, 0, 88, 4]);
    let adding = cluster_at("127.0.88.4", 2);
    let server = net.serve(move |asked| match asked.what.as_str() {
        "POST /add-data" => status(500, r#"{"error":"already joined to cluster"}"#),
        _ => adding(asked),
    });
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&server, &["join", &server.local.to_string()]);
    let want = "Successfully joined cluster\n\n  * Added meta node 2 at 127.0.88.4:8091\n  \
                * No data node added.  Run with -v to see more information\n";
    assert!(stdout.ends_with(want), "{stdout}");
    assert_eq!(
        (stderr.as_str(), code),
        (
            "join: operation exited with error: already joined to cluster\n",
            Some(1)
        )
    );
}

/// The data node would belong to a cluster to which this host's meta node does not belong.
#[test]
fn where_the_meta_node_is_refused_the_data_node_is_not_added() {
    let net = Net::new();
    let _data = data_node(&net, [127, 0, 88, 5]);
    let adding = cluster_at("127.0.88.5", 2);
    let server = net.serve(move |asked| match asked.what.as_str() {
        "POST /join" => status(409, r#"{"error":"a member of another cluster"}"#),
        _ => adding(asked),
    });
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&server, &["join", &server.local.to_string()]);
    assert!(
        stdout.ends_with("\n\nFailed to join cluster.  Run with -v to see more information\n"),
        "{stdout}"
    );
    assert_eq!(
        (stderr.as_str(), code),
        (
            "join: operation exited with error: a member of another cluster\n",
            Some(1)
        )
    );
    assert!(
        !server.heard().contains(&"POST /add-data".to_owned()),
        "{:?}",
        server.heard()
    );
}

#[test]
fn verbose_says_why_no_data_node_was_added() {
    let net = Net::new();
    let server = net.serve(cluster("m:8089", 2));
    let Ran { stdout, code, .. } = ctl_at(&server, &["join", "-v", &server.local.to_string()]);
    let want = "No data node found on 127.0.0.1:8088!\n\n  \
                If there is one, run the following command to add it manually:\n\n  \
                influxd-ctl -bind BIND add-data <dataAddr:port>\n\n  \
                Common problems:\n\n    \
                * The data node is using a non-standard port (default 8088).\n    \
                * The data node process is not running.\n\n\
                Successfully joined cluster\n";
    assert!(stdout.contains(want), "{stdout}");
    assert_eq!(code, Some(0));
}
