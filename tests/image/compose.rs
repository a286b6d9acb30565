//! The compose files that ship, under a project name and ports of the test's own.

use crate::harness::ctl::meta_nodes;
use crate::harness::docker::{Image, SOON, docker, docker_ended};
use crate::harness::{http, wait_for, wire};
use crate::nodes::turn;
use crate::project::{Compose, Project};

impl Project {
    /// Starts it and waits until every container's own health check says ready. The second version
    /// of compose can wait itself.
    #[track_caller]
    fn up(&self) {
        let up = ["up", "-d", "--no-build"];
        match self.program {
            Compose::One => self.compose(&up),
            Compose::Two => self.compose(&[&up[..], &["--wait"]].concat()),
        };
        self.wait_healthy();
    }

    #[track_caller]
    fn wait_healthy(&self) {
        let ids = self.compose(&["--profile", "extra", "ps", "-q"]);
        wait_for("healthy containers", SOON, || {
            let states: Vec<String> = ids
                .lines()
                .map(|id| docker(&["inspect", "--format", "{{.State.Health.Status}}", id]))
                .collect();
            let all = !states.is_empty() && states.iter().all(|s| s == "healthy");
            if all {
                Ok(())
            } else {
                Err(format!("{states:?}"))
            }
        });
    }

    /// Runs so many join-only nodes of the profile `extra`, and returns their host names, which
    /// Docker makes up.
    #[track_caller]
    fn scale(&self, count: usize) -> Vec<String> {
        let scale = format!("meta-extra={count}");
        self.compose(&[
            "--profile",
            "extra",
            "up",
            "-d",
            "--no-build",
            "--scale",
            &scale,
        ]);
        self.wait_healthy();
        let ids = self.compose(&["--profile", "extra", "ps", "-q", "meta-extra"]);
        let names = ids
            .lines()
            .map(|id| docker(&["inspect", "--format", "{{.Config.Hostname}}", id]));
        names.collect()
    }

    /// Waits until the first node shows the three and these nodes, and three voters.
    #[track_caller]
    fn wait_shown(&self, extras: &[String]) {
        let mut expected: Vec<String> = ["meta-1", "meta-2", "meta-3"]
            .into_iter()
            .chain(extras.iter().map(String::as_str))
            .map(|name| format!("{name}:8091"))
            .collect();
        expected.sort();
        wait_for(&format!("{expected:?}"), SOON, || {
            let shown = self.compose_ended(&["exec", "-T", "meta-1", "influxd-ctl", "show"]);
            let nodes: Vec<String> = meta_nodes(&shown.stdout).into_keys().collect();
            if nodes == expected {
                Ok(())
            } else {
                Err(format!("{shown:?}"))
            }
        });
        let peers = http::get(([127, 0, 0, 1], self.ports[0]).into(), "/peers")
            .expect("peers")
            .json();
        assert_eq!(peers.as_array().map(Vec::len), Some(3), "{peers}");
    }

    #[track_caller]
    fn data(&self, port: u16) -> wire::Data {
        wait_for("the catalog", SOON, || {
            match http::get(([127, 0, 0, 1], port).into(), "/?index=0")? {
                r if r.status == 200 => Ok(wire::data(&r.body)),
                r => Err(format!("{} {}", r.status, r.text())),
            }
        })
    }

    #[track_caller]
    fn create_database(&self, port: u16, name: &str) {
        let answer = http::post(
            ([127, 0, 0, 1], port).into(),
            "/execute",
            &wire::create_database(name),
        );
        let answer = answer.expect("an answer");
        assert_eq!(
            answer.status,
            200,
            "a caller from outside cannot resolve the leader: {}",
            answer.text()
        );
        wire::response(&answer.body).expect("acknowledged");
    }
}

/// Up, down and up again: new containers, new addresses, the same cluster with its data. Any node
/// accepts a command.
#[test]
fn the_cluster_keeps_its_data_over_down_and_up() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    for compose in Compose::all() {
        keeps_its_data(&Project::by(compose, &image, &["compose/compose.yaml"]));
    }
}

