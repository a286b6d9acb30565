//! Three containers that know only each other's names.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::harness::docker::{Container, Image, Network, SOON, Volume, docker};
use crate::harness::{http, wait_for, wire};

/// One cluster at a time: three nodes, their fsyncs and a load are enough for a small machine.
static TURN: Mutex<()> = Mutex::new(());

pub struct Cluster {
    // Dropped in this order: a network must be removed after its containers.
    pub nodes: Vec<Node>,
    pub network: Network,
    _turn: MutexGuard<'static, ()>,
}

pub struct Node {
    pub container: Container,
    /// Name by which the others know it.
    pub alias: String,
}

/// Lock to hold while a test runs nodes.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts three containers with each other's names and this cluster name.
#[track_caller]
pub fn stack(image: &Image, network: &Network, cluster_name: &str) -> Vec<Node> {
    (1..=3)
        .map(|n| Node::start(image, network, &format!("meta-{n}"), cluster_name))
        .collect()
}

impl Cluster {
    /// Starts three containers and waits until they have formed a cluster.
    #[track_caller]
    pub fn formed(image: &Image) -> Self {
        let turn = turn();
        let network = Network::new();
        let nodes = stack(image, &network, "");
        let cluster = Self {
            nodes,
            network,
            _turn: turn,
        };
        cluster.wait_ready();
        cluster
    }

    #[track_caller]
    pub fn wait_ready(&self) {
        self.nodes
            .iter()
            .for_each(|node| node.container.wait_ready());
    }

    /// Published addresses; they change whenever a container starts or is connected again.
    #[track_caller]
    pub fn http(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Node::http).collect()
    }

    /// Index in `nodes` of the node that all name as leader.
    #[track_caller]
    pub fn leader(&self) -> usize {
        wait_for("agreed leader", SOON, || {
            let mut leaders = Vec::new();
            for node in &self.nodes {
                let status = http::get(node.http(), "/status")?.json();
                leaders.push(status["leader"].as_str().unwrap_or_default().to_owned());
            }
            leaders.dedup();
            let place = |leader: &String| {
                self.nodes
                    .iter()
                    .position(|n| format!("{}:8089", n.alias) == *leader)
            };
            match leaders.as_slice() {
                [one] => place(one).ok_or_else(|| format!("leader {one:?}")),
                _ => Err(format!("{leaders:?}")),
            }
        })
    }

    /// Waits until all three are at one index with equal bodies.
    #[track_caller]
    pub fn wait_equal(&self) -> wire::Data {
        wait_for("equal replicas", SOON, || {
            let mut bodies = Vec::new();
            for at in self.http() {
                match http::get(at, "/?index=0")? {
                    r if r.status == 200 => bodies.push(r.body),
                    r => return Err(format!("{at}: {} {}", r.status, r.text())),
                }
            }
            let indexes: Vec<u64> = bodies.iter().map(|b| wire::data(b).index).collect();
            bodies.dedup();
            if bodies.len() == 1 {
                Ok(wire::data(&bodies[0]))
            } else {
                Err(format!("indexes {indexes:?}"))
            }
        })
    }

    /// Checks what an operator would check: three voters, one of them the leader, as each of the
    /// three shows it.
    #[track_caller]
    pub fn assert_shown(&self) {
        let leader = &self.nodes[self.leader()].alias;
        for node in &self.nodes {
            let shown = node.container.exec(&["influxd-ctl", "show"]);
            assert_eq!(shown.code, 0, "{shown:?}");
            for other in &self.nodes {
                let address = format!("{}:8091", other.alias);
                assert!(
                    shown.stdout.contains(&address),
                    "no {address} in {}",
                    shown.stdout
                );
            }
            let lines: Vec<&str> = shown.stdout.lines().collect();
            let of = |word: &str| {
                lines
                    .iter()
                    .find(|l| l.starts_with(word))
                    .copied()
                    .unwrap_or_default()
            };
            assert!(
                of("Leader").contains(&format!("{leader}:8089")),
                "{}",
                shown.stdout
            );
            assert_eq!(of("Peers").matches(":8089").count(), 2, "{}", shown.stdout);
        }
    }
}

impl Node {
    #[track_caller]
    fn start(image: &Image, network: &Network, alias: &str, cluster_name: &str) -> Self {
        let cluster_name = format!("INFLUXDB_META_CLUSTER_NAME={cluster_name}");
        let options = [
            ["--network", &network.0],
            ["--network-alias", alias],
            ["--hostname", alias],
            ["-p", "127.0.0.1::8091"],
            ["-e", "INFLUXDB_META_PEERS=meta-1,meta-2,meta-3"],
            ["-e", &cluster_name],
            ["--cap-drop", "ALL"],
            ["--security-opt", "no-new-privileges"],
        ];
        let options = [options.concat(), vec!["--read-only"]].concat();
        Self {
            container: Container::start(image, alias, &options, &[]),
            alias: alias.to_owned(),
        }
    }

    /// Starts a node on a volume that outlives its container, with these settings.
    #[track_caller]
    pub fn on_volume(
        image: &Image,
        network: &Network,
        alias: &str,
        volume: &Volume,
        env: &[&str],
    ) -> Self {
        let mount = format!("{}:/var/lib/influxdb", volume.0);
        let mut options = vec![
            "--network",
            &network.0,
            "--network-alias",
            alias,
            "--hostname",
            alias,
        ];
        options.extend([
            "-p",
            "127.0.0.1::8091",
            "-v",
            &mount,
            "--cap-drop",
            "ALL",
            "--read-only",
        ]);
        options.extend(env.iter().flat_map(|setting| ["-e", setting]));
        Self {
            container: Container::start(image, alias, &options, &[]),
            alias: alias.to_owned(),
        }
    }

    #[track_caller]
    pub fn http(&self) -> SocketAddr {
        docker(&["port", &self.container.name, "8091/tcp"])
            .parse()
            .expect("a published address")
    }

    #[track_caller]
    pub fn ip(&self) -> String {
        self.container
            .inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    }

    /// Disconnects it from the network.
    #[track_caller]
    pub fn disconnect(&self, network: &Network) {
        docker(&["network", "disconnect", &network.0, &self.container.name]);
    }

    #[track_caller]
    pub fn connect(&self, network: &Network) {
        docker(&[
            "network",
            "connect",
            "--alias",
            &self.alias,
            &network.0,
            &self.container.name,
        ]);
    }
}
