//! A compose project of a test's own, run at the top of the sources, by each compose that is here.

use std::net::TcpListener;
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::docker::{Ended, Image, docker_ended, fresh_name};

/// A program that reads compose files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compose {
    /// `docker-compose`, version 1.
    One,
    /// `docker compose`, version 2: a plugin.
    Two,
}

impl Compose {
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::One => &["docker-compose"],
            Self::Two => &["docker", "compose"],
        }
    }

    /// Those that are here: one at least.
    #[track_caller]
    pub fn all() -> Vec<Self> {
        static HERE: OnceLock<Vec<Compose>> = OnceLock::new();
        let here = HERE.get_or_init(|| {
            let both = [Self::One, Self::Two].into_iter();
            let (here, missing): (Vec<_>, Vec<_>) = both.partition(|compose| compose.is_here());
            for compose in missing {
                not_run(compose);
            }
            here
        });
        assert!(
            !here.is_empty(),
            "neither docker-compose nor docker compose"
        );
        here.clone()
    }

    fn is_here(self) -> bool {
        let version = match self {
            // The second version is installed under this name too.
            Self::One => Command::new("docker-compose")
                .args(["version", "--short"])
                .output()
                .ok()
                .map(Ended::from),
            Self::Two => Some(docker_ended(&["compose", "version", "--short"])),
        };
        version.is_some_and(|ended| {
            let one = ended.stdout.starts_with("1.");
            ended.code == 0 && one == (self == Self::One)
        })
    }
}

/// Written straight to stderr: the test runner hides what a passing test prints.
fn not_run(compose: Compose) {
    use std::io::Write;
    let words = compose.words().join(" ");
    let _closed = writeln!(
        std::io::stderr(),
        "NOT RUN: the compose files by `{words}` (version {compose:?}): it is not installed"
    );
}

pub struct Project {
    pub name: String,
    pub program: Compose,
    files: &'static [&'static str],
    /// Published ports of the meta nodes.
    pub ports: [u16; 3],
    /// Published ports of data nodes, if the files have any.
    pub data_ports: [u16; 2],
    /// Variables that the files use.
    env: Vec<(&'static str, String)>,
}

impl Project {
    /// Makes a project. The first file is the project; the others say what is different.
    pub fn new(image: &Image, files: &'static [&'static str]) -> Self {
        Self::by(Compose::all()[0], image, files)
    }

    pub fn by(compose: Compose, image: &Image, files: &'static [&'static str]) -> Self {
        // Held together, so that they differ; freed before compose uses them.
        let held = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [one, two, three, four, five] = held.map(|l| l.local_addr().expect("bound").port());
        let env = vec![
            ("META_IMAGE", image.0.clone()),
            ("META_PORT", one.to_string()),
            ("META_PORT_2", two.to_string()),
            ("META_PORT_3", three.to_string()),
            ("DATA_PORT", four.to_string()),
            ("DATA_PORT_2", five.to_string()),
            // Whatever the file .env says that `make up` made here.
            ("INFLUXDB_META_INTERNAL_SHARED_SECRET", String::new()),
        ];
        Self {
            name: fresh_name("compose"),
            program: compose,
            files,
            ports: [one, two, three],
            data_ports: [four, five],
            env,
        }
    }

    pub fn set(&mut self, variable: &'static str, value: &str) {
        self.env.push((variable, value.to_owned()));
    }

    pub fn compose_ended(&self, args: &[&str]) -> Ended {
        let output = Command::new("timeout")
            .arg("120")
            .args(self.program.words())
            .args(["-p", &self.name])
            .args(self.files.iter().flat_map(|file| ["-f", file]))
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .envs(self.env.iter().map(|(variable, value)| (variable, value)))
            .output();
        output.expect("compose runs").into()
    }

    #[track_caller]
    pub fn compose(&self, args: &[&str]) -> String {
        let ended = self.compose_ended(args);
        assert_eq!(
            ended.code, 0,
            "compose {args:?}: {}{}",
            ended.stdout, ended.stderr
        );
        ended.stdout
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.compose_ended(&["logs", "--no-color", "--tail", "100"]);
            eprintln!("{}{}", logs.stdout, logs.stderr);
        }
        self.compose_ended(&["--profile", "extra", "down", "-v", "--timeout", "5"]);
    }
}
