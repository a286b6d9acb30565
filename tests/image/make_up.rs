//! `make up` and `make down` with a Docker engine, by each compose.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use crate::harness::ctl::meta_nodes;
use crate::harness::docker::{Ended, Image, SOON, docker, docker_ended, fresh_name};
use crate::harness::make::Folder;
use crate::harness::{http, wait_for};
use crate::model::Model;
use crate::nodes::turn;
use crate::project::Compose;

struct Here {
    folder: Folder,
    project: String,
    compose: Compose,
    ports: [u16; 3],
}

impl Here {
    fn new(image: &Image, compose: Compose) -> Self {
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let ports = held.map(|held| held.local_addr().expect("bound").port());
        let mut folder = Folder::new("checkout", "not-used");
        let project = fresh_name("make");
        folder.name_project(&project);
        folder.set("META_IMAGE", &image.0);
        for (variable, port) in ["META_PORT", "META_PORT_2", "META_PORT_3"]
            .into_iter()
            .zip(ports)
        {
            folder.set(variable, &port.to_string());
        }
        folder.use_compose(compose.words());
        Self {
            folder,
            project,
            compose,
            ports,
        }
    }

    fn node(&self, n: usize) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[n - 1]).into()
    }

    /// Runs compose in the root, with the file named.
    fn compose(&self, args: &[&str]) -> Ended {
        let file = ["-f", "compose/compose.yaml"];
        let mut command = self.command(&[&file, args].concat());
        command.output().expect("compose runs").into()
    }

    /// Runs compose in the folder `compose`.
    fn compose_in_folder(&self, args: &[&str]) -> Ended {
        let mut command = self.command(args);
        command.current_dir(self.folder.path.join("compose"));
        command.output().expect("compose runs").into()
    }

    fn command(&self, args: &[&str]) -> Command {
        let [program, words @ ..] = self.compose.words() else {
            unreachable!("a compose has words")
        };
        let mut command = self.folder.command(program);
        command.args(words).args(args);
        command
    }

    /// Containers of the project, the same ones from both folders.
    fn containers(&self) -> Vec<String> {
        let list = ["--profile", "extra", "ps", "-a", "-q"];
        let [in_root, in_folder] =
            [self.compose(&list), self.compose_in_folder(&list)].map(|listed| {
                let mut ids: Vec<String> = listed.stdout.lines().map(str::to_owned).collect();
                ids.sort();
                ids
            });
        assert_eq!(in_root, in_folder);
        in_root
    }

    /// Runs a line that `make up` has printed, as it is but without a terminal.
    #[track_caller]
    fn hint(&self, up: &Ended, name: &str) -> Ended {
        let line = up.stdout.lines().find_map(|line| {
            let (hint, line) = line.trim().split_once("   ")?;
            (hint == name).then(|| line.trim().replace(" exec ", " exec -T "))
        });
        let line = line.unwrap_or_else(|| panic!("no hint {name:?} in {}", up.stdout));
        let line = line.split("     (").next().unwrap_or_default();
        let output = self.folder.command("sh").args(["-c", line]).output();
        output.expect("sh runs").into()
    }

    #[track_caller]
    fn wait_data_nodes(&self) {
        wait_for("both data nodes", SOON, || {
            let shown = self.exec(&["influxd-ctl", "show"]);
            match ["data-1:8088", "data-2:8088"].map(|it| shown.stdout.contains(it)) {
                [true, true] => Ok(()),
                _ => Err(format!("{shown:?}")),
            }
        });
    }

    fn exec(&self, words: &[&str]) -> Ended {
        self.compose(&[&["exec", "-T", "meta-1"], words].concat())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.compose(&["logs", "--no-color", "--tail", "50"]);
            eprintln!("{}{}", logs.stdout, logs.stderr);
        }
        self.compose(&["--profile", "extra", "down", "-v", "--timeout", "5"]);
    }
}

