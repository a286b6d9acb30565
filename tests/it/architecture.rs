//! Checks the borders of the folders in `src/`: which folder may name which, and which third-party
//! crate is named where. Both tables are those of `src/docs/architecture.md`.

use std::fs;
use std::path::{Path, PathBuf};

/// A row of a table: a name, and the folders that its last cell lists.
type Row = (String, Vec<String>);

struct Tables {
    /// Folder, and the folders that it may name besides itself.
    may_name: Vec<Row>,
    /// Third-party crate, and the only folders that may name it.
    only_in: Vec<Row>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tables() -> Tables {
    let page = fs::read_to_string(root().join("src/docs/architecture.md")).expect("the page");
    let tables = Tables {
        may_name: rows(&page, "| folder | owns | never contains | may name |"),
        only_in: rows(&page, "| crate | only in |"),
    };
    assert!(tables.may_name.len() > 10 && tables.only_in.len() > 5);
    tables
}

/// The rows of the table with this head: the name in backticks of the first cell, and the last
/// cell split at commas.
fn rows(page: &str, head: &str) -> Vec<Row> {
    let (_, table) = page.split_once(head).expect("the table's head");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let name = cells[0].split('`').nth(1).expect("a name in backticks");
        let names = cells[cells.len() - 1].split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty()).map(str::to_owned);
        (name.to_owned(), names.collect())
    })
    .collect()
}

#[test]
fn imports_point_downwards_only() {
    let tables = tables();
    let src = root().join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).expect("below src");
        let Some(folder) = folder_of(inside) else {
            continue;
        };
        let text = fs::read_to_string(&file).expect("readable source");
        for (number, line) in text.lines().enumerate() {
            let at = format!("src/{}:{}", inside.display(), number + 1);
            let code = line.split("//").next().unwrap_or_default();
            for name in own_folders_named(code, &tables) {
                let allowed = name == folder || lists(&tables.may_name, &folder, name);
                if folder != "bin" && !allowed {
                    wrong.push(format!("{at}: {folder} names {name}"));
                }
            }
            for (krate, folders) in &tables.only_in {
                if names_crate(code, krate) && !folders.contains(&folder) {
                    wrong.push(format!("{at}: {folder} names {krate}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "borders crossed:\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_in_the_table() {
    let tables = tables();
    for entry in fs::read_dir(root().join("src")).expect("src") {
        let entry = entry.expect("entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && name != "bin" {
            assert!(
                tables.may_name.iter().any(|(folder, _)| *folder == name),
                "src/{name} is in no row of src/docs/architecture.md"
            );
        }
    }
}

/// The lowest folder comes first: a folder names only folders above its row.
#[test]
fn the_table_is_in_order() {
    let tables = tables();
    for (row, (folder, names)) in tables.may_name.iter().enumerate() {
        for name in names {
            let above = tables.may_name[..row].iter().any(|(it, _)| it == name);
            assert!(above, "{folder} may name {name}, which stands below it");
        }
    }
}

fn lists(rows: &[Row], row: &str, name: &str) -> bool {
    let row = rows.iter().find(|(it, _)| it == row);
    row.is_some_and(|(_, names)| names.iter().any(|it| it == name))
}

fn names_crate(code: &str, krate: &str) -> bool {
    let named = code.contains(&format!("{krate}::")) || code.contains(&format!("use {krate};"));
    named && !code.contains(&format!("_{krate}::"))
}

/// The first component below `src/`, unless the file is directly in it.
fn folder_of(inside: &Path) -> Option<String> {
    let mut parts = inside.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    parts.next().map(|_| first)
}

fn own_folders_named<'a>(code: &'a str, tables: &Tables) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if tables.may_name.iter().any(|(folder, _)| folder == name) {
            names.push(name);
        }
    }
    names
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}
