//! Containers are removed and made anew, with and without their volumes; clusters of them grow, and
//! are formed manually.

use std::collections::BTreeMap;

use crate::harness::ctl::meta_nodes;
use crate::harness::docker::{Image, Network, SOON, Volume, docker, docker_ended};
use crate::harness::writers::{Acknowledged, Writers, assert_kept};
use crate::harness::{http, wait_for, wire};
use crate::nodes::{Node, turn};

const PEERS: [&str; 1] = ["INFLUXDB_META_PEERS=meta-1,meta-2,meta-3"];

/// Three containers on named volumes. Dropped in this order: a volume and a network must be removed
/// after their containers.
struct Stack {
    nodes: Vec<Node>,
    volumes: Vec<Volume>,
    network: Network,
    env: &'static [&'static str],
}

impl Stack {
    fn started(image: &Image, env: &'static [&'static str]) -> Self {
        let (network, volumes) = (
            Network::new(),
            vec![Volume::new(), Volume::new(), Volume::new()],
        );
        let mut stack = Self {
            nodes: Vec::new(),
            volumes,
            network,
            env,
        };
        for n in 0..3 {
            let node = stack.container(image, n);
            stack.nodes.push(node);
        }
        stack
    }

    fn formed(image: &Image) -> Self {
        let stack = Self::started(image, &PEERS);
        stack
            .nodes
            .iter()
            .for_each(|node| node.container.wait_ready());
        stack
    }

    fn container(&self, image: &Image, n: usize) -> Node {
        let alias = format!("meta-{}", n + 1);
        Node::on_volume(image, &self.network, &alias, &self.volumes[n], self.env)
    }

    /// Runs `docker rm -f`, then a new container of that service.
    fn replace(&mut self, image: &Image, n: usize) {
        docker(&["rm", "-f", &self.nodes[n].container.name]);
        // Another container takes the freed address, so that the new container gets a new one.
        let name = format!("{}-holds", self.nodes[n].container.name);
        docker(&[
            "run",
            "-d",
            "--name",
            &name,
            "--network",
            &self.network.0,
            &image.0,
        ]);
        self.nodes[n] = self.container(image, n);
        docker(&["rm", "-f", "-v", &name]);
    }

    fn writing(&self) -> Writers {
        let writers = Writers::start(2, self.nodes.iter().map(Node::http).collect());
        writers.wait_progress();
        writers
    }

    /// Address → node id, once every node shows so many nodes.
    #[track_caller]
    fn shown(&self, count: usize) -> BTreeMap<String, u64> {
        let of = |node: &Node| {
            wait_for(
                &format!("{count} meta nodes at {}", node.alias),
                SOON,
                || {
                    let shown = node.container.exec(&["influxd-ctl", "show"]);
                    let nodes = meta_nodes(&shown.stdout);
                    let right = shown.code == 0 && nodes.len() == count;
                    if right {
                        Ok(nodes)
                    } else {
                        Err(format!("{shown:?}"))
                    }
                },
            )
        };
        let all: Vec<_> = self.nodes.iter().map(of).collect();
        let ids = |nodes: &BTreeMap<String, (u64, String)>| -> BTreeMap<String, u64> {
            nodes
                .iter()
                .map(|(at, (id, _))| (at.clone(), *id))
                .collect()
        };
        assert!(
            all.iter().all(|nodes| ids(nodes) == ids(&all[0])),
            "{all:?}"
        );
        ids(&all[0])
    }

    /// Checks that all three vote, and have what was acknowledged.
    #[track_caller]
    fn assert_whole(&self, acknowledged: &[Acknowledged]) {
        for node in &self.nodes {
            wait_for(
                &format!("vote of {}", node.alias),
                SOON,
                || match http::get(node.http(), "/readyz?voter")? {
                    r if r.status == 200 => Ok(()),
                    r => Err(r.text()),
                },
            );
            wait_for(&format!("all writes at {}", node.alias), SOON, || {
                let held = wire::data(&http::get(node.http(), "/?index=0")?.body).databases;
                let lacks = acknowledged.iter().find(|a| !held.contains(&a.name));
                lacks.map_or(Ok(()), |a| Err(format!("{} is not there", a.name)))
            });
        }
        let held = wire::data(
            &http::get(self.nodes[0].http(), "/?index=0")
                .expect("watch")
                .body,
        );
        assert_kept(acknowledged, &held.databases);
    }
}

/// `rm -f` with the volume, as `down -v` of one service does: an empty node under the same name
/// takes its old place.
#[test]
fn a_container_and_its_volume_are_thrown_away() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let mut stack = Stack::formed(&image);
    let ids = stack.shown(3);
    for n in [0, 1] {
        let acknowledged = stack.writing().finish();
        docker(&["rm", "-f", &stack.nodes[n].container.name]);
        stack.volumes[n] = Volume::new();
        stack.nodes[n] = stack.container(&image, n);
        stack.assert_whole(&acknowledged);
        assert_eq!(stack.shown(3), ids, "under its old node id");
    }
}

