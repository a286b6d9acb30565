//! Lines of the texts that run compose are understood by each compose that is installed: options,
//! files, profile and services. No Docker engine is asked. The container tests start the main ones.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::commands::{lines, typed, words};
use super::files;

/// Where compose must give up, as no engine answers there. It has understood the line by then.
const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// What the composes say then: version 2, and version 1.
const GAVE_UP: [&str; 2] = [
    "Cannot connect to the Docker daemon",
    "Error while fetching server API version",
];

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Typed {
    /// Folder in which it is typed: `compose`, or the root.
    folder: &'static str,
    /// The words behind `docker compose`.
    words: Vec<String>,
    /// File and number.
    at: String,
}

impl Typed {
    /// `None` if the line does not run compose. Where a text leaves something out, it says `…`.
    fn new(at: &str, line: &[String]) -> Option<Self> {
        let words = match line {
            [docker, compose, words @ ..] if docker == "docker" && compose == "compose" => words,
            _ => return None,
        };
        let whole = !words.is_empty() && !words.iter().any(|word| word.contains('…'));
        // The rule that the README gives.
        let in_root = words.iter().any(|word| word.starts_with("compose/"));
        whole.then(|| Self {
            folder: if in_root { "" } else { "compose" },
            words: words.to_vec(),
            at: at.to_owned(),
        })
    }

    /// The options before the command, which the words behind them end.
    fn split(&self) -> (&[String], &[String]) {
        let mut at = 0;
        while let Some(word) = self.words.get(at) {
            match word.as_str() {
                "-f" | "-p" | "--profile" => at += 2,
                word if word.starts_with('-') => at += 1,
                _ => break,
            }
        }
        self.words.split_at(at.min(self.words.len()))
    }

    /// Services that it names.
    fn services(&self) -> Vec<&str> {
        let (_, command) = self.split();
        let runs_a_program = ["exec", "run"].contains(&command[0].as_str());
        let is_service = |word: &&str| word.starts_with("meta-") || word.starts_with("data-");
        let named = command.iter().skip(1).map(String::as_str);
        let named = named.map(|word| word.split('=').next().unwrap_or_default());
        let services = named.filter(is_service);
        services
            .take(if runs_a_program { 1 } else { usize::MAX })
            .collect()
    }
}

/// Lines of code blocks, and pieces of code within sentences.
fn typed_lines() -> BTreeSet<Typed> {
    let mut found = BTreeSet::new();
    for line in lines() {
        let wrong = line
            .words
            .first()
            .is_some_and(|word| word == "docker-compose");
        assert!(!wrong, "{}: the texts say `docker compose`", line.at);
        found.extend(Typed::new(&line.at, &line.words));
    }
    for file in typed() {
        for (number, line) in file.text.lines().enumerate() {
            let at = format!("{}:{}", file.path, number + 1);
            let pieces = line.split('`').skip(1).step_by(2);
            found.extend(pieces.filter_map(|piece| Typed::new(&at, &words(piece))));
        }
    }
    found
}

/// The composes that are installed, as words.
fn installed() -> Vec<&'static [&'static str]> {
    let all: [&[&str]; 2] = [&["docker-compose"], &["docker", "compose"]];
    let (here, missing): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|compose| run(compose, "", &["version".to_owned()]).is_ok_and(|ran| ran.ok));
    let required = std::env::var_os("REQUIRE_DOCKER").is_some_and(|value| value == "1");
    assert!(!here.is_empty() || !required, "no compose is installed");
    for compose in missing {
        not_run(compose);
    }
    here
}

/// Written straight to stderr: the test runner hides what a passing test prints.
fn not_run(compose: &[&str]) {
    use std::io::Write;
    let words = compose.join(" ");
    let _closed = writeln!(
        std::io::stderr(),
        "NOT RUN: the compose lines of the texts by `{words}`: it is not installed"
    );
}

struct Ran {
    ok: bool,
    stdout: String,
    stderr: String,
}

fn run(compose: &[&str], folder: &str, words: &[String]) -> std::io::Result<Ran> {
    let mut command = Command::new(compose[0]);
    command.args(&compose[1..]).args(words);
    for (variable, _) in std::env::vars().filter(|(name, _)| name.starts_with("COMPOSE_")) {
        command.env_remove(variable);
    }
    let command = command
        .current_dir(files::root().join(folder))
        .envs([("DOCKER_HOST", NO_ENGINE), ("DATA_IMAGE", "influxdb:data")]);
    let output = command.output()?;
    Ok(Ran {
        ok: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Starting a compose takes up to a second, so nothing is asked twice.
#[test]
fn every_compose_line_is_understood_by_each_compose() {
    let mut lines: Vec<Typed> = typed_lines().into_iter().collect();
    lines.dedup_by(|one, other| (one.folder, &one.words) == (other.folder, &other.words));
    assert!(lines.len() > 12, "only {}", lines.len());
    for compose in installed() {
        let mut listed = BTreeMap::new();
        for line in &lines {
            let (options, _) = line.split();
            let services = listed
                .entry((line.folder, options))
                .or_insert_with(|| services(compose, line));
            for service in line.services() {
                let at = &line.at;
                assert!(
                    services.contains(service),
                    "{at}: {service} of {services:?}"
                );
            }
            check(compose, line);
        }
    }
}

/// Services of the files and the profile that the line names.
#[track_caller]
fn services(compose: &[&str], line: &Typed) -> BTreeSet<String> {
    let (options, _) = line.split();
    let listing = [options, &["config".to_owned(), "--services".to_owned()]].concat();
    let listed = run(compose, line.folder, &listing).expect("compose runs");
    let stderr = &listed.stderr;
    assert!(listed.ok, "{}: {compose:?} {listing:?}: {stderr}", line.at);
    listed.stdout.lines().map(str::to_owned).collect()
}

/// Checks that compose gives up only where it needs the engine.
#[track_caller]
fn check(compose: &[&str], line: &Typed) {
    let ran = run(compose, line.folder, &line.words).expect("compose runs");
    let said = ran.stdout + &ran.stderr;
    let understood = GAVE_UP.iter().any(|text| said.contains(text));
    let words = &line.words;
    assert!(understood, "{}: {compose:?} {words:?}: {said}", line.at);
}

/// In a code block, `cd compose` comes before the lines that are typed there.
#[test]
fn every_block_changes_the_folder_where_it_must() {
    for file in typed() {
        let (mut code, mut in_folder) = (false, false);
        for (number, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                (code, in_folder) = (!code, false);
            }
            in_folder |= line.trim() == "cd compose";
            let at = format!("{}:{}", file.path, number + 1);
            let line = line.split(" #").next().unwrap_or_default();
            let Some(line) = Typed::new(&at, &words(line)).filter(|_| code) else {
                continue;
            };
            assert_eq!(line.folder == "compose", in_folder, "{at}: the folder");
        }
    }
}
