//! Tests of the documentation. The manual lists every route, exit code, refusal and page; its
//! citations, links and commands are right.

mod citations;
mod commands;
mod compose;
mod files;
mod links;
mod page;

use std::path::Path;

use influxdb_meta::auth::Denied;
use influxdb_meta::auth::token::{Invalid, Unreadable};
use influxdb_meta::config::exit;
use influxdb_meta::http::ROUTES;

fn page(name: &str) -> String {
    files::File::read(&format!("src/docs/{name}")).text
}

/// Whether a row of a table begins with a cell that `is` accepts.
fn has_row(page: &str, is: impl Fn(&str) -> bool) -> bool {
    page.lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .any(is)
}

#[test]
fn every_route_has_its_row() {
    let page = page("http.md");
    for route in ROUTES {
        let named = |cell: &str| {
            cell.split(['`', ' ', '?', ',']).any(|word| word == *route) && cell.contains('`')
        };
        assert!(
            has_row(&page, named),
            "{route} is in no row of src/docs/http.md"
        );
    }
}

#[test]
fn every_exit_code_has_its_row() {
    let page = page("errors.md");
    let codes = [
        exit::USAGE,
        exit::DATA,
        exit::INTERNAL,
        exit::LOCKED,
        exit::IO,
        exit::NO_CLUSTER,
        exit::NO_PERMISSION,
        exit::CONFIG,
    ];
    for code in codes {
        let named = |cell: &str| cell == code.to_string();
        assert!(
            has_row(&page, named),
            "{code} is in no row of src/docs/errors.md"
        );
    }
}

#[test]
fn every_reason_to_stay_outside_has_its_row() {
    let page = page("auth.md");
    for denied in [
        Denied::NoAdmin,
        Denied::NoUsers("…".to_owned()),
        Denied::NoCredentials,
        Denied::NoUserName,
        Denied::WrongPassword,
        Denied::NoPasswords,
        Denied::Unreadable(Unreadable::Segments),
        Denied::Unreadable(Unreadable::NoAlgorithm),
        Denied::NoUserInToken,
        Denied::NoTokens,
        Denied::Invalid(Invalid),
        Denied::UserNotFound,
        Denied::NotAdmin("…".into()),
        Denied::Busy,
    ] {
        let text = denied.to_string();
        // The two kinds of unreadable tokens are named by the beginnings of their texts.
        let text = text
            .split_once(": ")
            .map_or(text.clone(), |(kind, _)| format!("{kind}: "));
        let named =
            |line: &str| line.starts_with("| ") && line.contains(&format!("`{}", text.trim_end()));
        assert!(
            page.lines().any(named),
            "{text:?} is in no row of src/docs/auth.md"
        );
    }
}

#[test]
fn every_page_is_part_of_the_manual() {
    let index = page("README.md");
    for name in names_in(&files::root().join("src/docs"))
        .iter()
        .filter(|name| name.ends_with(".md") && *name != "README.md")
    {
        assert!(
            index.contains(&format!("]({name})")),
            "src/docs/README.md leaves {name} out"
        );
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("folder");
    entries
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}
