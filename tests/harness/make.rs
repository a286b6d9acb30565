//! `make up` and `make down`, in a folder of the test's own: the scripts as they are, without the
//! compilation.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::docker::Ended;

/// A copy of the files that `make up` uses.
pub struct Folder {
    pub path: PathBuf,
    env: Vec<(String, String)>,
    _dir: tempfile::TempDir,
}

impl Folder {
    /// Makes a folder with this name. `program` is taken for the compiled one.
    pub fn new(name: &str, program: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["docker", "compose"] {
            fs::create_dir_all(path.join(folder)).expect("a folder");
        }
        for file in [
            "compose/compose.yaml",
            "compose/data.yaml",
            "compose/single.yaml",
            "compose/cluster.sh",
        ] {
            fs::copy(sources.join(file), path.join(file)).expect("a copy");
        }
        script(&path.join("docker/compile.sh"), &format!("echo {program}"));
        script(&path.join("docker/pack.sh"), "exit 0");
        Self {
            path,
            env: Vec::new(),
            _dir: dir,
        }
    }

    pub fn set(&mut self, variable: &str, value: &str) {
        self.env.push((variable.to_owned(), value.to_owned()));
    }

    /// Names the compose project, as a user does who has a second cluster on the machine.
    pub fn name_project(&self, name: &str) {
        let line = format!("COMPOSE_PROJECT_NAME={name}\n");
        fs::write(self.path.join("compose/.env"), line).expect("compose/.env");
    }

    /// Lets no Docker engine answer.
    pub fn without_docker(&mut self) {
        self.shim("docker", "exit 1");
    }

    /// Lets the scripts find only this compose: `docker-compose`, or `docker compose`.
    pub fn use_compose(&mut self, words: &[&str]) {
        if words == ["docker-compose"] {
            let docker = "PATH=${PATH#*:}\n[ \"$1\" != compose ] || exit 1\nexec docker \"$@\"";
            self.shim("docker", docker);
        }
    }

    /// Puts a script before the program of this name.
    fn shim(&mut self, program: &str, body: &str) {
        let shims = self.path.join("shims");
        fs::create_dir(&shims).expect("a folder");
        script(&shims.join(program), body);
        let path = std::env::var("PATH").unwrap_or_default();
        self.set("PATH", &format!("{}:{path}", shims.display()));
    }

    /// Runs `make up` or `make down`, with these variables besides those of the folder.
    pub fn make(&self, word: &str, variables: &[(&str, &str)]) -> Ended {
        let output = self
            .command("timeout")
            .args(["120", "sh", "compose/cluster.sh", word])
            .envs(variables.iter().copied())
            .output();
        output.expect("sh runs").into()
    }

    /// A command that runs in the folder with its variables, and with no others of this program.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path);
        for (variable, _) in std::env::vars() {
            if variable.starts_with("INFLUXDB_") || variable.starts_with("COMPOSE_") {
                command.env_remove(variable);
            }
        }
        command.envs(self.env.iter().map(|(variable, value)| (variable, value)));
        command
    }

    /// Secret that `make up` made; only the owner can read its file.
    #[track_caller]
    pub fn secret(&self) -> String {
        let file = self.path.join("compose/.env");
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "mode of compose/.env");
        let text = fs::read_to_string(&file).expect("a file");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("INFLUXDB_META_INTERNAL_SHARED_SECRET="));
        line.expect("a secret").to_owned()
    }
}

fn script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}
