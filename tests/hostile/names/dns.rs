//! Three nodes found a cluster through name servers that answer late, partly, or wrongly. Addresses
//! to listen on, the list and the names of the members are all names.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::harness::dns::{Answer, DnsServer, NXDOMAIN, REFUSED, Record, SERVFAIL};
use crate::harness::node::{AT_LAST, Nodes};
use crate::harness::{docker::Image, wait_for};

/// Nodes that are called by these names, and the addresses of the names.
fn named(names: [&str; 3]) -> (Nodes, BTreeMap<String, Ipv4Addr>) {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_PEERS", &names.join(","));
    let mut zone = BTreeMap::new();
    for (node, name) in nodes.all.iter_mut().zip(names) {
        node.set("INFLUXDB_META_BIND_ADDRESS", &format!("{name}:8089"));
        node.set("INFLUXDB_META_HTTP_BIND_ADDRESS", &format!("{name}:8091"));
        node.hosts = Some("127.0.0.1 localhost\n".to_owned());
        zone.insert(name.to_owned(), node.ip);
    }
    (nodes, zone)
}

/// Address of a name server of these nodes.
fn server_ip(nodes: &Nodes, n: u8) -> Ipv4Addr {
    let [a, b, c, _] = nodes.all[0].ip.octets();
    Ipv4Addr::new(a, b, c, 200 + n)
}

/// Answer of a good server: the IPv4 address, and no IPv6 address.
fn good(zone: &BTreeMap<String, Ipv4Addr>, name: &str) -> Answer {
    let ip = zone.get(name).copied();
    ip.map_or(Answer::Code(NXDOMAIN), Answer::address)
}

fn start(nodes: &mut Nodes, resolv_conf: &str) {
    for node in &mut nodes.all {
        node.resolv_conf = Some(resolv_conf.to_owned());
    }
    nodes.start_all();
}

#[track_caller]
fn assert_formed(nodes: &Nodes) {
    for node in &nodes.all {
        wait_for(&format!("readiness of {}", node.ip), AT_LAST, || match node
            .get("/readyz?voter")?
        {
            ready if ready.status == 200 => Ok(()),
            other => Err(other.text()),
        });
    }
    nodes.all[1].goes_on("through_names");
}

/// Each of the three names has another wrong answer for IPv6.
#[test]
fn a_good_answer_for_ipv4_and_a_wrong_one_for_ipv6() {
    for wrong in [
        [
            Answer::Code(NXDOMAIN),
            Answer::Code(SERVFAIL),
            Answer::Code(REFUSED),
        ],
        [
            Answer::Silence,
            Answer::Addresses(Vec::new()),
            Answer::Code(4),
        ],
    ] {
        let names = ["m1.test", "m2.test", "m3.test"];
        let (mut nodes, zone) = named(names);
        let ip = server_ip(&nodes, 1);
        let _server = DnsServer::start(ip, move |name, record| {
            let place = names.iter().position(|known| *known == name);
            match (record, place) {
                (Record::Aaaa, Some(place)) => wrong[place].clone(),
                _ => good(&zone, name),
            }
        });
        start(&mut nodes, &format!("nameserver {ip}\n"));
        assert_formed(&nodes);
    }
}

/// The second server says at once that the name does not exist; the first one is right, later.
#[test]
fn the_second_server_knows_nothing_and_is_faster() {
    let (mut nodes, zone) = named(["m1.test", "m2.test", "m3.test"]);
    let (one, two) = (server_ip(&nodes, 1), server_ip(&nodes, 2));
    let _right = DnsServer::start(one, move |name, _| {
        good(&zone, name).late(Duration::from_millis(50))
    });
    let wrong = DnsServer::start(two, |_, _| Answer::Code(NXDOMAIN));
    start(&mut nodes, &format!("nameserver {one}\nnameserver {two}\n"));
    assert_formed(&nodes);
    assert_eq!(wrong.asked(), [], "asked only if the first one fails");
}

/// The first server refuses, the second does not listen, the third one knows.
#[test]
fn servers_that_fail_are_followed_by_the_next() {
    let (mut nodes, zone) = named(["m1.test", "m2.test", "m3.test"]);
    let ips = [1, 2, 3].map(|n| server_ip(&nodes, n));
    let _refuses = DnsServer::start(ips[0], |_, _| Answer::Code(REFUSED));
    let _knows = DnsServer::start(ips[2], move |name, _| good(&zone, name));
    let resolv_conf = ips.map(|ip| format!("nameserver {ip}\n")).concat();
    start(&mut nodes, &resolv_conf);
    assert_formed(&nodes);
}

/// A name with a dot is tried as it is, then with the search list.
#[test]
fn a_dotted_name_needs_the_search_domain() {
    let (mut nodes, zone) = named(["m1.site1", "m2.site1", "m3.site1"]);
    let ip = server_ip(&nodes, 1);
    let completed = zone
        .into_iter()
        .map(|(name, at)| (format!("{name}.corp.test"), at))
        .collect::<BTreeMap<_, _>>();
    let server = DnsServer::start(ip, move |name, _| good(&completed, name));
    start(
        &mut nodes,
        &format!("nameserver {ip}\nsearch other.test corp.test\n"),
    );
    assert_formed(&nodes);
    let asked = server.asked();
    assert!(
        asked.iter().any(|(name, _)| name == "m1.site1"),
        "{asked:?}"
    );
    assert!(
        asked.iter().any(|(name, _)| name == "m1.site1.other.test"),
        "{asked:?}"
    );
}

