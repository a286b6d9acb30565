//! A compose project of a test's own, run at the top of the sources, so that the `.env` there
//! applies as it does for a user.

use std::net::TcpListener;
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::docker::{Ended, Image, docker_ended, fresh_name};

pub struct Project {
    pub name: String,
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
        ];
        Self {
            name: fresh_name("compose"),
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
        static PLUGIN: OnceLock<bool> = OnceLock::new();
        let plugin = PLUGIN.get_or_init(|| docker_ended(&["compose", "version"]).code == 0);
        let command: &[&str] = if *plugin {
            &["docker", "compose"]
        } else {
            &["docker-compose"]
        };
        let output = Command::new("timeout")
            .arg("120")
            .args(command)
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
