//! Files from which a data node reads its state after a restart.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Shard;
use super::shards::Held;

/// Content of `client.json`: `{"MetaServers":["m1:8091","m2:8091"]}` and a newline.
#[derive(Serialize, Deserialize)]
struct Client {
    #[serde(rename = "MetaServers")]
    servers: Option<Vec<String>>,
}

pub fn read_servers(dir: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(dir.join("client.json")) else {
        return Vec::new();
    };
    serde_json::from_str::<Client>(&text)
        .expect("client.json")
        .servers
        .unwrap_or_default()
}

pub fn write_servers(dir: &Path, servers: &[String]) {
    let client = Client {
        servers: Some(servers.to_vec()),
    };
    write(
        dir,
        "client.json",
        &(serde_json::to_string(&client).expect("JSON") + "\n"),
    );
}

/// Name of the file that stands in for the shards of a real store.
const SHARDS: &str = "shards.json";

pub fn read_shards(dir: &Path) -> BTreeMap<Shard, Held> {
    let Ok(text) = fs::read_to_string(dir.join(SHARDS)) else {
        return BTreeMap::new();
    };
    serde_json::from_str(&text).expect("shards.json")
}

pub fn write_shards(dir: &Path, shards: &BTreeMap<Shard, Held>) {
    write(dir, SHARDS, &serde_json::to_string(shards).expect("JSON"));
}

/// Writes a file whole or not at all: a killed node is started again.
fn write(dir: &Path, name: &str, text: &str) {
    fs::create_dir_all(dir).expect("the node's directory");
    let half = dir.join(format!("{name}.tmp"));
    fs::write(&half, text)
        .and_then(|()| fs::rename(&half, dir.join(name)))
        .expect("the node's directory");
}
