//! Commands in the code blocks of the texts: what README and manual tell an operator to type is
//! taken by the programs and the Makefile as it is.

use std::ffi::OsString;
use std::process::Command;

use influxdb_meta::config::{Effect, KEYS, args};

use super::files;

/// Variables that are no keys.
const OTHER_VARIABLES: [&str; 1] = ["INFLUXDB_META_CONFIG_PATH"];

pub(super) struct Line {
    /// File and number.
    pub(super) at: String,
    pub(super) words: Vec<String>,
}

/// Specifications: their code blocks have formats and other programs' words.
const NOT_TYPED: [&str; 3] = ["wire.md", "founding.md", "clients.md"];

/// Texts that tell their reader to type something.
pub(super) fn typed() -> impl Iterator<Item = files::File> {
    let typed = |file: &files::File| !NOT_TYPED.iter().any(|page| file.path.ends_with(page));
    files::markdown().into_iter().filter(typed)
}

/// Lines of the code blocks, without comments and what stands behind `|`. `$(…)` is a line of its
/// own.
pub(super) fn lines() -> Vec<Line> {
    let mut found = Vec::new();
    for file in typed() {
        let mut code = false;
        for (number, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                code = !code;
                continue;
            }
            if !code {
                continue;
            }
            let at = format!("{}:{}", file.path, number + 1);
            let line = line.split(" #").next().unwrap_or_default();
            let inner = line
                .split_once("$(")
                .and_then(|(_, rest)| rest.split_once(')'));
            for text in [Some(line), inner.map(|(inner, _)| inner)]
                .into_iter()
                .flatten()
            {
                found.push(Line {
                    at: at.clone(),
                    words: words(text.split(" | ").next().unwrap_or_default()),
                });
            }
        }
    }
    found
}

/// Words of a shell line; quotes hold together what is in them.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            (' ', None) => words.push(String::new()),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, _) => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The words behind a program's name, if the line runs it.
fn behind<'a>(line: &'a Line, program: &str) -> Option<&'a [String]> {
    let at = line.words.iter().position(|word| word == program)?;
    Some(&line.words[at + 1..])
}

#[test]
fn every_influxd_ctl_command_is_understood() {
    let mut seen = 0;
    for line in lines() {
        let Some(words) = behind(&line, "influxd-ctl") else {
            continue;
        };
        // `-h` at the end explains the command, once all words before it are understood.
        let ran = Command::new(env!("CARGO_BIN_EXE_influxd-ctl"))
            .args(words)
            .arg("-h")
            .output()
            .expect("influxd-ctl runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: {words:?}: {said}", line.at);
        seen += 1;
    }
    assert!(seen > 20, "only {seen}");
}

#[test]
fn every_influxd_meta_command_is_understood() {
    let mut seen = 0;
    for line in lines() {
        // `docker run … influxdb-meta` ends with the program's own words.
        let image = behind(&line, "influxdb-meta").filter(|_| line.words[0] == "docker");
        let Some(words) = behind(&line, "influxd-meta").or(image) else {
            continue;
        };
        if words.first().is_some_and(|word| word == "influxd-ctl") {
            continue;
        }
        let parsed = args::parse(words.iter().map(OsString::from));
        if let Err(usage) = parsed {
            assert_eq!(usage.exit, 0, "{}: {words:?}: {}", line.at, usage.text);
        }
        seen += 1;
    }
    assert!(seen > 4, "only {seen}");
}

#[test]
fn every_make_target_is_there() {
    let makefile = files::File::read("Makefile").text;
    for line in lines() {
        if line.words.first().is_some_and(|word| word == "make") {
            let target = line.words.iter().skip(1).find(|word| !word.contains('='));
            if let Some(target) = target {
                let there = makefile.contains(&format!("\n{target}:"));
                assert!(there, "{}: no target {target}", line.at);
            }
        }
    }
}

#[test]
fn every_variable_is_a_key() {
    let mut known: Vec<String> = OTHER_VARIABLES.map(str::to_owned).to_vec();
    for key in KEYS {
        known.push(key.variable());
        known.push(format!("{}_FILE", key.variable()));
    }
    let mut wrong = Vec::new();
    for file in files::markdown() {
        for (number, line) in file.text.lines().enumerate() {
            let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            for word in line.split(|c| !is_name(c)) {
                let variable = word.starts_with("INFLUXDB_") && word != "INFLUXDB_";
                if variable && !word.ends_with('_') && !known.iter().any(|it| it == word) {
                    wrong.push(format!("{}:{}: {word}", file.path, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "no keys:\n{}", wrong.join("\n"));
}

/// Keys that are different on each node, or that compose.yaml sets itself for the one service.
const NOT_PASSED_ON: [&str; 5] = [
    "INFLUXDB_HOSTNAME",
    "INFLUXDB_META_DIR",
    "INFLUXDB_META_BIND_ADDRESS",
    "INFLUXDB_META_HTTP_BIND_ADDRESS",
    "INFLUXDB_META_BOOTSTRAP_EXPECT",
];

#[test]
fn the_compose_file_passes_every_other_variable_on() {
    let text = files::File::read("compose/compose.yaml").text;
    for key in KEYS
        .iter()
        .filter(|key| matches!(key.effect, Effect::Works))
    {
        let variable = key.variable();
        let passed = text.contains(&format!("\n    {variable}:"));
        assert_ne!(
            passed,
            NOT_PASSED_ON.contains(&&*variable),
            "compose/compose.yaml and {variable}"
        );
    }
}
