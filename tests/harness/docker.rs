//! Containers, volumes and networks that remove themselves, by the `docker` command.

use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::wait_for;

/// Limit for a container to come up or to notice a change. One that takes longer has a bug, or the
/// machine has.
pub const SOON: Duration = Duration::from_secs(40);

/// Limit in seconds of a single docker command: it waits at most for a container to stop, which
/// takes at most ten seconds.
const COMMAND_LIMIT: &str = "90";

/// The image under test.
pub struct Image(pub String);

/// Exit code and output of a program.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// Runs `docker …`, whatever the result.
pub fn docker_ended(args: &[&str]) -> Ended {
    let output = Command::new("timeout")
        .arg(COMMAND_LIMIT)
        .arg("docker")
        .args(args)
        .output();
    output.expect("timeout (coreutils) and docker run").into()
}

/// Runs `docker …`, which must succeed, and returns its stdout, trimmed.
#[track_caller]
pub fn docker(args: &[&str]) -> String {
    let ended = docker_ended(args);
    assert_eq!(
        ended.code, 0,
        "docker {args:?}: {}{}",
        ended.stdout, ended.stderr
    );
    ended.stdout.trim().to_owned()
}

impl Image {
    /// Returns the image, if this machine can run it. Every test begins with this.
    pub fn here() -> Option<Self> {
        static MISSING: OnceLock<Option<String>> = OnceLock::new();
        let name = std::env::var("TEST_IMAGE").unwrap_or_else(|_| "influxdb-meta:test".to_owned());
        let missing = MISSING.get_or_init(|| {
            let missing = what_is_missing(&name);
            if let Some(missing) = &missing {
                not_run(missing);
            }
            missing
        });
        match missing {
            None => Some(Self(name)),
            Some(missing) if required() => panic!("REQUIRE_DOCKER=1, but {missing}"),
            Some(_) => None,
        }
    }

    /// Runs the image to its end, in the foreground.
    pub fn run(&self, options: &[&str], command: &[&str]) -> Ended {
        docker_ended(&[&["run", "--rm"], options, &[&self.0], command].concat())
    }
}

fn required() -> bool {
    std::env::var_os("REQUIRE_DOCKER").is_some_and(|v| v == "1")
}

fn what_is_missing(image: &str) -> Option<String> {
    let engine = Command::new("docker")
        .args(["version", "--format", "{{.Server.Version}}"])
        .output();
    if !engine.is_ok_and(|output| output.status.success()) {
        return Some("no Docker engine answers".to_owned());
    }
    let known = docker_ended(&["image", "inspect", image]).code == 0;
    (!known).then(|| format!("there is no image {image}: run `make test`, which builds it"))
}

/// Written straight to stderr: the test runner hides what a passing test prints.
fn not_run(missing: &str) {
    use std::io::Write;
    let _closed = writeln!(
        std::io::stderr(),
        "NOT RUN: the container tests ({missing})"
    );
}

/// Returns a name that no other test, run or user has.
pub fn fresh_name(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "influxdb-meta-test-{}-{}-{what}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A started container; removed with its anonymous volume when dropped.
pub struct Container {
    pub name: String,
}

impl Container {
    #[track_caller]
    pub fn start(image: &Image, what: &str, options: &[&str], command: &[&str]) -> Self {
        let container = Self {
            name: fresh_name(what),
        };
        docker(
            &[
                &["run", "-d", "--name", &container.name],
                options,
                &[&image.0],
                command,
            ]
            .concat(),
        );
        container
    }

    /// Runs a program of the image in it.
    pub fn exec(&self, command: &[&str]) -> Ended {
        docker_ended(&[&["exec", &self.name], command].concat())
    }

    #[track_caller]
    pub fn inspect(&self, format: &str) -> String {
        docker(&["inspect", "--format", format, &self.name])
    }

    /// Log of the program: stdout and stderr.
    pub fn log(&self) -> String {
        let ended = docker_ended(&["logs", "--tail", "200", &self.name]);
        ended.stdout + &ended.stderr
    }

    #[track_caller]
    pub fn wait_log(&self, text: &str) {
        wait_for(&format!("{text:?} in the log"), SOON, || {
            let log = self.log();
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    }

    /// Waits until it is ready for commands, by its own health check. A container that has ended is
    /// not waited for.
    #[track_caller]
    pub fn wait_ready(&self) {
        wait_for(&format!("readiness of {}", self.name), SOON, || {
            let ended = self.exec(&["influxd-meta", "healthcheck", "--ready"]);
            if ended.code != 0 && self.inspect("{{.State.Running}}") == "false" {
                panic!(
                    "{} ended with {}",
                    self.name,
                    self.inspect("{{.State.ExitCode}}")
                );
            }
            if ended.code == 0 {
                Ok(())
            } else {
                Err(format!("{}{}", ended.stdout, ended.stderr))
            }
        });
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.name, self.log());
        }
        docker_ended(&["rm", "-f", "-v", &self.name]);
    }
}

/// A named volume without the image's files: it belongs to root, as a new bind mount would.
pub struct RootVolume(String);

impl RootVolume {
    pub fn new() -> Self {
        let name = fresh_name("volume");
        docker(&["volume", "create", &name]);
        Self(name)
    }

    pub fn mount(&self) -> String {
        format!("{}:/var/lib/influxdb:nocopy", self.0)
    }
}

impl Drop for RootVolume {
    fn drop(&mut self) {
        docker_ended(&["volume", "rm", "-f", &self.0]);
    }
}

/// A named volume into which the image's files are copied, as compose makes it.
pub struct Volume(pub String);

impl Volume {
    pub fn new() -> Self {
        let name = fresh_name("volume");
        docker(&["volume", "create", &name]);
        Self(name)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        docker_ended(&["volume", "rm", "-f", &self.0]);
    }
}

/// A private network in which containers find each other by alias.
pub struct Network(pub String);

impl Network {
    pub fn new() -> Self {
        let name = fresh_name("net");
        docker(&["network", "create", &name]);
        Self(name)
    }

    /// A network from which nothing outside is reached.
    pub fn without_way_out() -> Self {
        let name = fresh_name("net");
        docker(&["network", "create", "--internal", &name]);
        Self(name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        docker_ended(&["network", "rm", &self.0]);
    }
}