/// `rm -f` and a new container on the old volume, with another address: it goes on, and joins
/// nothing.
#[test]
fn a_container_is_thrown_away_and_its_volume_is_kept() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let mut stack = Stack::formed(&image);
    let ids = stack.shown(3);
    let acknowledged = stack.writing().finish();
    let (before, id) = (stack.nodes[1].ip(), raft_id(&stack.nodes[1]));
    stack.replace(&image, 1);
    assert_ne!(stack.nodes[1].ip(), before);
    stack.assert_whole(&acknowledged);
    assert_eq!(raft_id(&stack.nodes[1]), id, "the same member as before");
    assert_eq!(stack.shown(3), ids);
}

fn raft_id(node: &Node) -> u64 {
    let health = http::get(node.http(), "/healthz").expect("healthz").json();
    health["raft_id"]
        .as_u64()
        .unwrap_or_else(|| panic!("no raft_id in {health}"))
}

/// A new image, one container after the other: writes go on, and nothing that was acknowledged is
/// lost.
#[test]
fn a_new_image_is_rolled_out() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let mut stack = Stack::formed(&image);
    let ids = stack.shown(3);
    let new = Image(format!("{}-next", image.0));
    docker(&["tag", &image.0, &new.0]);
    let mut written = Vec::new();
    for n in [0, 1, 2] {
        docker(&["stop", &stack.nodes[n].container.name]);
        assert_eq!(stack.nodes[n].container.inspect("{{.State.ExitCode}}"), "0");
        let others: Vec<_> = (0..3)
            .filter(|other| *other != n)
            .map(|n| stack.nodes[n].http())
            .collect();
        let writers = Writers::start(2, others);
        writers.wait_progress();
        stack.nodes[n] = stack.container(&new, n);
        stack.nodes[n].container.wait_ready();
        written.push(writers.finish());
        stack.assert_whole(written.last().expect("just pushed"));
    }
    assert_eq!(stack.shown(3), ids);
    drop(stack);
    docker_ended(&["rmi", &new.0]);
}

/// Join-only containers without a name of their own are scaled up and down; there are three voters
/// all the time.
#[test]
fn join_only_containers_are_scaled_up_and_down() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let stack = Stack::formed(&image);
    let extra = |name: &str| {
        let volume = Volume::new();
        let env = [
            "INFLUXDB_META_PEERS=meta-1,meta-2,meta-3",
            "INFLUXDB_META_BOOTSTRAP_EXPECT=0",
        ];
        (
            Node::on_volume(&image, &stack.network, name, &volume, &env),
            volume,
        )
    };
    let (one, two) = (extra("extra-1"), extra("extra-2"));
    for (node, _) in [&one, &two] {
        node.container.wait_ready();
        assert_eq!(
            http::get(node.http(), "/readyz?voter")
                .expect("readyz")
                .status,
            503
        );
    }
    assert_eq!(stack.shown(5).len(), 5);
    let voters = http::get(stack.nodes[0].http(), "/peers")
        .expect("peers")
        .json();
    assert_eq!(voters.as_array().map(Vec::len), Some(3), "{voters}");
    // Scaled down: one leaves first, the other does not.
    let left = two.0.container.exec(&["influxd-ctl", "leave", "-y"]);
    assert_eq!(left.code, 0, "{left:?}");
    drop((one, two));
    let acknowledged = stack.writing().finish();
    stack.assert_whole(&acknowledged);
    let ids = stack.shown(4);
    assert!(
        ids.contains_key("extra-1:8091"),
        "a scaled-down one is waited for: {ids:?}"
    );
    // Started again on an empty volume, it gets its old place.
    let again = extra("extra-1");
    again.0.container.wait_ready();
    assert_eq!(stack.shown(4), ids);
}

/// Three containers; `docker exec` of one adds the other two.
#[test]
fn formed_by_hand_as_in_the_docker_guide() {
    formed_by_hand(&["meta-2:8091", "meta-3:8091"]);
}

/// The steps of the installation guide: one node adds all, itself included.
#[test]
fn formed_by_hand_as_on_the_installation_page() {
    formed_by_hand(&["meta-1:8091", "meta-2:8091", "meta-3:8091"]);
}

fn formed_by_hand(added: &[&str]) {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let stack = Stack::started(&image, &[]);
    let first = &stack.nodes[0].container;
    for name in added {
        wait_for(&format!("{name} to be added"), SOON, || {
            let added = first.exec(&["influxd-ctl", "add-meta", name]);
            // Its port may open a moment later than the container.
            if added.code == 0 {
                Ok(())
            } else {
                Err(format!("{added:?}"))
            }
        });
    }
    let acknowledged = stack.writing().finish();
    stack.assert_whole(&acknowledged);
    let ids = stack.shown(3);
    assert_eq!(
        ids.keys().collect::<Vec<_>>(),
        ["meta-1:8091", "meta-2:8091", "meta-3:8091"]
    );
}