/// `make up` makes a secret, which plain compose uses afterwards. `make down` keeps the volume of a
/// scaled node that was given a vote, and `make up` starts that node again.
#[test]
fn a_closed_cluster_comes_up_and_down_loses_no_vote() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    for compose in Compose::all() {
        let here = Here::new(&image, compose);
        let up = here.folder.make("up", &[]);
        assert_eq!(up.code, 0, "{compose:?}: {up:?}");
        assert_eq!(here.folder.secret().len(), 64);
        let health = http::get(here.node(1), "/healthz").expect("healthz").json();
        assert_eq!(health["peer_proofs"], "required", "{health}");
        // This host is not the node's own: no ids. The tool in the container has them.
        assert_eq!(health["raft_id"], serde_json::Value::Null, "{health}");
        let shown = here.exec(&["influxd-ctl", "show", "-v", "-format", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
        for node in shown["details"].as_array().expect("three nodes") {
            assert!(node["health"]["raft_id"].is_u64(), "{node}");
        }

        let shown = here.hint(&up, "show it");
        assert!(shown.stdout.contains("meta-3:8091"), "{shown:?}");
        for name in ["stop one", "start it", "health"] {
            let ended = here.hint(&up, name);
            assert_eq!(ended.code, 0, "{name}: {ended:?}");
        }

        // Nothing has changed for plain compose. A new node of it knows the secret.
        let three = here.containers();
        let extra = here.compose_in_folder(&["--profile", "extra", "up", "-d", "--no-build"]);
        assert_eq!(extra.code, 0, "{extra:?}");
        let four = here.containers();
        assert!(three.iter().all(|id| four.contains(id)), "{extra:?}");
        let id = four.iter().find(|id| !three.contains(id)).expect("a node");
        let name = docker(&["inspect", "--format", "{{.Config.Hostname}}", id]);
        let address = format!("{name}:8091");
        wait_for("a fourth member", SOON, || {
            let shown = here.exec(&["influxd-ctl", "show"]);
            match meta_nodes(&shown.stdout).contains_key(&address) {
                true => Ok(()),
                false => Err(format!("{shown:?}")),
            }
        });
        let vote = here.exec(&["influxd-ctl", "add-meta", &address]);
        assert_eq!(vote.code, 0, "{vote:?}");

        let down = here.folder.make("down", &[]);
        assert_eq!(down.code, 0, "{down:?}");
        assert!(down.stdout.contains("meta-extra are kept"), "{down:?}");
        let again = here.folder.make("up", &[]);
        assert_eq!(again.code, 0, "{again:?}");
        wait_for("four voters", SOON, || {
            let shown = here.exec(&["influxd-ctl", "show", "-v"]);
            let ready = docker_ended(&["exec", id, "influxd-meta", "healthcheck", "--ready"]);
            let peers = http::get(here.node(1), "/peers")?.json();
            match (ready.code, peers.as_array().map(Vec::len)) {
                (0, Some(4)) => Ok(()),
                seen => Err(format!("{seen:?} {shown:?}")),
            }
        });
    }
}

/// `make up DATA=1` with the model of a data node. Both are added by the meta nodes. `make down`
/// stops them with the others, and they come back with their cluster.
#[test]
fn data_nodes_come_up_and_down_with_the_others() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    let model = Model::new();
    for compose in Compose::all() {
        let mut here = Here::new(&image, compose);
        for variable in ["DATA_PORT", "DATA_PORT_2"] {
            let held = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = held.local_addr().expect("bound").port();
            here.folder.set(variable, &port.to_string());
        }
        let nameless = here.folder.make("up", &[("DATA", "1")]);
        assert_eq!(nameless.code, 1, "{nameless:?}");
        assert!(nameless.stderr.contains("DATA_IMAGE="), "{nameless:?}");

        let with_data = [("DATA", "1"), ("DATA_IMAGE", model.0.as_str())];
        for _ in 0..2 {
            let up = here.folder.make("up", &with_data);
            assert_eq!(up.code, 0, "{compose:?}: {up:?}");
            here.wait_data_nodes();
            // As the last lines of `make up` say, without the image in the environment.
            let shown = here.hint(&up, "show it");
            assert_eq!(shown.code, 0, "{shown:?}");
            let down = here.folder.make("down", &[]);
            assert_eq!(down.code, 0, "{down:?}");
            assert!(down.stdout.contains("data-2"), "{down:?}");
            assert!(here.containers().is_empty(), "{down:?}");
        }
        let up = here.folder.make("up", &with_data);
        assert_eq!(up.code, 0, "{up:?}");
        let deleted = here.hint(&up, "delete all");
        assert_eq!(deleted.code, 0, "{deleted:?}");
        let project = format!("name={}_", here.project);
        let volumes = docker(&["volume", "ls", "-q", "--filter", &project]);
        assert_eq!(volumes, "", "{deleted:?}");
    }
}