#[track_caller]
fn keeps_its_data(project: &Project) {
    project.up();
    for port in project.ports {
        project.create_database(port, &format!("by-{port}"));
    }
    let before = project.data(project.ports[0]);
    assert_eq!(
        before.meta_nodes,
        ["meta-1:8091", "meta-2:8091", "meta-3:8091"]
    );
    project.compose(&["down"]);
    project.up();
    project.create_database(project.ports[1], "after");
    let after = project.data(project.ports[1]);
    assert_eq!(after.cluster_id, before.cluster_id);
    assert_eq!(after.meta_nodes, before.meta_nodes);
    assert!(
        before
            .databases
            .iter()
            .all(|name| after.databases.contains(name)),
        "{before:?} {after:?}"
    );
}

#[test]
fn the_single_node_is_a_cluster_by_itself() {
    let Some(image) = Image::here() else { return };
    for compose in Compose::all() {
        let project = Project::by(compose, &image, &["compose/single.yaml"]);
        project.up();
        project.create_database(project.ports[0], "db");
        assert_eq!(project.data(project.ports[0]).databases, ["db"]);
    }
}

/// Learners, scaled as in the README: they come and go, and the three voters are not affected.
#[test]
fn the_profile_extra_is_scaled_up_and_down() {
    let Some(image) = Image::here() else { return };
    let _turn = turn();
    for compose in Compose::all() {
        scaled_up_and_down(Project::by(compose, &image, &["compose/compose.yaml"]));
    }
}

#[track_caller]
fn scaled_up_and_down(project: Project) {
    project.up();
    let two = project.scale(2);
    assert_eq!(two.len(), 2);
    project.wait_shown(&two);
    project.create_database(project.ports[0], "with two");

    let volumes = Unnamed::of(&two);
    let one = project.scale(1);
    let gone = two
        .iter()
        .find(|name| !one.contains(name))
        .expect("one of the two")
        .clone();
    assert!(
        one.len() == 1 && two.contains(&one[0]),
        "{one:?} of {two:?}"
    );
    project.create_database(project.ports[1], "with one");
    project.wait_shown(&two);
    let details = project.compose(&["exec", "-T", "meta-1", "influxd-ctl", "show", "-v"]);
    let unreachable = details
        .lines()
        .find(|line| line.contains("unreachable"))
        .unwrap_or_default();
    assert!(unreachable.contains(&gone), "{details}");
    let (http, raft) = (format!("{gone}:8091"), format!("{gone}:8089"));
    let remove = [
        "influxd-ctl",
        "remove-meta",
        "-y",
        "-force",
        "-tcpAddr",
        &raft,
        &http,
    ];
    project.compose(&[&["exec", "-T", "meta-1"], &remove[..]].concat());
    project.wait_shown(&one);

    // Another container has another name.
    let again = project.scale(2);
    assert!(
        again.contains(&one[0]) && !again.contains(&gone),
        "{again:?} after {one:?}"
    );
    project.wait_shown(&again);
    let more = Unnamed::of(&again);
    assert!(project.scale(0).is_empty());
    project.wait_shown(&again);
    project.create_database(project.ports[2], "with none");
    let databases = project.data(project.ports[2]).databases;
    assert_eq!(databases, ["with two", "with one", "with none"]);
    drop((project, volumes, more));
}

/// Anonymous volumes, which compose leaves behind when it scales down.
struct Unnamed(Vec<String>);

impl Unnamed {
    #[track_caller]
    fn of(containers: &[String]) -> Self {
        let format = "{{range .Mounts}}{{.Name}}{{end}}";
        Self(
            containers
                .iter()
                .map(|name| docker(&["inspect", "--format", format, name]))
                .collect(),
        )
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        self.0
            .iter()
            .for_each(|volume| drop(docker_ended(&["volume", "rm", "-f", volume])));
    }
}
