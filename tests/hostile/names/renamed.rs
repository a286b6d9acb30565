//! Containers that are removed and made anew on their old volumes, under other names.

use std::collections::BTreeMap;

use crate::harness::ctl::meta_nodes;
use crate::harness::docker::{Container, Image, Network, SOON, Volume, docker};
use crate::harness::wait_for;

/// Containers on named volumes. Dropped in this order: volumes and networks are removed after their
/// containers.
struct Stack {
    containers: Vec<Container>,
    volumes: Vec<Volume>,
    network: Network,
    command: &'static [&'static str],
}

impl Stack {
    fn new(count: usize, command: &'static [&'static str]) -> Self {
        Self {
            containers: Vec::new(),
            volumes: (0..count).map(|_| Volume::new()).collect(),
            network: Network::new(),
            command,
        }
    }

    /// Starts a container on this volume, with this host name or with the one that Docker gives.
    fn container(&self, image: &Image, n: usize, name: Option<&str>, env: &[&str]) -> Container {
        let mount = format!("{}:/var/lib/influxdb", self.volumes[n].0);
        let mut options = vec!["--network", &self.network.0, "-v", &mount];
        if let Some(name) = name {
            options.extend(["--hostname", name, "--network-alias", name]);
        }
        options.extend(env.iter().flat_map(|setting| ["-e", setting]));
        Container::start(image, &format!("renamed-{n}"), &options, self.command)
    }

    fn add(&mut self, image: &Image, n: usize, name: Option<&str>, env: &[&str]) {
        let container = self.container(image, n, name, env);
        self.containers.push(container);
    }

    /// `docker rm -f`, then a new container on the same volume.
    fn replace(&mut self, image: &Image, n: usize, name: Option<&str>) {
        docker(&["rm", "-f", &self.containers[n].name]);
        self.containers[n] = self.container(image, n, name, &[]);
    }

    /// Name by which Docker's DNS knows this container.
    fn name(&self, n: usize) -> String {
        self.containers[n].inspect("{{.Config.Hostname}}")
    }

    /// Waits until each node shows exactly the present names of all, each with this node id.
    #[track_caller]
    fn wait_named(&self, ids: &[u64]) {
        let want: BTreeMap<String, u64> = ids
            .iter()
            .enumerate()
            .map(|(n, id)| (format!("{}:8091", self.name(n)), *id))
            .collect();
        for container in &self.containers {
            wait_for(&format!("{want:?} at {}", container.name), SOON, || {
                let shown = container.exec(&["influxd-ctl", "show"]);
                let nodes = meta_nodes(&shown.stdout);
                let seen: BTreeMap<_, _> =
                    nodes.into_iter().map(|(at, (id, _))| (at, id)).collect();
                if seen == want {
                    Ok(())
                } else {
                    Err(format!("{shown:?}"))
                }
            });
        }
    }

    /// Node ids, in the order of the containers, once all are shown.
    #[track_caller]
    fn ids(&self) -> Vec<u64> {
        wait_for("all nodes in show", SOON, || {
            let shown = self.containers[0].exec(&["influxd-ctl", "show"]);
            let nodes = meta_nodes(&shown.stdout);
            let id = |n| {
                nodes
                    .get(&format!("{}:8091", self.name(n)))
                    .map(|(id, _)| *id)
            };
            let ids: Option<Vec<u64>> = (0..self.containers.len()).map(id).collect();
            ids.ok_or(format!("{shown:?}"))
        })
    }
}

/// A container's default host name is its id, so a new container has another name.
#[test]
fn formed_manually_and_made_anew_under_other_names() {
    let Some(image) = Image::here() else { return };
    let mut stack = Stack::new(3, &[]);
    (0..3).for_each(|n| stack.add(&image, n, None, &[]));
    for n in 0..3 {
        let at = format!("{}:8091", stack.name(n));
        wait_for("added", SOON, || {
            let added = stack.containers[0].exec(&["influxd-ctl", "add-meta", &at]);
            if added.code == 0 {
                Ok(())
            } else {
                Err(format!("{added:?}"))
            }
        });
    }
    let ids = stack.ids();
    for n in 0..3 {
        stack.replace(&image, n, None);
        stack.wait_named(&ids);
    }
    stack.replace(&image, 0, Some("a-name"));
    stack.wait_named(&ids);
}

#[test]
fn founded_by_a_list_that_is_gone_and_renamed_twice() {
    let Some(image) = Image::here() else { return };
    let mut stack = Stack::new(3, &[]);
    let list = "INFLUXDB_META_PEERS=meta-1,meta-2,meta-3";
    for n in 0..3 {
        stack.add(&image, n, Some(&format!("meta-{}", n + 1)), &[list]);
    }
    let ids = stack.ids();
    for n in 0..3 {
        stack.replace(&image, n, Some(&format!("new-{n}")));
        stack.wait_named(&ids);
    }
    stack.replace(&image, 0, Some("newer-0"));
    stack.wait_named(&ids);
}

/// In a network without a way out Docker's name server gives no answer for a name that it does not
/// know.
#[test]
fn the_list_has_a_former_name_that_no_server_answers_for() {
    let Some(image) = Image::here() else { return };
    let mut stack = Stack::new(3, &[]);
    stack.network = Network::without_way_out();
    let list = "INFLUXDB_META_PEERS=meta-1,meta-2,meta-3";
    for n in 0..3 {
        stack.add(&image, n, Some(&format!("meta-{}", n + 1)), &[list]);
    }
    let ids = stack.ids();
    docker(&["rm", "-f", &stack.containers[1].name]);
    stack.containers[1] = stack.container(&image, 1, Some("meta-2b"), &[list]);
    stack.wait_named(&ids);
}

#[test]
fn a_single_server_is_renamed() {
    let Some(image) = Image::here() else { return };
    let mut stack = Stack::new(1, &["-single-server"]);
    stack.add(&image, 0, Some("first"), &[]);
    let ids = stack.ids();
    stack.replace(&image, 0, Some("second"));
    stack.wait_named(&ids);
    stack.replace(&image, 0, None);
    stack.wait_named(&ids);
    let health = stack.containers[0]
        .exec(&["influxd-ctl", "show", "-v"])
        .stdout;
    assert!(!health.contains("does not resolve here"), "{health}");
}
