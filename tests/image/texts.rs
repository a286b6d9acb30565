//! Blocks of commands in the texts, pasted into a shell as one script.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::ctl::meta_nodes;
use crate::harness::docker::{Ended, Image, docker, docker_ended, fresh_name};
use crate::nodes::turn;

/// Names of the texts, which get a prefix here: the engine has one space of names for all its users.
struct Names {
    prefix: String,
    nodes: Vec<String>,
}

impl Names {
    fn new(nodes: &[&str]) -> Self {
        Self {
            prefix: fresh_name("text"),
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
        }
    }

    /// The script with names of its own. Containers still reach each other by the names of the text.
    fn script(&self, text: &str, image: &Image) -> String {
        let mut script = text
            .replace(" influxdb-meta\n", &format!(" {}\n", image.0))
            .replace(" influxdb-meta ", &format!(" {} ", image.0))
            .replace("--network meta ", &format!("--network {} ", self.prefix))
            .replace(
                "network create meta\n",
                &format!("network create {}\n", self.prefix),
            );
        // A busy machine takes longer than a user's.
        script = script.replace("influxd-ctl ", "influxd-ctl -timeout 40s ");
        for node in &self.nodes {
            let own = format!("{}-{node}", self.prefix);
            script = script
                .replace(
                    &format!("--name {node} "),
                    &format!("--name {own} --network-alias {node} "),
                )
                .replace(&format!("-v {node}:"), &format!("-v {own}:"))
                .replace(&format!("exec {node} "), &format!("exec {own} "));
        }
        script
    }

    /// Runs the block, line after line, until one fails.
    fn run(&self, text: &str, image: &Image) -> Ended {
        let output = Command::new("timeout")
            .args(["120", "sh", "-e", "-c", &self.script(text, image)])
            .output();
        output.expect("timeout and sh run").into()
    }

    fn exec(&self, node: &str, words: &[&str]) -> Ended {
        let container = format!("{}-{node}", self.prefix);
        docker_ended(&[&["exec", &container], words].concat())
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for node in &self.nodes {
            let own = format!("{}-{node}", self.prefix);
            if std::thread::panicking() {
                let log = docker_ended(&["logs", "--tail", "50", &own]);
                eprintln!("--- {own}\n{}{}", log.stdout, log.stderr);
            }
            docker_ended(&["rm", "-f", "-v", &own]);
            docker_ended(&["volume", "rm", "-f", &own]);
        }
        docker_ended(&["network", "rm", &self.prefix]);
    }
}

/// The first code block below a heading.
#[track_caller]
fn block(file: &str, heading: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    let text = text.expect("a text");
    let (_, below) = text.split_once(heading).expect("the heading");
    let block = below.split("```\n").nth(1).expect("a block");
    block.to_owned()
}

const THREE: [&str; 3] = ["meta-1:8091", "meta-2:8091", "meta-3:8091"];

/// Both `show` wait until the cluster has a leader, so the block can be pasted.
#[test]
fn the_block_without_compose_ends_well() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let text = block("README.md", "\n## Without compose\n");
    assert!(text.matches("influxd-ctl").count() >= 2, "{text}");
    let names = Names::new(&["meta-1", "meta-2", "meta-3"]);
    let ended = names.run(&text, &image);
    assert_eq!(ended.code, 0, "{text}\n{ended:?}");
    for address in THREE {
        assert!(ended.stdout.contains(address), "{ended:?}");
    }
    let shown = ended.stdout.matches("Leader\t").count();
    assert_eq!(shown, 2, "two leaders shown: {ended:?}");
}

#[test]
fn the_block_for_forming_manually_ends_with_three_voters() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let text = block(
        "src/docs/meta_nodes.md",
        "\n## Forming a cluster manually\n",
    );
    let names = Names::new(&["meta-1", "meta-2", "meta-3"]);
    let ended = names.run(&text, &image);
    assert_eq!(ended.code, 0, "{text}\n{ended:?}");
    let shown = names.exec("meta-3", &["influxd-ctl", "show"]);
    assert!(meta_nodes(&shown.stdout).keys().eq(THREE), "{shown:?}");
}

/// The block of the README for one node. Its port may be taken here, so it gets a free one.
#[test]
fn the_block_for_one_node_ends_well() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let text = block("README.md", "\nOne node:\n");
    let built = text.replace("make image\n", "");
    assert_ne!(text, built);
    let text = built.replace("127.0.0.1:8091:8091", "127.0.0.1::8091");
    let names = Names::new(&["meta"]);
    docker(&["network", "create", &names.prefix]);
    // An alias needs a network of one's own.
    let text = text.replace(
        "--name meta ",
        &format!("--network {} --name meta ", names.prefix),
    );
    let ended = names.run(&text, &image);
    assert_eq!(ended.code, 0, "{text}\n{ended:?}");
    assert!(ended.stdout.contains("meta:8091"), "{ended:?}");
}