/// A port that another program has is named at once, with its variable; nothing stays behind.
#[test]
fn a_taken_port_is_named_and_nothing_is_started() {
    let Some(image) = Image::here() else { return };
    for compose in Compose::all() {
        let here = Here::new(&image, compose);
        let _listener = TcpListener::bind(here.node(2)).expect("a free port");
        let up = here.folder.make("up", &[]);
        assert_eq!(up.code, 1, "{up:?}");
        for text in [&here.ports[1].to_string(), "META_PORT_2"] {
            assert!(up.stderr.contains(text), "no {text:?} in {up:?}");
        }
        assert!(here.containers().is_empty(), "{up:?}");
        let down = here.folder.make("down", &[]);
        assert!(down.stdout.contains("no container of this"), "{down:?}");
    }
}

/// Compose takes the containers of two folders with one project name for one project. `make` does
/// not: it names the other folder, and neither changes nor stops anything.
#[test]
fn the_containers_of_another_folder_are_left_alone() {
    let Some(image) = Image::here() else { return };
    for compose in Compose::all() {
        let (first, second) = (Here::new(&image, compose), Here::new(&image, compose));
        let name = fresh_name("make");
        first.folder.name_project(&name);
        second.folder.name_project(&name);
        let created = first.compose(&["up", "--no-start", "--no-build"]);
        assert_eq!(created.code, 0, "{created:?}");
        let before = first.containers();
        assert_eq!(before.len(), 3);

        let up = second.folder.make("up", &[]);
        assert_eq!(up.code, 1, "{up:?}");
        let other = first.folder.path.join("compose");
        let other = other.canonicalize().expect("a folder");
        for text in [&*other.to_string_lossy(), "COMPOSE_PROJECT_NAME"] {
            assert!(up.stderr.contains(text), "no {text:?} in {up:?}");
        }
        let down = second.folder.make("down", &[]);
        assert_eq!(down.code, 0, "{down:?}");
        assert!(down.stdout.contains("no container of this"), "{down:?}");
        assert_eq!(first.containers(), before);
    }
}

/// Settings of the environment reach the containers; one that cannot is refused.
#[test]
fn variables_are_passed_on() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    for compose in Compose::all() {
        let here = Here::new(&image, compose);
        let up = here
            .folder
            .make("up", &[("INFLUXDB_META_HTTPS_ENABLED", "true")]);
        assert_eq!(up.code, 1, "{up:?}");
        assert!(up.stderr.contains("HTTPS_ENABLED is set"), "{up:?}");
        let up = here
            .folder
            .make("up", &[("INFLUXDB_META_AUTH_ENABLED", "true")]);
        assert_eq!(up.code, 0, "{up:?}");
        let answer = http::get(here.node(3), "/show-cluster").expect("an answer");
        assert_eq!(answer.status, 400, "no admin yet: {}", answer.text());
    }
}
