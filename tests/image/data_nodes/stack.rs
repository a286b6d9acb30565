//! The containers: their published addresses, the leader, their network connections, and the load
//! that goes on during faults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::MutexGuard;

use serde_json::{Value, json};

use super::lease::Lease;
use super::load::{Kept, Load};
use crate::harness::docker::{Container, Image, SOON, docker};
use crate::harness::{http, wait_for, wire};
use crate::model::Model;
use crate::nodes::turn;
use crate::project::Project;

pub const META: [&str; 3] = ["meta-1", "meta-2", "meta-3"];
pub const DATA: [&str; 2] = ["data-1", "data-2"];
const FILES: [&str; 3] = [
    "compose/compose.yaml",
    "compose/data.yaml",
    "tests/image/data_nodes/compose.yaml",
];

pub struct Stack {
    // Dropped in this order: an image must be removed after its containers.
    pub project: Project,
    model: Model,
    /// Ids of the data nodes, by address.
    pub ids: BTreeMap<String, u64>,
    /// Everything that was ever acknowledged.
    pub kept: Kept,
    pub lease: Lease,
    /// Number of names given so far.
    named: usize,
    _turn: MutexGuard<'static, ()>,
}

impl Stack {
    /// Starts everything; the data nodes are added without a command.
    #[track_caller]
    pub fn formed(image: &Image) -> Self {
        let (turn, model) = (turn(), Model::new());
        let mut project = Project::new(image, &FILES);
        project.set("DATA_IMAGE", &model.0);
        project.compose(&["up", "-d", "--no-build"]);
        let lease = Lease::default();
        let (ids, kept) = (BTreeMap::new(), Kept::default());
        let mut stack = Self {
            project,
            model,
            ids,
            kept,
            lease,
            named: 0,
            _turn: turn,
        };
        stack.wait_voters();
        stack.ids = wait_for("both data nodes", SOON, || {
            let ids = stack.shown();
            if ids.keys().eq(&["data-1:8088", "data-2:8088"]) {
                Ok(ids)
            } else {
                Err(format!("{ids:?}"))
            }
        });
        stack.assert_whole();
        stack
    }

    pub fn meta(&self, n: usize) -> SocketAddr {
        ([127, 0, 0, 1], self.project.ports[n]).into()
    }

    pub fn data(&self, n: usize) -> SocketAddr {
        ([127, 0, 0, 1], self.project.data_ports[n]).into()
    }

    /// Container of a service that runs.
    #[track_caller]
    pub fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.project.name);
        let service = format!("label=com.docker.compose.service={service}");
        let id = docker(&["ps", "-q", "--filter", &project, "--filter", &service]);
        assert!(!id.is_empty(), "{service} does not run");
        id
    }

    /// Index of the node that all three name as leader.
    #[track_caller]
    pub fn leader(&self) -> usize {
        wait_for("agreed leader", SOON, || {
            let of =
                |n| Ok::<_, String>(http::get(self.meta(n), "/status")?.json()["leader"].take());
            let mut leaders = (0..META.len()).map(of).collect::<Result<Vec<Value>, _>>()?;
            leaders.dedup();
            let named = |name: &&str| leaders == [json!(format!("{name}:8089"))];
            META.iter()
                .position(named)
                .ok_or_else(|| format!("{leaders:?}"))
        })
    }

    /// Index and container of the leader.
    #[track_caller]
    pub fn leading(&self) -> (usize, String) {
        let leader = self.leader();
        (leader, self.container(META[leader]))
    }

    pub fn network(&self, name: &str) -> String {
        format!("{}_{name}", self.project.name)
    }

    /// Starts a container that takes the address which was freed last. Nothing serves 8091 there,
    /// so that a request to it fails at once.
    #[track_caller]
    pub fn squatter(&self, network: &str) -> Container {
        let network = self.network(network);
        Container::start(
            &Image(self.model.0.clone()),
            "squatter",
            &["--network", &network],
            &[],
        )
    }

    /// Disconnects a container from these networks.
    #[track_caller]
    pub fn cut(&self, container: &str, networks: &[&str]) {
        for network in networks {
            docker(&["network", "disconnect", &self.network(network), container]);
        }
    }

    /// Connects it again.
    #[track_caller]
    pub fn mend(&self, n: usize, container: &str, networks: &[&str]) {
        for network in networks {
            docker(&[
                "network",
                "connect",
                "--alias",
                META[n],
                &self.network(network),
                container,
            ]);
        }
    }

    /// Runs `fault` while the data nodes work; then both must go on, and everything must be as it
    /// should be.
    #[track_caller]
    pub fn outlives(&mut self, fault: impl FnOnce(&mut Self, &Load)) {
        let prefix = self.name();
        let load = Load::start(&[self.data(0), self.data(1)], &prefix);
        load.wait_progress();
        fault(self, &load);
        load.wait_progress();
        for kept in load.finish() {
            self.kept.databases.extend(kept.databases);
            self.kept.groups.extend(kept.groups);
        }
        self.assert_whole();
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("db-{}", self.named)
    }

    /// Checks that these meta nodes accept commands without the others.
    #[track_caller]
    pub fn go_on(&mut self, meta: &[usize]) {
        for n in meta {
            let at = self.meta(*n);
            let name = wait_for(&format!("acknowledgement by {}", META[*n]), SOON, || {
                // Each name is used once, so that an unknown outcome promises nothing.
                let name = self.name();
                match http::post(at, "/execute", &wire::create_database(&name))? {
                    answer if answer.status == 200 => wire::response(&answer.body).map(|_| name),
                    refused => Err(refused.text()),
                }
            });
            self.kept.databases.insert(name);
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // A frozen container cannot be stopped.
        if std::thread::panicking() {
            self.project.compose_ended(&["unpause"]);
        }
    }
}

/// Runs `docker <word>` on these containers, all at once.
#[track_caller]
pub fn docker_all(word: &str, containers: &[String]) {
    let containers = containers.iter().map(String::as_str);
    docker(&[word].into_iter().chain(containers).collect::<Vec<_>>());
}
