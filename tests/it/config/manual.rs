//! The manual shows the tables of keys as they are.

use std::path::Path;

use super::{file, inputs, with_file};
use influxdb_meta::config::{self, KEYS, markdown_accepted, markdown_table, sample};

/// Returns the text between `<!-- name -->` and `<!-- /name -->`.
fn between(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).ok()?;
    let (_, rest) = text.split_once(&format!("<!-- {name} -->\n"))?;
    let (table, _) = rest.split_once(&format!("<!-- /{name} -->"))?;
    Some(table.trim().to_owned())
}

#[test]
fn tables_in_the_texts_are_those_of_the_program() {
    let advice = "put the output of `influxd-meta config -table` between the marks";
    for (file, name, table) in [
        (
            "src/docs/configuration.md",
            "config-table",
            markdown_table(),
        ),
        (
            "src/docs/configuration.md",
            "accepted-table",
            markdown_accepted(),
        ),
    ] {
        assert_eq!(
            between(file, name).as_deref(),
            Some(table.trim()),
            "{file} {name}: {advice}"
        );
    }
}

#[test]
fn the_file_of_the_image_is_the_sample() {
    let file = include_str!("../../../docker/rootfs/etc/influxdb/influxdb-meta.conf");
    let advice = "write the output of `influxd-meta config -sample` into it";
    assert!(file == sample(), "{advice}:\n{}", sample());
}

/// An operator takes `# ` away from a line of the file and changes the value.
#[test]
fn the_sample_with_every_default_set_changes_nothing() {
    let set = |line: &str| -> Option<String> {
        let commented = line.trim_start().strip_prefix("# ")?;
        let (name, _) = commented.split_once(" = ")?;
        let is_key = KEYS.iter().any(|key| key.name == name);
        is_key.then(|| commented.to_owned())
    };
    let sample = sample();
    let text = sample.lines().map(|line| set(line).unwrap_or(line.into()));
    let (_folder, path) = file(&text.collect::<Vec<String>>().join("\n"));
    let (settings, notices) = config::resolve(&with_file(&path, &[])).expect("it is valid");
    assert_eq!(notices, []);
    let (without, _) = config::resolve(&inputs(&[])).expect("it is valid");
    assert_eq!(config::toml(&settings, true), config::toml(&without, true));
}

#[test]
fn every_key_is_in_one_of_the_tables() {
    let both = markdown_table() + &markdown_accepted();
    for key in KEYS {
        assert_eq!(
            both.matches(&format!("`{}`", key.variable())).count(),
            1,
            "{key}"
        );
    }
}
