//! `peers`, `bootstrap-expect` and `-single-server` must not contradict each other
//! (configuration.md, "Keys").

use influxdb_meta::base::Address;
use influxdb_meta::config::{self, Config};

use super::{inputs, load, wrong};

fn peers(text: &str) -> Vec<String> {
    let config =
        load(&[("INFLUXDB_META_PEERS", text)]).unwrap_or_else(|invalid| panic!("{invalid}"));
    config
        .cluster
        .peers
        .iter()
        .map(Address::to_string)
        .collect()
}

#[test]
fn spellings_of_one_address_are_one_peer() {
    assert_eq!(
        peers("meta-1, META-2 ,,meta-1.:8091,meta_3:9,"),
        ["meta-1:8091", "meta-2:8091", "meta_3:9"]
    );
    assert_eq!(
        peers("[fd00::1],fd00:0::1,10.0.0.1"),
        ["[fd00::1]:8091", "10.0.0.1:8091"]
    );
    assert_eq!(
        peers("other:8091"),
        ["other:8091"],
        "one foreign entry alone is valid"
    );
}

fn tried(peers: &str, expect: &str) -> Result<Config, String> {
    let set = [
        ("INFLUXDB_META_PEERS", peers),
        ("INFLUXDB_META_BOOTSTRAP_EXPECT", expect),
    ];
    load(&set).map_err(|invalid| invalid.to_string())
}

#[test]
fn the_expected_number_is_that_of_the_peers_or_none() {
    for (peers, expect) in [
        ("", ""),
        ("", "1"),
        ("a,b,c", ""),
        ("a,b,c", "3"),
        ("a,b,c", "0"),
        ("a", "1"),
        ("a", "0"),
        ("a,A,b", "2"),
    ] {
        let config =
            tried(peers, expect).unwrap_or_else(|text| panic!("{peers:?} {expect:?}: {text}"));
        assert_eq!(
            config.cluster.bootstrap_expect,
            expect.parse().ok(),
            "{peers:?} {expect:?}"
        );
        assert_eq!(
            config.cluster.single_server,
            peers.is_empty() && expect == "1"
        );
    }
    for (peers, expect, why) in [
        ("", "0", "peers is empty"),
        ("", "3", "needs peers, the addresses of all 3 founders"),
        ("a,b,c", "2", "but peers names 3"),
        ("a,b,c", "1", "allowed are 3, or 0 to join and never found"),
        ("a,A", "2", "but peers names 1"),
    ] {
        let text = tried(peers, expect).expect_err("a contradiction");
        assert!(text.contains(why), "{why}\nis not in\n{text}");
        assert!(text.contains("INFLUXDB_META_BOOTSTRAP_EXPECT"), "{text}");
    }
}

#[test]
fn single_server_and_peers_exclude_each_other() {
    let mut alone = inputs(&[]);
    alone.flags.single_server = true;
    assert!(config::load(&alone).expect("valid").cluster.single_server);
    let mut both = inputs(&[
        ("INFLUXDB_META_PEERS", "a,b,c"),
        ("INFLUXDB_META_BOOTSTRAP_EXPECT", "2"),
    ]);
    both.flags.single_server = true;
    let invalid = config::load(&both).expect_err("two contradictions");
    assert_eq!(
        (invalid.problems.len(), invalid.exit_code()),
        (2, 78),
        "{invalid}"
    );
    assert!(
        invalid
            .to_string()
            .contains("-single-server founds a cluster of one at once, but peers is set")
    );
}

#[test]
fn one_port_cannot_be_two() {
    let text = wrong(&[("INFLUXDB_META_BIND_ADDRESS", ":8091")]);
    assert!(text.contains("have one port, 8091"), "{text}");
}