/// The settings of Kubernetes: names have one dot, and five are needed for the name alone to come
/// first.
#[test]
fn a_search_list_that_comes_first() {
    let (mut nodes, zone) = named(["m-0.meta", "m-1.meta", "m-2.meta"]);
    let ip = server_ip(&nodes, 1);
    let completed = zone
        .into_iter()
        .map(|(name, at)| (format!("{name}.ns.svc.cluster.local"), at))
        .collect::<BTreeMap<_, _>>();
    let server = DnsServer::start(ip, move |name, _| good(&completed, name));
    start(
        &mut nodes,
        &format!(
            "search ns.svc.cluster.local svc.cluster.local\nnameserver {ip}\noptions ndots:5\n"
        ),
    );
    assert_formed(&nodes);
    let asked = server.asked();
    assert!(
        asked
            .iter()
            .all(|(name, _)| name.ends_with(".ns.svc.cluster.local")),
        "{asked:?}"
    );
}

/// Longer than a poll may take. Here only the list has names: a node whose name leads to a loopback
/// address may found and not join.
#[test]
fn an_answer_after_2_6_s_founds_and_joins() {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_PEERS", "m1.test,m2.test,m3.test");
    let names = nodes.all.iter().enumerate();
    let zone: BTreeMap<String, Ipv4Addr> = names
        .map(|(n, node)| (format!("m{}.test", n + 1), node.ip))
        .collect();
    let ip = server_ip(&nodes, 1);
    let _server = DnsServer::start(ip, move |name, _| {
        good(&zone, name).late(Duration::from_millis(2600))
    });
    start(&mut nodes, &format!("nameserver {ip}\n"));
    assert_formed(&nodes);
    let joins = nodes.add();
    nodes.all[joins].resolv_conf = nodes.all[0].resolv_conf.clone();
    nodes.all[joins].start();
    nodes.wait_voters(&[0, 1, 2, 3]);
}

#[test]
fn an_answer_that_fits_into_no_datagram_comes_over_tcp() {
    let (mut nodes, zone) = named(["m1.test", "m2.test", "m3.test"]);
    let ip = server_ip(&nodes, 1);
    let _server = DnsServer::start(ip, move |name, _| {
        zone.get(name).map_or(Answer::Code(NXDOMAIN), |ip| {
            Answer::OnlyTcp(vec![(*ip).into()])
        })
    });
    start(&mut nodes, &format!("nameserver {ip}\n"));
    assert_formed(&nodes);
}

/// The text says what failed, and at which server. Changes of both files are used without a
/// restart.
#[test]
fn the_reason_names_the_server_and_edited_files_are_read_again() {
    let (mut nodes, zone) = named(["m1.test", "m2.test", "m3.test"]);
    let (one, two) = (server_ip(&nodes, 1), server_ip(&nodes, 2));
    let third = nodes.all[2].ip;
    let own = zone["m1.test"];
    let _fails = DnsServer::start(one, move |name, _| match name {
        "m1.test" => Answer::address(own),
        "m2.test" => Answer::Code(SERVFAIL),
        _ => Answer::Code(NXDOMAIN),
    });
    let _knows_two = DnsServer::start(two, move |name, _| match name {
        "m3.test" => Answer::Code(NXDOMAIN),
        _ => good(&zone, name),
    });
    nodes.all[0].resolv_conf = Some(format!("nameserver {one}\n"));
    for node in &mut nodes.all[1..] {
        node.resolv_conf = Some(format!("nameserver {two}\n"));
        node.hosts = Some(format!("{third} m3.test\n"));
    }
    nodes.start_all();
    let first = &nodes.all[0];
    first.wait_says(&format!(
        "the name server {one} cannot say: it answers SERVFAIL"
    ));
    first.wait_says(&format!("name unknown to the name server {one}"));
    nodes.all[0].set_resolv_conf(&format!("nameserver {two}\n"));
    nodes.all[0].wait_says(&format!("name unknown to the name server {two}"));
    nodes.all[0].set_hosts(&format!("127.0.0.1 localhost\n{third} m3.test\n"));
    assert_formed(&nodes);
}

/// `localhost` leads to `::1` too, which a container without IPv6 does not have.
#[test]
fn a_closed_port_of_localhost_refuses() {
    let Some(image) = Image::here() else { return };
    let ended = image.run(
        &[],
        &[
            "influxd-ctl",
            "-timeout",
            "1s",
            "-bind",
            "localhost:8099",
            "show",
        ],
    );
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("connection refused"), "{ended:?}");
    let ended = image.run(
        &["-e", "INFLUXDB_META_HTTP_BIND_ADDRESS=:8099"],
        &["healthcheck"],
    );
    assert!(
        ended.stdout.to_lowercase().contains("connection refused"),
        "{ended:?}"
    );
}
