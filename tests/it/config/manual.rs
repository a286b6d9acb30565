//! The manual shows the tables of keys as they are.

use std::path::Path;

use influxdb_meta::config::{KEYS, markdown_accepted, markdown_table};

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
