//! The compose files that ship, under a project name and ports of the test's own.

use std::net::TcpListener;
use std::process::Command;

use crate::docker::{Ended, Image, SOON, docker, docker_ended, fresh_name};
use crate::harness::{http, wait_for, wire};

/// A compose project at the top of the sources, so that the `.env` there counts as it does for a person.
struct Project {
    name: String,
    image: String,
    file: &'static str,
    ports: [u16; 3],
}

impl Project {
    fn new(image: &Image, file: &'static str) -> Self {
        // Held together, so that they differ; free again when compose asks for them.
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let ports = held.map(|l| l.local_addr().expect("bound").port());
        Self { name: fresh_name("compose"), image: image.0.clone(), file, ports }
    }

    fn compose_ended(&self, args: &[&str]) -> Ended {
        let [one, two, three] = self.ports.map(|p| p.to_string());
        let plugin = docker_ended(&["compose", "version"]).code == 0;
        let command: &[&str] = if plugin { &["docker", "compose"] } else { &["docker-compose"] };
        let output = Command::new("timeout")
            .arg("120")
            .args(command)
            .args(["-p", &self.name, "-f", self.file])
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("META_IMAGE", &self.image)
            .envs([("META_PORT", one), ("META_PORT_2", two), ("META_PORT_3", three)])
            .output();
        output.expect("compose runs").into()
    }

    #[track_caller]
    fn compose(&self, args: &[&str]) -> String {
        let ended = self.compose_ended(args);
        assert_eq!(ended.code, 0, "compose {args:?}: {}{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    /// Starts it and waits until every container's own health check says ready.
    #[track_caller]
    fn up(&self) {
        self.compose(&["up", "-d", "--no-build"]);
        let ids = self.compose(&["ps", "-q"]);
        wait_for("healthy containers", SOON, || {
            let states: Vec<String> = ids
                .lines()
                .map(|id| docker(&["inspect", "--format", "{{.State.Health.Status}}", id]))
                .collect();
            let all = !states.is_empty() && states.iter().all(|s| s == "healthy");
            if all { Ok(()) } else { Err(format!("{states:?}")) }
        });
    }

    #[track_caller]
    fn data(&self, port: u16) -> wire::Data {
        wait_for("the catalog", SOON, || match http::get(([127, 0, 0, 1], port).into(), "/?index=0")? {
            r if r.status == 200 => Ok(wire::data(&r.body)),
            r => Err(format!("{} {}", r.status, r.text())),
        })
    }

    #[track_caller]
    fn create_database(&self, port: u16, name: &str) {
        let answer = http::post(([127, 0, 0, 1], port).into(), "/execute", &wire::create_database(name));
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "a caller from outside cannot resolve the leader: {}", answer.text());
        wire::response(&answer.body).expect("acknowledged");
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.compose_ended(&["logs", "--no-color", "--tail", "100"]);
            eprintln!("{}{}", logs.stdout, logs.stderr);
        }
        self.compose_ended(&["down", "-v", "--timeout", "5"]);
    }
}

/// Up, down and up again: new containers, new addresses, the same cluster with its data. Any node takes a command.
#[test]
fn the_cluster_keeps_its_data_over_down_and_up() {
    let Some(image) = Image::here() else { return };
    let project = Project::new(&image, "compose/compose.yaml");
    project.up();
    for port in project.ports {
        project.create_database(port, &format!("by-{port}"));
    }
    let before = project.data(project.ports[0]);
    assert_eq!(before.meta_nodes, ["meta-1:8091", "meta-2:8091", "meta-3:8091"]);
    project.compose(&["down"]);
    project.up();
    project.create_database(project.ports[1], "after");
    let after = project.data(project.ports[1]);
    assert_eq!(after.cluster_id, before.cluster_id);
    assert_eq!(after.meta_nodes, before.meta_nodes);
    assert!(before.databases.iter().all(|name| after.databases.contains(name)), "{before:?} {after:?}");
}

#[test]
fn the_single_node_is_a_cluster_by_itself() {
    let Some(image) = Image::here() else { return };
    let project = Project::new(&image, "compose/single.yaml");
    project.up();
    project.create_database(project.ports[0], "db");
    assert_eq!(project.data(project.ports[0]).databases, ["db"]);
}
